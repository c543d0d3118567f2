"""Whether a confidence means what it says: of messages at 0.8, four in five should be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True)
class Bin:
    """Messages of like confidence: their mean confidence, the share that is right, how many."""

    confidence: float
    accuracy: float
    count: int


def reliability_bins(
    confidences: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> tuple[Bin, ...]:
    """Part the messages, by rising confidence, into bins of equal size.

    Bins of equal size are all measured equally well; of bins of equal width most would be empty.
    K. Nguyen and B. O'Connor, Posterior calibration and exploratory analysis for natural language
    processing models, EMNLP 2015.

    Args:
        confidences: (n_items,) in [0, 1].
        right: (n_items,)
        bins: how many; as many as there are messages where those are fewer.
    """
    if not confidences:
        return ()
    order = np.argsort(np.asarray(confidences), kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    values, hits = np.asarray(confidences, float), np.asarray(right, float)
    return tuple(Bin(float(values[p].mean()), float(hits[p].mean()), len(p)) for p in parts)


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Give the mean gap between confidence and accuracy, weighed by messages, in [0, 1].

    M. Naeini, G. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 2015. 0 where there is no bin.
    """
    total = sum(part.count for part in bins)
    return sum(abs(b.accuracy - b.confidence) * b.count for b in bins) / total if total else 0.0
