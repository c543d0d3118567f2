"""The feedback store: one SQLite file, or a PostgreSQL database where one machine is outgrown.

`bot.feedback.tables` says why each table exists. The same functions serve the command line, the
review page and the tests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.databases import engine_of, make_private, name_of, parse_url, told
from bot.feedback.migrations import migrate

DEFAULT_URL = "sqlite:///.bot/feedback.sqlite"
WHAT = "The feedback store"
MINIMUM_KEY = 16  # bytes


@dataclass(frozen=True)
class Queued:
    """A turn that waits for review; `priority` and `id` are where the next page begins."""

    id: int
    priority: float
    conversation_id: int
    position: int
    text: str


class Store:
    """An open feedback store.

    The key turns senders into pseudonyms and stays outside of the database: who has only the
    database cannot find out who wrote, and who has both can delete one person's rows.
    """

    def __init__(self, url: str, key: bytes) -> None:
        """Open the store, make it where there is none, and bring it up to date.

        Raises:
            BotError: the URL or the database cannot be used, or the key is not the store's.
        """
        if len(key) < MINIMUM_KEY:
            raise BotError(f"The key of the feedback store needs at least {MINIMUM_KEY} bytes.")
        self._key = key
        self.url = parse_url(url, "the feedback store")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.name = name_of(self.url)
        if self.is_sqlite:
            make_private(Path(str(self.url.database)))
        self.engine = engine_of(self.url)
        with told(WHAT):
            if self.is_sqlite:
                with closing(self.engine.raw_connection()) as db:
                    # Readers of the review page and the ingest do not wait for each other.
                    db.cursor().execute("PRAGMA journal_mode=WAL")
            migrate(self.engine)
        self._check_key()

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()

    def digest(self, *parts: str) -> str:
        """Give 128 bits that nobody without the key can trace back to the parts."""
        message = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:32]

    def pseudonym(self, sender: str) -> str:
        """Give what stands for a sender in this store; the same for each call."""
        return self.digest("sender", sender)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is undone as a whole where anything in it fails."""
        with told(WHAT), self.engine.execution_options(immediate=True).begin() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction in which what is read fits together."""
        with told(WHAT), self.engine.begin() as db:
            yield db

    def insert(self, table: sa.Table) -> Any:
        """Begin an INSERT that knows `on_conflict_do_...`."""
        return (sqlite if self.is_sqlite else postgresql).insert(table)

    def get(self, db: Connection, name: str) -> str | None:
        """Read a fact about the store."""
        found = db.execute(sa.select(t.metadata.c.value).where(t.metadata.c.name == name))
        value = found.scalar_one_or_none()
        return None if value is None else str(value)

    def put(self, db: Connection, name: str, value: str) -> None:
        """Write a fact about the store."""
        row = self.insert(t.metadata).values(name=name, value=value)
        db.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def queue(self, *, after: tuple[float, int] | None = None, limit: int = 50) -> list[Queued]:
        """Give a page of what waits for review, highest priority first, then newest.

        Args:
            after: `(priority, id)` of the last turn of the page before.
            limit: turns a page.
        """
        columns = t.turns.c
        wanted = (
            sa.select(
                columns.id,
                columns.priority,
                columns.conversation_id,
                columns.position,
                columns.text,
            )
            .where(t.IN_QUEUE)
            .order_by(columns.priority.desc(), columns.id.desc())
        )
        with self.read() as db:
            if after is None:
                return [Queued(*row) for row in db.execute(wanted.limit(limit))]
            # Two queries: SQLite would compare `(priority, id)` row by row from the first of the
            # same priority, and many have the same.
            priority, own = after
            same = wanted.where(columns.priority == priority, columns.id < own)
            found = [Queued(*row) for row in db.execute(same.limit(limit))]
            less = wanted.where(columns.priority < priority).limit(limit - len(found))
            return found + [Queued(*row) for row in db.execute(less)]

    def _check_key(self) -> None:
        check = self.digest("key check")
        with self.write() as db:
            known = self.get(db, "key_check")
            if known is None:
                self.put(db, "key_check", check)
            elif known != check:
                raise BotError(
                    f"{WHAT} was written with another key, so that its senders could not be "
                    f"recognised. Set BOT_FEEDBACK_KEY to the key it was made with, or restore "
                    f".bot/feedback-key."
                )
