"""Turns are read from events alike, whichever store keeps them; and the protocol's own rules."""

from __future__ import annotations

import asyncio
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from serving import ASSISTANT, ROOT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Rasa's packages say about each other
    from rasa.core.tracker_store import (
        AwaitableTrackerStore,
        FailSafeTrackerStore,
        InMemoryTrackerStore,
        SQLTrackerStore,
        TrackerStore,
    )
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import (
        BotUttered,
        Event,
        Restarted,
        SessionStarted,
        SlotSet,
        UserUttered,
    )
    from rasa.shared.core.trackers import DialogueStateTracker

    DOMAIN = Domain.load(str(ASSISTANT / "domain.yml"))

from bot.channels import turns
from bot.channels.event_log import EventLog
from bot.channels.protocol import (
    CLIENT_FRAMES,
    STATUS,
    Refusal,
    check_frame,
    meets_schema,
    parse_json,
    read_frame,
    schema,
)


def user(text: str, identity: str | None = None, **metadata: Any) -> UserUttered:
    return UserUttered(
        text, {"name": "x"}, [], message_id=identity, metadata=metadata, timestamp=next(clock)
    )


def bot(text: str, *buttons: tuple[str, str], **data: Any) -> BotUttered:
    offered = [{"title": title, "payload": payload} for title, payload in buttons]
    return BotUttered(text, {"buttons": offered or None, **data}, timestamp=next(clock))


class _Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __next__(self) -> float:
        self.now += 1.5
        return self.now


clock = _Clock()


def slot(name: str, value: Any) -> SlotSet:
    return SlotSet(name, value, timestamp=next(clock))


def conversation() -> list[Event]:
    return [
        bot("Welcome", ("Menu", "/menu")),
        user("hello", "m-00000001"),
        bot("Hi", ("Yes", "/yes"), ("Again", "/menu")),
        bot("there"),
        slot("feedback", {"reply": "m-00000001.1", "thumb": "up"}),
        slot("feedback", {"reply": "m-00000001.0", "thumb": "down"}),
        slot("feedback", {"reply": "m-00000001.0", "thumb": None}),
        slot("rating", {"value": 5}),
        user("/menu", "m-00000002"),
        bot("Soup"),
        user("EXTERNAL: wake", None, is_external=True),
        bot("Wake up"),
        user("silence", "m-00000003"),
        user("/restart", "s-00000001"),
        bot("Anew"),
        Restarted(timestamp=next(clock)),
        SessionStarted(timestamp=next(clock)),
        user("/yes", "m-00000004"),
        bot("Good", custom={"a": 1}),
        slot("rating", {"value": 3}),
    ]


class OldStore(InMemoryTrackerStore):
    """A store of the old kind, whose methods are not coroutines."""

    def __init__(self) -> None:
        super().__init__(DOMAIN)
        self.kept: dict[str, Any] = {}

    def save(self, tracker: DialogueStateTracker) -> None:  # type: ignore[override]
        self.kept[tracker.sender_id] = tracker

    def retrieve(self, sender_id: str) -> Any:  # type: ignore[override]
        return self.kept.get(sender_id)

    def retrieve_full_tracker(self, sender_id: str) -> Any:  # type: ignore[override]
        return self.kept.get(sender_id)


STORES: dict[str, Callable[[Path], TrackerStore]] = {
    "memory": lambda _: InMemoryTrackerStore(DOMAIN),
    "sqlite": lambda folder: SQLTrackerStore(DOMAIN, db=str(folder / "t.sqlite")),
    "safe": lambda folder: FailSafeTrackerStore(
        SQLTrackerStore(DOMAIN, db=str(folder / "t.sqlite"))
    ),
    "safe memory": lambda _: FailSafeTrackerStore(InMemoryTrackerStore(DOMAIN)),
    "old": lambda _: FailSafeTrackerStore(AwaitableTrackerStore(OldStore())),
}


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TrackerStore:
    return STORES[request.param](tmp_path)


def keep(store: TrackerStore, events: list[Event], sender: str = "me") -> EventLog:
    tracker = DialogueStateTracker.from_events(sender, events, DOMAIN.slots)
    asyncio.run(store.save(tracker))
    return EventLog(store)


