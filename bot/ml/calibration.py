"""Confidence that means something: temperature scaling on validation data.

Guo et al., 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.ml.heads import log_softmax

_FACTORS = np.geomspace(0.2, 5.0, 161)


def fit_scale(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Find the factor on the logits (n, n_labels) that makes the true labels likeliest.

    Returns:
        The factor, 1.0 where there is nothing to fit on.
    """
    if len(truth) == 0:
        return 1.0
    rows = np.arange(len(truth))
    losses = [-float(log_softmax(factor * logits)[rows, truth].mean()) for factor in _FACTORS]
    return float(_FACTORS[int(np.argmin(losses))])
