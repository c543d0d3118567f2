"""Corrected conversations become stories, and test stories that Rasa takes for such."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import exporting as x
import pytest
import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.store import Store

SAID = ["send 20 quid to my sister please", "the joint one is fine with me", "call 07700 900123"]
STEPS: list[dict[str, Any]] = [
    {
        "intent": "transfer",
        "text": SAID[0],
        "entities": [
            {"start": 5, "end": 12, "entity": "amount", "value": "20 quid"},
            {"start": 16, "end": 25, "entity": "city", "role": "to", "value": "sis"},
        ],
        "turn": 1,
    },
    {"action": "transfer_form"},
    {"active_loop": "transfer_form"},
    {"slot_was_set": {"account": "joint"}},
    {"active_loop": None},
    {"action": "utter_greet"},
    {"intent": "faq/hours", "text": "call [PHONE_1]", "entities": [], "turn": 3},
    {"action": "utter_faq"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return x.write_project(tmp_path / "project")


def correct(
    store: Store, sender: str, kind: str, steps: list[dict[str, Any]], name: str = "as it should be"
) -> None:
    with store.write() as db:
        own = t.conversations.c.sender == store.pseudonym(sender)
        turns = t.turns.join(t.conversations)
        wanted = sa.select(t.turns.c.id, t.turns.c.conversation_id).select_from(turns).where(own)
        ids = db.execute(wanted.order_by(t.turns.c.position)).all()
        row = {
            "conversation_id": ids[0][1],
            "reviewer": "ana",
            "kind": kind,
            "name": name,
            "first_turn_id": ids[0][0],
            "last_turn_id": ids[-1][0],
            "steps": json.dumps(steps),
            "status": "submitted",
            "created_at": 1.0,
            "updated_at": 1.0,
        }
        db.execute(t.corrections.insert().values(**row))


def read_stories(root: Path, name: str) -> dict[str, Any]:
    """Read stories with Rasa's own reader and domain: name to events."""
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # slots without mappings: Rasa tells of each domain
        domain = Domain.load(str(root / "domain.yml"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", UserWarning)  # how Rasa tells of stories that it doubts
        steps = YAMLStoryReader(domain).read_from_file(str(root / name))
    return {step.block_name: step.events for step in steps}


def test_a_story_is_trained_on_without_what_was_said(
    root: Path, any_store: Store, read_in: Any, tmp_path: Path
) -> None:
    people = x.senders(False, 3, any_store)
    for number, who in enumerate(people):
        path = tmp_path / f"log{number}.jsonl"
        x.talk(any_store, read_in, path, [(who, text) for text in SAID])
    correct(any_store, people[0], "story", STEPS)
    correct(any_store, people[1], "story", STEPS[:2] + STEPS[5:6])
    correct(any_store, people[2], "story", STEPS)  # the same again
    assert not x.run(root, any_store)
    stories = read_stories(root, "data/feedback/stories.yml")
    assert set(stories) == {"as it should be", "as it should be (2)"}
    long = max(stories.values(), key=len)
    said, form, loop, slot, end, *_, question, answer = long
    assert said.intent["name"] == "transfer" and said.text is None
    assert said.entities[1] == {"entity": "city", "role": "to", "value": "sis"}
    assert (form.action_name, loop.name, end.name) == ("transfer_form", "transfer_form", None)
    assert (slot.key, slot.value) == ("account", "joint")
    assert question.intent["name"] == "faq" and answer.action_name == "utter_faq"
    text = (root / "data/feedback/stories.yml").read_text("utf-8")
    assert "my sister" not in text and "PHONE" not in text
    assert len(x.origins(root)) == 3
    assert x.run(root, any_store)


def test_a_test_story_holds_what_was_said_and_its_conversation_is_held_out(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    (ann,) = x.senders(False, 1, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, text) for text in SAID])
    correct(store, ann, "test_story", STEPS)
    x.accept(store, SAID[0], "transfer")
    x.run(root, store)
    from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader

    path = root / "tests/held_out/test_stories.yml"
    assert YAMLStoryReader.is_test_stories_file(path)
    (events,) = read_stories(root, "tests/held_out/test_stories.yml").values()
    assert events[0].text == SAID[0] and events[0].entities[1]["value"] == "sis"
    assert events[-2].text.startswith("call 07700 900") and "123" not in events[-2].text[-3:]
    assert x.examples(root) == {} and x.examples(root, "tests/held_out") == {"transfer": {SAID[0]}}
    assert x.run(root, store)


def test_a_story_on_the_wrong_side_of_the_split_is_told(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    (ann,), (bob,) = x.senders(False, 1, store), x.senders(True, 1, store)
    said = [(who, f"{text} from {who}") for who in (ann, bob) for text in SAID]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    x.accept(store, said[0][1], "transfer")
    x.run(root, store)
    correct(store, ann, "test_story", STEPS, "hers")
    correct(store, bob, "story", STEPS, "his")
    assert x.run(root, store)
    assert x.quarantined(root) == {"hers": "side", "his": "side"}


def test_steps_that_the_domain_does_not_know_are_told(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    people = x.senders(False, 6, store)
    x.talk(store, read_in, tmp_path / "log.jsonl", [(who, SAID[0]) for who in people])
    wrong = [
        [{"intent": "gone"}, {"action": "utter_greet"}],
        [{"intent": "greet"}, {"action": "utter_gone"}],
        [{"intent": "greet"}, {"action": "utter_greet"}, {"active_loop": "gone_form"}],
        [{"intent": "greet"}, {"action": "utter_greet"}, {"slot_was_set": {"gone": 1}}],
        [{"intent": "greet", "entities": [{"entity": "gone"}]}, {"action": "utter_greet"}],
        [{"intent": "greet"}],
    ]
    for number, (who, steps) in enumerate(zip(people, wrong, strict=True)):
        correct(store, who, "story", steps, f"story {number}")
    x.run(root, store)
    assert x.quarantined(root) == {f"story {number}": "unknown_step" for number in range(6)}


def test_the_words_of_a_test_story_are_not_trained_on(
    root: Path, store: Store, read_in: Any, tmp_path: Path
) -> None:
    ann, cat = x.senders(False, 2, store)
    said = [(ann, SAID[0]), (cat, SAID[0] + "!"), (cat, "yes")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    steps = [*STEPS[:2], {"intent": "greet", "text": "yes", "entities": []}, STEPS[5]]
    correct(store, ann, "test_story", steps)
    x.accept(store, said[1][1], "transfer")
    x.accept(store, "yes", "greet")
    x.run(root, store)
    assert x.quarantined(root) == {said[1][1]: "held_out"}
    assert x.examples(root) == {"greet": {"yes"}}
