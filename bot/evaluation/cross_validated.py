"""What a reader of cross-validated figures must know of how they came to be."""

from __future__ import annotations

from dataclasses import dataclass

from bot.evaluation.learning_curve import LearningCurve


@dataclass(frozen=True)
class CrossValidation:
    """How the training data were parted.

    Attributes:
        folds: how many models were trained.
        seed: of the folds.
        examples: all training examples.
        groups: how many are left where what is nearly the same, or of one conversation, is one.
        untested: examples that every model was trained on.
        unmeasured: labels of which no message was tested.
        curve: None where no smaller training sets were tried.
    """

    folds: int
    seed: int
    examples: int
    groups: int
    untested: int
    unmeasured: tuple[str, ...]
    curve: LearningCurve | None = None
