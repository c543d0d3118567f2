"""What the tracker store holds of a conversation, asked for as sparingly as the store allows.

Rasa wraps its store so that a failing one is replaced, silently, by memory. Here the real store is
asked: what it does not hold is not saved.
"""

from __future__ import annotations

import json
from typing import Any

from rasa.core.tracker_store import FailSafeTrackerStore, SQLTrackerStore, TrackerStore

from bot.channels.turns import FEEDBACK_SLOT, RATING_SLOT, Event, offers

_TURNS = ("user", "bot", "restart")
_LONGEST_NEEDLE = 1000
_MOST_REPLIES = 500


class EventLog:
    """Reads the events of conversations; every error of the store comes through."""

    def __init__(self, store: TrackerStore) -> None:
        if isinstance(store, FailSafeTrackerStore):
            store = store._tracker_store
        self._store = store

    async def events(self, sender: str) -> list[Event]:
        """Give the events that a visitor sees the effect of, oldest first."""
        if not isinstance(self._store, SQLTrackerStore):
            return await self._all(sender)
        row = self._store.SQLEvent
        with self._store.session_scope() as session:
            rows = (
                session.query(row.data)
                .filter(row.sender_id == sender)
                .filter(
                    row.type_name.in_(_TURNS)
                    | (
                        (row.type_name == "slot")
                        & row.action_name.in_((FEEDBACK_SLOT, RATING_SLOT))
                    )
                )
                .order_by(row.id)
                .all()
            )
        return [json.loads(data) for (data,) in rows]

    async def turn(self, sender: str, message_id: str) -> list[Event]:
        """Give the user event with that message id and the bot events that follow it, or none."""
        if not isinstance(self._store, SQLTrackerStore):
            return _cut(await self._all(sender), message_id)
        row = self._store.SQLEvent
        with self._store.session_scope() as session:
            first = self._row_of(session, sender, message_id)
            if first is None:
                return []
            rows = (
                session.query(row.data)
                .filter(row.sender_id == sender, row.id >= first, row.type_name.in_(_TURNS))
                .order_by(row.id)
                .limit(_MOST_REPLIES)
                .all()
            )
        return _cut([json.loads(data) for (data,) in rows], message_id)

    def _row_of(self, session: Any, sender: str, message_id: str) -> int | None:
        """Find a message; the text search only narrows, for it would find metadata too."""
        row = self._store.SQLEvent
        rows = (
            session.query(row.id, row.data)
            .filter(row.sender_id == sender, row.type_name == "user")
            .filter(row.data.contains(json.dumps(message_id), autoescape=True))
            .order_by(row.id)
        )
        for number, data in rows:
            if json.loads(data).get("message_id") == message_id:
                return int(number)
        return None

    async def title_of(self, sender: str, payload: str) -> str | None:
        """Give the title of the newest button by which the bot offered a payload, or None."""
        for event in await self._bot_events_with(sender, payload):
            titles = [offer["title"] for offer in offers(event) if offer["payload"] == payload]
            if titles:
                return titles[-1]
        return None

    async def _bot_events_with(self, sender: str, payload: str) -> list[Event]:
        if not isinstance(self._store, SQLTrackerStore):
            return [event for event in await self._all(sender) if event["event"] == "bot"][::-1]
        row = self._store.SQLEvent
        needle = json.dumps(payload)[:_LONGEST_NEEDLE]  # databases bound what they search for
        with self._store.session_scope() as session:
            rows = (
                session.query(row.data)
                .filter(row.sender_id == sender, row.type_name == "bot")
                .filter(row.data.contains(needle, autoescape=True))
                .order_by(row.id.desc())
                .all()
            )
        return [json.loads(data) for (data,) in rows]

    async def _all(self, sender: str) -> list[Event]:
        tracker: Any = await self._store.retrieve_full_tracker(sender)
        return [event.as_dict() for event in tracker.events] if tracker else []


def _cut(events: list[Event], message_id: str) -> list[Event]:
    """Keep the user event with that id and the bot events up to the next user event."""
    found: list[Event] = []
    for event in events:
        if found and event["event"] in ("user", "restart"):
            break
        if found and event["event"] == "bot":
            found.append(event)
        elif event["event"] == "user" and event.get("message_id") == message_id:
            found = [event]
    return found
