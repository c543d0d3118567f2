"""Engines for SQLite and PostgreSQL, and their failures told as sentences."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from bot.errors import BotError

BUSY_S = 10.0  # how long SQLite waits for another process that writes


def parse_url(url: str, what: str) -> URL:
    """Read the URL of a SQLite or PostgreSQL database.

    Raises:
        BotError: it is no such URL.
    """
    try:
        parsed = sa.engine.make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        shown = re.sub(r"//[^/@]*@", "//...@", url)
        raise BotError(
            f"The URL of {what} cannot be used: {shown!r}. Expected sqlite:///file.sqlite or "
            f"postgresql://user:password@host:5432/database."
        )
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise BotError(f"The URL of {what} names no file. Expected sqlite:///file.sqlite.")
        return parsed
    return parsed.set(drivername="postgresql+psycopg2")


def name_of(url: URL) -> str:
    """Name a database without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:{Path(str(url.database)).resolve()}"
    return f"postgresql:{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


def engine_of(url: URL, *, read_only: bool = False) -> Engine:
    """Make an engine; with `read_only` nothing can be written through it."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(Path(str(url.database)), read_only=read_only)
    engine = sa.create_engine(url, future=True, pool_pre_ping=True)
    if read_only:

        def _no_writes(connection: Any, _: object) -> None:
            connection.set_session(readonly=True)

        sa.event.listen(engine, "connect", _no_writes)

    return engine


def _sqlite(path: Path, *, read_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
        if not read_only:
            # What is deleted is overwritten at once: people may ask to be forgotten.
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA foreign_keys=ON")
        return connection

    # One connection at a time, none kept: a kept one would hold its snapshot and the file.
    engine = sa.create_engine("sqlite://", creator=connect, future=True, poolclass=sa.pool.NullPool)

    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another wrote in
        # between; one that begins as a writer waits for its turn.
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    sa.event.listen(engine, "begin", _begin)
    return engine


def make_private(path: Path) -> None:
    """Make an empty file that its owner alone can read; SQLite gives its logs the same rights."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise BotError(
            f"The feedback store {path} cannot be written ({error.strerror}). Give the folder to "
            f"the user that runs the bot, or name another file in BOT_FEEDBACK_URL."
        ) from error


_KNOWN = (
    (
        r"database is locked|lock timeout|could not obtain lock",
        "is locked: another process keeps writing. Try again; if it stays so, look for a "
        "process that was stopped in the middle.",
    ),
    (
        r"disk is full|No space left|could not extend file|disk I/O error",
        "cannot be written: the disk is full. Free some space and run the command again; nothing "
        "was lost.",
    ),
    (
        r"unable to open database file",
        "cannot be opened. Check that the file exists and that you may read and write it.",
    ),
    (
        r"file is not a database|malformed",
        "is no SQLite database, or a damaged one. Check the path, or restore a backup.",
    ),
    (
        r"no such table: events|relation \"?events\"? does not exist",
        "has no table `events`: it is no tracker store of Rasa, or Rasa has not saved a "
        "conversation yet. Check `tracker_store` in endpoints.yml.",
    ),
    (
        r"readonly database|read-only transaction|permission denied",
        "may not be written by this user. Give the user that runs the command the right to.",
    ),
    (
        r"could not connect|Connection refused|could not translate host|timeout expired"
        r"|server closed the connection|terminating connection",
        "does not answer. Check host and port, and that PostgreSQL is running.",
    ),
    (r"authentication failed|no password supplied", "refused user or password. Check its URL."),
    (r"database \"[^\"]*\" does not exist", "does not exist on the server. Create it first."),
)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn a failure of the database named `what` into a sentence with a remedy.

    Raises:
        BotError: instead of anything that SQLAlchemy or SQLite raises.
    """
    try:
        yield
    except NoSuchModuleError as error:
        raise BotError(f"{what} needs a driver that is not installed: {error}.") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = str(getattr(error, "orig", None) or error).strip()
        for pattern, sentence in _KNOWN:
            if re.search(pattern, cause, re.IGNORECASE):
                raise BotError(f"{what} {sentence}") from error
        first = cause.splitlines()[0] if cause else type(error).__name__
        raise BotError(f"{what} failed: {first}. Nothing of this step was kept.") from error
