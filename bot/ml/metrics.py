"""Scores of intents and of entity spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.types import Span


def weighted_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean F1 of the true labels, weighted by how often each occurs; 0 for no messages."""
    support = Counter(truth)
    chosen = Counter(predicted)
    hits = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    total = sum(count * _f1(hits[label], chosen[label], count) for label, count in support.items())
    return total / len(truth) if truth else 0.0


def macro_f1(truth: Sequence[object], predicted: Sequence[object]) -> float:
    """Mean F1 of the true labels, each of the same weight; 0 for no messages."""
    support, chosen = Counter(truth), Counter(predicted)
    hits = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    scores = [_f1(hits[label], chosen[label], count) for label, count in support.items()]
    return sum(scores) / len(scores) if scores else 0.0


def accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Share of labels that are right; 0 for no messages."""
    hits = sum(t == p for t, p in zip(truth, predicted, strict=True))
    return hits / len(truth) if truth else 0.0


def span_f1(truth: Iterable[Sequence[Span]], predicted: Iterable[Sequence[Span]]) -> float:
    """Micro F1 of spans: offsets, entity, role and group must all be right.

    Where there is nothing to find and nothing was found the score is 1.
    """
    n_true = n_predicted = hits = 0
    for true_spans, predicted_spans in zip(truth, predicted, strict=True):
        expected = {_identity(span) for span in true_spans}
        found = {_identity(span) for span in predicted_spans}
        n_true += len(expected)
        n_predicted += len(found)
        hits += len(expected & found)
    return 1.0 if n_true == n_predicted == 0 else _f1(hits, n_predicted, n_true)


def _f1(hits: int, chosen: int, existing: int) -> float:
    return 2 * hits / (chosen + existing) if hits else 0.0


def _identity(span: Span) -> tuple[int, int, str, str | None, str | None]:
    return span.start, span.end, span.entity, span.role, span.group
