"""Scores of intents: each one's precision, recall and F1, averages, and what is confused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.evaluation.intervals import (
    Interval,
    bootstrap,
    f1_interval,
    percentile_interval,
    wilson,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A share with its interval at 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class IntentScore:
    """How well one label is told from the others; `true` and `predicted` are counts."""

    intent: str
    true: int
    predicted: int
    right: int
    precision: Share
    recall: Share
    f1: Share


@dataclass(frozen=True)
class Averages:
    """Over all messages: the share that is right, and the mean F1 of the labels.

    `weighted_f1` weighs each true label by its messages, `macro_f1` counts each true label once.
    """

    accuracy: Share
    weighted_f1: Share
    macro_f1: Share


@dataclass(frozen=True)
class Confusion:
    """One label that was taken for another, and by which items, as places in their order."""

    truth: str
    predicted: str
    places: tuple[int, ...]


def share(right: int, total: int) -> Share:
    """Give a share with Wilson's interval; 0 where nothing was counted."""
    interval = wilson(right, total)
    return Share(right / total if total else 0.0, interval.low, interval.high)


def intent_scores(truth: Sequence[str], predicted: Sequence[str]) -> tuple[IntentScore, ...]:
    """Score each label that is true or predicted somewhere, sorted by name.

    Args:
        truth: (n_items,) full labels.
        predicted: (n_items,) full labels; empty where the bot did not act on one, which counts
            against recall and against no label's precision.
    """
    true = Counter(truth)
    chosen = Counter(label for label in predicted if label)
    right = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    return tuple(
        IntentScore(
            name,
            true[name],
            chosen[name],
            right[name],
            share(right[name], chosen[name]),
            share(right[name], true[name]),
            _f1(right[name], chosen[name], true[name]),
        )
        for name in sorted(true.keys() | chosen.keys())
    )


def _f1(right: int, predicted: int, true: int) -> Share:
    interval = f1_interval(right, predicted, true)
    return Share(2 * right / (predicted + true), interval.low, interval.high)


def averages(truth: Sequence[str], predicted: Sequence[str]) -> Averages:
    """Score all labels together; the intervals of F1 come from a bootstrap over the items."""
    right = sum(t == p for t, p in zip(truth, predicted, strict=True))
    counts = LabelCounts(truth, predicted)
    found = {}
    for name, weighted in (("weighted", True), ("macro", False)):
        value = float(counts.mean_f1(np.ones((len(truth), 1)), weighted=weighted)[0])
        samples = bootstrap(len(truth), lambda w, by=weighted: counts.mean_f1(w, weighted=by))  # type: ignore[misc]
        found[name] = _with(value, percentile_interval(samples))
    return Averages(share(right, len(truth)), found["weighted"], found["macro"])


def _with(value: float, interval: Interval) -> Share:
    return Share(value, interval.low, interval.high)


class LabelCounts:
    """Which item counts for which label, so that many weightings of items are scored at once."""

    def __init__(self, truth: Sequence[str], predicted: Sequence[str]) -> None:
        names = {name: number for number, name in enumerate(sorted(set(truth)))}
        self._true = np.zeros((len(names), len(truth)))
        self._chosen = np.zeros_like(self._true)
        for place, (t, p) in enumerate(zip(truth, predicted, strict=True)):
            self._true[names[t], place] = 1
            if p in names:
                self._chosen[names[p], place] = 1
        self._right = self._true * self._chosen

    def mean_f1(self, weights: Floats, *, weighted: bool) -> Floats:
        """Give the mean F1 of the true labels for each weighting.

        Args:
            weights: (n_items, n) how often each item counts.
            weighted: weigh each label by its messages; else each label that occurs counts once.

        Returns:
            (n,)
        """
        true, chosen = self._true @ weights, self._chosen @ weights
        f1 = 2 * (self._right @ weights) / np.maximum(true + chosen, 1)
        shares = true if weighted else (true > 0).astype(np.float64)
        found: Floats = (f1 * shares).sum(axis=0) / np.maximum(shares.sum(axis=0), 1)
        return found


def confusions(truth: Sequence[str], predicted: Sequence[str]) -> tuple[Confusion, ...]:
    """List which label was taken for which, the commonest first."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for place, (t, p) in enumerate(zip(truth, predicted, strict=True)):
        if t != p:
            pairs.setdefault((t, p), []).append(place)
    ordered = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return tuple(Confusion(t, p, tuple(places)) for (t, p), places in ordered)
