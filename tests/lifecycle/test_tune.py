"""`bot tune` on a small project: real trainings of a tiny encoder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_projects import write_tiny_project

from bot.errors import BotError
from bot.lifecycle import tune as command
from bot.lifecycle.learning_data import featurizer_options
from bot.lifecycle.search import Trial
from bot.lifecycle.tune import Advice, advise, in_words, tune
from bot.ml.tuning.space import Choice, Numbers, Space, searched
from bot.types import Example

SPACE: Space = {
    "learning_rate": Choice((5e-3, 8e-3)),
    "batch_size": Numbers(8, 9),
}
TODAY = {"learning_rate": 1e-5, "batch_size": 16}


@pytest.fixture
def project(
    quick_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_encoder: Path,
    tiny_examples: Sequence[Example],
) -> Path:
    monkeypatch.chdir(quick_folder)
    write_tiny_project(quick_folder, tiny_encoder, tiny_examples)
    return quick_folder


def still() -> float:
    """Give the time of a clock that stands still."""
    return 0.0


def search(trials: int, *, apply: bool = False, minutes: float = 1.0) -> Advice:
    return tune(minutes=minutes, trials=trials, apply=apply, space=SPACE, clock=still)


opened: list[str] | None = None


def note(event: str, arguments: tuple[object, ...]) -> None:
    """Note the files that are opened and the folders that are listed."""
    if opened is not None and event in ("open", "os.listdir", "os.scandir"):
        opened.append(str(arguments[0]))


def test_the_whole_way(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Search, go on, take the best; config.yml keeps its comments, and tests/ is not opened."""
    global opened
    sys.addaudithook(note)
    opened = []
    before = (project / "config.yml").read_text("utf-8")
    first = search(1, apply=True)
    assert first.best == first.today
    assert first.today.options == searched(featurizer_options(), SPACE) == TODAY
    told = capsys.readouterr()
    assert "Nothing better" in told.out and "stays as it is" in told.out
    assert (project / "config.yml").read_text("utf-8") == before
    advice = search(3, apply=True)
    seen, opened = opened, None
    assert advice.today == first.today  # read from the file of the first call
    assert advice.best.score > advice.today.score
    assert len(advice.best.right) == 24
    assert advice.won == sum(
        a and not b for a, b in zip(advice.best.right, advice.today.right, strict=True)
    )
    assert advice.is_beyond_chance
    told = capsys.readouterr()
    assert "1, today" in told.out and "3 trials, 0 of them stopped early." in told.out
    assert "Written into config.yml." in told.out
    assert "24 are kept apart" in told.err and "results/tuning/" in told.err
    assert "Trial 2: " in told.err and "Trial 1 " not in told.err

    after = (project / "config.yml").read_text("utf-8")
    assert searched(featurizer_options(), SPACE) == advice.best.options
    kept = [line for line in before.splitlines() if line.split(":")[0].strip() not in SPACE]
    assert [line for line in after.splitlines() if line in kept] == kept
    assert "# far too slow" in after and len(after.splitlines()) == len(before.splitlines())

    assert any(Path(path).name == "nlu.yml" for path in seen)
    below = [path for path in seen if Path(path).absolute().is_relative_to(project / "tests")]
    assert below == []


class Interrupting:
    """A clock that stands still, and in whose stead Ctrl-C comes when it is asked the third time.

    The first two ask when the command and the trial begin, the third after an epoch.
    """

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        if self.asked == 3:
            raise KeyboardInterrupt
        return 0.0


def test_an_interruption_keeps_trials_and_shows_them(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search(1)
    with pytest.raises(KeyboardInterrupt):
        tune(trials=2, space=SPACE, clock=Interrupting())
    told = capsys.readouterr()
    assert "Trial 2: " in told.err
    assert told.out.count("1, today") == 2
    assert search(1).today.options == TODAY
    assert "Trial 1" not in capsys.readouterr().err


def test_a_time_too_short_for_one_training_is_said(project: Path) -> None:
    def hours() -> Callable[[], float]:
        now = iter(range(0, 10**9, 3600))
        return lambda: float(next(now))

    with pytest.raises(BotError, match="more --minutes"):
        tune(minutes=90, space=SPACE, clock=hours())
    assert (project / "config.yml").read_text("utf-8").count("epochs: 8") == 1


def test_a_config_that_changed_meanwhile_is_left(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "config.yml"
    trial = Trial(0, {**TODAY, "batch_size": 9}, 0.5, 0.5, 0.5, 1, 1.0, ())
    best = replace(trial, options={**TODAY, "batch_size": 8})
    before = path.read_bytes()
    with pytest.raises(BotError, match=r"config\.yml: .*changed while the search ran"):
        command._apply(Advice(best, trial, 20, 0, 0.001))
    assert path.read_bytes() == before


@pytest.mark.parametrize("given", [{"minutes": -1.0}, {"trials": -1}, {"seed": -1}])
def test_numbers_below_zero_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(BotError, match="from 0 on"):
        tune(**given)  # type: ignore[arg-type]


def trial(number: int, score: float, right: str) -> Trial:
    options = {**TODAY, "batch_size": 16 + number}
    return Trial(number, options, score, score, score, 1, 1.0, tuple(c == "1" for c in right))


def test_the_best_of_many_must_be_better_by_more() -> None:
    today, best = trial(0, 0.5, "0" * 6 + "11"), trial(1, 0.9, "1" * 8)
    few = advise([best, today], TODAY, tried=2)
    assert (few.won, few.lost) == (6, 0)
    assert few.p_value == pytest.approx(1 / 64)  # six coins, all the same side
    assert few.is_beyond_chance and few.changes == {"batch_size": 17}
    many = advise([best, today], TODAY, tried=5)
    assert many.p_value == pytest.approx(4 / 64)
    assert not many.is_beyond_chance
    assert advise([best, today], TODAY, tried=500).p_value == 1.0


def test_a_better_score_with_fewer_messages_right_is_no_reason() -> None:
    today, best = trial(0, 0.5, "1" * 8), trial(1, 0.9, "0" * 8)
    assert not advise([best, today], TODAY, tried=2).is_beyond_chance


def test_todays_options_are_advised_where_they_are_best() -> None:
    today, other = trial(0, 0.9, "11"), trial(1, 0.5, "10")
    advice = advise([today, other], TODAY, tried=2)
    assert (advice.best, advice.changes, advice.is_beyond_chance) == (today, {}, False)
    assert in_words(advice, 2).endswith("Stay with them.")


def test_the_words_follow_the_test() -> None:
    today, best = trial(0, 0.5, "0" * 8), trial(1, 0.9, "1" * 8)
    take = in_words(advise([best, today], TODAY, tried=2), 8)
    assert "more than chance" in take and "    batch_size: 17" in take
    stay = in_words(advise([best, today], TODAY, tried=50), 8)
    assert "Stay with today's options" in stay and "    batch_size: 17" in stay
