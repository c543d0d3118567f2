"""When to ask again: telling out-of-scope messages from the rest, and what a threshold costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.types import RankedLabel

STEPS = 100


@dataclass(frozen=True)
class Costs:
    """What a mistake costs, in any unit; only their ratio counts.

    Attributes:
        wrong_answer: the bot acts on a wrong label.
        fallback: the bot asks again although its label was right.
    """

    wrong_answer: float = 5.0
    fallback: float = 1.0


@dataclass(frozen=True)
class StrangenessEvidence:
    """How a model chose from which strangeness on it rejects messages.

    Attributes:
        above: strangeness above which a message is rejected.
        wrong_answer_cost: what acting on a wrong intent was taken to cost, asking again costs 1.
        refused: share of the validation messages, understood otherwise, that it refuses; None where
            no messages were kept apart.
        caught: share of the strangers that it refuses: messages whose own intent was hidden.
        messages: how many validation messages in scope.
        strangers: how many strangers.
    """

    above: float
    wrong_answer_cost: float
    refused: float | None
    caught: float
    messages: int
    strangers: int


@dataclass(frozen=True)
class ThresholdPoint:
    """What happens at one threshold, each a share of all messages.

    Attributes:
        threshold: of the fallback.
        answered: messages that the bot acts on.
        wrong: messages that it acts on wrongly.
        needless: messages that it asks again about although its label was right.
        cost: of one message on average.
    """

    threshold: float
    answered: float
    wrong: float
    needless: float
    cost: float


@dataclass(frozen=True)
class OutOfScope:
    """How well messages that the assistant is not there for are told from the rest.

    Attributes:
        intent: their intent.
        inside, outside: how many messages are in scope, and how many are not.
        auroc: the chance that a message out of scope looks stranger than one in scope; 0.5 is
            guessing; None where one of the two kinds is missing.
        caught: share of those out of scope that the bot takes for it, or asks again about.
        curve: points (share of in-scope messages refused, share of out-of-scope ones refused).
    """

    intent: str
    inside: int
    outside: int
    auroc: float | None
    caught: float
    curve: tuple[tuple[float, float], ...]


def strangeness(ranking: Sequence[RankedLabel], intent: str) -> float:
    """Say how much a message seems to be out of scope, in [0, 1].

    Whatever the likeliest intent of the assistant's own lacks of certainty: so a high probability
    of the out-of-scope intent counts as much as a ranking without a favourite.

    Args:
        ranking: the intents with their probabilities.
        intent: the out-of-scope one.
    """
    return 1.0 - max((label.confidence for label in ranking if label.name != intent), default=0.0)


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Give the chance that a positive scores higher than a negative; ties count half.

    The rank sum of Mann and Whitney. None where there is no positive, or no negative.

    Args:
        scores: (n_items,)
        positive: (n_items,)
    """
    values, marks = np.asarray(scores, float), np.asarray(positive, bool)
    n_positive, n_negative = int(marks.sum()), int((~marks).sum())
    if not n_positive or not n_negative:
        return None
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    above = ranks[marks].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def refusal_curve(
    scores: Sequence[float], positive: Sequence[bool]
) -> tuple[tuple[float, float], ...]:
    """Give the points of the ROC curve, from (0, 0) to (1, 1); none where a kind is missing."""
    values, marks = np.asarray(scores, float), np.asarray(positive, bool)
    if not marks.any() or marks.all():
        return ()
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    true = np.cumsum(marks[order])[ends] / marks.sum()
    false = np.cumsum(~marks[order])[ends] / (~marks).sum()
    points = [(0.0, 0.0), *zip(false.tolist(), true.tolist(), strict=True)]
    return tuple((float(x), float(y)) for x, y in points)


def threshold_curve(
    confidences: Sequence[float],
    margins: Sequence[float],
    right: Sequence[bool],
    outside: Sequence[bool],
    costs: Costs,
    ambiguity: float = 0.0,
) -> tuple[ThresholdPoint, ...]:
    """Say what each threshold from 0.00 to 1.00 would do.

    Args:
        confidences: (n_items,) of the likeliest intent.
        margins: (n_items,) how far the second is behind.
        right: (n_items,) whether the label is right.
        outside: (n_items,) whether the message is out of scope: asking again is never needless.
        costs: of mistakes.
        ambiguity: the ambiguity threshold, which stays.
    """
    if not confidences:
        return ()
    sure, far = np.asarray(confidences, float), np.asarray(margins, float) >= ambiguity
    good, known = np.asarray(right, bool), ~np.asarray(outside, bool)
    return tuple(
        _point(number / STEPS, (sure >= number / STEPS) & far, good, known, costs)
        for number in range(STEPS + 1)
    )


def _point(
    threshold: float,
    acts: NDArray[np.bool_],
    right: NDArray[np.bool_],
    known: NDArray[np.bool_],
    costs: Costs,
) -> ThresholdPoint:
    wrong, needless = float((acts & ~right).mean()), float((~acts & right & known).mean())
    cost = costs.wrong_answer * wrong + costs.fallback * needless
    return ThresholdPoint(threshold, float(acts.mean()), wrong, needless, cost)


def cheapest(curve: Sequence[ThresholdPoint], current: float = 0.0) -> ThresholdPoint:
    """Give the point of the least cost; of equal ones the nearest to the threshold in force."""
    least = min(point.cost for point in curve)
    equal = [point for point in curve if point.cost <= least + 1e-12]
    return min(equal, key=lambda point: (abs(point.threshold - current), point.threshold))
