"""The training examples of a label that are most like a message.

By the model's embeddings where there is a model and its matrix is ready, else by the letters that
texts share. The matrix is built in the background, from what `bot rank` kept as far as that goes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from bot.feedback.memory import FILE, Memory
from bot.feedback.scoring import Scorer
from bot.feedback.similar import normal
from bot.feedback.training_files import TrainingExample

_BATCH = 16  # texts between two looks at whether to stop
_CACHED = 512  # embeddings of messages: an item is asked for several times
_LETTERS = 5_000  # examples of one label that are compared by letters


@dataclass(frozen=True)
class Neighbour:
    """A training example and how like it is to the message, in [0, 1]."""

    text: str
    similarity: float


class Neighbours:
    """Finds the nearest training examples of a label."""

    def __init__(
        self,
        examples: Sequence[TrainingExample],
        scorer: Scorer | None = None,
        memory: Path = FILE,
    ) -> None:
        self._texts: dict[str, list[str]] = {}
        for example in examples:
            self._texts.setdefault(example.label, []).append(example.text)
        self._forms: dict[str, list[str]] = {}
        self._scorer = scorer
        self._memory = memory
        self._matrices: dict[str, NDArray[np.float32]] = {}
        self._embedded: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()
        self.total = sum(len(texts) for texts in self._texts.values())
        self.done = 0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def build(self) -> None:
        """Embed all examples, label by label; what is ready is used at once."""
        if self._scorer is None:
            return
        memory = Memory(self._scorer.model, self._memory)
        for label, texts in self._texts.items():
            rows = []
            for begin in range(0, len(texts), _BATCH):
                if self._stopped.is_set():
                    return
                some = texts[begin : begin + _BATCH]
                rows.append(memory.vectors(some, self._scorer.embed))
                self.done += len(some)
            self._matrices[label] = np.concatenate(rows)

    def start(self) -> threading.Thread:
        """Build in the background."""
        self._thread = threading.Thread(target=self.build, name="neighbours", daemon=True)
        self._thread.start()
        return self._thread

    def stop(self) -> None:
        """Give up building, and wait until that is so.

        A process that ends while another thread is inside ONNX Runtime is aborted.
        """
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def nearest(self, text: str, label: str, limit: int = 3) -> list[Neighbour]:
        """Give the examples of a label that are nearest to a text, best first."""
        texts = self._texts.get(label, [])
        matrix = self._matrices.get(label)
        if matrix is None or self._scorer is None:
            return self._by_letters(text, label, limit)
        scores = matrix @ self._embedding(text, self._scorer)
        best = np.argsort(-scores, kind="stable")[:limit]
        return [
            Neighbour(texts[row], round(min(1.0, max(0.0, float(scores[row]))), 3)) for row in best
        ]

    def _by_letters(self, text: str, label: str, limit: int) -> list[Neighbour]:
        texts = self._texts.get(label, [])[:_LETTERS]
        if label not in self._forms:
            self._forms[label] = [normal(known) for known in texts]
        found = process.extract(
            normal(text), self._forms[label], scorer=fuzz.token_set_ratio, limit=limit
        )
        return [Neighbour(texts[row], round(score / 100, 3)) for _, score, row in found]

    def _embedding(self, text: str, scorer: Scorer) -> NDArray[np.float32]:
        with self._lock:
            known = self._embedded.get(text)
        if known is None:
            known = np.asarray(scorer.embed([text])[0], dtype=np.float32)
            with self._lock:
                self._embedded[text] = known
                while len(self._embedded) > _CACHED:
                    self._embedded.popitem(last=False)
        return known
