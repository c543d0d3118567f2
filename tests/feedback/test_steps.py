"""Whole conversations: kept from Rasa's events, told as story steps, corrected and checked."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from chatlog import (
    START,
    action,
    bot,
    exchange,
    fallback,
    line_of,
    listen,
    rating,
    session,
    thumb,
    user,
    write_rows,
)
from chatlog import store_at as tracker_store
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from stores import dump

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback import transcripts
from bot.feedback.deciding import Conflict, Gone
from bot.feedback.project import Project
from bot.feedback.steps import (
    conversation,
    conversations,
    discard_correction,
    save_correction,
    steps,
)
from bot.feedback.store import Store
from bot.feedback.story_checks import MOST, simple_rules
from bot.feedback.values import slot_value

DOMAIN = """
version: "3.1"
intents: [greet, transfer_money, inform, check_balance, affirm, faq]
entities: [amount, payee]
slots:
  amount: {type: text, influence_conversation: true, mappings: [{type: custom}]}
  payee: {type: any, mappings: [{type: custom}]}
  urgent: {type: bool, mappings: [{type: custom}]}
  account: {type: categorical, values: [current, savings], mappings: [{type: custom}]}
  hidden: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
actions: [action_balance, action_send]
responses:
  utter_greet: [{text: Hello}]
  utter_faq/hours: [{text: Always}]
forms:
  transfer_form: {required_slots: [amount]}
"""
RULES = """
rules:
- rule: say hello
  steps: [{intent: greet}, {action: utter_greet}]
- rule: the balance in a form
  condition: [{active_loop: transfer_form}]
  steps: [{intent: check_balance}, {action: action_send}]
- rule: one of two
  steps: [{intent: affirm}, {action: action_send}]
- rule: two of two
  steps: [{intent: affirm}, {action: action_balance}]
- rule: questions
  steps: [{intent: faq}, {action: utter_greet}]
