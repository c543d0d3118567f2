"""How far a share or an F1 that was counted on few messages may be off."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
_Z = 1.959963984540054  # the normal quantile of 0.975
REPLICATES = 1000
SEED = 20240229


@dataclass(frozen=True)
class Interval:
    """From where to where a value lies at a confidence level of 95 %."""

    low: float
    high: float


def wilson(right: float, total: float) -> Interval:
    """Give Wilson's score interval of a share; from 0 to 1 where nothing was counted.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22 (1927).
    """
    if total == 0:
        return Interval(0.0, 1.0)
    share, squared = right / total, _Z * _Z
    scale = 1 + squared / total
    centre = (share + squared / (2 * total)) / scale
    spread = _Z / scale * math.sqrt(share * (1 - share) / total + squared / (4 * total * total))
    low = 0.0 if right == 0 else max(0.0, centre - spread)
    high = 1.0 if right == total else min(1.0, centre + spread)
    return Interval(low, high)


def f1_interval(right: int, predicted: int, true: int) -> Interval:
    """Give an interval of one label's F1 that is sound for few messages, and for a perfect score.

    F1 is 2 J / (1 + J), where J is the share of right ones among all that are true or predicted.
    J is a share, so Wilson's interval holds for it, and F1 rises with J. A bootstrap would say
    that three right out of three leave no doubt at all.

    Args:
        right: messages that are both.
        predicted: messages that were given the label.
        true: messages that have it.
    """
    share = wilson(right, predicted + true - right)
    return Interval(2 * share.low / (1 + share.low), 2 * share.high / (1 + share.high))


def paired_difference(gained: float, lost: float, total: float) -> Interval:
    """Give Tango's score interval of the difference between two shares of the same messages.

    It is sound for few messages: where 20 of 20 stay right it says that up to 16 points may have
    been missed, while a bootstrap would say that nothing can have been. T. Tango, Equivalence test
    and confidence interval for the difference in proportions for the paired-sample design,
    Statistics in Medicine 17 (1998).

    Args:
        gained: messages that are right now and were not; parts of messages where groups of them
            count as one.
        lost: messages that were right and are not now.
        total: all messages; from -1 to 1 where there is none.
    """
    if total <= 0:
        return Interval(-1.0, 1.0)

    def score(difference: float) -> float:
        spare = difference * (1 - difference)
        middle = (2 * total - gained + lost) * difference - gained - lost
        root = math.sqrt(max(0.0, middle**2 + 8 * total * lost * spare))
        variance = total * (2 * (root - middle) / (4 * total) + spare)
        return (gained - lost - total * difference) / math.sqrt(max(variance, 1e-12))

    value = (gained - lost) / total
    return Interval(_crossing(score, _Z, -1.0, value), _crossing(score, -_Z, value, 1.0))


def _crossing(score: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Find by bisection where a falling function reaches a level."""
    for _ in range(60):
        middle = (low + high) / 2
        if score(middle) > level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def bootstrap(
    n_items: int,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> NDArray[np.float64]:
    """Compute a statistic on samples of the items drawn with replacement.

    Args:
        n_items: how many items there are.
        statistic: takes how often each item was drawn, (n_items, n), gives (n,).
        replicates: how many samples.
        seed: the same one gives the same samples.

    Returns:
        (replicates,)
    """
    chance = np.random.default_rng(seed)
    found = []
    for start in range(0, replicates, 100):
        drawn = min(100, replicates - start)
        weights = chance.multinomial(n_items, np.full(n_items, 1 / n_items), size=drawn)
        found.append(statistic(weights.T.astype(np.float64)))
    return np.concatenate(found)


def percentile_interval(samples: NDArray[np.float64]) -> Interval:
    """Give what the middle 95 % of bootstrap samples span."""
    low, high = np.percentile(samples, [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
