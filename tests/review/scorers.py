"""A small model for the tests: letters as embeddings, no weights to load."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.types import Parse, RankedLabel


class Letters:
    """Embeds a text by how often it has each letter."""

    model = "letters"

    def __init__(self, slow_s: float = 0.0) -> None:
        self.slow_s = slow_s

    def parse(self, text: str) -> Parse:
        return Parse((RankedLabel("greet", 0.9),))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        time.sleep(self.slow_s)
        found = np.zeros((len(texts), 128), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.casefold():
                found[row, ord(letter) % 128] += 1
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def by_name(name: str) -> Letters | None:
    return Letters() if name == "letters" else None
