"""Would more examples help, and for which intents: what smaller training sets have cost.

Each fold's training part is cut to a quarter and a half of itself, groups whole; the fold's
messages are read by the models of all three. So every message says of itself whether the last
doubling of the examples has made it right or wrong, which tells more than two shares would.

Messages of one group are nearly the same, so a group counts as one message. What chance does in
the training itself (its seed) is not in the intervals; the folds, each a training of its own,
level some of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.evaluation.intents import Share
from bot.evaluation.intervals import (
    LEVEL,
    bootstrap,
    paired_difference,
    percentile_interval,
    wilson,
)

Floats = NDArray[np.float64]

SHARES = (0.25, 0.5, 1.0)  # each twice the one before; the whole last
HELPS = "more examples help"
NO_LONGER = "more examples no longer help"
UNKNOWN = "not known: too few test messages"
WORTHWHILE = 0.01  # gain of a doubling below which it is not worth the work, over all intents
WORTHWHILE_INTENT = 0.05  # the same for one intent
_BY_CHANCE = (1 - LEVEL) / 2


@dataclass(frozen=True)
class Point:
    """What a share of the training examples gives: examples of one training, messages right."""

    share: float
    examples: float
    right: Share


@dataclass(frozen=True)
class IntentCurve:
    """One intent's messages under growing training sets; all intents grow together.

    Attributes:
        intent: the full label.
        messages, groups: how many were tested; the shares are over groups.
        right: (n_shares,) share that is right, by the size of the training set.
        gain: of the last doubling, with its interval.
        verdict: `HELPS`, `NO_LONGER` or `UNKNOWN`.
    """

    intent: str
    messages: int
    groups: int
    right: tuple[float, ...]
    gain: Share
    verdict: str


@dataclass(frozen=True)
class LearningCurve:
    """How what is right grows with the examples.

    Attributes:
        points: smallest training set first.
        gain: of the last doubling, over all messages.
        verdict: what follows from it.
        forecast: share that would be right with twice as many examples as the last point.
        intents: those that more examples help first, by the gain that is sure.
        by_chance: how many intents would be said to gain if none did.
    """

    points: tuple[Point, ...]
    gain: Share
    verdict: str
    forecast: Share
    intents: tuple[IntentCurve, ...]
    by_chance: float


def learning_curve(
    labels: Sequence[str],
    groups: Sequence[int],
    right: Sequence[Sequence[bool]],
    examples: Sequence[float],
    shares: Sequence[float] = SHARES,
) -> LearningCurve:
    """Judge from messages that models of growing training sets have read.

    Args:
        labels: (n_items,) the true ones.
        groups: (n_items,) the same where messages are nearly the same.
        right: (n_shares, n_items) whether a model's likeliest label is right.
        examples: (n_shares,) mean number of examples that a model was trained on.
        shares: of the whole training set, ascending; the last but one is half of the last.
    """
    hits = np.asarray(right, np.float64)
    whole = _by_group(hits, groups)
    gain = _gain(hits, groups)
    names = sorted(set(labels))
    intents = [_intent(name, labels, groups, hits) for name in names]
    intents.sort(key=lambda one: (-one.gain.low, -one.gain.value, one.intent))
    points = [
        Point(part, float(count), _share(row))
        for part, count, row in zip(shares, examples, whole, strict=True)
    ]
    return LearningCurve(
        tuple(points),
        gain,
        verdict_on(gain, WORTHWHILE),
        _forecast(whole, np.asarray(examples, np.float64)),
        tuple(intents),
        _BY_CHANCE * len(names),
    )


def verdict_on(gain: Share, worthwhile: float) -> str:
    """Say what the interval of a gain allows to say: nothing where it holds both answers.

    Args:
        gain: of a doubling of the examples.
        worthwhile: a smaller gain is none.
    """
    if gain.high < worthwhile:
        return NO_LONGER
    return HELPS if gain.low > 0 else UNKNOWN


def _share(right: Floats) -> Share:
    interval = wilson(float(right.sum()), len(right))
    return Share(float(right.mean()), interval.low, interval.high)


def _intent(name: str, labels: Sequence[str], groups: Sequence[int], hits: Floats) -> IntentCurve:
    places = [place for place, label in enumerate(labels) if label == name]
    own, own_hits = [groups[place] for place in places], hits[:, places]
    gain = _gain(own_hits, own)
    rows = _by_group(own_hits, own)
    shown = tuple(float(row.mean()) for row in rows)
    verdict = verdict_on(gain, WORTHWHILE_INTENT)
    return IntentCurve(name, len(places), rows.shape[1], shown, gain, verdict)


def _by_group(values: Floats, groups: Sequence[int]) -> Floats:
    """Average over the messages of each group: (n_rows, n_items) to (n_rows, n_groups)."""
    _, numbers = np.unique(np.asarray(groups), return_inverse=True)
    sizes = np.bincount(numbers)
    return np.stack([np.bincount(numbers, weights=row) / sizes for row in values])


def _gain(hits: Floats, groups: Sequence[int]) -> Share:
    """Give what the last doubling brought, with Tango's interval over the groups."""
    before, after = hits[-2], hits[-1]
    changed = np.stack([after * (1 - before), before * (1 - after)])
    gained, lost = _by_group(changed, groups).sum(axis=1).tolist()
    total = len(set(groups))
    interval = paired_difference(gained, lost, total)
    return Share((gained - lost) / total, interval.low, interval.high)


def _forecast(right: Floats, examples: Floats) -> Share:
    """Continue the errors as a power of the number of examples to twice as many.

    C. Cortes and others, Learning curves: asymptotic values and rate of convergence, NIPS 1993.
    What no example can mend, such as wrong labels, is not in the form: the forecast is rather too
    good than too bad. The interval is a bootstrap over the groups, each with all its answers.

    Args:
        right: (n_shares, n_groups)
        examples: (n_shares,)
    """
    sizes = np.log(examples)
    total = right.shape[1]

    def expected(weights: Floats) -> Floats:
        wrong = np.maximum((1 - right) @ weights, 0.5) / total  # (n_shares, n)
        errors = np.log(wrong)
        centred = sizes - sizes.mean()
        slope = centred @ errors / (centred @ centred)
        doubled = errors.mean(axis=0) + slope * (sizes[-1] + np.log(2) - sizes.mean())
        found: Floats = 1 - np.minimum(np.exp(doubled), 1.0)
        return found

    value = float(expected(np.ones((total, 1)))[0])
    interval = percentile_interval(bootstrap(total, expected))
    return Share(value, interval.low, interval.high)
