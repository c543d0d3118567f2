"""What a model says about the messages of the store, written beside what was said live."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from tqdm import tqdm

from bot.feedback import tables as t
from bot.feedback.scoring import Scorer
from bot.feedback.shapes import MASK
from bot.feedback.store import Store
from bot.feedback.synthetic import value_for
from bot.types import Parse, Span, base_intent

RANKED = 10  # labels that are kept, as many as Rasa logs
_ROWS = 200  # messages a transaction; a model takes milliseconds for each
_REMEMBERED = 100_000  # texts; people say the same again and again


@dataclass
class Scored:
    """How many messages and different texts a model was asked about, and the seconds it took."""

    messages: int = 0
    texts: int = 0
    seconds: float = 0.0


class Suggester:
    """Asks a model about masked texts, each text once."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.done = Scored()
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def columns(self, text: str) -> dict[str, Any]:
        """Give the columns of a suggestion."""
        found = self._known.get(text)
        if found is None:
            plain = Unmasked(text)
            began = time.perf_counter()
            parse = self.scorer.parse(plain.text)
            self.done.seconds += time.perf_counter() - began
            self.done.texts += 1
            found = self._known[text] = _columns(parse, text, plain)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give one vector of length 1 a masked text: (n_texts, hidden)."""
        plain = [Unmasked(text).text for text in texts]
        began = time.perf_counter()
        found = np.asarray(self.scorer.embed(plain), np.float32)
        self.done.seconds += time.perf_counter() - began
        self.done.texts += len(texts)
        return found


class Unmasked:
    """A text with synthetic values in place of its masks: models have learnt from real ones."""

    def __init__(self, masked: str) -> None:
        pieces: list[str] = []
        self._edits: list[tuple[int, int, int, int]] = []  # in the plain text, in the masked one
        position = length = 0
        for match in MASK.finditer(masked):
            kind, _, number = match[0][1:-1].rpartition("_")
            value = value_for(kind, number, seed="")
            pieces += [masked[position : match.start()], value]
            length += match.start() - position
            self._edits.append((length, length + len(value), *match.span()))
            length, position = length + len(value), match.end()
        self.text = "".join(pieces) + masked[position:]

    def masked(self, span: Span) -> tuple[int, int]:
        """Give where a span of the plain text lies in the masked one; masks are never cut."""
        return self._at(span.start, end=False), self._at(span.end, end=True)

    def _at(self, place: int, *, end: bool) -> int:
        shift = 0
        for begin, stop, masked_begin, masked_end in self._edits:
            if (begin < place <= stop) if end else (begin <= place < stop):
                return masked_end if end else masked_begin
            if place >= stop:
                shift = masked_end - stop
        return place + shift


def suggest(store: Store, scorer: Scorer, *, show_progress: bool = False) -> Suggester:
    """Write what a model says about each open message that it has not been asked about.

    Every few hundred are a transaction: who stops it loses no more than these.
    """
    suggester, turns = Suggester(scorer), t.turns.c
    known = sa.exists().where(
        t.suggestions.c.turn_id == turns.id, t.suggestions.c.model == scorer.model
    )
    open_ = sa.and_(turns.kind == "message", turns.status == "open", ~known)
    with store.read() as db:
        total = int(db.execute(sa.select(sa.func.count()).where(open_)).scalar_one())
    last = -1
    with tqdm(total=total, desc="suggesting", unit=" messages", disable=not show_progress) as bar:
        while True:
            wanted = sa.select(turns.id, turns.text).where(open_, turns.id > last)
            with store.read() as db:
                rows = list(db.execute(wanted.order_by(turns.id).limit(_ROWS)))
            if not rows:
                return suggester
            said = [
                {"turn_id": row.id, "model": scorer.model, **suggester.columns(row.text)}
                for row in rows
            ]
            with store.write() as db:
                _keep(store, db, said)
            last = rows[-1].id
            suggester.done.messages += len(rows)
            bar.update(len(rows))


def _keep(store: Store, db: Any, said: list[dict[str, Any]]) -> None:
    """Insert suggestions for those turns that nobody has removed in the meantime."""
    numbers = [row["turn_id"] for row in said]
    there = set(db.execute(sa.select(t.turns.c.id).where(t.turns.c.id.in_(numbers))).scalars())
    if rows := [row for row in said if row["turn_id"] in there]:
        db.execute(store.insert(t.suggestions).on_conflict_do_nothing(), rows)


def _columns(parse: Parse, text: str, plain: Unmasked) -> dict[str, Any]:
    ranking = labels_of(parse)[:RANKED]
    entities = []
    for span in parse.spans:
        start, end = plain.masked(span)
        entity: dict[str, Any] = {
            "entity": span.entity,
            "start": start,
            "end": end,
            "value": text[start:end],
            "confidence_entity": span.confidence,
        }
        entity.update({k: v for k in ("role", "group") if (v := getattr(span, k))})
        entities.append(entity)
    label, confidence = ranking[0] if ranking else (None, None)
    return {
        "label": label,
        "confidence": confidence,
        "ranking": json.dumps(ranking, ensure_ascii=False),
        "entities": json.dumps(entities, ensure_ascii=False),
    }


def labels_of(parse: Parse) -> list[tuple[str, float]]:
    """Give the full labels of a parse with their probabilities, best first."""
    shares: dict[str, list[tuple[str, float]]] = {}
    for response in parse.responses:
        shares.setdefault(base_intent(response.name), []).append(
            (response.name, response.confidence)
        )
    found = [
        (name, item.confidence * share)
        for item in parse.ranking
        for name, share in shares.get(item.name, [(item.name, 1.0)])
    ]
    return sorted(found, key=lambda pair: -pair[1])
