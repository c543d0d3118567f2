"""Rasa's SQL tracker store, read beside a live bot: no writes, no long transactions.

Why no event is missed. On SQLite one process writes at a time and takes its row ids while it holds
the write lock, so ids become visible in their order: `id > last` is enough. On PostgreSQL an id is
taken when the row is inserted but seen when the transaction is committed, so row 8 may appear
before row 7. Whoever inserts holds the lock `RowExclusiveLock` on the table from before the id is
taken until the transaction ends, and `pg_locks` shows it to everybody. So:

1. read the highest id that is visible, M;
2. then read which transactions hold that lock, H. An id up to M belongs to a transaction that was
   over at step 2, or is one of H: others took their ids later, above M;
3. once none of H is left, whatever is up to M is visible to the next query, or never will be.

The cursor moves to M only then. Usually that is a matter of milliseconds, and step 3 waits for it
a moment. Where somebody keeps a transaction open, the rows above the cursor are read all the same,
and again next time: an overlap exactly as long as it must be, and reading an event twice changes
nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DatabaseError

from bot.errors import BotError
from bot.feedback.databases import engine_of, name_of, told
from bot.feedback.sources import BATCH, Batch, Digest, Position, Record

WHAT = "The tracker store"
EVENTS = sa.table(
    "events",
    *(sa.column(name) for name in ("id", "sender_id", "type_name", "timestamp", "data")),
)
SETTLE_S = 2.0  # how long to wait for transactions that are under way
# A replica does not show who writes on the primary: nothing but time tells that they are done.
REPLICA_S = 3600.0
_WRITERS = sa.text(
    "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE relation = to_regclass('events') "
    "AND mode = 'RowExclusiveLock' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class TrackerSource:
    """The `events` table of a tracker store in SQLite or PostgreSQL."""

    def __init__(self, url: URL, digest: Digest, *, settle_s: float = SETTLE_S) -> None:
        """Open the store for reading.

        Raises:
            BotError: there is no such store.
        """
        self.name = name_of(url)
        self._digest = digest
        self._settle_s = settle_s
        self._is_sqlite = url.get_backend_name() == "sqlite"
        if self._is_sqlite and not Path(str(url.database)).is_file():
            raise BotError(
                f"There is no tracker store at {url.database}. Talk to the bot once, or check "
                f"`tracker_store` in endpoints.yml."
            )
        self._engine = _readable(url) if self._is_sqlite else engine_of(url, read_only=True)
        with self._read() as db:
            db.execute(sa.select(EVENTS.c.id).limit(1))

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def resume(self, position: Position | None) -> Position:
        """Go on after the last id, or from the beginning where its row is gone or another."""
        if position is not None and position["id"]:
            with self._read() as db:
                row = db.execute(
                    sa.select(EVENTS.c.sender_id, EVENTS.c.data).where(
                        EVENTS.c.id == position["id"]
                    )
                ).first()
            if row is not None and self._anchor(row) == position["anchor"]:
                return position
        elif position is not None:
            return position
        return {"id": 0, "anchor": "", "mark": None}

    def remaining(self, position: Position) -> int | None:
        """Give the distance of the ids, which is the number of rows where none were deleted."""
        with self._read() as db:
            return max(0, self._highest(db) - int(position["id"]))

    def batches(self, position: Position) -> Iterator[Batch]:
        """Yield the rows after a position, short query by short query."""
        settled, highest, mark = self._settle(position)
        last, kept = int(position["id"]), {**position, "mark": mark}
        while True:
            with self._read() as db:
                rows = db.execute(
                    sa.select(EVENTS.c.id, EVENTS.c.sender_id, EVENTS.c.data)
                    .where(EVENTS.c.id > last, EVENTS.c.id <= highest)
                    .order_by(EVENTS.c.id)
                    .limit(BATCH)
                ).all()
            if not rows:
                break
            last = rows[-1].id
            sure = [row for row in rows if row.id <= settled]
            if sure:
                kept = {"id": sure[-1].id, "anchor": self._anchor(sure[-1]), "mark": mark}
            yield Batch([_record(row) for row in rows], kept)
        if mark != position.get("mark"):
            yield Batch([], kept)

    def _settle(self, position: Position) -> tuple[int, int, Any]:
        """Give the id up to which all is final, the highest visible one, and the mark to keep."""
        mark = position.get("mark")
        with self._read() as db:
            highest = self._highest(db)
        if self._is_sqlite:
            return highest, highest, None
        begun = time.monotonic()
        writers = first = self._writers()
        while writers & first and time.monotonic() - begun < self._settle_s:
            if "replica" in first:
                break
            time.sleep(0.02)
            writers = self._writers()
        if not writers & first:
            return highest, highest, None
        fresh = {"id": highest, "writers": sorted(writers & first), "at": time.time()}
        if mark is None:
            return int(position["id"]), highest, fresh
        if _is_over(mark, writers):
            return int(mark["id"]), highest, fresh
        return int(position["id"]), highest, mark

    def _writers(self) -> set[str]:
        with self._read() as db:
            found = set(db.execute(_WRITERS).scalars())
            if db.execute(sa.text("SELECT pg_is_in_recovery()")).scalar_one():
                found.add("replica")
            return found

    @contextlib.contextmanager
    def _read(self) -> Iterator[Connection]:
        with told(WHAT), self._engine.begin() as db:
            yield db

    def _highest(self, db: Connection) -> int:
        return int(db.execute(sa.select(sa.func.max(EVENTS.c.id))).scalar() or 0)

    def _anchor(self, row: Any) -> str:
        return row_anchor(self._digest, row.sender_id, row.data)


def row_anchor(digest: Digest, sender: Any, data: Any) -> str:
    """Give the digest by which a row is known again."""
    return digest("anchor", str(sender), str(data))


def _is_over(mark: dict[str, Any], writers: set[str]) -> bool:
    """Say whether all transactions of a mark ended; a prepared one has changed its name."""
    if "replica" in mark["writers"]:
        return time.time() - float(mark["at"]) > REPLICA_S
    prepared = any(name.startswith("-1/") for name in writers)
    return not prepared and not writers & set(mark["writers"])


def _record(row: Any) -> Record:
    place = str(row.id)
    if not isinstance(row.data, str) or not isinstance(row.sender_id, str):
        return Record(place, "", broken="the row has no sender or no data")
    return Record(place, row.data, row.sender_id)


def _readable(url: URL) -> Engine:
    """Open SQLite for reading; where a killed bot left a journal, let SQLite undo that first.

    A read-only connection may not do what every other one does before its first query.
    """
    engine = engine_of(url, read_only=True)
    try:
        with engine.begin() as db:
            db.exec_driver_sql("SELECT 1 FROM sqlite_master")
    except DatabaseError as error:
        if "readonly" not in str(error.orig):
            return engine  # the next query tells
        engine = engine_of(url)

        def _no_writes(connection: Any, _: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        sa.event.listen(engine, "connect", _no_writes)

    return engine
