"""A picture of training and validation by epoch, so that overfitting is seen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.ml.trained import EpochRecord


def draw_curves(curve: Sequence[EpochRecord], best_epoch: int, path: Path) -> None:
    """Draw losses on the left and validation scores on the right into a PNG file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what its packages say of each other
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(1, 2)
    epochs = [record.epoch for record in curve]
    losses.plot(epochs, [record.training_loss for record in curve], marker="o", label="training")
    losses.set_title("Loss (intents and entities in training, intents in validation)", fontsize=8)
    validated = [record for record in curve if record.validation_loss is not None]
    if validated:
        shown = [record.epoch for record in validated]
        losses.plot(shown, [r.validation_loss for r in validated], marker="o", label="validation")
        scores.plot(shown, [r.intent_f1 for r in validated], marker="o", label="intent F1")
        scores.plot(shown, [r.entity_f1 for r in validated], marker="o", label="entity F1")
        scores.set_title("Validation", fontsize=8)
        scores.axvline(best_epoch, color="grey", linestyle=":", label=f"kept: epoch {best_epoch}")
        scores.legend(fontsize=8)
    else:
        scores.set_title("No validation data", fontsize=8)
    losses.legend(fontsize=8)
    for axes in (losses, scores):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        figure.savefig(path, dpi=110)
