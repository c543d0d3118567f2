"""`bot shadow` with two real models that differ: one was taught two intents the other way round."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from projects import write_archive

from bot.errors import BotError
from bot.feedback import shadow as kept
from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.queueing import Queue
from bot.feedback.shadow import Window
from bot.feedback.store import Store
from bot.lifecycle import shadow as command
from bot.lifecycle.promote import promote
from bot.lifecycle.rank import rank
from bot.lifecycle.registry import Registry
from bot.lifecycle.shadow import shadow_candidate, since_time
from bot.ml import checkpoint
from bot.types import Example

KEY = b"the key of the tests, no secret."
COMPONENT = "components/train_bot.components.featurizer.JointFeaturizer2"
FALLBACK = "rasa.nlu.classifiers.fallback_classifier.FallbackClassifier"
SWAPPED = {"greet": "goodbye", "goodbye": "greet"}
DAY = 86_400.0
NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def swapped_tiny(tmp_path_factory: pytest.TempPathFactory, trained_tiny: Path) -> Path:
    """A model that takes a greeting for a farewell, and a farewell for a greeting."""
    folder = Path(shutil.copytree(trained_tiny, tmp_path_factory.mktemp("swapped") / "model"))
    file = folder / "model.json"
    content = json.loads(file.read_text())
    content["intents"] = [SWAPPED.get(name, name) for name in content["intents"]]
    file.write_text(json.dumps(content))
    checkpoint.write_manifest(folder)
    return folder


def archive(folder: Path, path: Path, model: str, threshold: float = 0.0) -> Path:
    """Put a model folder into an archive, with a fallback in its pipeline."""
    members = {
        f"{COMPONENT}/{file.relative_to(folder).as_posix()}": file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
    config = {"threshold": threshold, "ambiguity_threshold": 0.0}
    node = {"uses": FALLBACK, "constructor_name": "create", "fn": "process", "config": config}
    metadata = {
        "model_id": model,
        "rasa_open_source_version": "3.6.21",
        "domain": {},
        "train_schema": {"nodes": {}},
        "predict_schema": {"nodes": {"run_FallbackClassifier": node}},
    }
    return write_archive(path, {**members, "metadata.json": json.dumps(metadata).encode()})


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trained_tiny: Path,
    swapped_tiny: Path,
    tiny_examples: tuple[Example, ...],
) -> Iterator[Path]:
    """A project with a live model, a newer one that is not live, and a candidate."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOT_SIGNING_KEY", raising=False)
    labels = sorted({str(one.intent) for one in tiny_examples if one.intent})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nlu.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hello\n'
    )
    (tmp_path / "domain.yml").write_text(json.dumps({"version": "3.1", "intents": labels}))
    archive(trained_tiny, tmp_path / "models" / "old-oak.tar.gz", "0a0a")
    promote(Registry(), Path("old-oak"), force=True, why="the first")
    archive(swapped_tiny, tmp_path / "models" / "newest.tar.gz", "9999")
    archive(swapped_tiny, tmp_path / "models" / "candidates" / "tall-elm.tar.gz", "4d1f")
    yield tmp_path


@pytest.fixture
def store(project: Path) -> Iterator[Store]:
    """Six messages of six conversations, a day apart; the first is the oldest."""
    opened = Store(f"sqlite:///{project}/feedback.sqlite", KEY)
    add(opened, ["hello", "bye", "fly me to rome", "hi there", "goodbye", "hello"])
    yield opened
    opened.close()


def add(store: Store, texts: list[str]) -> None:
    with store.write() as db:
        for number, text in enumerate(texts, 1):
            who = {"id": number, "sender": f"s{number}", "n_turns": 1, "state": "{}"}
            db.execute(t.conversations.insert().values(**who))
            row: dict[str, Any] = dict.fromkeys(("actions", "replies"), "[]")
            row |= {"kind": "message", "fallback": "", "rephrase": 0, "thumbs": "{}"}
            row |= {"complete": 1, "priority": 0.0, "status": "open", "model": "0a0a"}
            place = {"conversation_id": number, "key": f"k{number}", "position": 0}
            db.execute(t.turns.insert().values(text=text, time=NOW + number * DAY, **place, **row))


