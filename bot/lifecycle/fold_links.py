"""Which training examples must share a fold: nearly the same ones, and those of a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from bot.feedback import provenance
from bot.feedback.export import TRAINING
from bot.feedback.grouping import group
from bot.feedback.leakage import TOO_LIKE
from bot.feedback.similar import normal
from bot.feedback.training_files import TrainingExample

_ROWS = 256  # texts that are compared with all others at once


def links(examples: Sequence[TrainingExample], root: Path) -> Iterator[tuple[int, int]]:
    """Yield pairs of places that may not be parted.

    Raises:
        ProjectError: a line of `provenance.jsonl` is broken.
    """
    yield from near_links([example.text for example in examples])
    yield from conversation_links(examples, root)


def near_links(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of texts that are as good as the same.

    By the measure that keeps tests and training apart, and by the one that groups the review
    queue. The index that the export searches with may miss a pair in a thousand; here all pairs
    are compared, which takes a second for four thousand texts.
    """
    places: dict[str, int] = {}
    for place, text in enumerate(texts):
        places.setdefault(normal(text), place)  # the same form is the same group below
    forms = sorted(places)
    for begin in range(0, len(forms), _ROWS):
        rows = forms[begin : begin + _ROWS]
        scores = process.cdist(
            rows, forms, scorer=fuzz.ratio, score_cutoff=100 * TOO_LIKE, dtype=np.float32
        )
        for row, column in np.argwhere(scores > 0).tolist():
            yield places[rows[row]], places[forms[column]]
    # Sorted, so that which text stands for a group depends on the texts alone.
    ordered = sorted(range(len(texts)), key=lambda place: texts[place])
    for place, first in enumerate(group([texts[place] for place in ordered]).tolist()):
        yield ordered[first], ordered[place]


def conversation_links(
    examples: Sequence[TrainingExample], root: Path
) -> Iterator[tuple[int, int]]:
    """Yield pairs of exported examples that were said in one conversation.

    Raises:
        ProjectError: a line of `provenance.jsonl` is broken.
    """
    senders: dict[tuple[str, str], set[str]] = {}
    for origin in provenance.read(root / TRAINING):
        if origin.sender:
            key = ((TRAINING / origin.file).as_posix(), origin.text)
            senders.setdefault(key, set()).add(origin.sender)
    firsts: dict[str, int] = {}
    for place, example in enumerate(examples):
        for sender in senders.get((example.file, example.text), ()):
            yield firsts.setdefault(sender, place), place
