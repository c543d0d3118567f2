"""A small project with a feedback store, to export from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chatlog as log
import sqlalchemy as sa

from bot.feedback import provenance
from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.export_command import export
from bot.feedback.split import is_held_out
from bot.feedback.store import Store

SHARE = 0.3
DOMAIN = """\
version: "3.1"
# what people want
intents:
  - greet   # hello
  - transfer:
      use_entities:
        - amount
  - balance
  - out_of_scope
  - faq # answers

entities:
  - amount
  - payee
  - city:
      roles:
        - from
        - to
      groups:
        - first
slots:
  account:
    type: categorical
    values: [current, joint]
    mappings:
      - type: custom
forms:
  transfer_form:
    required_slots: [account]
responses:
  utter_greet:
    - text: Hello.
  utter_ask_account:
    - text: Which one?
  utter_faq/hours:
    - text: From nine to five.
"""
NLU = """\
version: "3.1"
nlu:
- intent: greet
  examples: |
    - good morning to you all
    - hello there my friend
- intent: transfer
  examples: |
    - move [50 pounds](amount) to [Sam](payee)
    - i would like to pay somebody
- intent: balance
  examples: |
    - how much have i got left
    - what does my account say
- intent: faq/hours
  examples: |
    - when do you open in the morning
    - at what time do you close
- intent: out_of_scope
  examples: |
    - write me a poem about the sea
    - who won the game last night
"""
TESTS = """\
version: "3.1"
nlu:
- intent: balance
  examples: |
    - tell me the state of my finances please
"""


def write_project(root: Path) -> Path:
    """Write the project into a folder."""
    for name, text in (
        ("domain.yml", DOMAIN),
        ("data/nlu/nlu.yml", NLU),
        ("tests/nlu/nlu.yml", TESTS),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def senders(held_out: bool, count: int, store: Store, share: float = SHARE) -> list[str]:
    """Give senders whose conversations come to one side."""
    found, number = [], 0
    while len(found) < count:
        sender = f"sender {number}"
        if is_held_out(store.pseudonym(sender), share) is held_out:
            found.append(sender)
        number += 1
    return found


def talk(store: Store, read_in: Any, path: Path, said: Sequence[tuple[str, str]]) -> None:
    """Let people talk and read it in: pairs of sender and text, in order of time."""
    lines = [
        log.line_of(sender, event)
        for number, (sender, text) in enumerate(said)
        for event in log.exchange(text, 10.0 * number, intent="balance", id=f"{sender} {number}")
    ]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(lines)
    read_in(store, path)


def turn_of(store: Store, text: str) -> int:
    """Give the turn in which somebody said something, as it was masked."""
    with store.read() as db:
        wanted = sa.select(t.turns.c.id).where(t.turns.c.text == text).order_by(t.turns.c.id)
        return int(db.execute(wanted).scalars().first() or 0)


def accept(
    store: Store, text: str, label: str, *marks: tuple[str, str], reviewer: str = "ana", **more: Any
) -> None:
    """Annotate a message; marks are pairs of a stretch of it and its entity, with roles as more."""
    entities = []
    for stretch, entity in marks:
        start = text.index(stretch)
        name, _, role = entity.partition(":")
        found = {"start": start, "end": start + len(stretch), "entity": name, "value": stretch}
        entities.append(found | ({"role": role} if role else {}) | more.get(stretch, {}))
    decisions = Decisions(store, overlap=0.0)
    decisions.submit(reviewer, turn_of(store, text), label, entities, suggested="balance")


def run(root: Path, store: Store, **options: Any) -> bool:
    """Export into a project."""
    url = store.url.render_as_string(hide_password=False)
    return export(key=log.KEY, url=url, root=root, **{"held_out_share": SHARE, **options})


def examples(root: Path, folder: str = "data/feedback") -> dict[str, set[str]]:
    """Give the texts of a folder by their label, as Rasa itself reads them."""
    found: dict[str, set[str]] = {}
    for message in messages(root, folder):
        found.setdefault(message["intent"], set()).add(message["text"])
    return found


def messages(root: Path, folder: str = "data/feedback") -> list[dict[str, Any]]:
    """Give the examples of a folder as Rasa itself reads them."""
    from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

    path = root / folder / "nlu.yml"
    if not path.is_file():
        return []
    read = RasaYAMLReader().read(path).training_examples
    return [
        {
            "text": message.get("text"),
            "intent": message.get_full_intent(),
            "entities": message.get("entities", []),
        }
        for message in read
    ]


def snapshot(root: Path) -> dict[str, bytes]:
    """Give every file that an export may write, with its content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".bot" not in path.parts and path.suffix != ".sqlite"
        if not path.name.startswith(("feedback.sqlite", "log"))
    }


def quarantined(root: Path) -> dict[str, str]:
    """Give the code of each message in quarantine by its text."""
    path = root / "results/feedback/quarantine.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return {item["text"]: item["code"] for item in map(json.loads, lines)}


def origins(root: Path, folder: str = "data/feedback") -> list[provenance.Origin]:
    return provenance.read(root / folder)
