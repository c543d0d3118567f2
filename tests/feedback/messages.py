"""A store with messages that wait for review, written at once instead of by conversations."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.queueing import Queue
from bot.feedback.store import Store

START = 1_790_000_000.0
MODEL = "6f2c"
PORTION = 5_000


def message(number: int, text: str, **columns: Any) -> dict[str, Any]:
    """Give the columns of a message; those of higher number come up first."""
    return {
        "id": number,
        "conversation_id": 1,
        "key": f"{number:032x}",
        "position": number,
        "kind": "message",
        "time": START + number,
        "channel": "web",
        "text": text,
        "model": MODEL,
        "fallback": "",
        "rephrase": 0,
        "actions": "[]",
        "replies": "[]",
        "thumbs": "{}",
        "complete": 1,
        "priority": 0.0,
        "status": "open",
        "reasons": "[]",
        "head": 1,
        "group_id": None,
        "thumb": None,
        "picked": None,
        **columns,
    }


def fill(
    store: Store,
    messages: Iterable[dict[str, Any]],
    ranking: Sequence[tuple[str, float]] = (("greet", 0.7), ("goodbye", 0.2)),
    entities: Sequence[dict[str, Any]] = (),
    conversations: int = 1,
) -> None:
    """Write messages, each with the same suggestion of the live model."""
    ranked = json.dumps([list(pair) for pair in ranking])
    rows = list(messages)
    said = {
        "model": MODEL,
        "label": ranking[0][0],
        "confidence": ranking[0][1],
        "ranking": ranked,
        "entities": json.dumps(list(entities)),
    }
    with store.write() as db:
        db.execute(
            sa.insert(t.conversations),
            [
                {"id": number, "sender": f"s-{number}", "n_turns": 1, "state": "{}"}
                for number in range(1, conversations + 1)
            ],
        )
        for begin in range(0, len(rows), PORTION):
            some = rows[begin : begin + PORTION]
            db.execute(sa.insert(t.turns), some)
            db.execute(sa.insert(t.suggestions), [{"turn_id": r["id"], **said} for r in some])


def group(head: int, *texts: str, **columns: Any) -> list[dict[str, Any]]:
    """Give messages of one group; the first stands for the others."""
    return [
        message(head + place, text, group_id=head, head=int(place == 0), **columns)
        for place, text in enumerate(texts)
    ]


def state(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Give all that decisions change, apart from ids of annotations and the record of decisions."""
    turns, said = t.turns.c, t.annotations.c
    counts = sa.select(said.reviewer).where(said.id == turns.annotation_id).scalar_subquery()
    queries = {
        "turns": sa.select(turns.id, turns.status, turns.head, turns.group_id, counts),
        "annotations": sa.select(*(column for column in said if column.name not in ("id",))),
        "queue": sa.select(turns.id).where(t.IN_QUEUE),
    }
    with store.read() as db:
        return {name: sorted(map(repr, db.execute(query))) for name, query in queries.items()}


def hammer(url: str, key: bytes, reviewer: str, n: int, seed: int, undos: bool) -> list[int]:
    """Decide what the queue gives, as one reviewer; give the ids that were acknowledged."""
    store = Store(url, key)
    queue, decisions = Queue(store), Decisions(store, overlap=0.0)
    chance, mine = random.Random(seed), []
    for _ in range(n):
        number = queue.next(reviewer)
        if number is None:
            break
        decisions.submit(reviewer, number, reviewer)
        mine.append(number)
        if undos and chance.random() < 0.2:
            undone = decisions.undo(reviewer)
            assert undone is not None
            mine.remove(undone.turn_id)
    store.close()
    return mine
