"""Temperature scaling finds the scale that made the data."""

from __future__ import annotations

import numpy as np
import pytest

from bot.ml.calibration import fit_scale
from bot.ml.heads import log_softmax


def drawn(true_scale: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the softmax of the logits times a known factor."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(n, 5)).astype(np.float32) * 2
    probabilities = np.exp(log_softmax(true_scale * logits))
    truth = (probabilities.cumsum(1) < generator.random((n, 1))).sum(1).clip(max=4)
    return logits, truth


@pytest.mark.parametrize("true_scale", [0.3, 1.0, 2.5])
def test_a_known_scale_is_recovered(true_scale: float) -> None:
    assert fit_scale(*drawn(true_scale)) == pytest.approx(true_scale, rel=0.1)


def test_calibration_never_makes_the_loss_worse() -> None:
    logits, truth = drawn(0.4, 200)
    rows = np.arange(len(truth))

    def loss(scale: float) -> float:
        return -float(log_softmax(scale * logits)[rows, truth].mean())

    assert loss(fit_scale(logits, truth)) < loss(1.0)


def test_nothing_to_fit_on_leaves_the_scale() -> None:
    assert fit_scale(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 1.0


def test_the_scale_stays_in_bounds_however_sure_or_lost_the_model_is() -> None:
    logits = np.eye(3, dtype=np.float32)
    assert fit_scale(logits, np.arange(3)) == pytest.approx(5.0)
    assert fit_scale(logits, np.array([1, 2, 0])) == pytest.approx(0.2)
