"""What reviewers accepted, read from the store and made fit to be trained on.

Masks become synthetic values, the same ones within a conversation, and a message becomes one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.feedback import tables as t
from bot.feedback.provenance import NLU, RELABELLED, Origin
from bot.feedback.shapes import MASK
from bot.feedback.spans import EntitySpan
from bot.feedback.synthetic import synthesize

STORY = "story:"  # begins the turn of a story; the key of its first turn follows
# What ends a line, what YAML takes for one, and what it does not take at all.
_UNFIT = "\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff"
_GAP = re.compile(f"[\\s{_UNFIT}]+")
_BREAK = re.compile(f"[{_UNFIT}]")
_CHUNK = 400


@dataclass(frozen=True)
class Correction:
    """A stretch of a conversation as it should have gone, ready to be written."""

    origin: Origin
    is_test: bool


@dataclass(frozen=True)
class Accepted:
    """Everything in the store that an export looks at.

    Attributes:
        examples: accepted annotations; `file` is the same for all, the side is not decided yet.
        corrections: submitted stories.
        checks: rows of `label_checks` that a person has decided or decided once.
        known: keys of turns, of those asked for, that the store holds.
        forgotten: pseudonyms of people to be forgotten, and when they asked.
        proposed: new intents and who proposed them.
    """

    examples: tuple[Origin, ...]
    corrections: tuple[Correction, ...]
    checks: tuple[Row, ...]
    known: frozenset[str]
    forgotten: Mapping[str, float]
    proposed: Mapping[str, str]


def read_accepted(db: Connection, asked: Collection[Origin]) -> Accepted:
    """Read what people decided, as of one moment.

    Args:
        db: a transaction of the store.
        asked: earlier exported origins; `known` says which of their turns are in the store.
    """
    keys = sorted({turn_of(origin) for origin in asked} - {""})
    known: set[str] = set()
    for begin in range(0, len(keys), _CHUNK):
        some = t.turns.c.key.in_(keys[begin : begin + _CHUNK])
        known.update(db.execute(sa.select(t.turns.c.key).where(some)).scalars())
    proposed = t.proposed_intents.c
    return Accepted(
        tuple(_examples(db)),
        tuple(_corrections(db)),
        tuple(db.execute(sa.select(t.label_checks).order_by(t.label_checks.c.digest))),
        frozenset(known),
        dict(db.execute(sa.select(t.forgotten)).all()),
        dict(db.execute(sa.select(proposed.name, proposed.reviewer)).all()),
    )


def turn_of(origin: Origin) -> str:
    """Give the key of the turn that an origin came from; empty for a label check."""
    if origin.turn.startswith(RELABELLED):
        return ""
    return origin.turn.split(":")[1] if origin.turn.startswith(STORY) else origin.turn


def _examples(db: Connection) -> Iterable[Origin]:
    turns, decided, said = t.turns.c, t.annotations.c, t.suggestions.c
    live = sa.and_(said.turn_id == turns.id, said.model == turns.model)
    wanted = (
        sa.select(
            t.conversations.c.sender,
            turns.key,
            turns.text,
            turns.time,
            sa.func.coalesce(decided.model, turns.model).label("model"),
            sa.func.coalesce(decided.suggested, said.label).label("suggested"),
            decided.label.label("decided"),
            decided.reviewer,
            decided.entities,
        )
        .select_from(
            t.turns.join(t.conversations)
            .join(t.annotations, decided.id == turns.annotation_id)
            .outerjoin(t.suggestions, live)
        )
        .where(turns.status == "accepted", turns.kind == "message", decided.label.is_not(None))
        .order_by(turns.time, turns.key)
    )
    for row in db.execute(wanted):
        text, entities = fit(row.text, json.loads(row.entities), seed=row.sender)
        yield Origin(
            file=NLU,
            sender=row.sender,
            turn=row.key,
            text=text,
            time=row.time,
            model=row.model,
            suggested=row.suggested,
            label=row.decided,
            reviewer=row.reviewer,
            masked=row.text if MASK.search(row.text) else "",
            entities=entities,
        )


def _corrections(db: Connection) -> Iterable[Correction]:
    first, last = t.turns.alias("first"), t.turns.alias("last")
    made = t.corrections.c
    wanted = (
        sa.select(
            t.conversations.c.sender,
            first.c.key,
            first.c.time,
            first.c.model,
            made.reviewer,
            made.kind,
            made.name,
            made.steps,
        )
        .select_from(
            t.corrections.join(t.conversations)
            .join(first, first.c.id == made.first_turn_id)
            .join(last, last.c.id == made.last_turn_id)
        )
        .where(made.status == "submitted")
        .order_by(first.c.time, first.c.key, made.reviewer, made.kind)
    )
    for row in db.execute(wanted):
        origin = Origin(
            file="",
            sender=row.sender,
            turn=f"{STORY}{row.key}:{row.kind}:{row.reviewer}",
            text=" ".join(row.name.split()) or "a corrected conversation",
            time=row.time,
            model=row.model,
            reviewer=row.reviewer,
            steps=tuple(_fit_step(step, row.sender) for step in json.loads(row.steps)),
        )
        yield Correction(origin, row.kind == "test_story")


def _fit_step(step: dict[str, Any], seed: str) -> dict[str, Any]:
    """Put synthetic values into a step, and leave out what names its turn."""
    kept = {key: value for key, value in step.items() if key != "turn"}
    entities = [dict(item) for item in kept.get("entities") or ()]
    if isinstance(kept.get("text"), str):
        kept["text"], fitted = fit(kept["text"], entities, seed=seed)
        entities = [{**item, "value": _value(item, kept["text"])} for item in fitted]
    for item in entities:
        if isinstance(item.get("value"), str):
            item["value"] = synthesize(item["value"], seed=seed).text
    if entities:
        kept["entities"] = entities
    if isinstance(kept.get("slot_was_set"), dict):
        kept["slot_was_set"] = {
            name: synthesize(value, seed=seed).text if isinstance(value, str) else value
            for name, value in kept["slot_was_set"].items()
        }
    return kept


def fit(
    text: str, entities: Iterable[dict[str, Any]], *, seed: str
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Give a reviewed message as it is trained on: synthetic values, one line.

    Entities move with the text. One that has no place in it has no `start` afterwards, and one
    whose value is the text itself no `value`.
    """
    made = synthesize(text, entities, seed=seed)
    gaps = [gap.span() for gap in _GAP.finditer(made.text) if _BREAK.search(gap[0])]
    edits = [(start, end, 1) for start, end in gaps]
    pieces, position = [], 0
    for start, end in gaps:
        pieces.append(made.text[position:start])
        position = end
    line = " ".join([*pieces, made.text[position:]])
    spans = [EntitySpan(dict(item), made.text) for item in made.entities]
    for span in spans:
        span.move(edits)
    lead, whole = len(line) - len(line.lstrip()), line.strip()
    return whole, tuple(_placed(span, whole, lead, seed) for span in spans)


def _placed(span: EntitySpan, text: str, lead: int, seed: str) -> dict[str, Any]:
    """Give an entity with its place in the stripped text, without white space around it."""
    kept: dict[str, Any] = {"entity": str(span.data.get("entity") or "")}
    for key in ("role", "group"):
        if span.data.get(key) not in (None, ""):
            kept[key] = str(span.data[key])
    value = span.data.get("value")
    if isinstance(value, str):
        value = synthesize(value, seed=seed).text
    inside = ""
    if span.start is not None and span.end is not None:
        start, end = max(0, span.start - lead), min(len(text), span.end - lead)
        start += len(text[start:end]) - len(text[start:end].lstrip())
        inside = text[start:end].strip()
        if inside:
            kept["start"], kept["end"] = start, start + len(inside)
    same = span.masked or " ".join(str(value).split()) == " ".join(inside.split())
    if isinstance(value, (str, int, float)) and value != "" and not (inside and same):
        kept["value"] = str(value)
    return kept


def _value(item: Mapping[str, Any], text: str) -> str:
    """Give the value that an entity fills a slot with."""
    return str(item.get("value") or text[item.get("start", 0) : item.get("end", 0)])
