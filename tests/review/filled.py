"""A small project, and a store with conversations that bring up everything the page can show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.feedback.store import Store

DOMAIN = """\
version: "3.1"
intents:
  - greet
  - goodbye
  - transfer_money
  - check_balance
  - pay_bill
  - faq:
      is_retrieval_intent: true
  - nlu_fallback
entities:
  - amount
  - payee
  - account:
      roles: [from, to]
slots:
  account:
    type: categorical
    values: [current, savings]
    mappings:
      - type: custom
  note:
    type: text
    influence_conversation: false
    mappings:
      - type: custom
forms:
  transfer_form:
    required_slots: []
actions:
  - action_transfer
responses:
  utter_greet:
    - text: Hello!
  utter_faq/opening_hours:
    - text: We are open from nine to five.
"""
NLU = """\
version: "3.1"
nlu:
  - intent: greet
    examples: |
      - hello
      - good morning
      - hi there
  - intent: goodbye
    examples: |
      - bye
      - see you later
  - intent: transfer_money
    examples: |
      - send [20 pounds](amount) to [my mum](payee)
      - transfer money to [my landlord](payee)
      - move [50](amount) from [current]{"entity": "account", "role": "from"} to savings
  - intent: check_balance
    examples: |
      - what is my balance
      - how much money do I have
  - intent: pay_bill
    examples: |
      - pay my electricity bill
      - settle the gas bill
  - intent: faq/opening_hours
    examples: |
      - when do you open
      - are you open on sunday
"""
HELD_OUT = """\
version: "3.1"
nlu:
  - intent: check_balance
    examples: |
      - how much is left on my account
"""
TEXTS = (
    ("send [NAME_1] 50 quid", "transfer_money", 0.41),
    ("hey hey", "greet", 0.95),
    ("settle the gas bill!", "transfer_money", 0.55),
    ("how much is left on my account?", "check_balance", 0.9),
    ("are you open at easter", "faq/opening_hours", 0.62),
    ("what about <b>bold</b> moves", "greet", 0.3),
    ("move it to savings", "transfer_money", 0.7),
    ("see ya", "goodbye", 0.8),
)
GROUP = ("what's my balance", "whats my balance", "what's my balance", "whats the balance")


def write_project(folder: Path) -> Path:
    """Write a project into a folder."""
    files = {
        "domain.yml": DOMAIN,
        "data/nlu.yml": NLU,
        "tests/held_out/nlu.yml": HELD_OUT,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def messages() -> list[dict[str, Any]]:
    """Give messages that wait, each with what was suggested as `said`."""
    from messages import message

    rows = []
    for number, (text, label, score) in enumerate(TEXTS, 1):
        row = message(number, text, priority=1.0 - number / 100, conversation_id=1 + number % 2)
        row["said"] = (label, score)
        row["reasons"] = _reasons("uncertain", "The model was not sure.", 1 - score)
        row["actions"] = json.dumps([{"name": "utter_greet", "policy": "RulePolicy"}])
        row["replies"] = json.dumps([{"text": "Hello!", "response": "utter_greet"}])
        rows.append(row)
    rows[0].update(fallback="nlu", reasons=_reasons("fallback", "The bot did not understand.", 1.0))
    thumb = {"thumb": "down", "comment": "wrong", "time": 1.0}
    rows[1].update(thumb="down", thumbs=json.dumps({"0": thumb}))
    for place, text in enumerate(GROUP):
        row = message(20 + place, text, priority=0.5, group_id=20, head=int(place == 0))
        row["said"] = ("check_balance", 0.5)
        rows.append(row)
    return rows


def fill_store(store: Store, rows: list[dict[str, Any]] | None = None) -> None:
    """Write the messages and what was suggested for them into a store."""
    import sqlalchemy as sa
    from messages import MODEL, START

    from bot.feedback import tables as t

    known = messages() if rows is None else rows
    others = (("greet", 0.2), ("pay_bill", 0.1), ("faq", 0.05), ("gone_intent", 0.04))
    with store.write() as db:
        db.execute(
            sa.insert(t.conversations),
            [
                {
                    "id": number,
                    "sender": f"s-{number}",
                    "channel": "web",
                    "n_turns": sum(row["conversation_id"] == number for row in known),
                    "first_at": START,
                    "last_at": START + 100,
                    "state": "{}",
                }
                for number in sorted({1, 2, *(row["conversation_id"] for row in known)})
            ],
        )
        for row in known:
            label, score = row.get("said", ("greet", 0.5))
            columns = {name: value for name, value in row.items() if name != "said"}
            db.execute(sa.insert(t.turns).values(**columns))
            ranking = [[label.split("/")[0], score], *(list(pair) for pair in others)]
            db.execute(
                sa.insert(t.suggestions).values(
                    turn_id=row["id"],
                    model=MODEL,
                    label=label,
                    confidence=score,
                    ranking=json.dumps(ranking),
                    entities=json.dumps(_entities(row["text"])),
                )
            )


def _entities(text: str) -> list[dict[str, Any]]:
    begin = text.find("[NAME_1]")
    if begin < 0:
        return []
    return [{"start": begin, "end": begin + 8, "entity": "payee", "value": "[NAME_1]"}]


def _reasons(signal: str, words: str, score: float) -> str:
    return json.dumps([{"signal": signal, "score": round(score, 2), "words": words}])
