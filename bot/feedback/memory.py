"""What the encoder made of the training data, kept from one call to the next.

A text takes the encoder some milliseconds, the training data of an assistant half a minute. The
file lies beside the feedback store, belongs to one model, and holds digests instead of texts. Who
calls it leaves out what came from conversations: a vector tells about its text, and must not
outlive a person's wish to be forgotten.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(".bot/vectors.npz")

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]


class Memory:
    """The vectors of one model."""

    def __init__(self, model: str, path: Path = FILE) -> None:
        """Read what is kept of a model; nothing where the file is missing, broken or another's."""
        self.model, self.path = model, path
        self._known = _read(model, path)
        self._kept = frozenset(self._known)

    def vectors(self, texts: Sequence[str], embed: Embed) -> Vectors:
        """Give one vector a text, asking the encoder for those it was not asked for yet.

        Args:
            texts: (n_texts,)
            embed: the encoder: gives (n_texts, hidden).

        Returns:
            (n_texts, hidden), to the bit what the encoder gives.
        """
        missing = [text for text in dict.fromkeys(texts) if _digest(text) not in self._known]
        if missing or not texts:
            found = np.asarray(embed(missing), np.float32)
            if not texts:
                return found
            self._known.update(zip(map(_digest, missing), found, strict=True))
        return np.stack([self._known[_digest(text)] for text in texts])

    def keep(self, texts: Iterable[str]) -> None:
        """Write the vectors of these texts, and no others; leaves a file alone that has them.

        A file that cannot be written is no error: the next call takes longer, that is all.
        """
        wanted = sorted({digest for text in texts if (digest := _digest(text)) in self._known})
        if self._kept == frozenset(wanted):
            return
        scratch = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with scratch.open("wb") as file:
                np.savez(
                    file,
                    model=np.array(self.model),
                    digests=np.array([list(digest) for digest in wanted], np.uint8),
                    vectors=np.array([self._known[digest] for digest in wanted], np.float32),
                )
            scratch.replace(self.path)
        except OSError:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
            return
        self._kept = frozenset(wanted)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read(model: str, path: Path) -> dict[bytes, Vectors]:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            if str(file["model"]) != model:
                return {}
            digests, vectors = file["digests"], file["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if len(digests) != len(vectors):
        return {}
    return {bytes(digest.tolist()): row for digest, row in zip(digests, vectors, strict=True)}
