"""Beside a live bot: several writers, killed ingests, many events."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import chatlog as log
import pytest
import sqlalchemy as sa
from stores import dump, postgres_only

from bot.feedback import tables as t
from bot.feedback.ingest import ingest_source
from bot.feedback.sources import open_source
from bot.feedback.store import Store
from bot.feedback.tracker_source import TrackerSource

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent.parent)]),
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "writers.py"), *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE)


def finish(process: subprocess.Popen[str], patience_s: float = 240) -> str:
    try:
        told, _ = process.communicate(timeout=patience_s)
    finally:
        process.kill()
    assert process.returncode == 0
    return told


def expected(senders: list[str], n_turns: int) -> set[str]:
    return {f"turn {number} of {sender}" for sender in senders for number in range(n_turns)}


def test_nothing_is_lost_beside_live_bots_on_sqlite(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    senders = [f"s{number}" for number in range(3)]
    bots = [start("talk", tracker_file, sender, 12) for sender in senders]
    while any(bot.poll() is None for bot in bots):
        read_in(store, tracker_file)
    slowest = max(float(finish(bot)) for bot in bots)  # a bot that was locked out would fail
    read_in(store, tracker_file)
    texts = [turn.text for turn in turns(store)]
    assert set(texts) == expected(senders, 12) and len(texts) == 36
    assert all(turn.complete for turn in turns(store))
    assert slowest < 5.0  # what SQLite waits for a lock before it fails


@postgres_only
def test_nothing_is_lost_when_commits_overtake_on_postgresql(
    postgres_url: str, store: Store, read_in: Any, turns: Any
):
    log.store_at(postgres_url).engine.dispose()
    senders = [f"s{number}" for number in range(4)]
    bots = [start("out_of_order", postgres_url, sender, 8) for sender in senders]
    overtaken, engine = False, sa.create_engine(postgres_url)
    while any(bot.poll() is None for bot in bots):
        read_in(store, postgres_url)
        with engine.connect() as db:
            ids = list(db.execute(sa.text("SELECT id FROM events ORDER BY id")).scalars())
        overtaken |= bool(ids) and len(ids) < ids[-1]  # an id below is not visible yet
    for bot in bots:
        finish(bot)
    read_in(store, postgres_url)
    texts = [turn.text for turn in turns(store)]
    assert overtaken, "no id ever appeared late: the test shows nothing"
    assert set(texts) == expected(senders, 8) and len(texts) == 32
    assert all(len(json.loads(turn.replies)) == 1 for turn in turns(store))
    engine.dispose()


@postgres_only
def test_a_transaction_that_stays_open_holds_the_cursor_back(
    postgres_url: str, store: Store, turns: Any
):
    log.store_at(postgres_url).engine.dispose()
    engine = sa.create_engine(postgres_url, future=True)
    insert = sa.text(
        "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (:a, :b, :c, :d)"
    )

    def write(db: Any, sender: str, text: str, at: float) -> None:
        for event in log.exchange(text, at):
            db.execute(insert, dict(zip("abcd", log.row_of(sender, event), strict=True)))

    def read() -> Any:
        source = TrackerSource(sa.engine.make_url(postgres_url), store.digest, settle_s=0.1)
        ingest_source(store, source)
        with store.read() as db:
            return json.loads(db.execute(sa.select(t.cursors.c.position)).scalar())

    with engine.connect() as slow:
        write(slow, "slow", "early id, late commit", 1)
        with engine.begin() as quick:
            write(quick, "quick", "late id, early commit", 2)
        assert read()["id"] == 0
        assert [turn.text for turn in turns(store)] == ["late id, early commit"]
        assert read()["id"] == 0
        slow.commit()
    assert read()["id"] == 8
    assert {turn.text for turn in turns(store)} == {
        "late id, early commit",
        "early id, late commit",
    }
    engine.dispose()


def test_two_ingests_at_once_share_the_work(tmp_path: Path, tracker_file: Path, turns: Any):
    fill(tracker_file, 6000)
    url = f"sqlite:///{tmp_path}/feedback.sqlite"
    both = [start("read", tracker_file, url) for _ in range(2)]
    read = [json.loads(finish(process))["events"] for process in both]
    assert sum(read) == 6000
    store = Store(url, log.KEY)
    assert len(turns(store)) == 1500


def test_the_tracker_store_is_never_locked_for_long(tracker_file: Path, store: Store, read_in: Any):
    """A writer that does not wait at all gets through most of the time."""
    fill(tracker_file, 8000)
    done = threading.Event()
    tries: list[bool] = []

    def write() -> None:
        while not done.is_set():
            db = sqlite3.connect(tracker_file, timeout=0.3)
            try:
                with db:
                    db.execute(
                        "INSERT INTO events (sender_id, type_name, data) VALUES ('x','x','x')"
                    )
                tries.append(True)
            except sqlite3.OperationalError:
                tries.append(False)
            db.close()
            time.sleep(0.005)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        read_in(store, tracker_file)
    finally:
        done.set()
        thread.join()
    assert len(tries) > 10 and all(tries)


def test_a_journal_left_by_a_killed_bot_is_no_obstacle(
    tracker_file: Path, store: Store, read_in: Any, turns: Any
):
    log.write_rows(tracker_file, [("a", event) for event in log.exchange("kept", 1)])
    script = (
        "import sqlite3, os, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('PRAGMA cache_size=1'); db.execute('BEGIN');"
        "[db.execute(\"INSERT INTO events (sender_id, type_name, data) VALUES ('b','user',?)\","
        " ('x' * 5000,)) for _ in range(200)]; os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tracker_file)], check=False)
    journal = tracker_file.with_name(tracker_file.name + "-journal")
    assert journal.stat().st_size > 0, "the writer left no journal: the test shows nothing"
    read_in(store, tracker_file)
    assert [turn.text for turn in turns(store)] == ["kept"]


def kill_often(tmp_path: Path, tracker_file: Path, n_kills: int, seed: int) -> None:
    straight = Store(f"sqlite:///{tmp_path}/straight.sqlite", log.KEY)
    source = open_source(str(tracker_file), straight.digest)
    ingest_source(straight, source)
    chance, url = random.Random(seed), f"sqlite:///{tmp_path}/killed.sqlite"
    path, n_killed, rounds = tmp_path / "killed.sqlite", 0, 0
    while n_killed < n_kills and rounds < 3 * n_kills:
        rounds += 1
        if rounds % 5 == 0:  # all was read already: begin anew
            for file in tmp_path.glob("killed.sqlite*"):
                file.unlink()
        before = path.stat().st_mtime_ns if path.exists() else 0
        process = start("read", tracker_file, url)
        while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
            time.sleep(0.002)  # wait for the first write; importing takes longest
        time.sleep(chance.random() * 0.6)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            n_killed += 1
        process.communicate()
    assert n_killed == n_kills
    killed = Store(url, log.KEY)
    ingest_source(killed, open_source(str(tracker_file), killed.digest))
    assert dump(killed) == dump(straight)
    with killed.read() as db:
        assert db.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"


def test_a_killed_ingest_goes_on_where_it_was(tmp_path: Path, tracker_file: Path):
    fill(tracker_file, 6000)
    kill_often(tmp_path, tracker_file, 4, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_fifty_kills(tmp_path: Path, tracker_file: Path):
    fill(tracker_file, 12_000)
    kill_often(tmp_path, tracker_file, 50, seed=2)


def fill(path: Path, n_events: int) -> None:
    """Write conversations of ten turns, four events a turn, as a busy bot would have."""
    said = ["what is my balance", "send £50 to Priya", "call me on 07700 900123 please", "thanks"]
    ranking = [(f"intent_{number}", 0.5 / (number + 1)) for number in range(10)]
    shapes = [
        [json.dumps(event.as_dict()) for event in log.exchange(text, 0, id="%ID%", ranking=ranking)]
        for text in said
    ]
    kinds = ("user", "action", "bot", "action")

    def rows() -> Any:
        for number in range(n_events):
            turn, part = divmod(number, 4)
            at = log.START + turn + part / 10
            data = shapes[turn % 4][part].replace("%ID%", f"m{turn}", 2)
            head, _, tail = data.partition('"timestamp": ')
            data = f'{head}"timestamp": {at}{tail[tail.index(",") :]}'
            yield f"sender-{turn // 10}", kinds[part], at, data

    with sqlite3.connect(path) as db:
        db.executemany(
            "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, ?, ?, ?)", rows()
        )
    db.close()


def measure(tmp_path: Path, tracker_file: Path, n_events: int) -> dict[str, float]:
    fill(tracker_file, n_events)
    url = f"sqlite:///{tmp_path}/feedback-{n_events}.sqlite"
    found: dict[str, float] = json.loads(finish(start("read", tracker_file, url), 1500))
    assert found["events"] == n_events
    return found


@pytest.mark.long
def test_a_hundred_thousand_events(tmp_path: Path, tracker_file: Path):
    found = measure(tmp_path, tracker_file, 100_000)
    assert found["grown"] < 40, found  # MiB; the events alone are 60
    assert found["seconds"] < 40, found


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_million_events(tmp_path: Path, tracker_file: Path):
    found = measure(tmp_path, tracker_file, 1_000_000)
    assert found["grown"] < 60, found


TURNS = """
INSERT INTO turns (conversation_id, key, position, kind, time, text, fallback, rephrase, actions,
    replies, thumbs, complete, priority, status)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :wanted)
SELECT 1, 'key' || i, i, CASE i % 5 WHEN 0 THEN 'payload' ELSE 'message' END, i,
    'what is the balance of my account number ' || i, '', 0, '[]', '[]', '{}', 1,
    CASE i % 2 WHEN 0 THEN 0 ELSE (i * 7919 % 1009) / 1009.0 END, 'open'
FROM n
"""


@pytest.mark.long
def test_a_page_of_a_queue_of_a_million_turns(store: Store):
    with store.write() as db:
        db.execute(t.conversations.insert().values(sender="s", n_turns=0, state="{}"))
        db.execute(sa.text(TURNS), {"wanted": 1_000_000})
    took, begin = [], [None, (0.5, 500_000), (0.0, 900_000), (0.0, 40_000)]
    for after in begin:
        for _ in range(50):
            begun = time.monotonic()
            page = store.queue(after=after, limit=50)
            took.append(time.monotonic() - begun)
            assert len(page) == 50
            after = (page[-1].priority, page[-1].id)
    assert sorted(took)[int(0.95 * len(took))] < 0.2
