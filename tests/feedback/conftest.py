"""Real databases: SQLite always, PostgreSQL where BOT_TEST_POSTGRES_URL names a server.

    apt-get install postgresql
    mkdir /tmp/pg && chown postgres /tmp/pg
    su postgres -c "/usr/lib/postgresql/15/bin/initdb -D /tmp/pg/data -A trust -E UTF8"
    su postgres -c "/usr/lib/postgresql/15/bin/pg_ctl -D /tmp/pg/data -w \
        -o '-p 55432 -k /tmp/pg -c listen_addresses=127.0.0.1' start"
    export BOT_TEST_POSTGRES_URL=postgresql://postgres@127.0.0.1:55432/postgres
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from chatlog import KEY, store_at
from stores import POSTGRES, postgres_only

from bot.feedback import tables as t
from bot.feedback.ingest import Summary, ingest_source
from bot.feedback.sources import open_source
from bot.feedback.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/feedback.sqlite", KEY)
    yield opened
    opened.close()


@pytest.fixture
def tracker_file(tmp_path: Path) -> Path:
    """A tracker store as Rasa makes it, empty."""
    path = tmp_path / "trackers.sqlite"
    store_at(path).engine.dispose()
    return path


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database of its own on the server, removed afterwards."""
    if not POSTGRES:
        pytest.fail("CI must test PostgreSQL too: .ci/with-postgres starts a server.")
    name = f"bot_test_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        db.execute(sa.text(f"CREATE DATABASE {name}"))
    yield str(sa.engine.make_url(POSTGRES).set(database=name))
    with server.connect() as db:
        db.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres_only)])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The feedback store on each engine."""
    if request.param == "sqlite":
        opened = Store(f"sqlite:///{tmp_path}/feedback.sqlite", KEY)
    else:
        opened = Store(request.getfixturevalue("postgres_url"), KEY)
    yield opened
    opened.close()


@pytest.fixture
def read_in() -> Callable[..., Summary]:
    """Ingest what a place holds."""

    def run(store: Store, where: Path | str, **options: Any) -> Summary:
        source = open_source(str(where), store.digest)
        try:
            return ingest_source(store, source, **options)
        finally:
            source.close()

    return run


@pytest.fixture
def turns() -> Callable[..., list[Any]]:
    """The turns of a store in order, messages only unless told otherwise."""

    def run(store: Store, *, every_kind: bool = False) -> list[Any]:
        wanted = sa.select(t.turns).order_by(t.turns.c.conversation_id, t.turns.c.position)
        if not every_kind:
            wanted = wanted.where(t.turns.c.kind == "message")
        with store.read() as db:
            return list(db.execute(wanted))

    return run
