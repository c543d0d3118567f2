"""What a training starts from and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import nn

from bot.ml.heads import Heads
from bot.ml.options import JointOptions
from bot.ml.strangeness import StrangenessThreshold
from bot.types import Example


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch left: mean loss, and scores on validation data (None without any).

    `attribute_f1` is the macro F1 of the values, averaged over the attributes.
    """

    epoch: int
    training_loss: float
    seconds: float
    validation_loss: float | None = None
    intent_f1: float | None = None
    entity_f1: float | None = None
    attribute_f1: float | None = None

    @property
    def score(self) -> float:
        """The mean of both F1 scores; early stopping looks at it."""
        return ((self.intent_f1 or 0.0) + (self.entity_f1 or 0.0)) / 2

    @property
    def described(self) -> str:
        """What the progress bar says of it."""
        if self.intent_f1 is None:
            return f"epoch {self.epoch}"
        return f"epoch {self.epoch}, intent F1 {self.intent_f1:.3f}, entity F1 {self.entity_f1:.3f}"


# Is told of an epoch, and of how many there will be unless training stops early.
AfterEpoch = Callable[[EpochRecord, int], None]


@dataclass(frozen=True)
class StartingPoint:
    """An earlier model to continue from: the folder of its encoder, and its heads."""

    encoder_folder: Path
    heads: Heads
    digest: str
    base_revision: str


@dataclass
class TrainedJoint:
    """A trained model: the encoder in torch, the heads in numpy, and how it went."""

    encoder: nn.Module
    tokenizer_path: Path
    heads: Heads
    options: JointOptions
    base_revision: str
    curve: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    n_training: int = 0
    validation: list[Example] = field(default_factory=list)
    strangeness: StrangenessThreshold | None = None

    def summary(self) -> dict[str, object]:
        """Give what `model.json` keeps about the training."""
        return {
            "options": self.options.as_dict(),
            "base_revision": self.base_revision,
            "best_epoch": self.best_epoch,
            "training_examples": self.n_training,
            "validation_examples": len(self.validation),
            "strangeness": self.strangeness.as_dict() if self.strangeness else None,
            "curve": [asdict(record) for record in self.curve],
        }