def shown(log: EventLog, sender: str = "me") -> list[dict[str, Any]]:
    return turns.turns(asyncio.run(log.events(sender)))


def test_since_the_restart(store: TrackerStore) -> None:
    log = keep(store, conversation())
    anew, good = shown(log)
    assert anew["id"] is None
    assert "text" not in anew
    assert [(reply["id"], reply["text"]) for reply in anew["replies"]] == [("s-00000001.0", "Anew")]
    assert (good["id"], good["text"]) == ("m-00000004", "Yes")
    assert good["replies"][0]["custom"] == {"a": 1}
    assert turns.rating_of(asyncio.run(log.events("me"))) == 3
    assert all(meets_schema(turn, "turn") for turn in (anew, good))


def test_before_a_restart(store: TrackerStore) -> None:
    found = shown(keep(store, conversation()[:13]))
    assert [turn["id"] for turn in found] == [None, "m-00000001", "m-00000002", None, "m-00000003"]
    assert [turn.get("text") for turn in found] == [None, "hello", "Again", None, "silence"]
    hi, there = found[1]["replies"]
    assert "feedback" not in hi
    assert there["feedback"] == "up"
    names = [reply["id"] for turn in found for reply in turn["replies"]]
    assert len(set(names)) == len(names)
    assert all(meets_schema(turn, "turn") for turn in found)


def test_one_message(store: TrackerStore) -> None:
    log = keep(store, conversation())
    for identity, count in (("m-00000001", 3), ("m-00000003", 1), ("s-00000001", 2)):
        assert len(asyncio.run(log.turn("me", identity))) == count
    for sender, identity in (
        ("me", "m-0000000"),
        ("me", "M-00000001"),
        ("me", "%"),
        ("you", "m-00000001"),
    ):
        assert asyncio.run(log.turn(sender, identity)) == []
    events = asyncio.run(log.events("me"))
    assert turns.said(events, "m-00000001")["text"] == "hello"
    assert turns.said(events, "m-00000003")["replies"] == []
    assert turns.said(events, "m-00000002")["replies"][0]["text"] == "Soup"


def test_titles(store: TrackerStore) -> None:
    log = keep(store, conversation())
    assert asyncio.run(log.title_of("me", "/menu")) == "Again"
    assert asyncio.run(log.title_of("me", "/yes")) == "Yes"
    for sender, payload in (("you", "/menu"), ("me", "/Menu"), ("me", "/men"), ("me", "/menu ")):
        assert asyncio.run(log.title_of(sender, payload)) is None
    assert asyncio.run(log.title_of("me", "/" + "\N{GRINNING FACE}" * 30_000)) is None


def test_payloads_with_everything(store: TrackerStore) -> None:
    payloads = [
        '/a{"x": "%_\\\\\\"/"}',
        "/\N{SNOWMAN}é\u2028",
        "/" + "long " * 5000,
        "/" + "long " * 5000 + "x",
        "%",
        "",
        "a\nb",
    ]
    buttons = [(str(place), payload) for place, payload in enumerate(payloads)]
    log = keep(store, [user("hello", "m-00000001"), bot("Hi", *buttons)])
    for place, payload in enumerate(payloads):
        assert asyncio.run(log.title_of("me", payload)) == str(place)


def test_an_id_in_metadata_is_no_message(store: TrackerStore) -> None:
    """However far apart: a text search alone would stop at the first."""
    events: list[Event] = [
        user('"message_id": "m-12345678"', "m-00000001", message_id="m-12345678")
    ]
    events += [event for place in range(600) for event in (user("x", f"n-{place:08}"), bot("y"))]
    events += [user("here", "m-12345678"), bot("found")]
    log = keep(store, events)
    found = asyncio.run(log.turn("me", "m-12345678"))
    assert [event["text"] for event in found] == ["here", "found"]


def test_an_empty_message_and_no_answer(store: TrackerStore) -> None:
    log = keep(store, [user("", "m-00000001")])
    assert turns.said(asyncio.run(log.turn("me", "m-00000001")), "m-00000001")["replies"] == []
    assert shown(log) == []


