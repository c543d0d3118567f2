"""Rates: how much a session and an internet address may send."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

REMEMBERED = 20_000


class Rate:
    """A token bucket for each key: a burst at once, then so many a minute.

    The buckets of keys that were not seen for longest are forgotten; a full bucket is what they
    would have come back to anyway.
    """

    def __init__(
        self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Take one from the key's bucket; 0 where there was one, else the seconds to wait."""
        now = self._clock()
        level, before = self._buckets.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - before) * self._per_second)
        allowed = level >= 1
        self._buckets[key] = (level - 1 if allowed else level, now)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._per_second
