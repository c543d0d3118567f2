"""Which message a reviewer looks at next, and how much is left.

Several reviewers share one queue. Who looks at a message has a lease on it for two minutes, so
that others get the next one; a lease that ran out, because a browser was closed, is anybody's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError, did_you_mean
from bot.feedback import tables as t
from bot.feedback.settling import ANSWERS, DRAFT, OPEN, SKIPPED
from bot.feedback.store import Store

LEASE_S = 120.0
_PORTION = 20  # candidates a query; all of them leased in the same instant is unlikely
_EXACT = 20_000  # a longer queue is not counted each time
_KEEP_S = 5.0
log = logging.getLogger(__name__)

_turns, _said = t.turns.c, t.annotations.c
_MEMBERS = sa.text(
    "turns.kind = 'message' AND turns.status = 'open' AND turns.complete = 1 AND turns.head = 0"
)


def _signal(name: str) -> Any:
    """Choose by the index that has the same words; a parameter would hide that from SQLite."""
    return sa.text(f"turns.reasons LIKE '%\"{name}\"%'")


def _few(condition: str) -> Any:
    """Choose by an index of its own, where the queue alone would read turn after turn."""
    chosen = f"SELECT few.id FROM turns AS few WHERE few.kind = 'message' AND {condition}"
    return sa.text(f"turns.id IN ({chosen})")


FILTERS: dict[str, Any] = {
    "all": sa.true(),
    "fallback": _few("few.fallback <> ''"),
    "thumbs_down": _few("few.thumb = 'down'"),
    "disagreement": _signal("disagreement"),
    "new": _signal("new"),
    "skipped": sa.true(),
}


@dataclass(frozen=True)
class Left:
    """What waits for a reviewer: messages, and groups of them, each answered with one key."""

    messages: int
    groups: int


class Queue:
    """The queue as one reviewer after the other sees it."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._clock = clock
        self._counted: tuple[float, Left] | None = None
        self._counting = threading.Lock()

    def next(self, reviewer: str, *, after: int | None = None, filter: str = "all") -> int | None:
        """Lease the next message to a reviewer; give its id, None where nothing is left.

        Args:
            reviewer: who looks at it.
            after: the item before, to go on from; by default the top of the queue.
            filter: one of `FILTERS`.

        Raises:
            BotError: there is no such filter.
        """
        if filter not in FILTERS:
            raise BotError(f"The queue has no filter {filter!r}.{did_you_mean(filter, FILTERS)}")
        now = self._clock()
        place = None if after is None else self._place(after)
        while True:
            # Looking may take a while with a filter, and must not keep others from writing.
            with self.store.read() as db:
                found = self._page(db, self._wanted(reviewer, filter, now), place)
            for row in found:
                with self.store.write() as db:
                    if self._lease(db, row.id, reviewer, now) and _waits(db, row.id):
                        return int(row.id)
            if len(found) < _PORTION:
                return None
            place = found[-1]

    def lease(self, reviewer: str, turn_id: int) -> bool:
        """Keep a message for a reviewer; say whether nobody else has it."""
        with self.store.write() as db:
            return self._lease(db, turn_id, reviewer, self._clock())

    def left(self, reviewer: str) -> Left:
        """Count what waits for a reviewer, without what they answered or skipped."""
        own = t.annotations.join(t.turns, _turns.id == _said.turn_id)
        answered = (
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_turns.head), 0))
            .select_from(own)
            .where(
                _said.reviewer == reviewer,
                _said.status != DRAFT,
                _turns.status == OPEN,
                _turns.complete == 1,
            )
        )
        with self.store.read() as db:
            whole = self._whole(db)
            messages, heads = db.execute(answered).one()
        return Left(max(0, whole.messages - messages), max(0, whole.groups - int(heads)))

    def done_today(self, reviewer: str) -> int:
        """Count what a reviewer decided since midnight, by the clock of this machine."""
        query = sa.select(sa.func.count()).where(
            _said.reviewer == reviewer,
            _said.updated_at >= midnight(self._clock()),
            _said.status.in_(ANSWERS),
        )
        with self.store.read() as db:
            return int(db.execute(query).scalar_one())

    def _whole(self, db: Connection) -> Left:
        """Count the queue; a long one now and then, beside the work."""
        if self._counted is None or self._counted[1].messages <= _EXACT:
            self._counted = (time.monotonic(), _count(db))
        elif time.monotonic() - self._counted[0] > _KEEP_S and self._counting.acquire(False):
            threading.Thread(target=self._count_again, daemon=True).start()
        return self._counted[1]

    def _count_again(self) -> None:
        try:
            with self.store.read() as db:
                self._counted = (time.monotonic(), _count(db))
        except BotError:
            log.warning("The queue could not be counted; the number of messages left is old.")
        finally:
            self._counting.release()

    def _place(self, turn_id: int) -> Any:
        """Give where a turn stands in the queue; None, which is its top, where it is gone."""
        query = sa.select(_turns.priority, _turns.id).where(_turns.id == turn_id)
        with self.store.read() as db:
            return db.execute(query).first()

    def _page(self, db: Connection, wanted: Any, place: Any) -> list[Any]:
        if place is None:
            return list(db.execute(wanted.limit(_PORTION)))
        # Two queries: SQLite would compare `(priority, id)` row by row.
        same = wanted.where(_turns.priority == place.priority, _turns.id < place.id)
        found = list(db.execute(same.limit(_PORTION)))
        if len(found) < _PORTION:
            less = wanted.where(_turns.priority < place.priority)
            found += db.execute(less.limit(_PORTION - len(found)))
        return found

    def _wanted(self, reviewer: str, filter: str, now: float) -> Any:
        leases = t.leases.c
        taken = sa.exists().where(
            leases.turn_id == _turns.id, leases.reviewer != reviewer, leases.until > now
        )
        own = sa.exists().where(_said.turn_id == _turns.id, _said.reviewer == reviewer)
        wanted = ~own.where(_said.status != DRAFT)
        if filter == "skipped":
            skipped = sa.and_(_said.reviewer == reviewer, _said.status == SKIPPED)
            wanted = _turns.id.in_(sa.select(_said.turn_id).where(skipped))
        return (
            sa.select(_turns.id, _turns.priority)
            .where(t.IN_QUEUE, FILTERS[filter], ~taken, wanted)
            .order_by(_turns.priority.desc(), _turns.id.desc())
        )

    def _lease(self, db: Connection, turn_id: int, reviewer: str, now: float) -> bool:
        lease = self.store.insert(t.leases)
        columns = t.leases.c
        taken = lease.values(turn_id=turn_id, reviewer=reviewer, until=now + LEASE_S)
        free = sa.or_(columns.reviewer == reviewer, columns.until <= now)
        kept = {"reviewer": reviewer, "until": now + LEASE_S}
        done = db.execute(
            taken.on_conflict_do_update(index_elements=["turn_id"], set_=kept, where=free)
        )
        return bool(done.rowcount)


def _count(db: Connection) -> Left:
    count = sa.select(sa.func.count()).select_from(t.turns)
    groups = int(db.execute(count.where(t.IN_QUEUE)).scalar_one())
    return Left(groups + int(db.execute(count.where(_MEMBERS)).scalar_one()), groups)


def _waits(db: Connection, turn_id: int) -> bool:
    """Say whether nobody decided in the instant before the lease."""
    query = sa.select(_turns.id).where(_turns.id == turn_id, t.IN_QUEUE)
    return db.execute(query).first() is not None


def midnight(now: float) -> float:
    """Give the time at which the day began on this machine."""
    day = time.localtime(now)
    return time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1))
