"""Removes conversations from Rasa's SQL tracker store, beside a live bot."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from bot.errors import BotError
from bot.feedback.databases import engine_of, name_of, parse_url, told
from bot.feedback.sources import Digest, Position
from bot.feedback.tracker_source import EVENTS, WHAT, row_anchor

_SESSION = "session_started"


@dataclass(frozen=True)
class Removed:
    """How many events are gone, and what the cursor of the ingest must become."""

    events: int
    position: Position | None


class NoTracker(BotError):
    """The project has no tracker store that conversations could be removed from."""


class TrackerRemoval:
    """A tracker store, opened for deleting."""

    def __init__(self, url: str, digest: Digest) -> None:
        """Open the store.

        Raises:
            NoTracker: it is a SQLite file that is not there.
            BotError: it cannot be used.
        """
        self.url: URL = parse_url(url, "the tracker store")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and not Path(str(self.url.database)).is_file():
            raise NoTracker(
                f"There is no tracker store at {self.url.database}. Check the path, and the folder "
                f"that the command is called in."
            )
        self.name = name_of(self.url)
        self._digest = digest
        self._engine: Engine = engine_of(self.url)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def remove_sender(self, sender: str, position: Position | None) -> Removed:
        """Delete all events of one sender."""
        return self._remove(EVENTS.c.sender_id == sender, position)

    def remove_older(self, before: float, position: Position | None) -> Removed:
        """Delete events older than a time, except those of a session that is still young.

        Rasa counts the stored events of the running session to know which ones are new: of a
        session either all are deleted or none.
        """
        other = EVENTS.alias("other")
        of_sender = other.c.sender_id == EVENTS.c.sender_id
        newest = sa.select(sa.func.max(other.c.timestamp)).where(of_sender).scalar_subquery()
        session = (
            sa.select(sa.func.max(other.c.timestamp))
            .where(of_sender, other.c.type_name == _SESSION)
            .scalar_subquery()
        )
        old = EVENTS.c.timestamp < before
        return self._remove(
            sa.and_(old, sa.or_(newest < before, EVENTS.c.timestamp < session)), position
        )

    def _remove(self, which: Any, position: Position | None) -> Removed:
        with told(WHAT), self._engine.execution_options(immediate=True).begin() as db:
            count = db.execute(EVENTS.delete().where(which)).rowcount
            return Removed(count, None if position is None else self._cursor(db, position))

    def _cursor(self, db: Connection, position: Position) -> Position:
        """Move the cursor to the last row that is left below it.

        In the same transaction: SQLite gives the ids of deleted rows to the next ones, and those
        must lie above the cursor.
        """
        row = db.execute(
            sa.select(EVENTS.c.id, EVENTS.c.sender_id, EVENTS.c.data)
            .where(EVENTS.c.id <= position["id"])
            .order_by(EVENTS.c.id.desc())
            .limit(1)
        ).first()
        if row is None:
            return {**position, "id": 0, "anchor": ""}
        anchor = row_anchor(self._digest, row.sender_id, row.data)
        return {**position, "id": row.id, "anchor": anchor}

    def compact(self) -> str | None:
        """Leave no trace of deleted rows in the file; give why not, where it was not possible."""
        return compact(self.url, self._engine, "events")


def compact(url: URL, engine: Engine, *tables: str, wait_s: float = 5.0) -> str | None:
    """Rewrite a SQLite file, or let PostgreSQL reclaim the rows.

    `secure_delete` overwrites what is deleted, but not the copies that SQLite left behind when it
    split a page long ago: only a rewritten file is free of them, and only after its log is empty.
    """
    if url.get_backend_name() != "sqlite":
        with told(str(tables)), closing(engine.raw_connection()) as connection:
            connection.connection.set_session(autocommit=True)
            for table in tables:
                connection.cursor().execute(f"VACUUM {table}")
            connection.connection.set_session(autocommit=False)
        return None
    until = time.monotonic() + wait_s
    while True:
        try:
            with contextlib.closing(engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute("VACUUM")
                busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                return None
            reason = "another process is reading it"
        except sqlite3.OperationalError as error:
            reason = str(error)
        if time.monotonic() > until:
            return reason
        time.sleep(0.1)
