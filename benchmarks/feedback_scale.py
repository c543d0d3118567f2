"""How long ingest and ranking take for many messages, and how much memory.

A tracker store as a busy bot leaves it is written first: sentences of the public data sets, the
frequent ones often (Zipf), many with politeness, amounts, names, slips, or a second sentence;
conversations run side by side; fallbacks, thumbs and second attempts occur. Ingest and ranking
then run in processes of their own.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

KEY = b"the key of a benchmark, no secret"
START = 1_790_000_000.0
_AT_ONCE = 200  # conversations that run side by side
_BEFORE = ("hi, ", "hello ", "please ", "hey there, ", "ok ", "so ", "quick question: ", "")
_AFTER = (
    " please",
    " thanks",
    " asap",
    " for [£{n}]",
    " with {name}",
    " on {day}",
    " again",
    " {n}",
)
_NAMES = ("Priya", "Tom", "my landlord", "Mrs Okafor", "the gas company", "mum", "Jonas Weber")
_DAYS = ("monday", "the 14th", "friday night", "2026-03-01", "new year's eve", "next week")
_TABLE = (
    "CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT NOT NULL, type_name TEXT NOT NULL,"
    " timestamp FLOAT, intent_name TEXT, action_name TEXT, data TEXT)"
)


@dataclass(frozen=True)
class Row:
    """One size of the log: seconds of one core, and memory in MB of the whole process.

    The clock on the wall says as much on a machine that does nothing else.
    """

    messages: int
    different: int
    groups: int
    ingest_s: float
    rank_s: float
    again_s: float
    ingest_mb: float
    rank_mb: float
    store_mb: float


def run(sizes: list[int], data: Path, out: Path | None) -> None:
    """Measure each size of log and print the table."""
    titles = (
        "messages, different texts, groups, ingest CPU s, rank CPU s, again CPU s, MB, store MB"
    )
    print(f"| {titles.replace(',', ' |')} |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for size in sizes:
        row = _measure(size, data)
        rows.append(row)
        memory = max(row.ingest_mb, row.rank_mb)
        print(
            f"| {row.messages:,} | {row.different:,} | {row.groups:,} | {row.ingest_s:.1f} "
            f"| {row.rank_s:.1f} | {row.again_s:.1f} | {memory:.0f} | {row.store_mb:.0f} |",
            flush=True,
        )
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def _measure(size: int, data: Path) -> Row:
    with tempfile.TemporaryDirectory() as scratch:
        tracker, store = Path(scratch) / "trackers.sqlite", Path(scratch) / "feedback.sqlite"
        different = write_log(tracker, size, sentences(data))
        ingested = _alone(_ingest, tracker, store)
        ranked = _alone(_rank, tracker, store)
        again = _alone(_rank, tracker, store)
        if again["changed"]:
            raise AssertionError(f"ranking again changed {again['changed']} messages")
        return Row(
            int(ranked["messages"]),
            different,
            int(ranked["groups"]),
            ingested["seconds"],
            ranked["seconds"],
            again["seconds"],
            ingested["mb"],
            ranked["mb"],
            store.stat().st_size / 2**20,
        )


def _ingest(tracker: Path, target: Path) -> dict[str, float]:
    from bot.feedback.ingest import ingest_source
    from bot.feedback.sources import open_source
    from bot.feedback.store import Store

    store = Store(f"sqlite:///{target}", KEY)
    ingest_source(store, open_source(str(tracker), store.digest))
    return {}


def _rank(tracker: Path, target: Path) -> dict[str, float]:
    from bot.feedback.requeue import rerank
    from bot.feedback.store import Store

    done = rerank(Store(f"sqlite:///{target}", KEY))
    laps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in done.seconds.items())
    print(f"<!-- {done.messages:,} messages: {laps} s -->", flush=True)
    return {"messages": done.messages, "groups": done.groups, "changed": done.changed}


def _alone(work: Any, *arguments: Path) -> dict[str, float]:
    """Do something in a process of its own and measure that."""
    context = multiprocessing.get_context("spawn")
    mine, other = context.Pipe()
    process = context.Process(target=_report, args=(other, work, arguments))
    process.start()
    other.close()
    found: dict[str, float] = mine.recv()
    process.join()
    return found


def _report(pipe: Any, work: Any, arguments: tuple[Path, ...]) -> None:
    found = work(*arguments)
    found["seconds"] = time.process_time()
    found["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send(found)


def sentences(data: Path) -> list[tuple[str, str]]:
    """Give the training sentences of two data sets with their labels."""
    with (data / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        banking = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    clinc = json.loads((data / "clinc150" / "data_full.json").read_text("utf-8"))["train"]
    return banking + [(text, label) for text, label in clinc]


def write_log(path: Path, n_messages: int, known: list[tuple[str, str]]) -> int:
    """Write a tracker store; give how many different texts are in it."""
    chance = random.Random(7)
    chance.shuffle(known)
    weights = 1.0 / np.arange(1, len(known) + 1) ** 0.8
    drawn = np.random.default_rng(7).choice(len(known), size=n_messages, p=weights / weights.sum())
    seen: set[int] = set()

    def rows() -> Iterator[tuple[str, str, float, str]]:
        for number, place in enumerate(drawn.tolist()):
            text, label = known[place]
            text = _varied(text, known, chance)
            seen.add(hash(text))
            yield from _turn(number, text, label, known[(place * 7 + 1) % len(known)][1], chance)

    with sqlite3.connect(path) as db:
        db.execute(_TABLE)
        db.executemany(
            "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, ?, ?, ?)",
            rows(),
        )
    db.close()
    return len(seen)


def _varied(text: str, known: list[tuple[str, str]], chance: random.Random) -> str:
    way = chance.random()
    if way < 0.45:
        return text
    if way < 0.75:
        more = chance.choice(_BEFORE) + text.rstrip("?.! ") + chance.choice(_AFTER)
        number, name = chance.randint(1, 5000), chance.choice(_NAMES)
        return (
            more.replace("{n}", str(number))
            .replace("{name}", name)
            .replace("{day}", chance.choice(_DAYS))
        )
    if way < 0.85:
        at = chance.randrange(len(text))
        return text[:at] + chance.choice("aeinrst") + text[at + 1 :]
    return f"{text} {chance.choice(known)[0]}"


def _turn(
    number: int, text: str, label: str, second: str, chance: random.Random
) -> Iterator[tuple[str, str, float, str]]:
    lane, place = number % _AT_ONCE, number // _AT_ONCE
    sender, at = f"person-{lane}-{place // 6}", START + number
    sure = chance.betavariate(6, 1.2)
    ranking = [(label, sure), (second, (1 - sure) * 0.7), ("greet", (1 - sure) * 0.2)]
    lost = sure < 0.5
    if lost:
        ranking.insert(0, ("nlu_fallback", 0.6))
    parse = {
        "intent": {"name": ranking[0][0], "confidence": ranking[0][1]},
        "entities": [],
        "intent_ranking": [{"name": name, "confidence": score} for name, score in ranking],
    }
    model = {"model_id": "live"}
    events: list[dict[str, Any]] = [
        {
            "event": "user",
            "text": text,
            "parse_data": {**parse, "text": text},
            "input_channel": "web",
            "message_id": f"m{number}",
            "metadata": model,
        },
        {"event": "action", "name": "utter_fine", "policy": "RulePolicy", "confidence": 1.0},
        {"event": "bot", "text": "Fine.", "data": {}, "metadata": {}},
        {"event": "action", "name": "action_listen", "policy": None, "confidence": None},
    ]
    if chance.random() < 0.02:
        thumb = {"reply": f"m{number}.0", "message": f"m{number}", "place": 0, "thumb": "down"}
        value = {**thumb, "comment": None, "model": "live"}
        events.append({"event": "slot", "name": "feedback", "value": value})
    for part, event in enumerate(events):
        event["timestamp"] = at + part / 10
        yield sender, event["event"], event["timestamp"], json.dumps(event)
