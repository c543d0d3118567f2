"""A small project and a log of its conversations, for what reviewers do in the browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.ingest import ingest_source
from bot.feedback.sources import open_source
from bot.feedback.store import Store

KEY = b"the key of the tests, no secret."
START = 1_790_000_000.0
MARKUP = "<img src=x onerror='window.hacked=true'>"

DOMAIN = """version: "3.1"
intents: [greet, transfer_money, pay_bill, check_balance, freeze_card, out_of_scope]
entities:
  - amount
  - payee
  - city: {roles: [from, to]}
slots:
  account: {type: categorical, values: [current, savings], mappings: [{type: custom}]}
forms: {transfer_form: {required_slots: []}}
actions: [action_transfer]
responses:
  utter_greet: [{text: Hello}]
  utter_balance: [{text: "You have 5"}]
"""
NLU = """version: "3.1"
nlu:
  - intent: greet
    examples: |
      - hello there
      - good morning
  - intent: transfer_money
    examples: |
      - send [20](amount) to [Ana](payee)
      - transfer [5 pounds](amount) please
  - intent: pay_bill
    examples: |
      - pay my gas bill
      - please settle the water bill
  - intent: check_balance
    examples: |
      - how much is on my account
      - what is my balance
  - intent: freeze_card
    examples: |
      - freeze my card
      - block the card now
"""
# Texts in the order in which they come up: what each test is about stands in its name.
PLAIN = "move twenty over to her \U0001f600 today"
TRAVEL = "fly from Bonn to Oslo"
CONFLICT = "please settle the water bill!"
GROUP = ("send 50 quid to Ben", "send 60 quid to Ben", "send 70 quid to Ben")
HOSTILE = f"{MARKUP} hello"
N_MORE = 24


def texts() -> list[str]:
    """Give the messages of the queue, that which comes first at the beginning."""
    more = [f"question number {n} about my {WORDS[n % len(WORDS)]}" for n in range(N_MORE)]
    return [PLAIN, TRAVEL, CONFLICT, *GROUP, HOSTILE, *more]


WORDS = ["money", "card", "balance", "bill"]
RANKING = ["transfer_money", "pay_bill", "check_balance", "freeze_card", "greet"]


def project(root: Path) -> Path:
    """Write the project."""
    (root / "data").mkdir(parents=True)
    (root / "domain.yml").write_text(DOMAIN, "utf-8")
    (root / "data" / "nlu.yml").write_text(NLU, "utf-8")
    return root


def said(text: str, time: float, *, label: str = "transfer_money") -> dict[str, Any]:
    scores = [0.41, 0.3, 0.15, 0.1, 0.04]
    order = [label, *(name for name in RANKING if name != label)]
    ranking = [{"name": n, "confidence": s} for n, s in zip(order, scores, strict=True)]
    fallback = {"name": "nlu_fallback", "confidence": 0.7}
    found = re.search(r"\d+(?= quid)", text)
    return {
        "event": "user",
        "timestamp": START + time,
        "text": text,
        "input_channel": "web",
        "message_id": f"m-{time}",
        "metadata": {"model_id": "6f2c"},
        "parse_data": {
            "intent": fallback,
            "entities": [amount(found)] if found else [],
            "intent_ranking": [fallback, *ranking],
        },
    }


def amount(found: re.Match[str]) -> dict[str, Any]:
    return {"entity": "amount", "start": found.start(), "end": found.end(), "value": found[0]}


def events(text: str, time: float) -> Iterator[dict[str, Any]]:
    """Yield what one turn leaves in the log."""
    meta = {"metadata": {"model_id": "6f2c"}}
    yield said(text, time)
    yield {
        "event": "action",
        "name": "utter_greet",
        "policy": "RulePolicy",
        "confidence": 1.0,
        "timestamp": START + time + 0.1,
        **meta,
    }
    yield {
        "event": "bot",
        "text": f"Answer to {text[:20]}",
        "data": {},
        "timestamp": START + time + 0.2,
        **meta,
    }
    yield {
        "event": "action",
        "name": "action_listen",
        "policy": None,
        "confidence": None,
        "timestamp": START + time + 0.3,
        **meta,
    }


def fill(store: Store, folder: Path, messages: Sequence[str] = ()) -> None:
    """Bring conversations of three turns into a store, the first message on top of the queue."""
    queue = list(messages or texts())
    log = folder / "rasa_event.log"
    with log.open("w", encoding="utf-8") as file:
        for place, text in enumerate(queue):
            sender = f"s{place // 3}"
            for event in events(text, 60.0 * place):
                file.write(json.dumps({"sender_id": sender, **event}) + "\n")
    source = open_source(str(log), store.digest)
    ingest_source(store, source)
    source.close()
    rank(store, queue)


def rank(store: Store, queue: Sequence[str]) -> None:
    """Order the queue, and make one group, as the ranking does."""
    why = [{"signal": "fallback", "score": 1.0, "words": "The bot did not understand this."}]
    turns = t.turns.c
    with store.write() as db:
        rows = db.execute(sa.select(turns.id, turns.text).where(turns.kind == "message")).all()
        number = {row.text: row.id for row in rows}
        for row in rows:
            place = queue.index(row.text) if row.text in queue else len(queue)
            values: dict[str, Any] = {"priority": 1000.0 - place, "reasons": json.dumps(why)}
            if row.text in GROUP:
                values |= {"group_id": number[GROUP[0]], "head": int(row.text == GROUP[0])}
            db.execute(sa.update(t.turns).where(turns.id == row.id).values(**values))


def number(store: Store, text: str) -> int:
    """Give the id of a message."""
    with store.read() as db:
        found = sa.select(t.turns.c.id).where(t.turns.c.text == text)
        return int(db.execute(found).scalar_one())


def annotation(store: Store, text: str, reviewer: str = "ana") -> dict[str, Any]:
    """Give what a reviewer decided about a message, and what became of it; empty where nothing."""
    kept = t.annotations
    with store.read() as db:
        joined = sa.select(kept, t.turns.c.status.label("turn")).select_from(kept.join(t.turns))
        where = (t.turns.c.text == text, kept.c.reviewer == reviewer)
        row = db.execute(joined.where(*where)).mappings().first()
    return {} if row is None else {**row, "entities": json.loads(row["entities"])}


def dispute(store: Store, text: str) -> int:
    """Let two colleagues disagree about a message."""
    decisions = Decisions(store, overlap=0.999999)
    turn = number(store, text)
    decisions.submit("ben", turn, "pay_bill", note=MARKUP)
    decisions.submit("eva", turn, "check_balance")
    return turn


def doubt(store: Store, n: int = 3) -> None:
    """Add doubtful examples of the training data."""
    rows = [
        {
            "digest": f"d{place}",
            "text": f"doubtful example {place} {MARKUP}",
            "label": "greet",
            "suggested": "pay_bill",
            "score": 0.9 - place / 10,
            "words": "The model reads it as something else.",
            "file": "data/nlu.yml",
            "line": 4 + place,
            "model": None,
            "status": "open",
            "updated_at": START,
        }
        for place in range(n)
    ]
    with store.write() as db:
        db.execute(sa.insert(t.label_checks), rows)
