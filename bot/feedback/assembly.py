"""From records to turns: each event is read, redacted and put where it belongs."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import events as e
from bot.feedback import tables as t
from bot.feedback.conversations import (
    DEFAULT_FALLBACK,
    NEVER,
    NOISE,
    RATED,
    Conversation,
    Suggestion,
    Turn,
    follows_fallback,
)
from bot.feedback.parsing import Counts, Parsed
from bot.feedback.redaction import Redactor
from bot.feedback.store import Store
from bot.feedback.values import slot_value
from bot.feedback.working_set import WorkingSet

UNKNOWN_MODEL = "unknown"
RETAINED_FROM = "retained_from"  # metadata: what is older was removed by retention
_DENIALS = ("out_of_scope", "deny", "affirm", "restart", "session_start", "back")
_INTENT = re.compile(r"\s*/(?P<intent>[^{@\s]{1,100})")


class Assembly:
    """One batch, applied within one transaction."""

    def __init__(
        self,
        store: Store,
        db: Connection,
        redactor: Redactor,
        categories: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._store, self._db, self._redactor = store, db, redactor
        self._categories = categories or {}
        self._set = WorkingSet(store, db)
        self.counts = Counts()

    def apply(self, batch: list[Parsed], source: str) -> None:
        """Put a batch into the store."""
        self.counts.events = len(batch)
        self._quarantine([item for item in batch if isinstance(item.event, e.Misfit)], source)
        wanted = self._allowed(
            [item for item in batch if not isinstance(item.event, (e.Misfit, e.Nothing))]
        )
        keys, messages = set(), set()
        for item in wanted:
            if isinstance(item.event, e.Said):
                keys.add(self._key(item.sender, item.event))
            elif isinstance(item.event, e.Thumb):
                messages.add(item.event.message_id)
        senders = dict.fromkeys(item.sender for item in wanted if item.sender)
        self._set.load(senders, keys, messages)
        for item in wanted:
            assert item.sender is not None and isinstance(item.event, e.Event)
            self._one(self._set.conversations[item.sender], item.event)
        self._set.save()

    def _allowed(self, batch: list[Parsed]) -> list[Parsed]:
        """Leave out what somebody wants forgotten, and what retention removed already."""
        senders = {item.sender for item in batch}
        gone: dict[str, float] = {}
        ordered = sorted(sender for sender in senders if sender is not None)
        for begin in range(0, len(ordered), 400):
            some = t.forgotten.c.sender.in_(ordered[begin : begin + 400])
            gone.update(dict(self._db.execute(sa.select(t.forgotten).where(some)).all()))
        oldest = float(self._store.get(self._db, RETAINED_FROM) or 0.0)
        allowed = []
        for item in batch:
            assert isinstance(item.event, e.Event)
            if item.event.time <= gone.get(item.sender or "", -NEVER):
                self.counts.forgotten += 1
            elif item.event.time < oldest:
                self.counts.expired += 1
            else:
                allowed.append(item)
        return allowed

    def _quarantine(self, misfits: list[Parsed], source: str) -> None:
        for item in misfits:
            assert isinstance(item.event, e.Misfit)
            self.counts.quarantined[item.event.reason] += 1
            row = self._store.insert(t.quarantine).values(
                source=source,
                place=item.place,
                digest=item.digest,
                sender=item.sender,
                reason=item.event.reason,
                shape=item.event.shape,
                found_at=time.time(),
            )
            self._db.execute(row.on_conflict_do_nothing())

    def _one(self, conversation: Conversation, event: e.Event) -> None:
        if isinstance(event, (e.Looped, e.Filled)):
            self._stepped(conversation, event)
            return
        conversation.see(event.time)
        if isinstance(event, e.Boundary):
            conversation.begin_session(event.time)
        elif isinstance(event, e.Said):
            self._said(conversation, event)
        elif isinstance(event, e.Thumb):
            self._thumb(conversation, event)
        else:
            turn = self._set.turn_at(conversation, event.time)
            if turn is None and isinstance(event, e.Rating):
                self._waiting_rating(conversation, event)
            if turn is None or conversation.is_unasked(turn, event.time):
                return  # the bot spoke before anybody said something
            if isinstance(event, e.Acted):
                self._acted(conversation, turn, event)
            elif isinstance(event, e.Replied):
                self._replied(conversation, turn, event)
            elif isinstance(event, e.Rating):
                self._rating(conversation, turn, event)

    def _key(self, sender: str | None, said: e.Said) -> str:
        """Name a message: Rasa logs some twice, with the same id and time."""
        what = said.message_id or said.text
        return self._store.digest("turn", sender or "", what, repr(said.time))

    def _said(self, conversation: Conversation, said: e.Said) -> None:
        key = self._key(conversation.sender, said)
        if key in conversation.turns:
            return
        before = self._set.turn_at(conversation, said.time)
        if before is not None and self._is_echo(conversation, before, said):
            return
        until = NEVER
        if conversation.last is not None and said.time < conversation.last.time:
            until = self._set.next_time(conversation, said.time)
        turn = self._turn(conversation, said, key, until)
        if follows_fallback(before, turn.session_at):
            self._second_attempt(turn, before, said)
        if before is not None and before.time < turn.time and not before.complete:
            before.complete, before.changed = 1, True
        turn.complete = int(until != NEVER)
        conversation.append(turn, before)
        conversation.channel = conversation.channel or said.channel
        self._give_waiting(conversation, turn)
        self.counts.kinds[turn.kind] += 1
        self.counts.turns += turn.kind == "message"

    def _is_echo(self, conversation: Conversation, before: Turn, said: e.Said) -> bool:
        """Say whether this is the message before once more.

        Rasa's two-stage fallback logs what was rephrased again, as certain, under a later time.
        """
        if said.what != "message" or not said.message_id or before.message_id != said.message_id:
            return False
        return before.text == self._redactor.redact(said.text, conversation.memory).text

    def _turn(self, conversation: Conversation, said: e.Said, key: str, until: float) -> Turn:
        kind, text, suggestion = said.what, "", None
        offered = self._store.digest(conversation.sender, "offer", said.text.strip())[:16]
        if kind == "message" and offered in conversation.offered:
            kind = "payload"
        if kind == "payload" and (match := _INTENT.match(said.text)):
            text = self._redactor.redact(f"/{match['intent']}", conversation.memory).text
        if kind == "message":
            redacted = self._redactor.redact(said.text, conversation.memory, said.entities)
            text = redacted.text
            suggestion = Suggestion(
                said.model or UNKNOWN_MODEL,
                said.label,
                said.confidence,
                [list(pair) for pair in said.ranking],
                list(redacted.entities),
            )
        return Turn(
            key=key,
            time=said.time,
            until=until,
            kind=kind,
            text=text,
            session_at=conversation.session_at(said.time),
            channel=said.channel,
            message_id=said.message_id,
            model=said.model,
            fallback="nlu" if said.is_fallback and kind == "message" else "",
            suggestion=suggestion,
        )

    def _second_attempt(self, turn: Turn, before: Turn | None, said: e.Said) -> None:
        assert before is not None
        if turn.kind == "message":
            turn.rephrase = 1
        elif turn.kind == "payload" and said.intent:
            if before.kind == "message" and said.intent not in _DENIALS:
                before.picked, before.changed = said.intent, True
            elif said.intent in _DENIALS:
                turn.fallback = "open"

    def _acted(self, conversation: Conversation, turn: Turn, acted: e.Acted) -> None:
        if acted.name == "action_listen" and not turn.complete:
            turn.complete, turn.changed = 1, True
        if acted.name in NOISE:
            return
        entry = {
            "time": acted.time,
            "name": acted.name,
            "policy": acted.policy,
            "confidence": acted.confidence,
        }
        new = turn.add(turn.actions, entry)
        if new and acted.name == DEFAULT_FALLBACK and turn.kind == "message" and not turn.fallback:
            turn.fallback = "core"
            conversation.out_of_order |= turn.until != NEVER
            conversation.changed = True

    def _stepped(self, conversation: Conversation, event: e.Looped | e.Filled) -> None:
        """Keep what a story needs beside its actions: forms, and slots without personal data."""
        turn = self._set.turn_at(conversation, event.time)
        if turn is None or conversation.is_unasked(turn, event.time):
            return  # slots that a session began with
        if isinstance(event, e.Looped):
            turn.add(turn.actions, {"time": event.time, "loop": event.name})
            return
        known = slot_value(event.name, event.value, self._categories.get(event.name, ()))
        turn.add(turn.actions, {"time": event.time, "slot": event.name, **known})

    def _replied(self, conversation: Conversation, turn: Turn, replied: e.Replied) -> None:
        plain = [payload for payload in replied.payloads if not payload.startswith("/")]
        conversation.offer(
            [self._store.digest(conversation.sender, "offer", payload)[:16] for payload in plain]
        )
        memory = conversation.memory
        entry: dict[str, Any] = {
            "time": replied.time,
            "text": self._redactor.redact(replied.text, memory, by_bot=True).text,
        }
        if replied.response:
            entry["response"] = replied.response
        if replied.titles:
            entry["buttons"] = [self._redactor.redact(x, memory).text for x in replied.titles]
        turn.add(turn.replies, entry)
        conversation.changed = True  # its masks may be new

    def _thumb(self, conversation: Conversation, thumb: e.Thumb) -> None:
        comment = self._comment(conversation, thumb.comment)
        value = {"thumb": thumb.thumb, "comment": comment, "time": thumb.time}
        named = [x for x in conversation.turns.values() if x.message_id == thumb.message_id]
        earlier = [turn for turn in named if turn.time <= thumb.time] or named
        if earlier:
            turn = max(earlier, key=lambda known: known.time)
            self.counts.thumbs += turn.set_thumb(thumb.place, value)
        else:
            self.counts.thumbs += conversation.wait(thumb.message_id, thumb.place, value)

    def _give_waiting(self, conversation: Conversation, turn: Turn) -> None:
        """Join the thumbs that were read before their message."""
        for name in list(conversation.waiting):
            message_id, _, place = name.rpartition("\x1f")
            value = conversation.waiting[name]
            if message_id == RATED and turn.time <= value["time"] < turn.until:
                turn.rate(value["stars"], value["comment"], value["time"])
                conversation.waiting.pop(name)
            elif message_id == turn.message_id:
                turn.set_thumb(place, conversation.waiting.pop(name))

    def _rating(self, conversation: Conversation, turn: Turn, rating: e.Rating) -> None:
        comment = self._comment(conversation, rating.comment)
        self.counts.ratings += turn.rate(rating.value, comment, rating.time)

    def _waiting_rating(self, conversation: Conversation, rating: e.Rating) -> None:
        comment = self._comment(conversation, rating.comment)
        value = {"stars": rating.value, "comment": comment, "time": rating.time}
        self.counts.ratings += conversation.wait(RATED, "", value)

    def _comment(self, conversation: Conversation, comment: str | None) -> str | None:
        if not comment:
            return None
        conversation.changed = True
        return self._redactor.redact(comment, conversation.memory).text
