"""What a candidate and the live model make of the same logged messages, kept in the store.

There is one shadow at a time, of one pair of models; another pair takes its place. Each message is
one row, written once, so that an interrupted shadow goes on where it was. The ranking reads the
rows (`bot.feedback.queue_rows`): where the two differ, the message says so among its reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import queue_rows
from bot.feedback import tables as t
from bot.feedback.store import Store

FACT = "shadow"  # the pair, as a fact about the store
_AT_ONCE = 2_000  # rows that are held in memory
_turns, _rows = t.turns.c, t.shadow.c


@dataclass(frozen=True)
class Pair:
    """The two models: the names of their archives, and the ids that Rasa gave them."""

    candidate: str
    live: str
    candidate_id: str
    live_id: str


@dataclass(frozen=True)
class Compared:
    """What the two models make of a message.

    Attributes:
        live, candidate: the likeliest full label; empty where a model gave none.
        live_asks, candidate_asks: the bot would ask again instead of acting on it.
        entities_differ: they find other entities.
        score: how much a person should look at it, in [0, 1]; 0 where the two are of one mind.
        words: how they differ, for the reviewer; empty where they are of one mind.
    """

    live: str
    candidate: str
    live_asks: bool
    candidate_asks: bool
    entities_differ: bool
    score: float = 0.0
    words: str = ""


@dataclass(frozen=True)
class Logged:
    """A compared message of the log.

    Attributes:
        text: as it is stored, masked.
        label: what reviewers decided; None as long as nobody did, or it was discarded.
        conversation: the pseudonym of its sender.
    """

    compared: Compared
    text: str
    label: str | None
    conversation: str


@dataclass(frozen=True)
class Window:
    """Which messages are compared: those since a time, in seconds since 1970; the newest of them.

    `limit` is how many at most; None for all.
    """

    since: float = 0.0
    limit: int | None = None

    def select(self) -> Any:
        """Choose the turns, the newest first."""
        chosen = sa.select(_turns.id, _turns.text, _turns.time)
        chosen = chosen.where(_turns.kind == "message", _turns.time >= self.since)
        return chosen.order_by(_turns.time.desc(), _turns.id.desc()).limit(self.limit)


def current(store: Store) -> Pair | None:
    """Give the pair whose comparison the store holds; None where it holds none."""
    with store.read() as db:
        return _pair(store.get(db, FACT))


def begin(store: Store, pair: Pair) -> None:
    """Make room for a pair: what was compared of another one goes."""
    with store.write() as db:
        if _locked(db) != pair:
            store.put(db, FACT, json.dumps(asdict(pair)))  # first: whoever writes rows now, waits
            db.execute(t.shadow.delete())


def end(store: Store) -> None:
    """Remove the shadow; the next ranking forgets its reasons."""
    with store.write() as db:
        _locked(db)
        db.execute(t.shadow.delete())
        db.execute(t.metadata.delete().where(t.metadata.c.name == FACT))


def unread(store: Store, window: Window) -> list[int]:
    """Give the ids of the messages that are not compared yet, the newest first."""
    chosen = window.select().subquery()
    wanted = sa.select(chosen.c.id).where(~sa.exists().where(_rows.turn_id == chosen.c.id))
    with store.read() as db:
        ordered = wanted.order_by(chosen.c.time.desc(), chosen.c.id.desc())
        return [int(number) for number in db.execute(ordered).scalars()]


def texts(store: Store, turn_ids: Sequence[int]) -> dict[int, str]:
    """Give the texts of those turns that are still there; a few hundred at once."""
    with store.read() as db:
        found = db.execute(sa.select(_turns.id, _turns.text).where(_turns.id.in_(turn_ids)))
        return {row.id: row.text for row in found}


def keep(store: Store, pair: Pair, found: Mapping[int, Compared]) -> None:
    """Write what was compared, unless the turn is gone or another process wrote it.

    Raises:
        BotError: a shadow of another pair has begun meanwhile.
    """
    with store.write() as db:
        if _locked(db) != pair:
            raise BotError(
                f"Another shadow began meanwhile, so that of {pair.candidate} cannot go on. Let "
                f"the other one end, then run the command again."
            )
        there = set(db.execute(sa.select(_turns.id).where(_turns.id.in_(list(found)))).scalars())
        rows = [_columns(number, one) for number, one in found.items() if number in there]
        if rows:
            db.execute(store.insert(t.shadow).on_conflict_do_nothing(), rows)


def compared(store: Store, window: Window) -> Iterator[Logged]:
    """Yield the compared messages of a window, the newest first."""
    chosen, said = window.select().subquery(), t.annotations
    joined = (
        chosen.join(t.shadow, _rows.turn_id == chosen.c.id)
        .join(t.turns, _turns.id == chosen.c.id)
        .join(t.conversations, t.conversations.c.id == _turns.conversation_id)
        .outerjoin(said, said.c.id == _turns.annotation_id)
    )
    wanted = (
        sa.select(t.shadow, chosen.c.text, said.c.label.label("truth"), t.conversations.c.sender)
        .select_from(joined)
        .order_by(chosen.c.time.desc(), chosen.c.id.desc())
    )
    with store.read() as db:
        streamed = db.execution_options(stream_results=True, yield_per=_AT_ONCE)
        for row in streamed.execute(wanted):
            yield Logged(_compared(row), row.text, row.truth, row.sender)


def in_queue(store: Store) -> int:
    """Count the messages about which the two differ and that wait for a reviewer."""
    joined = t.turns.join(t.shadow, _rows.turn_id == _turns.id)
    wanted = sa.select(sa.func.count()).select_from(joined)
    with store.read() as db:
        return int(db.execute(wanted.where(queue_rows.FREE, _rows.words != "")).scalar_one())


def _columns(turn_id: int, found: Compared) -> dict[str, Any]:
    return {
        "turn_id": turn_id,
        "live_label": found.live,
        "candidate_label": found.candidate,
        "live_asks": int(found.live_asks),
        "candidate_asks": int(found.candidate_asks),
        "entities_differ": int(found.entities_differ),
        "score": found.score,
        "words": found.words,
    }


def _compared(row: Any) -> Compared:
    return Compared(
        row.live_label,
        row.candidate_label,
        bool(row.live_asks),
        bool(row.candidate_asks),
        bool(row.entities_differ),
        row.score,
        row.words,
    )


def _locked(db: Connection) -> Pair | None:
    """Read the pair so that nobody replaces it before this transaction ends."""
    fact = t.metadata.c
    wanted = sa.select(fact.value).where(fact.name == FACT).with_for_update()
    return _pair(db.execute(wanted).scalar_one_or_none())


def _pair(value: str | None) -> Pair | None:
    return None if value is None else Pair(**json.loads(value))
