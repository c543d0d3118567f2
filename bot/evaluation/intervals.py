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


def wilson(right: int, total: int) -> Interval:
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
