"""How far an adaptation is, kept on disk so that it can go on after an interruption."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bot.errors import CheckpointError
from bot.ml.adapting.options import AdaptOptions

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Record:
    """What one epoch left; epoch 0 is the encoder before the first step.

    Attributes:
        epoch: counted from 1.
        training_loss: the mean over the epoch; None for epoch 0.
        validation_loss: that of the held-out messages.
        found: share of the held-out messages whose nearest in the batch says the same.
    """

    epoch: int
    training_loss: float | None
    validation_loss: float
    found: float


@dataclass
class Mark:
    """The next step: epoch counted from 1, step in it from 0, and the losses of it summed up."""

    epoch: int = 1
    step: int = 0
    loss: float = 0.0

    def steps_done(self, steps: int) -> int:
        """Count the steps before this one where an epoch has so many."""
        return (self.epoch - 1) * steps + self.step


@dataclass
class Progress:
    """All that an adaptation needs to go on as if it had never stopped.

    Attributes:
        base: digest of the encoder's files.
        options: see `AdaptOptions`.
        corpus: digest of the messages, see `digest_of`.
        mark: the next step.
        curve: the epochs so far.
        first: neighbours of training and held-out messages before the first step.
        neighbours: those of the training messages in this epoch.
        best_weights: of the epoch with the lowest held-out loss.
        weights: those at `mark`, only where it was read from a checkpoint; so `optimizer`.
    """

    base: str
    options: dict[str, Any]
    corpus: str
    mark: Mark = field(default_factory=Mark)
    curve: list[Record] = field(default_factory=list)
    first: tuple[Tensor, Tensor] = field(default_factory=lambda: (torch.empty(0), torch.empty(0)))
    neighbours: Tensor = field(default_factory=lambda: torch.empty(0))
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, base: str, options: AdaptOptions, texts: Sequence[str]) -> Progress:
        """Stand before the first step."""
        return cls(base, options.as_dict(), digest_of(texts))

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are kept; 0 where no epoch made the encoder better."""
        return min(self.curve, key=lambda record: record.validation_loss).epoch

    def note(self, record: Record, encoder: nn.Module) -> None:
        """Take in an epoch that is over, and keep its weights if it is the best."""
        self.curve.append(record)
        self.mark = Mark(record.epoch + 1)
        if self.best_epoch == record.epoch:
            self.best_weights = {
                name: value.detach().cpu().clone() for name, value in encoder.state_dict().items()
            }


def digest_of(texts: Sequence[str]) -> str:
    """Give the SHA-256 of messages in their order."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(json.dumps(text).encode() + b"\n")
    return digest.hexdigest()


def write_progress(
    folder: Path, progress: Progress, encoder: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Write the checkpoint; the one before stays until the new one is whole."""
    content = {
        "base": progress.base,
        "options": progress.options,
        "corpus": progress.corpus,
        "mark": asdict(progress.mark),
        "curve": [asdict(record) for record in progress.curve],
        "first": list(progress.first),
        "neighbours": progress.neighbours,
        "best_weights": progress.best_weights,
        "weights": encoder.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    unfinished = folder / f"{CHECKPOINT}.new"
    torch.save(content, unfinished)
    unfinished.replace(folder / CHECKPOINT)


def read_progress(folder: Path, wanted: Progress) -> Progress:
    """Read a checkpoint of the same encoder, options and messages as `wanted`.

    Raises:
        CheckpointError: there is none, it is damaged, or of something else.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise CheckpointError(f"There is no {path} to go on from. Leave out --resume.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found = Progress(
            **{
                **content,
                "mark": Mark(**content["mark"]),
                "curve": [Record(**record) for record in content["curve"]],
                "first": tuple(content["first"]),
            }
        )
    except (OSError, RuntimeError, EOFError, TypeError, KeyError, pickle.PickleError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}). Delete it and leave out --resume."
        ) from error
    _check_same(path, found, wanted)
    return found


def _check_same(path: Path, found: Progress, wanted: Progress) -> None:
    changed = [
        f"{name} {found.options.get(name)!r}, not {value!r}"
        for name, value in wanted.options.items()
        if found.options.get(name) != value
    ]
    if found.corpus != wanted.corpus:
        changed.append("other messages")
    if found.base != wanted.base and not changed:
        changed.append("another encoder of that name")
    if changed:
        raise CheckpointError(
            f"{path} was begun with {', '.join(changed)}. Use the same to go on from it, or "
            f"delete it and leave out --resume."
        )
