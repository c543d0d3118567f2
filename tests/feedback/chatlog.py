"""Conversations as Rasa logs them: events made and stored by Rasa's own classes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker

KEY = b"the key of the tests, no secret."
MODEL = "6f2c"
START = 1_790_000_000.0


def user(
    text: str | None,
    time: float,
    *,
    id: str | None = None,
    intent: str = "greet",
    confidence: float = 0.9,
    ranking: Sequence[tuple[str, float]] = (),
    entities: Sequence[dict[str, Any]] = (),
    model: str = MODEL,
    **meta: Any,
) -> UserUttered:
    ranked = [{"name": name, "confidence": score} for name, score in ranking]
    parse = {
        "intent": {"name": intent, "confidence": confidence},
        "entities": list(entities),
        "intent_ranking": ranked or [{"name": intent, "confidence": confidence}],
    }
    return UserUttered(
        text,
        parse["intent"],
        list(entities),
        parse,
        START + time,
        "web",
        id or f"m-{time}",
        {"model_id": model, **meta},
    )


def fallback(text: str, time: float, guess: str = "check_balance", **more: Any) -> UserUttered:
    ranking = [("nlu_fallback", 0.7), (guess, 0.41), ("greet", 0.2)]
    more = {"intent": "nlu_fallback", "confidence": 0.7, "ranking": ranking} | more
    return user(text, time, **more)


def bot(text: str, time: float, *payloads: str, titles: Sequence[str] = ()) -> BotUttered:
    pairs = zip(payloads, titles or payloads, strict=False)
    buttons = [{"payload": payload, "title": title} for payload, title in pairs]
    return BotUttered(text, {"buttons": buttons or None}, {"model_id": MODEL}, START + time)


def action(name: str, time: float) -> ActionExecuted:
    return ActionExecuted(name, "RulePolicy", 1.0, START + time, {"model_id": MODEL})


def listen(time: float) -> ActionExecuted:
    return action("action_listen", time)


def session(time: float) -> list[Event]:
    return [action("action_session_start", time), SessionStarted(START + time), listen(time)]


def thumb(message: str, way: str | None, time: float, place: int = 0, comment: str = "") -> SlotSet:
    value = {
        "reply": f"{message}.{place}",
        "message": message,
        "place": place,
        "thumb": way,
        "comment": comment or None,
        "model": MODEL,
    }
    return SlotSet("feedback", value, START + time)


def rating(stars: int | None, time: float, comment: str | None = None) -> SlotSet:
    return SlotSet("rating", {"value": stars, "comment": comment}, START + time)


def exchange(text: str, time: float, answer: str = "Fine.", **more: Any) -> list[Event]:
    """A message, the action, the reply and the wait for the next: what one turn leaves."""
    said = user(text, time, **more)
    return [said, action("utter_x", time + 0.1), bot(answer, time + 0.2), listen(time + 0.3)]


def store_at(path: Path | str) -> SQLTrackerStore:
    """Rasa's own tracker store, on a SQLite file or at a PostgreSQL URL."""
    if isinstance(path, str) and "://" in path:
        return SQLTrackerStore(Domain.empty(), dialect="postgresql", host=path)
    return SQLTrackerStore(Domain.empty(), db=str(path))


def save(store: SQLTrackerStore, sender: str, events: Iterable[Event]) -> None:
    """Append events to a conversation as a live bot does: read, update, save."""
    slots = [AnySlot(name, [], influence_conversation=False) for name in ("feedback", "rating")]
    store.domain = Domain.empty()

    async def work() -> None:
        known = await store.retrieve(sender)
        tracker = known or DialogueStateTracker(sender, slots)
        for event in events:
            tracker.events.append(event)
        await store.save(tracker)

    asyncio.run(work())
    store.engine.dispose()


def write_rows(path: Path, rows: Iterable[tuple[str, Event | dict[str, Any] | str]]) -> None:
    """Append rows to the table of a store that exists: fast, and for what no Rasa would write."""
    with sqlite3.connect(path, timeout=30) as db:
        db.executemany(
            "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, ?, ?, ?)",
            (row_of(sender, event) for sender, event in rows),
        )
    db.close()


def row_of(sender: str, event: Event | dict[str, Any] | str) -> tuple[str, str, float | None, str]:
    if isinstance(event, str):
        return sender, "user", None, event
    data = event if isinstance(event, dict) else event.as_dict()
    return sender, str(data.get("event")), data.get("timestamp"), json.dumps(data)


def line_of(sender: str, event: Event) -> str:
    """A line as the file broker and `rasa export` write it."""
    return json.dumps({"sender_id": sender, **event.as_dict()}) + "\n"