"""
CATEGORIES = {"account": ("current", "savings")}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    (root / "data/rules.yml").write_text(RULES, encoding="utf-8")
    return Project.load(root)


def slot(name: str, value: Any, time: float) -> SlotSet:
    return SlotSet(name, value, START + time)


def loop(name: str | None, time: float) -> ActiveLoop:
    return ActiveLoop(name, START + time)


def transfer() -> list[Any]:
    """A form as Rasa logs it: begun, asked about the balance in the middle, gone on, done."""
    return [
        *session(0),
        slot("payee", "Priya Nair", 0.5),
        user("I want to send money", 1, intent="transfer_money"),
        slot("urgent", False, 1.1),
        action("transfer_form", 1.2),
        loop("transfer_form", 1.3),
        slot("requested_slot", "amount", 1.4),
        bot("How much?", 1.5),
        listen(1.6),
        user("how much do I have", 2, intent="check_balance"),
        action("action_balance", 2.1),
        bot("£50", 2.2),
        action("transfer_form", 2.3),
        slot("requested_slot", "amount", 2.4),
        listen(2.5),
        user("fifty pounds to Priya", 3, intent="inform", entities=[{"entity": "amount"}]),
        slot("urgent", True, 3.1),
        action("transfer_form", 3.2),
        slot("amount", "£5", 3.3),
        slot("amount", "£50", 3.35),
        slot("payee", "Priya Nair", 3.4),
        slot("hidden", True, 3.45),
        slot("account", "Savings", 3.5),
        slot("requested_slot", None, 3.6),
        loop(None, 3.7),
        action("action_send", 3.8),
        bot("Sent.", 3.9),
        listen(4),
        *exchange("thanks", 5, intent="greet"),
    ]


EXPECTED: list[dict[str, Any]] = [
    {"intent": "transfer_money"},
    {"slot_was_set": {"urgent": False}},
    {"action": "transfer_form"},
    {"active_loop": "transfer_form"},
    {"intent": "check_balance"},
    {"action": "action_balance"},
    {"action": "transfer_form"},
    {"slot_was_set": {"urgent": True}},
    {"slot_was_set": {"amount": True}},
    {"slot_was_set": {"account": "savings"}},
    {"active_loop": None},
    {"action": "action_send"},
]


@pytest.fixture
def logged(tmp_path: Path, read_in: Any) -> Callable[..., Store]:
    """Write events to a tracker store as Rasa has it, and ingest them."""

    def run(store: Store, *talks: list[Any], categories: Any = None) -> Store:
        path = tmp_path / "trackers.sqlite"
        tracker_store(path).engine.dispose()
        for number, events in enumerate(talks):
            write_rows(path, ((f"sender-{number}", event) for event in events))
        read_in(store, path, categories=categories)
        return store

    return run


def ids(store: Store, talk: int = 1) -> list[int]:
    """The numbers of the turns of a conversation, in order."""
    wanted = sa.select(t.turns.c.id).where(t.turns.c.conversation_id == talk)
    with store.read() as db:
        return list(db.execute(wanted.order_by(t.turns.c.position)).scalars())


def bare(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"intent": step["intent"]} if "intent" in step else step for step in told]


def test_a_form_is_told_as_rasa_writes_it(any_store: Store, logged: Any, project: Project) -> None:
    store = logged(any_store, transfer(), categories=CATEGORIES)
    turns = ids(store)
    told = steps(store, project, 1, turns[0], turns[2])
    assert bare(told) == EXPECTED
    assert told[0]["text"] == "I want to send money"
    assert told[0]["turn"] == turns[0]
    # From the middle: the form is known to be active, so that what fills it is left out.
    assert bare(steps(store, project, 1, turns[2], turns[2])) == EXPECTED[7:]
    assert bare(steps(store, project, 1, turns[1], turns[1])) == EXPECTED[4:7]
    assert bare(steps(store, project, 1, turns[3], turns[3]))[0] == {"intent": "greet"}


# Rasa warns of it whenever a domain has slots.
@pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning")
def test_rasa_reads_the_steps_as_what_happened(
    store: Store, logged: Any, project: Project, tmp_path: Path
) -> None:
    """What Rasa makes of the steps is its own log without what filled the form."""
    logged(store, transfer(), categories=CATEGORIES)
    turns = ids(store)
    told = [
        {"intent": step["intent"]} if "intent" in step else
        {"slot_was_set": [step["slot_was_set"]]} if "slot_was_set" in step else step
        for step in steps(store, project, 1, turns[0], turns[2])
    ]  # fmt: skip
    path = tmp_path / "stories.yml"
    path.write_text(yaml.safe_dump({"stories": [{"story": "as it went", "steps": told}]}))
    domain = Domain.from_yaml(DOMAIN)
    (story,) = YAMLStoryReader(domain).read_from_file(path)
    read = [
        event.intent_name if isinstance(event, UserUttered) else event.as_story_string()
        for event in story.events
        if isinstance(event, (UserUttered, ActionExecuted, ActiveLoop))
    ]
    assert read == [
        "transfer_money",
        "transfer_form",
        'active_loop{"name": "transfer_form"}',
        "check_balance",
        "action_balance",
        "transfer_form",
        'active_loop{"name": null}',
        "action_send",
    ]
    # Each slot that a policy sees gives the features that the value in the log gives.
    values = {e.key: e.value for e in story.events if isinstance(e, SlotSet)}
    logged_values = {"urgent": True, "amount": "£50", "account": "savings"}
    assert values.keys() == logged_values.keys()
    for slot_ in domain.slots:
        if slot_.name in values:
            slot_.value = values[slot_.name]
            told_features = slot_.as_feature()
            slot_.value = logged_values[slot_.name]
            assert slot_.as_feature() == told_features


def test_no_text_of_a_slot_is_kept(store: Store, logged: Any, project: Project) -> None:
    logged(store, transfer(), categories=CATEGORIES)
    with store.read() as db:
        kept = " ".join(db.execute(sa.select(t.turns.c.actions)).scalars())
    assert "Priya" not in kept and "£5" not in kept
    assert '"slot": "amount", "set": true' in kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, {"value": None}),
        (True, {"value": True}),
        (False, {"value": False}),
        (12.5, {"value": 12.5}),
        (999_999, {"value": 999_999}),
        (12_345_678, {"set": True}),
        (-12_345_678.0, {"set": True}),
        (float("inf"), {"set": True}),
        (10**400, {"set": True}),
        ("SAVINGS", {"value": "savings"}),
        ("Ana", {"set": True}),
        (["Ana"], {"set": True}),
        ({"name": "Ana"}, {"set": True}),
    ],
)
def test_what_is_kept_of_a_slot(value: Any, kept: dict[str, Any]) -> None:
    assert slot_value("account", value, CATEGORIES["account"]) == kept


def test_the_requested_slot_is_a_name() -> None:
    assert slot_value("requested_slot", "amount", ()) == {"value": "amount"}
    assert slot_value("requested_slot", "Ana Silva", ()) == {"set": True}
    assert slot_value("other", "amount", ()) == {"set": True}


@pytest.mark.parametrize("seed", range(4))
def test_forms_are_kept_once_however_they_come(
    seed: int, tmp_path: Path, read_in: Any, store: Store
) -> None:
    """Cut anywhere, repeated, and with late saves: the outcome is that of one straight read."""
    chance, lines = random.Random(seed), [line_of("me", event) for event in transfer()]
    whole, log = tmp_path / "whole.log", tmp_path / "pieces.log"
    whole.write_text("".join(lines), encoding="utf-8")
    read_in(store, whole, categories=CATEGORIES)
    other = Store(f"sqlite:///{tmp_path}/other.sqlite", store._key)
    shown: list[str] = []
    while len(shown) < len(lines):
        shown = lines[: len(shown) + chance.randrange(1, 8)]
        again = chance.sample(shown, len(shown) // 3)
        with log.open("a", encoding="utf-8") as file:
            file.writelines([*again, *shown[-7:]])
        read_in(other, log, categories=CATEGORIES)
    read_in(other, whole, categories=CATEGORIES)
    assert dump(other) == dump(store)
    other.close()


def asked_back() -> list[Any]:
    """Two-stage fallbacks as Rasa logs them: one ends with other words, one with a tap."""
    asks = "action_two_stage_fallback"
    said = {"intent": "greet", "confidence": 1.0}
    return [
        *session(0),
        fallback("blimey", 1, id="m-1"),
        action(asks, 1.1),
        loop(asks, 1.2),
        bot("Did you mean one of these?", 1.3),
        listen(1.4),
        user("hello there", 2, id="m-2", intent="greet"),
        action(asks, 2.1),
        loop(None, 2.2),
        user("hello there", 2.3, id="m-2", **said),
        action("utter_greet", 2.4),
        bot("Hello", 2.5),
        listen(2.6),
        fallback("blimey again", 3, id="m-3"),
        action(asks, 3.1),
        loop(asks, 3.2),
        listen(3.3),
        user("/greet", 4, id="m-4", **said),
        action(asks, 4.1),
        loop(None, 4.2),
        listen(4.3),
        user("/greet", 4.4, id="m-4", **said),
        action("utter_greet", 4.5),
        bot("Hello", 4.6),
        listen(4.7),
    ]


def test_after_a_fallback_what_was_said_in_other_words_is_answered(
    any_store: Store, logged: Any, project: Project
) -> None:
    store = logged(any_store, asked_back())
    one, two, three, _, five = ids(store)
    asks = "action_two_stage_fallback"
    answer = [{"intent": "greet"}, {"action": "utter_greet"}]
    assert bare(steps(store, project, 1, one, two))[1:] == [
        {"action": asks},
        {"active_loop": asks},
        {"active_loop": None},
        *answer,
    ]
    told = steps(store, project, 1, two, two)
    assert (bare(told), told[0]["text"]) == (answer, "hello there")
    assert bare(steps(store, project, 1, three, five))[-3:] == [{"active_loop": None}, *answer]
    assert bare(steps(store, project, 1, five, five)) == answer


def test_a_tap_that_rasa_logs_again_is_shown_once(any_store: Store, logged: Any) -> None:
    store = logged(any_store, asked_back())
    *_, last = ids(store)
    found = conversation(store, 1)
    assert found is not None
    shown = [(turn["text"], len(turn["replies"])) for turn in found["turns"]]
    assert shown == [("blimey", 1), ("hello there", 1), ("blimey again", 0), ("/greet", 1)]
    assert found["turns"][-1]["id"] == last


def test_a_new_session_ends_the_form(store: Store, logged: Any, project: Project) -> None:
    begun = [event for event in transfer() if event.timestamp < START + 1.9]
    again = [*session(100), slot("urgent", True, 100.5), user("hi", 101)]
    logged(store, [*begun, *again, action("transfer_form", 102)])
    first, last = ids(store)
    assert bare(steps(store, project, 1, first, last))[-3:] == [
        {"active_loop": "transfer_form"},
        {"intent": "greet"},
        {"action": "transfer_form"},
    ]


def test_slots_alone_make_no_conversation(store: Store, logged: Any) -> None:
    logged(store, [slot("urgent", True, 1), loop("transfer_form", 2)])
    assert conversations(store) == {"items": [], "next": None}
    with store.read() as db:
        assert db.execute(sa.select(t.conversations)).all() == []


def annotate(store: Store, turn: int, label: str, status: str = "accepted") -> None:
    with store.write() as db:
        row = {"turn_id": turn, "reviewer": "ana", "label": label, "status": "submitted"}
        marked = json.dumps([{"entity": "payee", "start": 0, "end": 2, "value": "hi"}])
        blank = {"entities": marked, "adjudicates": 0, "created_at": 1.0, "updated_at": 1.0}
        own = db.execute(t.annotations.insert().values(**row, **blank)).inserted_primary_key[0]
        counts = {"status": status, "annotation_id": own}
        db.execute(t.turns.update().where(t.turns.c.id == turn).values(**counts))


def test_the_annotated_label_counts(any_store: Store, logged: Any, project: Project) -> None:
    store = logged(any_store, transfer())
    turns = ids(store)
    annotate(store, turns[0], "check_balance")
    annotate(store, turns[3], "faq/hours", status="disputed")
    first, *_, said, _ = steps(store, project, 1, turns[0], turns[3])
    assert first["intent"] == "check_balance"
    assert [entity["entity"] for entity in first["entities"]] == ["payee"]
    assert said["intent"] == "greet"
    talk = conversation(store, 1)
    assert talk is not None
    assert talk["turns"][0]["annotation"]["label"] == "check_balance"
    assert talk["turns"][0]["label"] == "transfer_money"
    assert talk["turns"][3]["annotation"] is None


def test_a_button_is_its_intent(store: Store, logged: Any, project: Project) -> None:
    talk = [*session(0), bot("Yes?", 0.5), user('/affirm{"amount": "5"}', 1, intent="affirm")]
    offered = [user("x", 2), bot("Well?", 2.1, "Oh yes"), user("Oh yes", 3), action("utter_x", 3.1)]
    logged(store, [*talk, action("utter_greet", 1.1), *offered])
    first, *_, last = ids(store)
    told = steps(store, project, 1, first, last)
    assert told[0]["intent"] == "affirm" and told[0]["text"] == "/affirm"
    # The meaning of a button that sends plain text is not kept: a person must choose it.
    assert told[-2] == {"intent": None, "text": "", "entities": [], "turn": last}


def test_a_conversation_is_shown_whole(any_store: Store, logged: Any) -> None:
    down = thumb("m-1", "down", 6, comment="No, not [this]")
    store = logged(any_store, [*transfer(), down, rating(2, 7, "meh")], categories=CATEGORIES)
    talk = conversation(store, 1)
    assert talk is not None
    assert (talk["rating"], talk["comment"], talk["channel"]) == (2, "meh", "web")
    assert [turn["position"] for turn in talk["turns"]] == [0, 1, 2, 3]
    first, second, *_ = talk["turns"]
    assert first["actions"] == [
        {"name": "transfer_form", "policy": "RulePolicy", "confidence": 1.0}
    ]
    assert first["replies"] == [{"text": "How much?", "response": None}]
    assert (first["thumb"], second["thumb"]) == ("down", None)
    assert (first["label"], first["confidence"]) == ("transfer_money", 0.9)
    assert conversation(store, 99) is None


def test_of_a_long_conversation_a_part_is_shown(
    store: Store, logged: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(transcripts, "SHOWN", 10)
    logged(store, [event for n in range(30) for event in exchange("hi", n * 10)])
    turns = ids(store)

    def shown(around: int | None) -> list[int]:
        talk = conversation(store, 1, around)
        assert talk is not None
        return [turn["position"] for turn in talk["turns"]]

    assert shown(None) == list(range(20, 30))
    assert shown(turns[0]) == list(range(10))
    assert shown(turns[15]) == list(range(11, 21))
    assert shown(turns[29]) == list(range(20, 30))
    assert shown(10**6) == list(range(20, 30))


def test_conversations_come_in_pages_by_filter(
    any_store: Store, logged: Any, project: Project, monkeypatch: Any
) -> None:
    monkeypatch.setattr(transcripts, "PAGE", 2)
    fine = exchange("fine", 1)
    store = logged(
        any_store,
        fine,
        [fallback("what", 1), listen(2)],
        [*fine, thumb("m-1", "down", 9)],
        [*fine, rating(1, 9)],
        [*fine, rating(4, 9)],
        [user("/greet", 1), *exchange("then this", 2)],
    )

    def listed(filter: str) -> list[int]:
        found: list[int] = []
        after: str | None = None
        while True:
            page = conversations(store, after, filter)
            found += [item["id"] for item in page["items"]]
            after = page["next"]
            if after is None:
                return found

    assert listed("all") == [6, 5, 4, 3, 2, 1]
    assert listed("fallback") == [2]
    assert listed("thumbs_down") == [3]
    assert listed("low_rating") == [4]
    assert listed("corrected") == []
    (turn,) = ids(store, 5)
    saved = save_correction(store, project, "ana", correction(5, turn, turn, status="draft"))
    assert listed("corrected") == [5]
    discard_correction(store, "ana", saved["id"])
    assert listed("corrected") == []
    newest = conversations(store)["items"][0]
    assert (newest["first"], newest["turns"], newest["time"]) == ("then this", 2, START + 1)
    rated = conversations(store, filter="low_rating")["items"][0]
    assert (rated["rating"], rated["fallbacks"], rated["thumbs_down"]) == (1, 0, 0)
    with pytest.raises(BotError, match="Did you mean 'fallback'"):
        conversations(store, filter="fallbacks")
    with pytest.raises(BotError, match="Begin without"):
        conversations(store, after="x")


GOOD = [{"intent": "greet", "text": "hi"}, {"action": "utter_greet"}]


def correction(talk: int, first: int, last: int, **more: Any) -> dict[str, Any]:
    base = {"conversation": talk, "kind": "story", "name": "as it should", "steps": GOOD}
    return {**base, "first": first, "last": last, "note": "", "status": "submitted", **more}


def test_a_correction_is_kept_and_replaced(any_store: Store, logged: Any, project: Project) -> None:
    store = logged(any_store, transfer())
    turns = ids(store)
    draft = correction(1, turns[0], turns[1], status="draft", note="not yet")
    saved = save_correction(store, project, "ana", draft)
    again = save_correction(store, project, "ana", correction(1, turns[0], turns[2]))
    assert saved["id"] == again["id"] and again["warnings"] == []
    other = save_correction(store, project, "ben", correction(1, turns[0], turns[2]))
    tested = correction(1, turns[0], turns[2], kind="test_story")
    assert (
        len({saved["id"], other["id"], save_correction(store, project, "ana", tested)["id"]}) == 3
    )
    talk = conversation(store, 1)
    assert talk is not None
    first = talk["corrections"][0]
    assert (first["status"], first["last"], first["note"]) == ("submitted", turns[2], None)
    assert first["steps"] == GOOD
    with pytest.raises(Conflict, match="ben's"):
        discard_correction(store, "ana", other["id"])
    discard_correction(store, "ben", other["id"])
    talk = conversation(store, 1)
    assert talk is not None and len(talk["corrections"]) == 2
    with pytest.raises(Gone):
        discard_correction(store, "ana", 10**6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "tale"}, "story or test_story"),
        ({"status": "done"}, "draft or submitted"),
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 300}, "needs a name"),
        ({"first": "1"}, "number of its first"),
        ({"steps": []}, "needs steps"),
        ({"steps": None}, "needs steps"),
        ({"steps": ["greet"]}, "Step 1 is none of a story"),
        ({"steps": [*GOOD, {"checkpoint": "x"}]}, "Step 3 is none"),
        ({"steps": [{"intent": "greet", "action": "utter_greet"}]}, "Step 1 is none"),
        ({"steps": [*GOOD, {"action": ""}]}, "Step 3 is none"),
        ({"steps": [*GOOD, {"action": 7}]}, "Step 3 is none"),
        ({"steps": [*GOOD, {"slot_was_set": {}}]}, "Step 3 is none"),
        ({"steps": [{"intent": "greet", "entities": ["payee"]}]}, "Step 1 is none"),
        ({"steps": [{"intent": None}, {"action": "utter_greet"}]}, "Step 1 has no intent"),
        ({"steps": GOOD[1:]}, "Nobody says anything"),
        ({"steps": GOOD[:1]}, "Nothing follows the message of step 1"),
        ({"steps": [GOOD[0], *GOOD]}, "Nothing follows the message of step 1"),
        ({"steps": [GOOD[0], {"slot_was_set": {"urgent": True}}]}, "Nothing follows"),
        ({"steps": GOOD * (MOST // 2 + 1)}, "200 at most"),
    ],
)
def test_what_can_be_no_story_is_refused(
    store: Store, logged: Any, project: Project, change: dict[str, Any], sentence: str
) -> None:
    logged(store, transfer())
    first, *_, last = ids(store)
    with pytest.raises(BotError, match=sentence):
        save_correction(store, project, "ana", {**correction(1, first, last), **change})
    with store.read() as db:
        assert db.execute(sa.select(t.corrections)).all() == []


def test_a_stretch_lies_in_its_conversation(
    any_store: Store, logged: Any, project: Project
) -> None:
    store = logged(any_store, transfer(), exchange("hi", 1))
    (first, *_, last), (other,) = ids(store), ids(store, 2)
    for begin, end in ((first, other), (other, last), (first, 10**6)):
        with pytest.raises(Gone):
            steps(store, project, 1, begin, end)
        with pytest.raises(Gone):
            save_correction(store, project, "ana", correction(1, begin, end))
    with pytest.raises(BotError, match="ends before it begins"):
        steps(store, project, 1, last, first)


@pytest.mark.parametrize(
    ("told", "code", "sentence"),
    [
        ([{"intent": "gret"}, {"action": "utter_greet"}], "unknown_intent", "mean 'greet'"),
        ([GOOD[0], {"action": "utter_gret"}], "unknown_action", "mean 'utter_greet'"),
        ([{"action": "transfer_frm"}, {"active_loop": "transfer_frm"}], "unknown_form", "no form"),
        ([{"slot_was_set": {"urgnt": True}}], "unknown_slot", "mean 'urgent'"),
        ([{"slot_was_set": {"account": "gold"}}], "unknown_value", "current, savings"),
        ([{**GOOD[0], "entities": [{"entity": "pay"}]}, GOOD[1]], "unknown_entity", "'payee'"),
        ([GOOD[0], {"action": "action_balance"}], "rule", "'say hello' answers greet with utter_g"),
        ([{"intent": "faq/hours"}, {"action": "action_balance"}], "rule", "'questions'"),
        ([{"active_loop": "transfer_form"}], "no_action", "begins without its action"),
        (GOOD[:1], "no_action", "nothing follows"),
        ([{"intent": None}, {"action": "utter_greet"}], "no_intent", "choose"),
    ],
)
def test_what_should_be_looked_at_again_is_told(
    store: Store, logged: Any, project: Project, told: Any, code: str, sentence: str
) -> None:
    logged(store, transfer())
    first, *_, last = ids(store)
    draft = correction(1, first, last, steps=told, status="draft")
    warnings = save_correction(store, project, "ana", draft)["warnings"]
    assert code in [warning["code"] for warning in warnings]
    assert sentence in " ".join(warning["message"] for warning in warnings)


def test_a_good_story_has_no_warnings(store: Store, logged: Any, project: Project) -> None:
    logged(store, transfer(), categories=CATEGORIES)
    first, *_, last = ids(store)
    told = [
        *steps(store, project, 1, first, last - 1),
        {"intent": "affirm"},  # two rules answer it differently: neither is the one
        {"action": "action_default_fallback"},
        {"intent": "nlu_fallback"},
        {"action": "action_two_stage_fallback"},
        {"active_loop": "action_two_stage_fallback"},
        {"intent": "greet"},  # inside a loop, longer rules may hold
        {"action": "action_balance"},
    ]
    saved = save_correction(store, project, "ana", correction(1, first, last, steps=told))
    assert saved["warnings"] == []


def test_rules_of_the_demo_are_read() -> None:
    rules = simple_rules(Path(__file__).parents[2])
    assert rules["greet"] == ("answer greet", "action_greet")
