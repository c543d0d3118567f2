"""A picture of training and validation by epoch, so that overfitting is seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

JOINT_SCORES = {
    "intent F1": "intent_f1",
    "entity F1": "entity_f1",
    "attribute F1": "attribute_f1",
}
JOINT_LOSSES = "Loss (intents and entities in training, intents in validation)"


class Record(Protocol):
    """What one epoch left; scores are attributes beside these."""

    @property
    def epoch(self) -> int:
        """Counted from 1."""

    @property
    def training_loss(self) -> float:
        """The mean over the epoch."""

    @property
    def validation_loss(self) -> float | None:
        """None where nothing was kept apart."""


def draw_curves(
    curve: Sequence[Record],
    best_epoch: int,
    path: Path,
    *,
    scores: Mapping[str, str] = JOINT_SCORES,
    losses: str = JOINT_LOSSES,
) -> None:
    """Draw losses on the left and validation scores on the right into a PNG file.

    Args:
        curve: one record an epoch.
        best_epoch: the epoch that was kept.
        path: the file.
        scores: which attributes of the records to draw on the right, by their legend; one that
            is None is left out.
        losses: the title on the left.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what its packages say of each other
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    epochs = [record.epoch for record in curve]
    left.plot(epochs, [record.training_loss for record in curve], marker="o", label="training")
    left.set_title(losses, fontsize=8)
    validated = [record for record in curve if record.validation_loss is not None]
    if validated:
        shown = [record.epoch for record in validated]
        left.plot(shown, [r.validation_loss for r in validated], marker="o", label="validation")
        for legend, name in scores.items():
            reached = [getattr(record, name) for record in validated]
            if None not in reached:
                right.plot(shown, reached, marker="o", label=legend)
        right.set_title("Validation", fontsize=8)
        right.axvline(best_epoch, color="grey", linestyle=":", label=f"kept: epoch {best_epoch}")
        right.legend(fontsize=8)
    else:
        right.set_title("No validation data", fontsize=8)
    left.legend(fontsize=8)
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        figure.savefig(path, dpi=110)
