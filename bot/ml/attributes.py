"""What is said of a message as a whole beside its intent, in plain numpy.

An attribute such as the mood has a head of its own on the same sentence vector: one direction for
each value, as the intents have. It learns from messages that carry the attribute alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.types import Attribute

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class AttributeHead:
    """The weights of one attribute.

    Attributes:
        name: of the attribute.
        values: what it can be, in order.
        directions: (n_values, hidden) one direction for each value, of length 1.
        scale: factor from cosine to logit, calibrated on validation data.
        least: the confidence below which the slot is left alone.
        slot: the slot that the value fills; None where it fills none.
    """

    name: str
    values: tuple[str, ...]
    directions: FloatArray
    scale: float
    least: float = 0.0
    slot: str | None = None

    def read(self, sentence: FloatArray) -> Attribute:
        """Give the likeliest value.

        Args:
            sentence: (hidden,) mean of the token vectors, of length 1.
        """
        logits = (self.scale * (sentence @ self.directions.T)).astype(np.float64)
        shares = np.exp(logits - logits.max())
        best = int(logits.argmax())
        confidence = float(shares[best] / shares.sum())
        slot = self.slot if confidence >= self.least else None
        return Attribute(self.name, self.values[best], confidence, slot)
