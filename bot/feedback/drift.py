"""How far live messages are from what the model was trained on, day by day.

Two measures, for each day and model:

- The divergence of the labels: the Jensen-Shannon divergence, with logarithms to base 2, between
  how often the model said each label on that day and how often the label occurs in the training
  data. It is 0 where both are the same and 1 where they have no label in common. Training data is
  not written in the proportions of live messages, so its level says little; its change does.
- The share of unknown words: of the words of that day's messages, how many occur in no training
  example. Masks, numbers and punctuation are no words.

Days with few messages have no row: with few, the first measure is mostly chance.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.project import Project
from bot.feedback.selection import DAY_S, MESSAGES, MODEL, Selection
from bot.feedback.shapes import MASK

FEWEST = 20  # messages a day and model
SAMPLE = 20_000  # messages whose words are looked at; of more, every nth by its id
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def drift(
    db: Connection,
    project: Project,
    chosen: Selection,
    counted: Iterable[tuple[int, str, str | None, int]],
) -> list[dict[str, Any]]:
    """Measure each day since 1970 and model.

    Args:
        db: a transaction on the feedback store.
        project: the training data.
        chosen: which messages.
        counted: of these `(day, model, label that the model said, messages)`.
    """
    said: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for day, model, label, n in counted:
        said[day, model][label or ""] += n
    total = sum(sum(labels.values()) for labels in said.values())
    unknown = _unknown_words(db, project, chosen, total)
    trained = project.counts()
    if not trained:
        return []
    return [
        {
            "day": day,
            "model": model,
            "divergence": round(divergence(labels, trained), 4),
            "unknown_words": round(unknown.get((day, model), 0.0), 4),
        }
        for (day, model), labels in sorted(said.items())
        if sum(labels.values()) >= FEWEST
    ]


def divergence(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Give the Jensen-Shannon divergence of two distributions of labels, in bits: [0, 1]."""
    labels = sorted({*one, *other})
    p, q = (np.array([counts.get(label, 0) for label in labels], float) for counts in (one, other))
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    return float(max(0.0, (_bits(p, middle) + _bits(q, middle)) / 2))


def _bits(p: Any, middle: Any) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log2(p[some] / middle[some])))


def words(text: str) -> list[str]:
    """Give the words of a text, casefolded."""
    return _WORD.findall(MASK.sub(" ", text).casefold())


def _unknown_words(
    db: Connection, project: Project, chosen: Selection, total: int
) -> dict[tuple[int, str], float]:
    known = {word for example in project.examples for word in words(example.text)}
    every = max(1, -(-total // SAMPLE))
    wanted = sa.select(t.turns.c.time, MODEL, t.turns.c.text).select_from(MESSAGES)
    wanted = wanted.where(*chosen.where(), t.turns.c.id % every == 0)
    found: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for time, model, text in db.execute(wanted):
        counts = found[int(time // DAY_S), model]
        told = words(text)
        counts[0] += sum(word not in known for word in told)
        counts[1] += len(told)
    return {key: new / whole for key, (new, whole) in found.items() if whole}
