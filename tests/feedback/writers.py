"""Processes of their own: bots that write conversations, and ingests that can be killed."""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from pathlib import Path

import chatlog as log
import sqlalchemy as sa

from bot.feedback.ingest import ingest_source
from bot.feedback.sources import open_source
from bot.feedback.store import Store


def talk(where: str, sender: str, n_turns: int) -> None:
    """Save turns as a live bot does; print how long the slowest save took, in seconds."""
    slowest = 0.0
    store = log.store_at(where if "://" in where else Path(where))
    for number in range(n_turns):
        begun = time.monotonic()
        log.save(store, sender, log.exchange(f"turn {number} of {sender}", number))
        slowest = max(slowest, time.monotonic() - begun)
    print(slowest)


def out_of_order(url: str, sender: str, n_turns: int) -> None:
    """Insert turns and commit them after a random while, so that others overtake."""
    chance = random.Random(sender)
    engine = sa.create_engine(url)
    insert = sa.text(
        "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (:s, :t, :at, :d)"
    )
    for number in range(n_turns):
        with engine.begin() as db:
            for event in log.exchange(f"turn {number} of {sender}", number):
                row = zip("st", log.row_of(sender, event)[:2], strict=True)
                rest = {"at": log.row_of(sender, event)[2], "d": log.row_of(sender, event)[3]}
                db.execute(insert, dict(row) | rest)
                time.sleep(chance.random() * 0.01)
            time.sleep(chance.choice([0.0, 0.02, 0.1]))


def read(where: str, url: str, *names: str) -> None:
    """Ingest; print by how many MiB memory grew, and the seconds that the processor worked."""
    store = Store(url, log.KEY)
    source = open_source(where, store.digest)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()  # other programs may have most of the machine
    summary = ingest_source(store, source, names=names)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.process_time() - begun
    print(
        json.dumps(
            {
                "grown": (after - before) / 1024,
                "seconds": seconds,
                "events": summary.counts.events,
            }
        )
    )


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "talk":
        talk(rest[0], rest[1], int(rest[2]))
    elif command == "out_of_order":
        out_of_order(rest[0], rest[1], int(rest[2]))
    elif command == "read":
        read(*rest)
