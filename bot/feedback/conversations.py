"""Conversations put together from events, however late and however often these come.

An event belongs to the latest user message at or before its time, unless a session began in
between: that is decided by the events' own times, not by when they were read. So what one save of
the bot wrote finds its place also after what a later save wrote, and an event that is read again
finds itself there already and changes nothing.
"""

from __future__ import annotations

import bisect
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bot.feedback.redaction import Memory

NEVER = float("inf")
DEFAULT_FALLBACK = "action_default_fallback"
# Actions that every turn ends or a session begins with.
NOISE = ("action_listen", "action_session_start")
MAX_WAITING = 50  # thumbs a conversation whose message has not been read yet
MAX_OFFERED = 200
MAX_SESSIONS = 500
RATED = "\x1frating"  # among what waits: a rating before its turn; message ids are never like it
MAX_ENTRIES = 200  # actions or replies a turn; a loop of the bot must not fill the store


@dataclass
class Suggestion:
    """What the live model said about a turn, redacted."""

    model: str
    label: str | None
    confidence: float | None
    ranking: list[list[Any]]
    entities: list[dict[str, Any]]


@dataclass
class Turn:
    """A user message and what followed; `until` is the time of the next one."""

    key: str
    time: float
    until: float
    kind: str
    text: str
    session_at: float | None
    id: int | None = None
    position: int = -1
    channel: str | None = None
    message_id: str | None = None
    model: str | None = None
    fallback: str = ""
    rephrase: int = 0
    picked: str | None = None
    actions: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    thumbs: dict[str, dict[str, Any]] = field(default_factory=dict)
    rating: int | None = None
    rating_comment: str | None = None
    rating_at: float | None = None
    complete: int = 0
    suggestion: Suggestion | None = None
    changed: bool = False

    def add(self, entries: list[dict[str, Any]], entry: dict[str, Any]) -> bool:
        """Put an action or reply in its place by time; say whether it was new."""
        if len(entries) >= MAX_ENTRIES or any(known == entry for known in entries):
            return False
        entries.append(entry)
        entries.sort(key=lambda known: float(known["time"]))
        self.changed = True
        return True

    def take_over(self, before: Turn) -> None:
        """Take what the turn before was given because this one had not been read yet."""
        for name in ("actions", "replies"):
            entries: list[dict[str, Any]] = getattr(before, name)
            late = [entry for entry in entries if float(entry["time"]) >= self.time]
            if late and before.time < self.time:
                entries[:] = [entry for entry in entries if entry not in late]
                getattr(self, name).extend(late)
                before.changed = True
        if before.rating_at is not None and self.time <= before.rating_at:
            self.rate(before.rating, before.rating_comment, before.rating_at)
            before.rating = before.rating_comment = before.rating_at = None
            before.changed = True

    def rate(self, stars: int | None, comment: str | None, time: float) -> bool:
        """Keep the latest rating; say whether this one is news."""
        if self.rating_at is not None and self.rating_at >= time:
            return False
        self.rating, self.rating_comment, self.rating_at = stars, comment, time
        self.changed = True
        return True

    def set_thumb(self, place: str, value: dict[str, Any]) -> bool:
        """Keep the latest thumb for a reply; say whether this one is news."""
        known = self.thumbs.get(place)
        if known is not None and known["time"] >= value["time"]:
            return False
        self.thumbs[place] = value
        self.changed = True
        return True

    @property
    def thumb(self) -> str | None:
        """The worst thumb that stands for any of the replies."""
        given = {value["thumb"] for value in self.thumbs.values()}
        return "down" if "down" in given else "up" if "up" in given else None

    def row(self) -> dict[str, Any]:
        """Give the columns that may change after the turn was inserted."""
        return {
            "session_at": self.session_at,
            "fallback": self.fallback,
            "rephrase": self.rephrase,
            "picked": self.picked,
            "actions": json.dumps(self.actions, ensure_ascii=False),
            "replies": json.dumps(self.replies, ensure_ascii=False),
            "thumb": self.thumb,
            "thumbs": json.dumps(self.thumbs, ensure_ascii=False),
            "rating": self.rating,
            "rating_comment": self.rating_comment,
            "rating_at": self.rating_at,
            "complete": self.complete,
        }


