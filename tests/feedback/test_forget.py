"""Whoever is forgotten is gone: from the tables, from the files' bytes, and for good."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import chatlog as log
import pytest
import sqlalchemy as sa
from stores import dump, postgres_only

from bot.errors import BotError
from bot.feedback import commands, provenance, quarantine
from bot.feedback import tables as t
from bot.feedback.export import files_of
from bot.feedback.forget import forget_older, forget_sender, parse_age
from bot.feedback.store import Store
from bot.feedback.tracker_removal import TrackerRemoval

WORDS = "an unmistakable sentence of hers"


@pytest.fixture
def tracker(tracker_file: Path, store: Store) -> Any:
    opened = TrackerRemoval(f"sqlite:///{tracker_file}", store.digest)
    yield opened
    opened.close()


def talk(path: Path, *, keep: int = 40) -> None:
    """Two people talk in turns, long enough to split pages, and one says something special."""
    for number in range(keep):
        log.write_rows(path, [("him", x) for x in log.exchange("his words " * 40, number)])
        log.write_rows(path, [("her", x) for x in log.exchange(f"{WORDS} {number} " * 9, number)])
    log.write_rows(path, [("her", log.thumb("m-3", "down", 99, comment=f"{WORDS}!"))])
    log.write_rows(path, [("her", '{"event": "teleport"}')])


def annotate(store: Store) -> None:
    with store.write() as db:
        wanted = sa.select(t.turns.c.id, t.turns.c.conversation_id, t.turns.c.text)
        for own, conversation, text in db.execute(wanted).all():
            db.execute(t.decisions.insert().values(reviewer="ada", action="submit", made_at=own))
            db.execute(t.decided.insert().values(decision_id=own, turn_id=own, before="{}"))
            db.execute(t.leases.insert().values(turn_id=own, reviewer="ada", until=1.0))
            whole = {"conversation_id": conversation, "first_turn_id": own, "last_turn_id": own}
            whole |= {"reviewer": "ada", "kind": "story", "name": "a", "steps": "[]"}
            times = {"created_at": 1.0, "updated_at": 1.0}
            db.execute(t.corrections.insert().values(**whole, **times, status="draft"))
            row = {"turn_id": own, "reviewer": "ada", "status": "submitted", "entities": "[]"}
            row |= {"note": f"decided {own}", "created_at": 1.0, "updated_at": 1.0}
            db.execute(t.annotations.insert().values(row))
            said = dict.fromkeys(("live_label", "candidate_label", "words"), text)
            said |= dict.fromkeys(("live_asks", "candidate_asks", "entities_differ", "score"), 1)
            db.execute(t.shadow.insert().values(turn_id=own, **said))


def count(store: Store, table: sa.Table) -> int:
    with store.read() as db:
        return int(db.execute(sa.select(sa.func.count()).select_from(table)).scalar())


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("*.sqlite*"))


def test_one_person_is_removed_from_everywhere(
    tmp_path: Path, tracker_file: Path, store: Store, tracker: Any, read_in: Any
) -> None:
    talk(tracker_file)
    read_in(store, tracker_file)
    annotate(store)
    hers = store.pseudonym("her")
    assert WORDS.encode() in bytes_of(tmp_path) and hers.encode() in bytes_of(tmp_path)
    done = forget_sender(store, tracker, "her", folders=[])
    assert done.events == 162 and done.postponed == []
    assert done.removed == {
        "corrections": 40,
        "steps to undo": 40,
        "leases": 40,
        "annotations": 40,
        "suggestions": 40,
        "shadow readings": 40,
        "turns": 40,
        "conversations": 1,
        "quarantined events": 1,
    }
    assert "162 events" in str(done) and "40 annotations" in str(done)
    assert WORDS.encode() not in bytes_of(tmp_path)
    assert count(store, t.turns) == count(store, t.annotations) == 40
    again = forget_sender(store, tracker, "her", folders=[])
    assert again.events == 0 and not any(again.removed.values())
    assert count(store, t.turns) == 40
    read_in(store, tracker_file)
    assert count(store, t.turns) == 40


def test_a_group_that_loses_its_head_is_asked_again(
    tracker_file: Path, store: Store, tracker: Any, read_in: Any
) -> None:
    talk(tracker_file, keep=3)
    read_in(store, tracker_file)
    with store.write() as db:
        head = db.execute(sa.select(sa.func.min(t.turns.c.id))).scalar()
        whose = db.execute(sa.select(t.conversations.c.sender).order_by(t.conversations.c.id))
        first = whose.scalars().first()
        db.execute(t.turns.update().values(group_id=head, head=(t.turns.c.id == head)))
    assert len(store.queue()) == 1
    forgotten = "her" if first == store.pseudonym("her") else "him"
    forget_sender(store, tracker, forgotten, folders=[])
    assert len(store.queue()) == 3


def test_what_somebody_deleted_carelessly_is_gone_as_well(
    tmp_path: Path, tracker_file: Path, store: Store, tracker: Any
) -> None:
    talk(tracker_file, keep=10)
    with sqlite3.connect(tracker_file) as db:
        db.execute("PRAGMA secure_delete=OFF")
        db.execute("DELETE FROM events WHERE sender_id = 'her'")
    db.close()
    assert WORDS.encode() in bytes_of(tmp_path), "nothing was left behind: the test shows nothing"
    forget_sender(store, tracker, "her", folders=[])
    assert WORDS.encode() not in bytes_of(tmp_path)


def test_what_comes_after_is_read_although_ids_are_used_again(
    tracker_file: Path, store: Store, tracker: Any, read_in: Any, turns: Any
) -> None:
    log.write_rows(tracker_file, [("him", x) for x in log.exchange("first", 1)])
    log.write_rows(tracker_file, [("her", x) for x in log.exchange("hers", 2)])
    read_in(store, tracker_file)
    forget_sender(store, tracker, "her", folders=[])
    log.write_rows(tracker_file, [("him", x) for x in log.exchange("second", 3)])
    summary = read_in(store, tracker_file)
    assert [turn.text for turn in turns(store)] == ["first", "second"]
    assert summary.counts.events == 4, "everything was read again"


def test_a_log_file_does_not_bring_anybody_back(
    tmp_path: Path, store: Store, read_in: Any, turns: Any
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(log.line_of("her", x) for x in log.exchange("hers", 1)))
    read_in(store, path)
    done = forget_sender(store, None, "her", folders=[])
    assert str(path) in str(done)
    copy = tmp_path / "copy.jsonl"
    copy.write_text(path.read_text())
    summary = read_in(store, copy)
    assert turns(store) == [] and summary.counts.forgotten == 4
    later = time.time() - log.START + 60  # she comes back, which is her right
    copy.write_text("".join(log.line_of("her", x) for x in log.exchange("new", later)))
    read_in(store, copy)
    assert [turn.text for turn in turns(store)] == ["new"]


def test_exported_examples_are_removed(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "data" / "feedback"
    folder.mkdir(parents=True)
    hers, his = store.pseudonym("her"), store.pseudonym("him")
    origins = [
        provenance.Origin("nlu.yml", hers, "k1", "what do I have", label="check_balance"),
        provenance.Origin("nlu.yml", his, "k2", "hello", label="greet"),
        provenance.Origin("", hers, "k3", "not written at present", label="unknown"),
    ]
    for name, content in files_of(Path("data/feedback"), origins).items():
        if content is not None:
            (folder / name).write_text(content, "utf-8")
    items = [quarantine.of(origin, "conflict", "why", "what") for origin in origins]
    listed = tmp_path / quarantine.LIST
    listed.parent.mkdir(parents=True)
    listed.write_text(quarantine.written(items) or "", "utf-8")
    done = forget_sender(store, None, "her", folders=[folder, tmp_path / "missing" / "folder"])
    left = "".join(path.read_text("utf-8") for path in [*folder.iterdir(), listed])
    assert "hello" in left and hers not in left
    assert "what do I have" not in left and "not written" not in left
    assert f"1 from {folder / 'nlu.yml'}" in str(done)
    for out_of_reach in ("git", "weights", "backups", "brokers"):
        assert out_of_reach in str(done)
    forget_sender(store, None, "him", folders=[folder])
    assert not list(folder.iterdir()) and not listed.exists()


def test_broken_provenance_keeps_nobody_from_being_forgotten(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "data" / "feedback"
    folder.mkdir(parents=True)
    hers, his = store.pseudonym("her"), store.pseudonym("him")
    lines = [
        provenance.line(provenance.Origin("nlu.yml", hers, "k1", "mine", label="greet")),
        f'<<<<<<< {{"sender": "{hers}"\n',
        "=======\n",
        provenance.line(provenance.Origin("nlu.yml", his, "k2", "x [y](z)", label="greet")),
    ]
    (folder / provenance.FILE).write_text("".join(lines), "utf-8")
    done = forget_sender(store, None, "her", folders=[folder])
    assert (folder / provenance.FILE).read_text("utf-8") == "".join(lines[2:])
    assert done.postponed and "Not finished" in str(done)


def test_retention_removes_what_is_old_and_no_half_session(
    tmp_path: Path, tracker_file: Path, store: Store, tracker: Any, read_in: Any, turns: Any
) -> None:
    now = time.time() - log.START
    day = 86400
    old = [*log.session(now - 90 * day), *log.exchange(WORDS, now - 90 * day + 1)]
    young = [*log.session(now - day), *log.exchange("young", now - day + 1)]
    long_open = [*log.session(now - 60 * day), *log.exchange("begun long ago", now - 59 * day)]
    long_open += log.exchange("still going on", now - 5)
    for sender, events in (("gone", old), ("both", old + young), ("open", long_open)):
        log.write_rows(tracker_file, [(sender, event) for event in events])
    read_in(store, tracker_file)
    done = forget_older(store, tracker, 30 * day)
    assert done.removed["turns"] == 3 and done.removed["conversations"] == 1
    assert done.events == 14, "the open session must stay whole"
    assert sorted(turn.text for turn in turns(store)) == ["still going on", "young"]
    assert WORDS.encode() not in bytes_of(tmp_path)
    source = tmp_path / "old.jsonl"
    source.write_text("".join(log.line_of("x", event) for event in old))
    summary = read_in(store, source)
    assert summary.counts.expired == 7 and len(turns(store)) == 2
    assert forget_older(store, tracker, 30 * day).events == 0


def test_a_reader_in_the_way_is_told_and_a_second_call_finishes(
    tmp_path: Path, tracker_file: Path, store: Store, tracker: Any, read_in: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("bot.feedback.databases.BUSY_S", 0.1)
    talk(tracker_file, keep=5)
    read_in(store, tracker_file)
    with store.read() as db:
        db.execute(sa.select(t.turns)).first()
        done = forget_sender(store, tracker, "her", folders=[])
        assert done.postponed and "Run the command again" in str(done)
    assert forget_sender(store, tracker, "her", folders=[]).postponed == []
    assert WORDS.encode() not in bytes_of(tmp_path)


@postgres_only
def test_forgetting_on_postgresql(postgres_url: str, read_in: Any, turns: Any) -> None:
    log.store_at(postgres_url).engine.dispose()
    store = Store(postgres_url, log.KEY)  # both in one database: their tables do not collide
    log.save(log.store_at(postgres_url), "her", log.exchange("hers", 1))
    log.save(log.store_at(postgres_url), "him", log.exchange("his", 2))
    read_in(store, postgres_url)
    opened = TrackerRemoval(postgres_url, store.digest)
    done = forget_sender(store, opened, "her", folders=[])
    assert done.events == 4 and done.postponed == [] and "VACUUM FULL" in str(done)
    assert [turn.text for turn in turns(store)] == ["his"]
    assert forget_older(store, opened, 86400).events == 4
    assert turns(store) == []
    opened.close()
    store.close()


@pytest.mark.parametrize(
    ("text", "seconds"), [("180d", 180 * 86400), ("2 w", 14 * 86400), ("12m", 360 * 86400)]
)
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "180", "-3d", "0d", "d", "1.5y"])
def test_what_is_no_age_is_told(text: str) -> None:
    with pytest.raises(BotError, match="is no age"):
        parse_age(text)


def test_the_commands_find_their_way_by_endpoints(
    tmp_path: Path, tracker_file: Path, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("endpoints.yml").write_text(
        "tracker_store:\n  type: SQL\n  dialect: sqlite\n  db: ${BOT_TEST_DB}\n"
    )
    monkeypatch.setenv("BOT_TEST_DB", tracker_file.name)
    Path("names.txt").write_text("# ours\nPriya Nair\n")
    log.write_rows(tracker_file, [("her", x) for x in log.exchange("pay Priya", 1)])
    commands.ingest(key=log.KEY, names_file=Path("names.txt"))
    assert "1 new messages to review" in capsys.readouterr().out
    store = Store("sqlite:///.bot/feedback.sqlite", log.KEY)
    assert "pay [NAME_1]" in json.dumps(dump(store))
    assert commands.forget(sender="her", key=log.KEY)
    assert "4 events" in capsys.readouterr().out
    assert commands.forget(older_than="1d", key=log.KEY)
    for wrong in ({}, {"sender": "a", "older_than": "1d"}):
        with pytest.raises(BotError, match="--sender ID"):
            commands.forget(key=log.KEY, **wrong)


@pytest.mark.parametrize("section", ["{type: redis}", "{type: SQL, db: gone.sqlite}"])
def test_who_was_read_from_a_log_is_forgotten_without_a_tracker_store(
    tmp_path: Path, capsys: Any, monkeypatch: Any, section: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("endpoints.yml").write_text(f"tracker_store: {section}\n")
    lines = [log.line_of("her", event) for event in log.exchange("pay Priya", 1)]
    Path("events.log").write_text("\n".join(lines) + "\n")
    commands.ingest("events.log", key=log.KEY)
    capsys.readouterr()
    assert commands.forget(sender="her", key=log.KEY)
    told = capsys.readouterr().out
    assert "1 turns" in told and "Nothing was found" not in told
    assert "  Rasa's tracker store: " in told.split("cannot reach")[1]
    store = Store("sqlite:///.bot/feedback.sqlite", log.KEY)
    assert dump(store)["turns"] == []
    assert commands.forget(older_than="1d", key=log.KEY)
    assert "Nothing was found" not in capsys.readouterr().out
    with pytest.raises(BotError, match="no tracker store at gone.sqlite"):
        commands.forget(sender="her", key=log.KEY, tracker="gone.sqlite")
    assert commands.forget(sender="hers", key=log.KEY)
    assert "Nothing was found. If it was not removed before, check" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tracker_store:\n  type: redis\n", "names no SQL tracker store"),
        ("", "names no SQL tracker store"),
        ("a: [", "is no YAML"),
        ("tracker_store:\n  type: SQL\n  db: ${BOT_NOT_SET}\n", "BOT_NOT_SET; it is not set"),
    ],
)
def test_endpoints_that_do_not_help_are_told(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "endpoints.yml"
    path.write_text(text)
    with pytest.raises(BotError, match=sentence):
        commands.tracker_url(path, {})


def test_the_url_is_the_one_rasa_makes(tmp_path: Path) -> None:
    from rasa.core.tracker_store import SQLTrackerStore

    section = {"dialect": "postgresql", "url": "db.internal", "port": 5433, "db": "larkfield"}
    section |= {"username": "bot", "password": "p@ss/word"}
    path = tmp_path / "endpoints.yml"
    path.write_text(json.dumps({"tracker_store": {"type": "SQL", **section}}))
    names = {"url": "host"}
    made = SQLTrackerStore.get_db_url(**{names.get(k, k): v for k, v in section.items()})
    assert sa.engine.make_url(commands.tracker_url(path)) == made


def test_nothing_of_rasa_or_torch_is_imported() -> None:
    import sys

    script = (
        "import sys, bot.feedback.commands, bot.feedback.synthetic;"
        "print([m for m in sys.modules if m.split('.')[0] in ('rasa', 'torch', 'sanic')])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
