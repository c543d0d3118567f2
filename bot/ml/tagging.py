"""Entities as BIO tags over words, and back, with only valid sequences.

A label is an entity with its role and group; each label has a tag `B` for its first word and
a tag `I` for the words after it; tag 0 is `O`, no entity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.ml.text import Word
from bot.types import Span

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, order=True)
class EntityLabel:
    """An entity with its role and group; empty text where it has none."""

    entity: str
    role: str = ""
    group: str = ""

    @classmethod
    def of(cls, span: Span) -> EntityLabel:
        """Give the label of a span."""
        return cls(span.entity, span.role or "", span.group or "")


@dataclass(frozen=True)
class TagSet:
    """All tags of a model: `O`, then `B` and `I` of each label in order."""

    labels: tuple[EntityLabel, ...]

    @classmethod
    def of(cls, spans: Iterable[Span]) -> TagSet:
        """Collect the labels of annotated spans, sorted."""
        return cls(tuple(sorted({EntityLabel.of(span) for span in spans})))

    def __len__(self) -> int:
        """Count the tags."""
        return 1 + 2 * len(self.labels)

    def begin(self, label: EntityLabel) -> int:
        """Give the tag of a label's first word; the tag after it continues the label."""
        return 1 + 2 * self.labels.index(label)

    def label(self, tag: int) -> EntityLabel | None:
        """Give the label of a tag, None for `O`."""
        return None if tag == 0 else self.labels[(tag - 1) // 2]

    @cached_property
    def transitions(self) -> FloatArray:
        """Scores (n_tags, n_tags) from tag to tag: 0 where valid, minus infinity elsewhere."""
        scores = np.zeros((len(self), len(self)), dtype=np.float32)
        for inside in range(2, len(self), 2):
            scores[:, inside] = -np.inf
            scores[inside - 1, inside] = scores[inside, inside] = 0.0
        return scores


def encode_tags(words: Sequence[Word], spans: Sequence[Span], tags: TagSet) -> list[int]:
    """Give each word its tag; a word that a span covers only in part is taken whole.

    Spans of labels that the tag set does not know are left out.
    """
    encoded = [0] * len(words)
    for span in spans:
        label = EntityLabel.of(span)
        if label not in tags.labels:
            continue
        begin = tags.begin(label)
        covered = [i for i, word in enumerate(words) if span.overlaps(word.start, word.end)]
        for order, index in enumerate(covered):
            encoded[index] = begin if order == 0 else begin + 1
    return encoded


def decode_tags(log_probabilities: FloatArray, words: Sequence[Word], tags: TagSet) -> list[Span]:
    """Find the likeliest valid tag sequence (Viterbi) and read its spans.

    Args:
        log_probabilities: (n_words, n_tags).
        words: the words, in order.
        tags: the tag set of the model.

    Returns:
        Spans in order of appearance; the confidence is the geometric mean of the
        probabilities of its words' tags.
    """
    if not words or len(tags) == 1:
        return []
    best = _best_path(log_probabilities, tags.transitions)
    spans: list[Span] = []
    start = 0
    while start < len(words):
        label = tags.label(best[start])
        end = start + 1
        if label is not None:
            while end < len(words) and best[end] == tags.begin(label) + 1:
                end += 1
            score = float(np.mean([log_probabilities[i, best[i]] for i in range(start, end)]))
            spans.append(
                Span(
                    words[start].start,
                    words[end - 1].end,
                    label.entity,
                    label.role or None,
                    label.group or None,
                    confidence=min(1.0, float(np.exp(score))),
                )
            )
        start = end
    return spans


def _best_path(scores: FloatArray, transitions: FloatArray) -> list[int]:
    start = np.where(np.arange(scores.shape[1]) % 2 == 0, -np.inf, 0.0)
    start[0] = 0.0  # a sequence begins with O or a B tag
    best = start + scores[0]
    origins: list[NDArray[np.intp]] = []
    for row in scores[1:]:
        candidates = best[:, None] + transitions
        origin = candidates.argmax(axis=0)
        best = candidates[origin, np.arange(len(origin))] + row
        origins.append(origin)
    path = [int(best.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return path[::-1]
