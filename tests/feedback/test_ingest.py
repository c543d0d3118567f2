"""What an ingest makes of a log, whatever the log looks like."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import chatlog as log
import pytest
import sqlalchemy as sa
from rasa.core.brokers.file import FileEventBroker
from rasa.shared.core import events as rasa_events
from rasa.shared.core.events import Restarted, UserUttered
from rasa.shared.utils.common import all_subclasses
from stores import dump, postgres_only

from bot.feedback import events as e
from bot.feedback import tables as t
from bot.feedback.store import Store

CONVERSATION = [
    *log.session(0),
    *log.exchange("hello there", 1, "Hi!", id="m-1"),
    log.fallback("moneys?", 2, id="m-2"),
    log.action("utter_ask_rephrase", 2.1),
    log.bot("Sorry?", 2.2),
    log.listen(2.3),
    *log.exchange("what is my balance", 3, "£1,250.00", id="m-3", intent="check_balance"),
    log.thumb("m-3", "down", 4, comment="wrong, call 07700 900123"),
    log.rating(2, 5, "meh"),
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres_only)])
def place(request: pytest.FixtureRequest, tracker_file: Path) -> Path | str:
    """Where a tracker store of Rasa's is: a file, or a URL."""
    if request.param == "sqlite":
        return tracker_file
    url = str(request.getfixturevalue("postgres_url"))
    log.store_at(url).engine.dispose()
    return url


def test_a_conversation_becomes_turns(place: Any, any_store: Store, read_in: Any, turns: Any):
    tracker = log.store_at(place)
    log.save(tracker, "priya", CONVERSATION)
    summary = read_in(any_store, place)
    hello, unclear, balance = turns(any_store)
    assert (hello.text, hello.channel, hello.model, hello.complete) == (
        "hello there",
        "web",
        log.MODEL,
        1,
    )
    assert [a["name"] for a in json.loads(hello.actions)] == ["utter_x"]
    assert [r["text"] for r in json.loads(hello.replies)] == ["Hi!"]
    assert (unclear.fallback, unclear.rephrase) == ("nlu", 0)
    assert (balance.fallback, balance.rephrase, balance.thumb, balance.rating) == ("", 1, "down", 2)
    assert json.loads(balance.thumbs)["0"]["comment"] == "wrong, call [PHONE_1]"
    assert [turn.position for turn in (hello, unclear, balance)] == [0, 1, 2]
    assert hello.session_at == log.START
    assert summary.counts.turns == 3 and summary.counts.thumbs == 1 and summary.counts.ratings == 1
    assert f"Read {len(CONVERSATION)} events" in str(summary)
    with any_store.read() as db:
        rows = db.execute(sa.select(t.suggestions).order_by(t.suggestions.c.turn_id)).all()
        assert db.execute(sa.select(t.conversations.c.sender)).scalar_one() != "priya"
    assert [row.label for row in rows] == ["greet", "check_balance", "check_balance"]
    assert json.loads(rows[1].ranking) == [["check_balance", 0.41], ["greet", 0.2]]
    again = read_in(any_store, place)
    assert again.counts.events == 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_however_it_is_cut_the_outcome_is_the_same(
    size: int, tmp_path: Path, tracker_file: Path, read_in: Any
):
    whole = Store(f"sqlite:///{tmp_path}/whole.sqlite", log.KEY)
    log.write_rows(tracker_file, [("a", event) for event in CONVERSATION])
    read_in(whole, tracker_file)
    parts = Store(f"sqlite:///{tmp_path}/parts.sqlite", log.KEY)
    other = tmp_path / "other.sqlite"
    log.store_at(other).engine.dispose()
    for begin in range(0, len(CONVERSATION), size):
        log.write_rows(other, [("a", event) for event in CONVERSATION[begin : begin + size]])
        read_in(parts, other)
    assert dump(parts) == dump(whole)
    assert len(dump(whole)["turns"]) == 3