def test_strange_data_of_replies() -> None:
    for data in (
        {"buttons": "x", "quick_replies": [1, None, {"title": "only"}, {"payload": 5}]},
        {"elements": "x"},
        {"elements": [{}, None, {"buttons": [{}, 3]}, {"title": None, "image": 5}]},
        {"image": {"a": 1}, "attachment": {"type": "x"}},
        {"custom": [1]},
        None,
    ):
        shown = turns.reply({"event": "bot", "text": None, "data": data}, "m-00000001.0")
        assert meets_schema(shown, "reply"), shown


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())
    assert set(STATUS) == set(schema()["$defs"]["error"]["properties"]["code"]["enum"])


DOCUMENT = (ROOT / "docs/reference/web-protocol.md").read_text("utf-8")


def examples() -> list[dict[str, Any]]:
    decoder, found = json.JSONDecoder(), []
    for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.S):
        rest = block.strip()
        while rest:
            frame, end = decoder.raw_decode(rest)
            found.append(frame)
            rest = rest[end:].strip()
    return found


def test_the_document_shows_every_frame() -> None:
    kinds = {frame["type"] for frame in examples()}
    assert kinds == set(CLIENT_FRAMES) | {"welcome", "turn", "saved", "typing", "pong", "error"}


@pytest.mark.parametrize("frame", examples(), ids=lambda frame: str(frame["type"]))
def test_examples_meet_the_schema(frame: dict[str, Any]) -> None:
    assert meets_schema(frame, frame["type"])
    if frame["type"] in CLIENT_FRAMES:
        assert read_frame(json.dumps(frame)) == frame


def test_the_document_names_every_error() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.M))
    assert named == set(STATUS)


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ({"type": "message", "id": "short", "text": "x"}, "In id:"),
        ({"type": "message", "id": "m-1234567\n", "text": "x"}, "In id:"),
        ({"type": "message", "id": "m-12345678", "text": 5}, "In text:"),
        ({"type": "message", "id": "m-12345678"}, "In the frame:"),
        ({"type": "message", "id": "m-12345678", "text": "", "payload": ""}, "In the frame:"),
        ({"type": "message", "id": "m-12345678", "text": "", "x": 1}, "'x' was unexpected"),
        (
            {"type": "message", "id": "m-12345678", "text": "", "metadata": {"a": {}}},
            "In metadata.a:",
        ),
        ({"type": "message", "id": "m-12345678", "text": "", "metadata": {"a b": 1}}, "metadata"),
        ({"type": "rating", "id": "r-12345678", "value": 6}, "In value:"),
        ({"type": "rating", "id": "r-12345678", "value": True}, "In value:"),
        ({"type": "rating", "id": "r-12345678", "value": 2.5}, "In value:"),
        ({"type": "feedback", "id": "f-12345678", "reply": "x", "value": "up"}, "In reply:"),
        ({"type": "feedback", "id": "f-12345678", "reply": "m.0", "value": "UP"}, "In value:"),
        ({"type": "feedback", "id": "f-12345678", "reply": "m.0\n", "value": "up"}, "In reply:"),
        ({"type": "hello", "protocol": "1"}, "In protocol:"),
        ({"type": "turn"}, "Expected a 'type'"),
        ({"type": ["message"]}, "Expected a 'type'"),
        ({}, "Expected a 'type'"),
        ([], "Expected a JSON object"),
    ],
)
def test_errors_name_the_place(frame: Any, place: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_frame(frame)
    assert place in refused.value.message
    assert refused.value.code == "bad_frame"
    assert meets_schema(refused.value.frame, "error")


@pytest.mark.parametrize("raw", [b"{}", bytearray(b"{}"), None, b"\x00"])
def test_only_text(raw: Any) -> None:
    with pytest.raises(Refusal, match="text frame"):
        read_frame(raw)


@pytest.mark.parametrize(
    "raw", ["[" * 100_000, "NaN", "-Infinity", "1e999", "9" * 5000, '"\\ud800"']
)
def test_json_that_is_none(raw: str) -> None:
    with pytest.raises(Refusal, match="Expected JSON"):
        parse_json(raw)


def test_half_a_second_is_not_rounded_away() -> None:
    frame = Refusal("too_fast", "x", retry_after=0.01).frame
    assert frame["retry_after"] == 0.1
    assert frame["retry"] is True
