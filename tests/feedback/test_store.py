"""The database itself: migrations, keys, rights, the queue, failures told as sentences."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import chatlog as log
import pytest
import sqlalchemy as sa
from stores import dump

from bot.errors import BotError
from bot.feedback import migrations
from bot.feedback import tables as t
from bot.feedback.databases import engine_of, parse_url
from bot.feedback.store import Store

ORIGINAL = """
INSERT INTO conversations (sender, n_turns, state) VALUES ('s', 1, '{}');
INSERT INTO turns (conversation_id, key, position, kind, time, text, fallback, rephrase, actions,
    replies, thumbs, complete)
    VALUES (1, 'k', 0, 'message', 1.5, 'hello', '', 0, '[]', '[]', '{}', 1);
INSERT INTO suggestions (turn_id, model, label, ranking, entities)
    VALUES (1, 'm', 'greet', '[]', '[]');
"""


def test_the_tables_are_what_the_migrations_make(any_store: Store) -> None:
    found = sa.inspect(any_store.engine)
    names = {name for name in found.get_table_names() if not name.startswith("sqlite_")}
    assert names == set(t.metadata_of_tables.tables)
    for name, table in t.metadata_of_tables.tables.items():
        real = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        known = {c.name: c.nullable for c in table.columns if not c.primary_key}
        assert real.keys() == {c.name for c in table.columns}
        assert {column: real[column] for column in known} == known, name
        unique = {tuple(u["column_names"]) for u in found.get_unique_constraints(name)}
        for constraint in table.constraints:
            if isinstance(constraint, sa.UniqueConstraint):
                assert tuple(c.name for c in constraint.columns) in unique


def test_an_older_file_is_adopted(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    path.touch()
    engine = engine_of(parse_url(f"sqlite:///{path}", "x"))
    assert migrations.migrate(engine, until="0001_log") == ["0001_log"]
    with sqlite3.connect(path) as db:
        db.executescript(ORIGINAL)
    db.close()
    store = Store(f"sqlite:///{path}", log.KEY)
    assert [(queued.text, queued.priority) for queued in store.queue()] == [("hello", 0.0)]
    with store.read() as db:
        names = db.execute(sa.select(t.migrations.c.name).order_by("name")).scalars().all()
    assert names == list(migrations.STEPS)
    assert migrations.migrate(store.engine) == []


def test_a_step_that_fails_leaves_nothing(any_store: Store, monkeypatch: Any) -> None:
    def broken(db: Any) -> None:
        db.exec_driver_sql("CREATE TABLE half (a TEXT)")
        db.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    monkeypatch.setitem(migrations.STEPS, "9999_broken", broken)
    with pytest.raises(sa.exc.SQLAlchemyError):
        migrations.migrate(any_store.engine)
    assert "half" not in sa.inspect(any_store.engine).get_table_names()
    with any_store.read() as db:
        assert "9999_broken" not in db.execute(sa.select(t.migrations.c.name)).scalars().all()


def test_a_newer_file_is_refused(store: Store) -> None:
    with store.write() as db:
        db.execute(t.migrations.insert().values(name="9000_later", applied_at=1.0))
    with pytest.raises(BotError, match="newer version.*9000_later"):
        Store(str(store.url), log.KEY)


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    url, failed = f"sqlite:///{tmp_path}/new/feedback.sqlite", []

    def open_it() -> None:
        try:
            Store(url, log.KEY).close()
        except BotError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_another_key_is_refused(store: Store) -> None:
    with pytest.raises(BotError, match="another key.*BOT_FEEDBACK_KEY"):
        Store(str(store.url), b"x" * 32)
    with pytest.raises(BotError, match="at least 16 bytes"):
        Store(str(store.url), b"short")


def test_the_file_is_its_owners_alone(store: Store, tracker_file: Path, read_in: Any) -> None:
    log.write_rows(tracker_file, [("a", event) for event in log.exchange("hello", 1)])
    read_in(store, tracker_file)
    for path in Path(str(store.url.database)).parent.glob("feedback.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_no_sender_and_no_secret_is_in_the_file(
    store: Store, tracker_file: Path, read_in: Any
) -> None:
    said = "Zebedee here, 07700 900123, z.quill@x.org"
    tag = {"entity": "payee", "start": 0, "end": 7, "value": "Zebedee"}
    events = log.exchange(said, 1, "Hello Zebedee!", entities=[tag])
    log.write_rows(tracker_file, [("sender-4711", event) for event in events])
    log.write_rows(tracker_file, [("sender-4711", '{"event": "user", "text": "Zebedee"')])
    read_in(store, tracker_file)
    assert len(dump(store)["turns"]) == 1
    for path in Path(str(store.url.database)).parent.glob("feedback.sqlite*"):
        for secret in (b"sender-4711", b"Zebedee", b"900123", b"quill"):
            assert secret not in path.read_bytes(), (path, secret)


def test_pages_of_the_queue_fit_together(
    any_store: Store, tracker_file: Path, read_in: Any
) -> None:
    for number in range(23):
        events = log.exchange(f"text {number}", number)
        log.write_rows(tracker_file, [(f"s{number % 3}", event) for event in events])
    read_in(any_store, tracker_file)
    with any_store.write() as db:
        db.execute(sa.text("UPDATE turns SET priority = id % 4"))
        db.execute(sa.text("UPDATE turns SET status = 'done' WHERE id % 5 = 0"))
    pages, after = [], None
    while page := any_store.queue(after=after, limit=4):
        pages += page
        after = (page[-1].priority, page[-1].id)
    assert len(pages) == len({turn.id for turn in pages}) == 19
    order = [(turn.priority, turn.id) for turn in pages]
    assert order == sorted(order, reverse=True)


def test_a_page_of_the_queue_reads_its_index_alone(store: Store) -> None:
    told: list[str] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def _remember(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            told.extend(row[3] for row in rows)

    store.queue(after=(0.5, 7))
    assert told == [
        "SEARCH turns USING INDEX turns_queue (priority=? AND id<?)",
        "SEARCH turns USING INDEX turns_queue (priority<?)",
    ]


def test_suggestions_and_annotations_are_unique(
    any_store: Store, tracker_file: Path, read_in: Any
) -> None:
    log.write_rows(tracker_file, [("a", event) for event in log.exchange("hello", 1)])
    read_in(any_store, tracker_file)
    decided = {
        "turn_id": 1,
        "reviewer": "ada",
        "status": "draft",
        "entities": "[]",
        "created_at": 1.0,
        "updated_at": 1.0,
    }
    said = {"turn_id": 1, "model": log.MODEL, "ranking": "[]", "entities": "[]"}
    with any_store.write() as db:
        db.execute(t.annotations.insert().values(decided))
        db.execute(t.annotations.insert().values({**decided, "reviewer": "bob"}))
        db.execute(t.suggestions.insert().values({**said, "model": "another"}))
    refused = [
        t.annotations.insert().values(decided),
        t.annotations.insert().values({**decided, "reviewer": "eve", "status": "maybe"}),
        t.suggestions.insert().values(said),
        t.suggestions.insert().values({**said, "turn_id": 999}),
    ]
    for statement in refused:
        with (
            pytest.raises(BotError, match="Nothing of this step was kept"),
            any_store.write() as db,
        ):
            db.execute(statement)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://root@host/x", "Expected sqlite:///"),
        ("nonsense", "Expected sqlite:///"),
        ("sqlite://", "names no file"),
        ("postgresql://u:secret@127.0.0.1:9/none", "does not answer"),
    ],
)
def test_a_wrong_url_is_told(url: str, sentence: str) -> None:
    with pytest.raises(BotError, match=sentence) as told:
        Store(url, log.KEY)
    assert "secret" not in str(told.value)


def test_failures_of_sources_are_told(tmp_path: Path, store: Store, read_in: Any) -> None:
    with pytest.raises(BotError, match="nothing to read"):
        read_in(store, tmp_path / "missing.sqlite")
    with pytest.raises(BotError, match="no tracker store at"):
        read_in(store, f"sqlite:///{tmp_path}/missing.sqlite")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE things (a)")
    db.close()
    with pytest.raises(BotError, match="no table `events`"):
        read_in(store, other)
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"SQLite format 3\x00" + b"nonsense" * 500)
    with pytest.raises(BotError, match="no SQLite database, or a damaged one"):
        read_in(store, damaged)


def test_a_locked_store_is_told(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.feedback.databases.BUSY_S", 0.2)
    other = sqlite3.connect(str(store.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BotError, match="is locked: another process"), store.write():
        pass
    other.close()


def test_a_full_disk_is_told_and_loses_nothing(
    store: Store, tracker_file: Path, read_in: Any, monkeypatch: Any
) -> None:
    for number in range(3):
        events = log.exchange("x" * 9000, number)
        log.write_rows(tracker_file, [(f"s{number}", event) for event in events])
    with store.read() as db:
        pages = db.execute(sa.text("PRAGMA page_count")).scalar()

    @sa.event.listens_for(store.engine, "connect")
    def _small(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + limit}")

    limit = 1
    with pytest.raises(BotError, match="the disk is full.*nothing was lost"):
        read_in(store, tracker_file)
    limit = 10_000
    read_in(store, tracker_file)
    assert len(dump(store)["turns"]) == 3
