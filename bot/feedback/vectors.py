"""Vectors of messages where no encoder is at hand: words that occur together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.feedback.similar import normal

DIMENSIONS = 100
_SEED = 0


def of_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Give one vector of length 1 a text by latent semantic analysis: (n_texts, dimensions)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    tfidf = TfidfVectorizer(
        preprocessor=normal,
        token_pattern=r"\S+",
        ngram_range=(1, 2),
        sublinear_tf=True,
        dtype=np.float32,
    )
    try:
        counts = tfidf.fit_transform(texts)
    except ValueError:  # not one word in any of them
        return np.zeros((len(texts), 1), np.float32)
    if min(counts.shape) <= DIMENSIONS + 1:
        return np.asarray(counts.toarray(), np.float32)
    found = TruncatedSVD(DIMENSIONS, random_state=_SEED).fit_transform(counts)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(lengths, 1e-9), np.float32)
