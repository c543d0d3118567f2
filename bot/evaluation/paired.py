"""Tests of two models on the same items: is the difference more than chance?

Everything is one-sided, since the question has a direction: is the candidate better, is it worse,
did an intent lose messages? Only the items on which the models differ say anything about that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from bot.evaluation.outcome import Evaluation

Triple = tuple[str, str, str]  # the true label, the live model's, the candidate's


def mcnemar(for_it: int, against: int) -> float:
    """Give the exact one-sided p-value of McNemar's test.

    McNemar (1947); recommended for two classifiers on one test set by Dietterich (1998),
    "Approximate statistical tests for comparing supervised classification learning algorithms".

    Args:
        for_it: items that speak for the difference asked about.
        against: items that speak for the opposite one.

    Returns:
        How often a fair coin, thrown once for each of these items, gives at least `for_it`.
    """
    thrown = for_it + against
    ways = sum(comb(thrown, heads) for heads in range(for_it, thrown + 1))
    return float(ways / 2**thrown)  # whole numbers: exact, however many items


def mcnemar_two_sided(one: int, other: int) -> float:
    """Give the exact two-sided p-value: items that only one model got right, and only the other."""
    return min(1.0, 2 * mcnemar(max(one, other), min(one, other)))


@dataclass(frozen=True)
class Resampled:
    """A paired bootstrap of the difference in weighted F1, candidate less live.

    Attributes:
        live, candidate, difference: on the items themselves.
        low, high: the interval that holds all but `level` of the resamples at each end.
        p_better, p_worse: one-sided p-values of "the candidate is better" and "is worse".
    """

    live: float
    candidate: float
    difference: float
    low: float
    high: float
    p_better: float
    p_worse: float


def bootstrap(triples: Sequence[Triple], level: float, seed: int, resamples: int) -> Resampled:
    """Draw the items anew, with both models' answers to each, and compare the weighted F1.

    Efron and Tibshirani (1993), "An Introduction to the Bootstrap"; the p-values count the
    sample itself, so that none is 0 (Davison and Hinkley 1997). Items that are alike in truth
    and both answers are drawn together, which gives the same distribution at a fraction of the
    cost.

    Args:
        triples: one for each item; at least one.
        level: share of the resamples beyond each end of the interval.
        seed: of the draws.
        resamples: how many.
    """
    kinds = Counter(triples)
    cells = sorted(kinds)
    sizes = np.array([kinds[cell] for cell in cells])
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(len(triples), sizes / len(triples), size=resamples)
    drawn = np.concatenate([sizes[None], drawn]).astype(np.float64)
    truths = [cell[0] for cell in cells]
    live = weighted_f1(drawn, truths, [cell[1] for cell in cells])
    candidate = weighted_f1(drawn, truths, [cell[2] for cell in cells])
    differences = candidate - live
    low, high = np.quantile(differences[1:], [level, 1 - level])
    return Resampled(
        float(live[0]),
        float(candidate[0]),
        float(differences[0]),
        float(low),
        float(high),
        _p_value(differences[1:] <= 0),
        _p_value(differences[1:] >= 0),
    )


def weighted_f1(
    counts: NDArray[np.float64], truths: Sequence[str], predictions: Sequence[str]
) -> NDArray[np.float64]:
    """Give the F1 of each label, weighted by how often it is true.

    Args:
        counts: (n_samples, n_cells), how often each cell occurs in each sample.
        truths: the true label of each cell.
        predictions: the label that a model gave each cell.

    Returns:
        (n_samples,), 0 for a sample without items.
    """
    labels = sorted(set(truths))
    true = np.array([[truth == label for label in labels] for truth in truths], np.float64)
    said = np.array([[guess == label for label in labels] for guess in predictions], np.float64)
    right = counts @ (true * said)
    n_true, n_said = counts @ true, counts @ said
    total = n_true + n_said
    f1 = np.divide(2 * right, total, out=np.zeros_like(right), where=total > 0)
    weight = n_true.sum(axis=1)
    summed = (f1 * n_true).sum(axis=1)
    weighted: NDArray[np.float64] = np.divide(
        summed, weight, out=np.zeros_like(summed), where=weight > 0
    )
    return weighted


def _p_value(contrary: NDArray[np.bool_]) -> float:
    return float((1 + contrary.sum()) / (1 + contrary.size))


@dataclass(frozen=True)
class IntentChange:
    """What became of the messages of one intent.

    Attributes:
        intent: the full label.
        items: its messages.
        lost, gained: right with the live model alone, right with the candidate alone.
        p_value: one-sided, of "it lost".
        beyond_chance: whether that holds with all intents judged at once.
    """

    intent: str
    items: int
    lost: int
    gained: int
    p_value: float
    beyond_chance: bool

    @property
    def loss(self) -> float:
        """The recall that was lost, in [-1, 1]; a gain is negative."""
        return (self.lost - self.gained) / self.items


def intent_changes(
    candidate: Evaluation, live: Evaluation, minimum: int, level: float
) -> tuple[IntentChange, ...]:
    """Test each intent with at least `minimum` messages for a loss of recall.

    With forty intents and 0.05 each, two would be found guilty by chance. Bonferroni's remedy,
    a fortieth of the level, would miss an intent that lost all of its eight messages. Tarone
    (1990), "A modified Bonferroni method for discrete data", divides by fewer: an intent of
    which only three messages changed sides can never reach the level, so it costs nothing. The
    chance that any intent at all is accused wrongly stays below `level`.
    """
    items: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    gained: Counter[str] = Counter()
    for new, old in zip(candidate.outcomes, live.outcomes, strict=True):
        items[new.truth] += 1
        lost[new.truth] += old.right and not new.right
        gained[new.truth] += new.right and not old.right
    judged = sorted(name for name, count in items.items() if count >= minimum)
    limit = shared_level({name: lost[name] + gained[name] for name in judged}, level)
    changes = []
    for name in judged:
        p_value = mcnemar(lost[name], gained[name])
        guilty = p_value <= limit
        changes.append(IntentChange(name, items[name], lost[name], gained[name], p_value, guilty))
    return tuple(changes)


def shared_level(differing: Mapping[str, int], level: float) -> float:
    """Give Tarone's level for each of many exact tests, by the items that differ in each."""
    lowest = [0.5**count for count in differing.values()]  # the smallest p-value it can have
    shared_by = 1
    while sum(p_value <= level / shared_by for p_value in lowest) > shared_by:
        shared_by += 1
    return level / shared_by