class After(NamedTuple):
    """Of a turn, what the next one needs to know."""

    session_at: float | None
    fallback: str
    picked: str | None


def follows_fallback(before: Turn | After | None, session_at: float | None) -> bool:
    """Say whether what comes after a turn is a second attempt at what was not understood.

    Between the two, buttons may have been tapped that say "none of these": such a `payload` turn
    has the fallback `open`.
    """
    if before is None or before.session_at != session_at or before.picked is not None:
        return False
    return bool(before.fallback)


@dataclass
class Conversation:
    """What is remembered of one sender, and those of its turns that are at hand."""

    sender: str
    memory: Memory
    id: int | None = None
    channel: str | None = None
    n_turns: int = 0
    first_at: float | None = None
    last_at: float | None = None
    sessions: list[float] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    last: Turn | None = None
    out_of_order: bool = False
    changed: bool = False

    def see(self, time: float) -> None:
        """Widen the stretch of time that the conversation covers."""
        if self.first_at is None or time < self.first_at:
            self.first_at, self.changed = time, True
        if self.last_at is None or time > self.last_at:
            self.last_at, self.changed = time, True

    def at(self, time: float) -> Turn | None:
        """Give the turn at hand that an event of this time belongs to."""
        if self.last is not None and time >= self.last.time:
            return self.last
        for turn in reversed(list(self.turns.values())):
            if turn.time <= time < turn.until:
                return turn
        return None

    def hold(self, turn: Turn) -> None:
        """Have a stored turn at hand."""
        self.turns[turn.key] = turn
        if turn.until == NEVER:
            self.last = turn

    def append(self, turn: Turn, before: Turn | None) -> None:
        """Take in a new turn after the one before it, or before all others."""
        if before is not None:
            before.until = turn.time
            turn.take_over(before)
        turn.position = self.n_turns
        turn.changed = self.changed = True
        self.n_turns += 1
        self.out_of_order |= turn.until != NEVER
        self.hold(turn)

    def begin_session(self, time: float) -> None:
        """Remember that a session began."""
        if time not in self.sessions:
            bisect.insort(self.sessions, time)
            self.sessions = self.sessions[-MAX_SESSIONS:]
            self.changed = True
            self.out_of_order |= self.last is not None and time <= self.last.time

    def session_at(self, time: float) -> float | None:
        """Give when the session of this time began; None where nobody said."""
        place = bisect.bisect_right(self.sessions, time)
        return self.sessions[place - 1] if place else None

    def is_unasked(self, turn: Turn, time: float) -> bool:
        """Say whether a session began between the turn and an event of this time."""
        began = self.session_at(time)
        return began is not None and turn.time < began

    def offer(self, digests: list[str]) -> None:
        """Remember the plain texts that buttons send, as digests."""
        fresh = [digest for digest in digests if digest not in self.offered]
        if fresh:
            self.offered = (self.offered + fresh)[-MAX_OFFERED:]
            self.changed = True

    def wait(self, message_id: str, place: str, value: dict[str, Any]) -> bool:
        """Keep a thumb until its message is read; say whether it is news."""
        name = f"{message_id}\x1f{place}"
        known = self.waiting.get(name)
        if known is not None and known["time"] >= value["time"]:
            return False
        self.waiting[name] = value
        while len(self.waiting) > MAX_WAITING:
            self.waiting.pop(next(iter(self.waiting)))
        self.changed = True
        return True

    def state(self) -> str:
        """Give what has no column of its own."""
        kept = {
            "memory": self.memory.as_dict(),
            "sessions": self.sessions,
            "offered": self.offered,
            "waiting": self.waiting,
        }
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    def load_state(self, state: str) -> None:
        """Take back what `state` gave."""
        kept = json.loads(state)
        self.memory.load(kept["memory"])
        self.sessions = kept["sessions"]
        self.offered, self.waiting = kept["offered"], kept["waiting"]

    def row(self) -> dict[str, Any]:
        """Give the columns of the conversation."""
        return {
            "channel": self.channel,
            "n_turns": self.n_turns,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "state": self.state(),
        }
