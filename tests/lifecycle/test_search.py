"""The search itself, on a made-up landscape: what a choice of options scores is known."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import ProjectError
from bot.lifecycle.search import FREE_TRIALS, Budget, Measure, Search, opened, trial_with
from bot.ml.trained import AfterEpoch, EpochRecord
from bot.ml.tuning.measuring import Measured, score_of
from bot.ml.tuning.space import Choice, Chosen, Numbers, Space

SPACE: Space = {
    "learning_rate": Numbers(1e-5, 1e-2, by_magnitude=True),
    "epochs": Numbers(4, 8),
    "fine_tune": Choice(("full", "top_layers")),
}
TODAY: Chosen = {"learning_rate": 2e-4, "epochs": 6, "fine_tune": "full"}


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def final_score(chosen: Chosen) -> float:
    """Best at a learning rate of 1e-3, whatever else is chosen."""
    return 1 - abs(math.log10(float(chosen["learning_rate"])) + 3) / 4


def measured(score: float) -> Measured:
    return Measured(score, score, score, 1, 60.0, (True, False, True))


def train(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
    """Rise to the final score in even steps."""
    epochs, score = int(chosen["epochs"]), final_score(chosen)
    for epoch in range(1, epochs + 1):
        reached = score * epoch / epochs
        after_epoch(EpochRecord(epoch, 1.0, 1.0, 1.0, reached, reached), epochs)
    return measured(score)


def score(record: EpochRecord) -> float:
    return score_of(record, entities=True)


def search(
    path: Path,
    measure: Measure = train,
    *,
    most: int | None = None,
    minutes: float = math.inf,
    clock: Callable[[], float] | None = None,
    today: Chosen = TODAY,
    seed: int = 42,
) -> tuple[Search, list[str]]:
    told: list[str] = []
    with opened(path, SPACE, today, seed=seed, score=score, tell=told.append) as found:
        found.run(measure, Budget(60 * minutes, clock or Clock()), most)
    return found, told


@pytest.fixture
def path(quick_folder: Path) -> Path:
    return quick_folder / "new" / "study.sqlite"


def test_todays_options_come_first_and_as_they_are(path: Path) -> None:
    odd = {**TODAY, "learning_rate": 0.000123456}
    first = search(path, most=1, today=odd)[0].trials
    assert [trial.options for trial in first] == [odd]


def test_something_better_is_found(path: Path) -> None:
    found, _ = search(path, most=18)
    best, today = found.trials[0], trial_with(found.trials, TODAY)
    assert today is not None
    assert today.number == 0
    assert best.score > 0.93 > today.score
    assert best.right == (True, False, True)
    assert [t.score for t in found.trials] == sorted((t.score for t in found.trials), reverse=True)


def test_every_choice_lies_in_the_space_and_has_two_digits(path: Path) -> None:
    seen: list[Chosen] = []

    def note(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        seen.append(chosen)
        return train(chosen, after_epoch)

    search(path, note, most=12)
    assert len(seen) == 12
    assert len({chosen["fine_tune"] for chosen in seen}) == 2
    for chosen in seen:
        rate = float(chosen["learning_rate"])
        assert 1e-5 <= rate <= 1e-2 and rate == float(f"{rate:.1e}")
        assert chosen["epochs"] in range(4, 9)


def test_the_seed_decides_what_is_tried(quick_folder: Path) -> None:
    def tried(name: str, seed: int) -> list[Chosen]:
        found, _ = search(quick_folder / name, most=3, seed=seed)
        return [trial.options for trial in found.trials]

    assert tried("a", 1) == tried("b", 1)
    assert tried("a", 1) != tried("c", 2)


def test_what_is_worse_half_way_is_stopped_but_never_todays(path: Path) -> None:
    epochs: dict[int, int] = {}
    worst = {**TODAY, "learning_rate": 1e-5}

    def count(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        number = len(epochs)
        epochs[number] = 0

        def counted(record: EpochRecord, planned: int) -> None:
            epochs[number] += 1
            after_epoch(record, planned)

        return train(chosen, counted)

    search(path, count, most=12)
    # Other options are those of today now: the worst there can be, after many better ones.
    found, told = search(path, count, most=20, today=worst)
    assert found.stopped > 0
    assert found.stopped + len(found.trials) == found.tried == 20
    assert trial_with(found.trials, worst) is not None
    assert sum("Stopped early" in sentence for sentence in told) > 0
    ended = {trial.number: trial for trial in found.trials}
    assert set(range(FREE_TRIALS)) <= set(ended)
    for number, trial in ended.items():
        assert epochs[number] == trial.options["epochs"]
    assert all(epochs[number] < 8 for number in epochs if number not in ended)


def test_a_later_call_goes_on(path: Path) -> None:
    before = search(path, most=3)[0].trials
    found, _ = search(path, most=7)
    assert found.tried == 7
    assert [trial for trial in found.trials if trial.number < 3] == before
    assert len({tuple(trial.options.values()) for trial in found.trials}) == len(found.trials)
    again, told = search(path, most=7)
    assert again.trials == found.trials
    assert told == []


def test_the_time_is_looked_at_within_a_trial(path: Path) -> None:
    clock = Clock()

    def minute_by_minute(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        def later(record: EpochRecord, planned: int) -> None:
            clock.now += 60
            after_epoch(record, planned)

        return train(chosen, later)

    found, told = search(path, minute_by_minute, minutes=8, clock=clock)  # today's takes six
    assert clock.now == 8 * 60
    assert [trial.options for trial in found.trials] == [TODAY]
    assert "begins with it" in told[-1]
    cut = told[-2].split(": ")[1]
    _, told = search(path, minute_by_minute, minutes=60, clock=clock, most=2)
    assert told[0].split(": ")[1] == cut


def test_no_trial_begins_when_the_time_is_up(path: Path) -> None:
    found, told = search(path, minutes=0)
    assert (found.tried, told) == (0, [])


def test_a_time_that_ends_with_the_last_epoch_wastes_nothing(path: Path) -> None:
    clock = Clock()

    def slow(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        def later(record: EpochRecord, planned: int) -> None:
            clock.now += 60 * (record.epoch == planned)
            after_epoch(record, planned)

        return train(chosen, later)

    assert search(path, slow, minutes=1, clock=clock)[0].tried == 1


def test_an_interruption_keeps_what_was_found(path: Path) -> None:
    numbers = iter(range(99))

    def interrupted(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        if next(numbers) == 3:
            raise KeyboardInterrupt
        return train(chosen, after_epoch)

    told: list[str] = []
    with (
        pytest.raises(KeyboardInterrupt),
        opened(path, SPACE, TODAY, seed=1, score=score, tell=told.append) as found,
    ):
        found.run(interrupted, Budget(1, Clock()))
    later, sentences = search(path, most=4)
    assert later.tried == 4
    assert [trial.number for trial in later.trials if trial.number < 3] != []
    assert sentences[0].split(": ")[1] == told[-1].split(": ")[1]  # the one that was cut


def search_until_killed(path: Path) -> None:
    numbers = iter(range(9))

    def killed(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        if next(numbers) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return train(chosen, after_epoch)

    search(path, killed, most=9)


def test_a_killed_process_keeps_what_was_found(path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=search_until_killed, args=[path])
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    found, told = search(path, most=2)
    assert found.tried == 2 and told == []
    found, told = search(path, most=3)
    assert found.tried == 3
    assert [trial.number for trial in found._in_state("FAIL")] == [2]
    assert found._in_state("RUNNING") == []


def test_an_error_ends_the_search_and_is_not_tried_again(path: Path) -> None:
    class Broken(Exception):
        pass

    asked: list[Chosen] = []

    def broken(chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        asked.append(chosen)
        if chosen != TODAY:
            raise Broken
        return train(chosen, after_epoch)

    with pytest.raises(Broken):
        search(path, broken)
    found, told = search(path, most=2)
    assert len(asked) == found.tried == len(found.trials) == 2
    assert [trial.options for trial in found.trials if trial.options in asked] == [TODAY]


def test_two_cannot_search_at_once(path: Path) -> None:
    with (
        opened(path, SPACE, TODAY, seed=1, score=score, tell=print),
        pytest.raises(ProjectError, match="Another"),
    ):
        search(path, most=1)
    assert search(path, most=1)[0].tried == 1