def run(project: Path, candidate: str = "tall-elm", **options: Any) -> Any:
    url = f"sqlite:///{project}/feedback.sqlite"
    return shadow_candidate(Path(candidate), key=KEY, url=url, **options)


def reasons(store: Store, signal: str = "disagreement") -> dict[str, list[str]]:
    """Give the words of a signal by the message that has them."""
    with store.read() as db:
        rows = db.execute(sa.select(t.turns.c.text, t.turns.c.reasons).order_by(t.turns.c.id))
        found = {row.text: json.loads(row.reasons) for row in rows}
    return {
        text: words
        for text, why in found.items()
        if (words := [reason["words"] for reason in why if reason["signal"] == signal])
    }


def everything(store: Store) -> list[Any]:
    with store.read() as db:
        rows = list(db.execute(sa.select(t.shadow).order_by(t.shadow.c.turn_id)))
        return rows + list(db.execute(sa.select(t.turns).order_by(t.turns.c.id)))


def test_disagreements_are_counted_told_and_queued(
    project: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(project)
    assert (done.messages, done.intents, done.fallbacks) == (6, 5, 0)
    assert dict(done.changes) == {("greet", "goodbye"): 3, ("goodbye", "greet"): 2}
    told = capsys.readouterr().out
    assert "Candidate tall-elm, live model old-oak." in told
    assert "Of 6 messages 5 differ (83.3%)" in told
    assert "Verdict: undecided" in told and "bot review" in told
    words = reasons(store)
    assert words["bye"] == ["The candidate tall-elm says greet, the live model says goodbye."]
    assert "fly me to rome" not in words
    number = Queue(store).next("ana", filter="disagreement")
    assert number is not None and number == Queue(store).next("ana")  # it is on top of the queue


def test_a_second_run_changes_nothing(
    project: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(project)
    before = everything(store)
    told = capsys.readouterr().out
    again = run(project)
    assert again == first
    assert everything(store) == before
    same = capsys.readouterr().out
    assert [x for x in same.splitlines() if " ms" not in x] == [
        x for x in told.splitlines() if " ms" not in x
    ]
    assert "ms and the live model" in same  # the times are measured again


def test_other_reasons_stay_and_a_later_ranking_keeps_the_shadow(
    project: Path, store: Store
) -> None:
    with store.write() as db:
        db.execute(t.turns.update().where(t.turns.c.id == 2).values(thumb="down"))
    url = f"sqlite:///{project}/feedback.sqlite"
    rank(None, key=KEY, url=url, against=project / "models" / "newest.tar.gz")
    with store.read() as db:
        said = set(db.execute(sa.select(t.suggestions.c.model)).scalars())
    assert said == {"0a0a", "9999"}  # the live model was asked, not the newest
    before = reasons(store)
    assert before["bye"] == ["Two models disagree: goodbye and greet."]
    news, thumbs = reasons(store, "new"), reasons(store, "thumb_down")
    run(project)
    after = reasons(store)
    assert sorted(after["bye"]) == [
        "The candidate tall-elm says greet, the live model says goodbye.",
        *before["bye"],
    ]
    assert (reasons(store, "new"), reasons(store, "thumb_down")) == (news, thumbs)
    assert thumbs == {"bye": ["The answer got a thumbs down."]}
    rank(None, key=KEY, url=url, logs_only=True)
    assert reasons(store)["bye"] == [
        "The candidate tall-elm says greet, the live model says goodbye."
    ]


def test_another_candidate_takes_the_place_of_the_first(
    project: Path, store: Store, trained_tiny: Path
) -> None:
    run(project)
    path = project / "models" / "candidates" / "shy-fir.tar.gz"
    archive(trained_tiny, path, "5e5e", threshold=1.0)
    done = run(project, "shy-fir")
    assert (done.messages, done.intents, done.fallbacks) == (6, 0, 6)
    assert done.changes["greet", "asks again"] == 3
    words = reasons(store)
    assert words["hello"] == ["The candidate shy-fir asks again, the live model says greet."]
    assert "tall-elm" not in json.dumps(words)


def test_a_shadow_ends_when_another_model_is_live(
    project: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run(project)
    promote(Registry(), Path("tall-elm"), force=True, why="it is better")
    rank(None, key=KEY, url=f"sqlite:///{project}/feedback.sqlite", logs_only=True)
    assert "The shadow of tall-elm is over" in capsys.readouterr().out
    assert reasons(store) == {}
    assert kept.current(store) is None
    with pytest.raises(BotError, match="is the live model itself"):
        run(project)


def test_who_is_right_is_told_by_what_was_not_trained_on(
    project: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions = Decisions(store)
    for number, label in ((1, "greet"), (2, "greet"), (4, "greet"), (5, "goodbye"), (6, "greet")):
        decisions.submit("ana", number, label)
    decisions.discard("ana", 3)
    folder = project / "data" / "feedback"
    folder.mkdir()
    origin = {"file": "nlu.yml", "sender": "s2", "turn": "k2", "text": "bye", "label": "greet"}
    (folder / "provenance.jsonl").write_text(json.dumps(origin) + "\n")
    done = run(project)
    assert (done.reviewed, done.taught) == (4, 1)
    assert (done.candidate_right, done.live_right) == (0, 4)
    told = capsys.readouterr().out
    assert (
        "of 4 reviewed messages the candidate alone is right on 0, the live model alone on 4"
        in (told)
    )
    assert "which chance explains (p = 0.12)" in told
    assert "1 reviewed message of conversations that are trained on" in told
    assert "0 messages on which they differ wait in the queue." in told


def test_an_interrupted_shadow_goes_on(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_ROWS", 2)
    keep = kept.keep
    calls: list[Any] = []

    def interrupted(*arguments: Any) -> None:
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(arguments)
        keep(*arguments)

    monkeypatch.setattr(kept, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(project)
    monkeypatch.setattr(kept, "keep", keep)
    assert kept.unread(store, Window()) == [4, 3, 2, 1]  # the newest came first
    assert run(project).messages == 6


def test_only_a_part_of_the_log_is_compared(
    project: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    day = since_time("2026-09-24", NOW)
    assert run(project, since="2026-09-24").messages == sum(
        NOW + number * DAY >= day for number in range(1, 7)
    )
    assert run(project, limit=2).messages == 2
    assert sorted(kept.unread(store, Window())) == [1, 2]
    assert run(project, since="99999", limit=9).messages == 6


def test_since_is_a_number_of_days_or_a_date() -> None:
    assert since_time(None, NOW) == 0.0
    assert since_time("2", NOW) == NOW - 2 * DAY
    assert since_time("1970-01-03", NOW) == 2 * DAY
    for wrong in ("yesterday", "-3", "2026-13-01", "", "²"):
        with pytest.raises(BotError, match="neither a number of days nor a date"):
            since_time(wrong, NOW)


def test_mistakes_are_sentences(project: Path, store: Store) -> None:
    with pytest.raises(BotError, match="no model 'nobody'"):
        run(project, "nobody")
    with pytest.raises(BotError, match="--limit is 0"):
        run(project, limit=0)
    with pytest.raises(BotError, match="bot ingest"):
        run(project, since="2090-01-01")
    shutil.copy(project / "models" / "newest.tar.gz", project / "models" / "old-oak.tar.gz")
    with pytest.raises(BotError, match="not the one that its card was written for"):
        run(project)
