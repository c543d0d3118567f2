"""Are conversations really kept? Rasa goes on without a working store and says it once."""

from __future__ import annotations

import os
import socket
import sqlite3
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import yaml

from bot.lifecycle.checks.findings import Finding, Project
from bot.lifecycle.checks.services import ENDPOINTS, IN_MEMORY, TYPES, type_of
from bot.lifecycle.checks.sources import entry, text_of

NAME = "tracker store"
TIMEOUT_S = 3.0
DEFAULT_DATABASE = "rasa.db"
PORTS = {"postgresql": 5432, "mysql": 3306, "oracle": 1521, "redis": 6379, "mongod": 27017}
_SECTION = """\
Add to endpoints.yml: tracker_store: {type: SQL, dialect: sqlite, db: trackers.sqlite}."""


def check_trackers(project: Project) -> Iterator[Finding]:
    """Try the configured store: a round trip for SQLite, a connection for the others."""
    endpoints = project.source(ENDPOINTS)
    section = endpoints.section("tracker_store") if endpoints else None
    kind = type_of(endpoints, "tracker_store") if endpoints else None
    if kind is None or kind.lower() in IN_MEMORY:
        detail = "Conversations are kept in memory only, and lost when the server stops."
        yield Finding(NAME, "warning", detail, _SECTION)
    elif "." in kind:
        yield Finding(NAME, "ok", f"{kind}, a class of your own: its storage was not tried")
    elif kind.lower() == "sql":
        yield _check_sql(section, project.root)
    elif kind.lower() in ("redis", "mongod"):
        yield _check_connection(kind.lower(), section, kind.lower())
    elif kind.lower() in TYPES["tracker_store"]:
        yield Finding(NAME, "ok", f"{kind}: it was not tried")
    else:
        detail = f"The type '{kind}' is unknown, so that conversations are kept in memory only."
        yield Finding(NAME, "problem", detail, f"Known: {', '.join(TYPES['tracker_store'])}.")


def _option(section: yaml.Node | None, key: str, default: str = "") -> str:
    return os.path.expandvars(text_of(entry(section, key)) or default)


def _check_sql(section: yaml.Node | None, root: Path) -> Finding:
    url = _option(section, "url")
    dialect = _option(section, "dialect", "sqlite")
    if "://" in url:
        dialect = url.split("://")[0]
    dialect = dialect.split("+")[0]
    if dialect != "sqlite":
        return _check_connection(dialect, section, f"SQL ({dialect})")
    name = url.split(":///", 1)[-1] if "://" in url else _option(section, "db", DEFAULT_DATABASE)
    if name in ("", ":memory:"):
        return Finding(NAME, "warning", "SQLite keeps conversations in memory only.", _SECTION)
    return _check_sqlite(root / name)


def _check_sqlite(path: Path) -> Finding:
    folder = path.parent
    if not folder.is_dir():
        return Finding(
            NAME,
            "problem",
            f"The folder '{folder}' of the database '{path.name}' does not exist; SQLite does not "
            f"make it, and Rasa goes on without a store.",
            "Make the folder, or correct 'db' in endpoints.yml.",
        )
    try:
        _write_and_read_back(folder)
    except (OSError, sqlite3.Error) as error:
        detail = f"SQLite cannot write into the folder '{folder}' ({error})."
        return Finding(NAME, "problem", detail, "Correct its permissions, or name another folder.")
    if not path.exists():
        return Finding(NAME, "ok", f"SQLite; Rasa makes '{path}' with the first message")
    try:
        _try_to_lock(path)
    except sqlite3.Error as error:
        return Finding(
            NAME,
            "problem",
            f"The database '{path}' cannot be written to ({error}).",
            "Stop what holds it, correct its permissions, or move it away: Rasa makes a new one.",
        )
    return Finding(NAME, "ok", f"SQLite, '{path}' can be written to")


def _write_and_read_back(folder: Path) -> None:
    """Make a round trip in a database beside the real one: on the same disk, under its rules."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as scratch:
        path = Path(scratch) / "trackers.sqlite"
        with closing(sqlite3.connect(path, timeout=TIMEOUT_S)) as database, database:
            database.execute("CREATE TABLE events (sender_id TEXT, data TEXT)")
            database.execute("INSERT INTO events VALUES ('doctor', '{}')")
        with closing(sqlite3.connect(path, timeout=TIMEOUT_S)) as database:
            if database.execute("SELECT sender_id FROM events").fetchall() != [("doctor",)]:
                raise sqlite3.DatabaseError("what was written did not come back")


def _try_to_lock(path: Path) -> None:
    """Take the lock of a writer, and give it back without writing."""
    address = f"{path.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=TIMEOUT_S)) as database:
        database.isolation_level = None
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")


def _check_connection(kind: str, section: yaml.Node | None, shown: str) -> Finding:
    url = _option(section, "url") or _option(section, "host") or "localhost"
    parts = urllib.parse.urlsplit(url if "://" in url else f"//{url}")
    host = parts.hostname or "localhost"
    port = parts.port or int(_option(section, "port") or PORTS.get(kind, 0))
    if not port:
        return Finding(NAME, "warning", f"{shown} at {host}: it was not tried.", "Name the 'port'.")
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        return Finding(
            NAME,
            "problem",
            f"{shown} does not answer at {host}:{port} ({error}).",
            "Start it, or correct 'url' and 'port' under tracker_store in endpoints.yml.",
        )
    return Finding(NAME, "ok", f"{shown} answers at {host}:{port}")
