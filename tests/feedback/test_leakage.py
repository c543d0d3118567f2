"""What tests and what is trained on stay apart, whichever comes first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exporting as x
import pytest

from bot.feedback.leakage import Guard, Place
from bot.feedback.similar import NearIndex
from bot.feedback.store import Store

LONG = "can you tell me what is left on the card of my wife"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return x.write_project(tmp_path / "project")


def trained_near_held_out(root: Path) -> list[tuple[str, str]]:
    """Compare every pair with no index in between."""
    held_out: NearIndex[str] = NearIndex(0.9)
    for texts in x.examples(root, "tests/held_out").values():
        for text in texts:
            held_out.add(text, text)
    every = [text for folder in ("data/feedback", "data/nlu") for text in all_texts(root, folder)]
    return [(text, near.value) for text in every for near in held_out.find(text)]


def all_texts(root: Path, folder: str) -> list[str]:
    return [text for texts in x.examples(root, folder).values() for text in texts]


def test_a_message_near_a_held_out_one_is_not_trained_on(
    root: Path, store: Store, read_in: Any, tmp_path: Path, capsys: Any
) -> None:
    (ann,), (bob,) = x.senders(False, 1, store), x.senders(True, 1, store)
    near = LONG.replace("tell", "teel") + "?"
    said = [(bob, LONG), (ann, near), (ann, LONG), (ann, "something else altogether please")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    for _, text in said[:2] + said[3:]:
        x.accept(store, text, "balance")
    x.accept(store, LONG, "balance")  # the first turn with that text is his
    with store.read() as db:
        (hers,) = db.exec_driver_sql("SELECT max(id) FROM turns WHERE text = ?", (LONG,)).one()
    from bot.feedback.annotations import Decisions

    Decisions(store, overlap=0.0).submit("ana", hers, "balance", [])
    x.run(root, store)
    assert x.examples(root) == {"balance": {said[3][1]}}
    assert x.examples(root, "tests/held_out") == {"balance": {LONG}}
    assert x.quarantined(root) == {near: "held_out", LONG: "held_out"}
    told = capsys.readouterr().out
    assert "2 are nearly a message that is held out for tests" in told and LONG in told
    assert x.run(root, store)


def test_masked_messages_are_compared_as_they_were_reviewed(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    (ann,), (bob,) = x.senders(False, 1, store), x.senders(True, 1, store)
    said = [(bob, "mail it to bob@home.org"), (ann, "mail it to ann.smith@web.net")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    with store.read() as db:
        turns = [row[0] for row in db.exec_driver_sql("SELECT id FROM turns")]
    from bot.feedback.annotations import Decisions

    for turn in turns:
        Decisions(store, overlap=0.0).submit("ana", turn, "balance", [])
    x.run(root, store)
    assert x.examples(root) == {} and len(all_texts(root, "tests/held_out")) == 1
    assert set(x.quarantined(root).values()) == {"held_out"}


def test_a_message_near_the_tests_of_the_assistant_is_not_trained_on(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    stories = root / "tests/stories/test_one.yml"
    stories.parent.mkdir(parents=True)
    stories.write_text(
        "stories:\n- story: one\n  steps:\n"
        "  - user: |\n      kindly settle [12 pounds](amount) for me\n    intent: transfer\n"
        "  - action: utter_greet\n  - user: yes\n    intent: greet\n",
        "utf-8",
    )
    (ann,) = x.senders(False, 1, store)
    said = [
        "Tell me the state of my finances, please!",
        "kindly settle 99 pounds for me",
        "yes",
        "this one is fine",
    ]
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, text) for text in said])
    for text in said:
        x.accept(store, text, "greet" if text == "yes" else "balance")
    x.run(root, store)
    assert x.examples(root) == {"balance": {said[3]}, "greet": {"yes"}}
    assert x.quarantined(root) == {said[0]: "held_out", said[1]: "held_out"}


def test_what_is_trained_on_does_not_become_a_test(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    (ann,), (bob,) = x.senders(False, 1, store), x.senders(True, 1, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, LONG)])
    x.accept(store, LONG, "balance")
    x.run(root, store)
    near, written = LONG + "!!", "How much have I got left?"
    said = [(bob, near), (bob, written), (bob, "this is nowhere to be found")]
    x.talk(store, read_in, tmp_path / "log2.jsonl", said)
    for _, text in said:
        x.accept(store, text, "balance")
    x.run(root, store)
    assert x.examples(root, "tests/held_out") == {"balance": {said[2][1]}}
    assert x.examples(root) == {"balance": {LONG}}
    assert x.quarantined(root) == {near: "trained", written: "trained"}
    assert not trained_near_held_out(root)


def test_a_held_out_message_that_somebody_writes_into_the_data_is_told(
    root: Path, store: Store, read_in: Any, tmp_path: Path, capsys: Any
) -> None:
    (bob,) = x.senders(True, 1, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(bob, LONG)])
    x.accept(store, LONG, "balance")
    x.run(root, store)
    path = root / "data/nlu/nlu.yml"
    path.write_text(x.NLU.replace("how much have i got left", LONG.upper()), "utf-8")
    assert x.run(root, store)  # it stays a test: the copy in the data is the mistake
    told = capsys.readouterr().out
    assert "Held out, and trained on all the same: data/nlu/nlu.yml:13" in told
    assert x.examples(root, "tests/held_out") == {"balance": {LONG}}
    assert trained_near_held_out(root)


def test_a_contradiction_is_not_trained_on(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    ann, joe = x.senders(False, 2, store)
    said = [
        (ann, "it is all too much"),
        (joe, "It is all too much!"),
        (ann, "what does my account say?"),
        (ann, "when do you open in the morning"),
        (ann, "move 50 pounds to Sam"),
    ]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    for (_, text), label in zip(
        said, ("balance", "greet", "transfer", "faq/hours", "transfer"), strict=True
    ):
        x.accept(store, text, label)
    x.run(root, store)
    assert x.examples(root) == {}
    texts = [text for _, text in said]
    # the fourth is in the data with the same label; the last one there has entities
    assert x.quarantined(root) == {text: "conflict" for text in (*texts[:3], texts[4])}


def test_the_guard_names_the_nearest_of_several_forms() -> None:
    guard = Guard()
    guard.add("pay [NAME_1] now please", Place("a.yml", 3))
    assert guard.near("pay Ana now please", "pay [NAME_7] now please") is not None
    assert guard.near("pay Ana now please", "") is None
    assert str(Place("a.yml", 3)) == "a.yml:3" and str(Place("a.yml")) == "a.yml"
