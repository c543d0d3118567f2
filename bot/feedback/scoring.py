"""What the feedback loop needs of a model, whoever loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.types import Parse


class Scorer(Protocol):
    """A trained model that reads messages outside of a running bot."""

    @property
    def model(self) -> str:
        """The id that Rasa gives the model; trackers name it with each message."""

    def parse(self, text: str) -> Parse:
        """Predict the intents and entities of a text."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give one vector of length 1 a text: (n_texts, hidden)."""
