"""The conversations and turns that a batch touches, loaded in few queries and written in few."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.conversations import (
    NEVER,
    After,
    Conversation,
    Suggestion,
    Turn,
    follows_fallback,
)
from bot.feedback.redaction import Memory
from bot.feedback.store import Store

_CHUNK = 400  # parameters a query; SQLite allows 999 in its older versions
_LATER = t.turns.alias("later")
_UNTIL = (
    sa.select(sa.func.min(_LATER.c.time))
    .where(_LATER.c.conversation_id == t.turns.c.conversation_id, _LATER.c.time > t.turns.c.time)
    .scalar_subquery()
)
_OF_THE_QUEUE = ("priority", "status", "group_id", "reasons", "head", "annotation_id")
_COLUMNS = [c for c in t.turns.c if c.name not in (*_OF_THE_QUEUE, "thumb")]


class WorkingSet:
    """Part of the store, in memory for one transaction."""

    def __init__(self, store: Store, db: Connection) -> None:
        self._store = store
        self._db = db
        self.conversations: dict[str, Conversation] = {}
        self._by_id: dict[int, Conversation] = {}

    def load(self, senders: Iterable[str], keys: set[str], message_ids: set[str]) -> None:
        """Have at hand: these conversations, their last turns, and the turns that are named."""
        for sender in senders:
            memory = Memory(lambda *parts, own=sender: self._store.digest(own, *parts))
            self.conversations[sender] = Conversation(sender, memory)
        for chunk in _chunks(self.conversations):
            wanted = sa.select(t.conversations).where(t.conversations.c.sender.in_(chunk))
            for row in self._db.execute(wanted):
                found = self.conversations[row.sender]
                found.id, found.channel, found.n_turns = row.id, row.channel, row.n_turns
                found.first_at, found.last_at = row.first_at, row.last_at
                found.load_state(row.state)
                self._by_id[row.id] = found
        newest = sa.select(sa.func.max(_LATER.c.time)).where(
            _LATER.c.conversation_id == t.turns.c.conversation_id
        )
        for chunk in _chunks(self._by_id):
            of_these = t.turns.c.conversation_id.in_(chunk)
            self._take(of_these, t.turns.c.time == newest.scalar_subquery())
        for chunk in _chunks(keys):
            self._take(t.turns.c.key.in_(chunk))
        for chunk in _chunks(message_ids):
            self._take(t.turns.c.message_id.in_(chunk))

    def turn_at(self, conversation: Conversation, time: float) -> Turn | None:
        """Give the turn that an event of this time belongs to, from the store if need be."""
        found = conversation.at(time)
        if found is not None or conversation.id is None or not conversation.n_turns:
            return found
        if conversation.first_at is not None and time < conversation.first_at:
            return None
        earlier = sa.select(sa.func.max(_LATER.c.time)).where(
            _LATER.c.conversation_id == conversation.id, _LATER.c.time <= time
        )
        self._take(
            t.turns.c.conversation_id == conversation.id,
            t.turns.c.time == earlier.scalar_subquery(),
        )
        at_hand = [turn for turn in conversation.turns.values() if turn.time <= time]
        return max(at_hand, key=lambda turn: turn.time, default=None)

    def next_time(self, conversation: Conversation, time: float) -> float:
        """Give the time of the first turn after this time."""
        found = [turn.time for turn in conversation.turns.values() if turn.time > time]
        if conversation.id is not None:
            later = sa.select(sa.func.min(t.turns.c.time)).where(
                t.turns.c.conversation_id == conversation.id, t.turns.c.time > time
            )
            stored = self._db.execute(later).scalar()
            found += [] if stored is None else [float(stored)]
        return min(found, default=NEVER)

    def save(self) -> None:
        """Write what changed."""
        touched = [found for found in self.conversations.values() if found.changed]
        self._save_conversations(touched)
        everything = [(c, turn) for c in self.conversations.values() for turn in c.turns.values()]
        fresh = [(c, turn) for c, turn in everything if turn.id is None]
        if fresh:
            self._insert_turns(fresh)
        known = [turn for _, turn in everything if turn.changed]
        if changed := [turn for turn in known if turn.id is not None]:
            values = [{"own_id": turn.id, **turn.row()} for turn in changed]
            names = [name for name in values[0] if name != "own_id"]
            statement = t.turns.update().where(t.turns.c.id == sa.bindparam("own_id"))
            self._db.execute(statement.values({n: sa.bindparam(n) for n in names}), values)
        for conversation in touched:
            if conversation.out_of_order:
                self._number(conversation)

    def _take(self, *where: Any) -> None:
        wanted = sa.select(*_COLUMNS, _UNTIL.label("until")).where(*where)
        for row in self._db.execute(wanted):
            conversation = self._by_id.get(row.conversation_id)
            if conversation is not None and row.key not in conversation.turns:
                conversation.hold(_turn_of(row))

    def _save_conversations(self, touched: list[Conversation]) -> None:
        fresh = [found for found in touched if found.id is None]
        known = [found for found in touched if found.id is not None]
        if fresh:
            rows = [{"sender": found.sender, **found.row()} for found in fresh]
            self._db.execute(t.conversations.insert(), rows)
            wanted = sa.select(t.conversations.c.sender, t.conversations.c.id)
            for chunk in _chunks([found.sender for found in fresh]):
                for sender, own in self._db.execute(
                    wanted.where(t.conversations.c.sender.in_(chunk))
                ):
                    self.conversations[sender].id = own
        if known:
            values = [{"own_id": found.id, **found.row()} for found in known]
            names = [name for name in values[0] if name != "own_id"]
            statement = t.conversations.update()
            statement = statement.where(t.conversations.c.id == sa.bindparam("own_id"))
            self._db.execute(statement.values({n: sa.bindparam(n) for n in names}), values)

    def _insert_turns(self, fresh: list[tuple[Conversation, Turn]]) -> None:
        rows = [
            {
                "conversation_id": conversation.id,
                "key": turn.key,
                "position": turn.position,
                "kind": turn.kind,
                "time": turn.time,
                "channel": turn.channel,
                "message_id": turn.message_id,
                "text": turn.text,
                "model": turn.model,
                "priority": 0.0,
                "status": "open",
                **turn.row(),
            }
            for conversation, turn in fresh
        ]
        self._db.execute(t.turns.insert(), rows)
        by_key = {turn.key: turn for _, turn in fresh}
        wanted = sa.select(t.turns.c.key, t.turns.c.id)
        said = []
        for chunk in _chunks(by_key):
            for key, own in self._db.execute(wanted.where(t.turns.c.key.in_(chunk))):
                turn = by_key[key]
                turn.changed = False
                if turn.suggestion is not None:
                    said.append(_suggestion_row(own, turn.suggestion))
        if said:
            self._db.execute(t.suggestions.insert(), said)

    def _number(self, conversation: Conversation) -> None:
        """Count a conversation's turns again, and what rephrases what, after one came late."""
        wanted = sa.select(t.turns).where(t.turns.c.conversation_id == conversation.id)
        before, values = None, []
        for place, row in enumerate(
            self._db.execute(wanted.order_by(t.turns.c.time, t.turns.c.id)).all()
        ):
            began = conversation.session_at(row.time)
            again = row.kind == "message" and follows_fallback(before, began)
            values.append(
                {"own_id": row.id, "position": place, "rephrase": int(again), "session_at": began}
            )
            before = After(began, row.fallback, row.picked)
        statement = t.turns.update().where(t.turns.c.id == sa.bindparam("own_id"))
        names = {name: sa.bindparam(name) for name in ("position", "rephrase", "session_at")}
        self._db.execute(statement.values(names), values)