SAVES = [
    CONVERSATION[:7],
    CONVERSATION[7:11],
    CONVERSATION[11:15],
    *([x] for x in CONVERSATION[15:]),
]


@pytest.mark.parametrize("seed", range(8))
def test_late_and_repeated_saves_find_their_place(seed: int, tmp_path: Path, read_in: Any):
    chance = random.Random(seed)
    saves = [
        [log.line_of(sender, event) for event in events] for sender in "ab" for events in SAVES
    ]
    straight = tmp_path / "straight.jsonl"
    straight.write_text("".join(line for lines in saves for line in lines), "utf-8")
    mixed = saves + chance.sample(saves, len(saves) // 2)
    chance.shuffle(mixed)
    one = Store(f"sqlite:///{tmp_path}/one.sqlite", log.KEY)
    two = Store(f"sqlite:///{tmp_path}/two.sqlite", log.KEY)
    read_in(one, straight)
    path, cut = tmp_path / "mixed.jsonl", chance.randrange(1, len(mixed))
    for part in (mixed[:cut], mixed[cut:]):
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(line for lines in part for line in lines))
        read_in(two, path)
    assert dump(one)["suggestions"] == dump(two)["suggestions"]
    assert dump(one)["turns"] == dump(two)["turns"]


def test_a_late_message_takes_its_own_answer(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    first, second = log.exchange("one", 1, "First."), log.exchange("two", 2, "Second.")
    log.write_rows(tracker_file, [("a", event) for event in [*first, *second[1:]]])
    read_in(store, tracker_file)
    log.write_rows(tracker_file, [("a", second[0])])
    read_in(store, tracker_file)
    told = [[reply["text"] for reply in json.loads(turn.replies)] for turn in turns(store)]
    assert told == [["First."], ["Second."]]


def test_late_actions_complete_their_turn(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    first, *rest = log.exchange("hello", 1)
    log.write_rows(tracker_file, [("a", first)])
    read_in(store, tracker_file)
    (turn,) = turns(store)
    assert (turn.complete, turn.actions, store.queue()) == (0, "[]", [])
    log.write_rows(tracker_file, [("a", event) for event in rest])
    read_in(store, tracker_file)
    (turn,) = turns(store)
    assert turn.complete == 1 and len(json.loads(turn.replies)) == 1
    assert [queued.text for queued in store.queue()] == ["hello"]


def test_thumbs_find_their_turn_by_message(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    early = log.thumb("m-7", "up", 0.5)
    log.write_rows(tracker_file, [("a", early), ("a", log.thumb("m-x", "down", 0.6))])
    assert read_in(store, tracker_file).counts.thumbs == 2
    log.write_rows(tracker_file, [("a", x) for x in log.exchange("hello", 1, id="m-7")])
    log.write_rows(tracker_file, [("a", x) for x in log.exchange("more", 2, id="m-8")])
    read_in(store, tracker_file)
    assert [turn.thumb for turn in turns(store)] == ["up", None]
    later = [log.thumb("m-7", "down", 9), log.thumb("m-7", None, 10, place=1)]
    log.write_rows(tracker_file, [("a", event) for event in later])
    log.write_rows(tracker_file, [("b", log.thumb("m-8", "down", 9))])  # another person's
    read_in(store, tracker_file)
    assert [turn.thumb for turn in turns(store)] == ["down", None]
    log.write_rows(tracker_file, [("a", log.thumb("m-7", None, 11))])
    read_in(store, tracker_file)
    assert [turn.thumb for turn in turns(store)] == [None, None]


def test_buttons_and_reminders_are_context_and_never_reviewed(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    offer = log.bot("Which one?", 1.5, '/pick{"payee": "Priya"}', "the blue one", titles="AB")
    reminder = UserUttered.create_external("remind", [], "web")
    reminder.timestamp = log.START + 4
    events = [
        *log.exchange("pay somebody", 1),
        offer,
        *log.exchange('/pick{"payee": "Priya"}', 2, intent="pick"),
        *log.exchange("the blue one", 3),
        reminder,
        *log.exchange("  ", 5),
        *log.exchange("  /restart", 6),
        *log.exchange("the red one", 7),
    ]
    log.write_rows(tracker_file, [("a", event) for event in events])
    summary = read_in(store, tracker_file)
    assert [turn.text for turn in turns(store)] == ["pay somebody", "the red one"]
    assert sorted(turn.kind for turn in turns(store, every_kind=True)) == (
        ["empty", "external", "message", "message", "payload", "payload", "payload"]
    )
    assert {queued.text for queued in store.queue()} == {"pay somebody", "the red one"}
    assert "Priya" not in str(dump(store))
    first, *_ = turns(store)
    assert len(json.loads(first.replies)) == 2, "the answer to a button is not the message's"
    assert "3 payload" in str(summary)


def test_what_was_picked_after_a_fallback_is_kept(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    events = [
        log.fallback("moneys", 1),
        log.action("action_two_stage_fallback", 1.1),
        *log.exchange("/check_balance", 2, intent="check_balance"),
        log.fallback("dosh", 3),
        *log.exchange("/out_of_scope", 4, intent="out_of_scope"),
        *log.exchange("how much do I have", 5),
        *log.exchange("thanks", 6),
    ]
    log.write_rows(tracker_file, [("a", event) for event in events])
    read_in(store, tracker_file)
    found = [(turn.text, turn.picked, turn.rephrase) for turn in turns(store)]
    assert found == [
        ("moneys", "check_balance", 0),
        ("dosh", None, 0),
        ("how much do I have", None, 1),
        ("thanks", None, 0),
    ]


def test_a_session_cuts_context(tracker_file: Path, store: Store, read_in: Any, turns: Any):
    events = [
        log.fallback("eh", 1),
        *log.session(5000),
        log.bot("Good morning, I am back.", 5000.1),
        *log.exchange("hello", 5001),
        Restarted(log.START + 5002),
        log.bot("Anew.", 5002.1),
    ]
    log.write_rows(tracker_file, [("a", event) for event in events])
    read_in(store, tracker_file)
    first, second = turns(store)
    assert (first.replies, second.rephrase, second.session_at) == ("[]", 0, log.START + 5000)
    assert len(json.loads(second.replies)) == 1


BAD = [
    ("not JSON", '{"event": "user", '),
    ("not JSON", "[" * 100_000),
    ("not a JSON object", "[1, 2]"),
    ("no event type", '{"text": "call Priya on 07700 900123"}'),
    ("unknown event type 'teleport'", '{"event": "teleport", "timestamp": 1.0}'),
    ("timestamp is no number", '{"event": "user", "timestamp": "noon", "text": "Priya"}'),
    ("timestamp is no number", '{"event": "bot", "timestamp": NaN, "text": "x"}'),
    ("timestamp is no number", '{"event": "bot", "timestamp": 1' + "0" * 400 + ', "text": "x"}'),
    ("text is no string", '{"event": "user", "timestamp": 1.0, "text": {"a": 1}}'),
    ("text is longer", json.dumps({"event": "user", "timestamp": 1.0, "text": "x" * 20_001})),
    ("parse_data", '{"event": "user", "timestamp": 1.0, "text": "x", "parse_data": []}'),
    (
        "the entities",
        '{"event": "user", "timestamp": 1.0, "text": "x", "parse_data": {"entities": ["Priya"]}}',
    ),
    ("the action has no name", '{"event": "action", "timestamp": 1.0, "name": 7}'),
    ("data or metadata", '{"event": "bot", "timestamp": 1.0, "text": "x", "data": "Priya"}'),
    ("the thumb", '{"event": "slot", "timestamp": 1.0, "name": "feedback", "value": {"thumb": 1}}'),
    (
        "the rating",
        '{"event": "slot", "timestamp": 1.0, "name": "rating", "value": {"value": "5"}}',
    ),
]


def test_bad_events_are_told_and_kept_and_stop_nothing(
    tracker_file: Path, any_store: Store, read_in: Any, turns: Any
):
    for number, (_, raw) in enumerate(BAD):
        log.write_rows(tracker_file, [("a", raw)])
        log.write_rows(tracker_file, [("a", x) for x in log.exchange("good", 10 + number)])
    summary = read_in(any_store, tracker_file)
    assert len(turns(any_store)) == len(BAD)
    with any_store.read() as db:
        rows = db.execute(sa.select(t.quarantine).order_by(t.quarantine.c.id)).all()
    assert len(rows) == len(BAD)
    for (reason, _), row in zip(BAD, rows, strict=True):
        assert row.reason.startswith(reason), row
        assert row.sender == any_store.pseudonym("a") and row.place.isdigit()
        assert "Priya" not in str(row) and "07700" not in str(row)
        assert row.reason in str(summary)


def test_odd_characters_and_shapes_are_stored(
    tracker_file: Path, any_store: Store, read_in: Any, turns: Any
):
    text = "a\x00b \ud83d c 🧔🏽 pay Zoë"
    begin = text.index("Zoë")
    tags = [
        {"entity": "payee", "start": begin, "end": begin + 3, "value": "Zoë"},
        {"entity": "amount", "start": 5, "end": 999, "value": "50"},
        {"entity": "time", "start": 0, "end": 1, "value": {"from": "x"}},
    ]
    log.write_rows(tracker_file, [("a", log.user(text, 1, entities=tags)), ("a", log.listen(2))])
    read_in(any_store, tracker_file)
    (turn,) = turns(any_store)
    assert turn.text == "a\ufffdb \ufffd c 🧔🏽 pay [NAME_1]"
    with any_store.read() as db:
        payee, amount, when = json.loads(db.execute(sa.select(t.suggestions.c.entities)).scalar())
    assert turn.text[payee["start"] : payee["end"]] == "[NAME_1]" == payee["value"]
    assert "start" not in amount and when["value"] == "a"


def test_what_the_two_stage_fallback_logs_again_is_one_message(
    tracker_file: Path, any_store: Store, read_in: Any, turns: Any
):
    first = log.fallback("put 50 in my pot for mia", 1, id="m-1")
    again = log.user("put 50 in my pot for mia", 3, id="m-1", intent="transfer", confidence=1.0)
    events = [first, log.action("action_two_stage_fallback", 2), again]
    events += [log.action("utter_done", 4), log.bot("Done.", 5), log.listen(6)]
    other = log.user("something else", 7, id="m-1")  # ids of clients need not be unique
    log.write_rows(tracker_file, [("a", event) for event in [*events, other]])
    read_in(any_store, tracker_file)
    read_in(any_store, tracker_file)
    one, two = turns(any_store)
    assert (one.text, two.text) == ("put 50 in my pot for mia", "something else")
    assert [entry["name"] for entry in json.loads(one.actions)][:2] == [
        "action_two_stage_fallback",
        "utter_done",
    ]
    assert [reply["text"] for reply in json.loads(one.replies)] == ["Done."]


def test_every_event_of_rasa_is_known():
    # `rasa test` adds subclasses of its own when imported; they never reach a tracker store.
    stored = [
        cls for cls in all_subclasses(rasa_events.Event) if cls.__module__ == rasa_events.__name__
    ]
    names = {cls.type_name for cls in stored} | {"topic"}
    assert len(names) > 20
    assert names <= e.IGNORED | e.READ


def test_the_file_broker_and_its_double_lines(
    tmp_path: Path, store: Store, read_in: Any, turns: Any
):
    path = tmp_path / "rasa_event.log"
    one, two = FileEventBroker(str(path)), FileEventBroker(str(path))  # what a model swap leaves
    for event in CONVERSATION:
        one.publish({"sender_id": "a", **event.as_dict()})
    for handler in [*one.event_logger.handlers]:
        two.event_logger.removeHandler(handler)
        handler.close()
    assert len(path.read_text().splitlines()) == 2 * len(CONVERSATION), "no line came twice"
    read_in(store, path)
    assert len(turns(store)) == 3
    assert [len(json.loads(turn.replies)) for turn in turns(store)] == [1, 1, 1]
    assert [turn.thumb for turn in turns(store)] == [None, None, "down"]


def test_a_growing_file_is_read_line_by_line(
    tmp_path: Path, store: Store, read_in: Any, turns: Any
):
    path = tmp_path / "log.jsonl"
    whole = "".join(log.line_of("a", event) for event in log.exchange("héllo", 1)).encode()
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        read_in(store, path)
    path.write_bytes(whole.rstrip(b"\n"))
    read_in(store, path)
    path.write_bytes(whole)
    summary = read_in(store, path)
    (turn,) = turns(store)
    assert turn.complete and len(json.loads(turn.replies)) == 1
    assert not summary.counts.quarantined
    with store.read() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(t.quarantine)).scalar() == 0


def test_a_replaced_file_is_read_from_its_beginning(
    tmp_path: Path, store: Store, read_in: Any, turns: Any
):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(log.line_of("a", x) for x in log.exchange("first", 1)))
    read_in(store, path)
    path.write_text("".join(log.line_of("a", x) for x in log.exchange("second", 2)) * 2)
    read_in(store, path)
    assert [turn.text for turn in turns(store)] == ["first", "second"]


def test_lines_that_are_no_events(tmp_path: Path, store: Store, read_in: Any, turns: Any):
    path = tmp_path / "log.jsonl"
    good = "".join(log.line_of("a", x) for x in log.exchange("fine", 1)).encode()
    nobody = json.dumps(log.user("x", 2).as_dict()).encode()
    huge = b'{"a": "' + b"x" * 5_000_000 + b'"}'
    path.write_bytes(b"\n".join([b"\xff\xfe", nobody, b"", huge, b"nonsense", good]))
    summary = read_in(store, path)
    assert [turn.text for turn in turns(store)] == ["fine"]
    assert set(summary.counts.quarantined) == {
        "not UTF-8",
        "no sender",
        "longer than 4194304 bytes",
        "not JSON",
    }
    assert "None of them" not in str(summary)


def test_a_file_of_something_else_is_told(tmp_path: Path, store: Store, read_in: Any) -> None:
    path = tmp_path / "README.md"
    path.write_text("# Title\n\nSome words.\n", encoding="utf-8")
    told = str(read_in(store, path)).splitlines()
    assert told[1:] == [
        "In quarantine: 2 events, not JSON.",
        "None of them is an event of Rasa. Check that this is what you meant.",
    ]
    assert len(str(read_in(store, path)).splitlines()) == 1  # nothing is read twice


def test_an_emptied_tracker_store_is_read_anew(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    log.write_rows(tracker_file, [("a", x) for x in log.exchange("first", 1)])
    read_in(store, tracker_file)
    tracker_file.unlink()
    log.store_at(tracker_file).engine.dispose()
    log.write_rows(tracker_file, [("a", x) for x in log.exchange("second", 2)])
    log.write_rows(tracker_file, [("a", x) for x in log.exchange("third", 3)])
    read_in(store, tracker_file)
    assert [turn.text for turn in turns(store)] == ["first", "second", "third"]


def test_one_message_logged_twice_is_one_turn(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    said = log.fallback("help", 1)
    surer = log.fallback("help", 1, confidence=1.0)  # the two-stage fallback logs it again
    log.write_rows(tracker_file, [("a", said), ("a", surer), ("a", log.listen(2))])
    read_in(store, tracker_file)
    assert len(turns(store)) == 1
    # the same id at another time is another message: not every channel gives good ids
    log.write_rows(tracker_file, [("a", log.user("more", 3, id=said.message_id))])
    read_in(store, tracker_file)
    assert len(turns(store)) == 2
