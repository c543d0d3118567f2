"""How much a reviewer has decided since they sat down."""

from __future__ import annotations

import time
from collections.abc import Callable

_SHORT_MIN = 0.5  # before that a pace says nothing


class Pace:
    """Counts the messages of one sitting; what is taken back does not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begun = clock, clock()
        self._steps: list[int] = []

    def decided(self, messages: int) -> None:
        """Count a decision about some messages; 0 for one that decides nothing, such as a skip."""
        self._steps.append(messages)

    def took_back(self) -> None:
        """Leave out the last decision; one of an earlier sitting was never counted."""
        if self._steps:
            self._steps.pop()

    def words(self, left: int) -> str:
        """Say how much was done, and how much is left."""
        total, minutes = sum(self._steps), (self._clock() - self._begun) / 60
        pace = f", {total / minutes:.1f} a minute" if minutes > _SHORT_MIN else ""
        return f"{total} {'message' if total == 1 else 'messages'} decided{pace}; {left} left."
