"""What a training of the dialogue model starts from and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from bot.ml.dialogue.options import StoryOptions
from bot.ml.dialogue.states import FloatArray, Vocabulary

if TYPE_CHECKING:
    from bot.ml.dialogue.model import DialogueTransformer


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch left: mean loss, and scores on validation stories (None without any)."""

    epoch: int
    training_loss: float
    seconds: float
    validation_loss: float | None = None
    action_accuracy: float | None = None
    action_f1: float | None = None


@dataclass(frozen=True)
class Calibration:
    """What was fitted on stories that were not learned from.

    Attributes:
        scale: factor on the logits of actions.
        text_threshold: a prediction from the user's words counts from this confidence on.
        text_likeness: and only where the words are this close to words of a story (cosine).
        intent_floors: for each intent the lowest log-probability that it had in any story.
    """

    scale: float = 1.0
    text_threshold: float = 0.5
    text_likeness: float = 0.5
    intent_floors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StartingPoint:
    """An earlier model to continue from."""

    weights: Mapping[str, FloatArray]
    vocabulary: Vocabulary


@dataclass
class TrainedDialogue:
    """A trained model, how it went, and what serving needs beside the weights."""

    model: DialogueTransformer
    vocabulary: Vocabulary
    options: StoryOptions
    base_revision: str
    calibration: Calibration
    known_texts: FloatArray  # (n, text_width) vectors of the users' words in stories
    curve: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    n_training: int = 0
    n_validation: int = 0

    def summary(self) -> dict[str, object]:
        """Give what `model.json` keeps about the training."""
        return {
            "options": self.options.as_dict(),
            "base_revision": self.base_revision,
            "best_epoch": self.best_epoch,
            "training_conversations": self.n_training,
            "validation_conversations": self.n_validation,
            "curve": [asdict(record) for record in self.curve],
        }
