"""Open the bank's SQLite file; create and seed it at first use."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import clock, schema, seed, settlement
from .connection import connect, transaction

DEFAULT_PATH = ".bank/larkfield.sqlite"


def path_from_environment() -> Path:
    """Return where the bank's file lies."""
    return Path(os.environ.get("BANK_DB") or DEFAULT_PATH)


def ensure(db: sqlite3.Connection, *, demo_data: bool = True) -> None:
    """Create the tables and the demo customer unless they are there already."""
    if _version(db) == schema.VERSION:
        return
    with transaction(db):
        if _version(db) == schema.VERSION:  # someone else was faster
            return
        for statement in schema.STATEMENTS:
            db.execute(statement)
        seed.outside_accounts(db)
        if demo_data:
            seed.demo_customer(db, clock.now())
        db.execute(f"PRAGMA user_version = {schema.VERSION:d}")


def reset(path: Path, *, demo_data: bool = True) -> None:
    """Empty the bank in place, so that open connections keep working, and seed it again."""
    with _opened(path) as db:
        with transaction(db):
            db.execute("PRAGMA defer_foreign_keys = ON")
            found = db.execute(
                "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger')"
                " AND name NOT LIKE 'sqlite_%' ORDER BY type = 'table'"
            ).fetchall()
            for kind, name in found:  # names come from the file itself, never from a user
                db.execute(f'DROP {kind} IF EXISTS "{name}"')
            db.execute("PRAGMA user_version = 0")
        ensure(db, demo_data=demo_data)


@contextmanager
def session(path: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Open the bank for one piece of work; what fell due meanwhile is carried out first."""
    with _opened(path or path_from_environment()) as db:
        ensure(db)
        today = clock.today()
        if settlement.is_due(db, today):
            with transaction(db):
                settlement.run(db, today)
        yield db


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    db = connect(path)
    try:
        yield db
    finally:
        db.close()


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