def _turn_of(row: Any) -> Turn:
    return Turn(
        key=row.key,
        time=row.time,
        until=NEVER if row.until is None else row.until,
        kind=row.kind,
        text=row.text,
        session_at=row.session_at,
        id=row.id,
        position=row.position,
        channel=row.channel,
        message_id=row.message_id,
        model=row.model,
        fallback=row.fallback,
        rephrase=row.rephrase,
        picked=row.picked,
        actions=json.loads(row.actions),
        replies=json.loads(row.replies),
        thumbs=json.loads(row.thumbs),
        rating=row.rating,
        rating_comment=row.rating_comment,
        rating_at=row.rating_at,
        complete=row.complete,
    )


def _suggestion_row(turn_id: int, suggestion: Suggestion) -> dict[str, Any]:
    return {
        "turn_id": turn_id,
        "model": suggestion.model,
        "label": suggestion.label,
        "confidence": suggestion.confidence,
        "ranking": json.dumps(suggestion.ranking, ensure_ascii=False),
        "entities": json.dumps(suggestion.entities, ensure_ascii=False),
    }


def _chunks(items: Iterable[Any]) -> Iterator[Sequence[Any]]:
    everything = list(items)
    for begin in range(0, len(everything), _CHUNK):
        yield everything[begin : begin + _CHUNK]
