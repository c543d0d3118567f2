"""In which order messages come up for review: need, frequency and coverage in one number.

A message's **need** joins its reasons as independent chances that the bot was wrong:

    need = 1 - product over signals of (1 - weight * score)

and counts for a group of n near-duplicates as if somebody had asked more than once:

    value = 1 - (1 - need) ** (1 + log2(n) / 2)

The groups with the highest values, and a sample of the others, are **candidates**. They are put in
order one after the other, each time the one that gains most:

    gain(i) = sum over candidates j of value(j) * max(0, s(i, j) - covered(j))
              + PEOPLE * told(i) * (1 - covered(i))

`s` is the cosine of two vectors to the power of `SHARPNESS`, `covered(j)` the highest `s` of j and
anything picked before, `told` is the need from what people did, in units of the highest first gain.
So the first to come stands for many doubtful messages, and the next one for others than these;
what people complained about comes early, but not the same complaint again and again.

The sum is submodular: gains never grow, so that the candidates left out at each step need not be
looked at again (Wei, Iyer and Bilmes, "Submodularity in data subset selection and active
learning", ICML 2015).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.feedback.signals import BY_PEOPLE, WEIGHTS, Reason

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]

CANDIDATES = 4000  # a reviewer's week; the similarities of all pairs take 64 MB
SHARPNESS = 3  # cosines of unrelated short texts are about 0.3; this makes them 0.03
PEOPLE = 1.0
ALIKE = 0.7  # cosine from which one message stands for another in words
ANSWERED = 0.1  # what is left of the need of a message that was answered before


@dataclass(frozen=True)
class Order:
    """Candidates in the order in which to ask.

    Attributes:
        picked: places of the candidates, first the one to ask first: (n,)
        stands_for: how many candidates beside itself each was the first to stand for: (n,)
    """

    picked: Numbers
    stands_for: Numbers


def need(reasons: Iterable[Reason]) -> float:
    """Join reasons into one number in [0, 1]."""
    left = 1.0
    for reason in reasons:
        left *= 1.0 - WEIGHTS[reason.signal] * reason.score
    return 1.0 - left


def told(reasons: Iterable[Reason]) -> float:
    """Join those reasons that people gave, in words or by what they did."""
    return need(reason for reason in reasons if reason.signal in BY_PEOPLE)


def value_of(needs: Floats, sizes: Numbers) -> Floats:
    """Count needs for groups of several messages: (n,) each."""
    times = 1.0 + np.log2(np.maximum(sizes, 1)) / 2
    return np.asarray(1.0 - (1.0 - needs) ** times, np.float64)


def candidates(values: Floats, keys: Numbers, limit: int = CANDIDATES) -> Numbers:
    """Choose which groups to put in order: half by their value, half by a weighted draw.

    The draw brings in what is typical: the most doubtful of a million messages are oddities.

    Args:
        values: (n,)
        keys: a number that stays with each group; it decides the draw, so that the same log gives
            the same candidates.
        limit: how many.

    Returns:
        places, ascending: (at most limit,)
    """
    if len(values) <= limit:
        return np.arange(len(values), dtype=np.int64)
    order = np.lexsort((keys, -values))
    top, rest = order[: limit // 2], order[limit // 2 :]
    # Efraimidis and Spirakis: the largest u ** (1 / weight) are a draw without replacement.
    weight = np.maximum(values[rest] ** 2, 1e-12)
    drawn = np.log(_chance(keys[rest])) / weight
    more = rest[np.argsort(-drawn, kind="stable")[: limit - len(top)]]
    return np.sort(np.concatenate([top, more])).astype(np.int64)


def in_order(values: Floats, tolds: Floats, vectors: Vectors, limit: int | None = None) -> Order:
    """Put candidates in the order in which to ask.

    Args:
        values: (n,)
        tolds: (n,)
        vectors: of length 1: (n, dimensions)
        limit: how many of them; all by default.
    """
    n = len(values)
    cosines = np.clip(vectors @ vectors.T, 0.0, 1.0)
    alike = cosines >= ALIKE
    similar = cosines**SHARPNESS
    weights = np.maximum(values, 1e-6).astype(np.float32)
    covered = np.zeros(n, np.float32)
    stood = np.zeros(n, bool)
    gains = similar @ weights
    people = PEOPLE * float(gains.max(initial=0.0)) * tolds
    heap = [(-(float(gains[i]) + people[i]), i) for i in range(n)]
    heapq.heapify(heap)
    looked_at = np.zeros(n, np.int64)  # how many had been picked when a gain was computed
    picked: list[int] = []
    stands_for: list[int] = []
    while heap and len(picked) < (n if limit is None else limit):
        _, i = heapq.heappop(heap)
        if looked_at[i] < len(picked):
            more = np.maximum(similar[i] - covered, 0.0) @ weights
            looked_at[i] = len(picked)
            heapq.heappush(heap, (-(float(more) + people[i] * (1.0 - float(covered[i]))), i))
            continue
        picked.append(i)
        fresh = alike[i] & ~stood
        fresh[i] = False
        stands_for.append(int(fresh.sum()))
        stood |= alike[i]
        covered = np.maximum(covered, similar[i])
    return Order(np.array(picked, np.int64), np.array(stands_for, np.int64))


def priorities(values: Floats, chosen: Numbers, order: Order) -> Floats:
    """Give each group its place in the queue as a number, higher first.

    From 2 downwards to 1 for what was put in order; below 1 the value, for all others: (n,).
    """
    found = np.minimum(values, 1.0) * 0.999
    n = len(order.picked)
    found[chosen[order.picked]] = 2.0 - np.arange(n) / max(n, 1)
    return found


def _chance(keys: Numbers) -> Floats:
    """Give a number in (0, 1) that depends on a key alone (splitmix64)."""
    x = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return ((x >> np.uint64(11)).astype(np.float64) + 0.5) / float(2**53)
