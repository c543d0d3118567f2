"""Loads a trained model to read messages with, without Rasa."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.errors import CheckpointError, ProjectError
from bot.feedback.scoring import Scorer
from bot.lifecycle.archive import extract_joint_model
from bot.lifecycle.preflight import check_archive, find_model
from bot.ml import checkpoint
from bot.ml.inference import JointPredictor
from bot.types import Parse

MODELS = Path("models")


class ArchiveScorer:
    """A model of an archive, ready to read."""

    def __init__(self, model: str, predictor: JointPredictor) -> None:
        self.model = model
        self._predictor = predictor

    def parse(self, text: str) -> Parse:
        """Predict the intents and entities of a text."""
        return self._predictor.parse(text)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give one vector of length 1 a text: (n_texts, hidden)."""
        rows = [self._predictor.encoder.encode(text).sentence for text in texts]
        return np.stack(rows) if rows else np.zeros((0, 1), np.float32)


def load_scorer(archive: Path | None, models: Path = MODELS) -> Scorer | None:
    """Load a model, by default the newest.

    Args:
        archive: the archive, where one was named.
        models: where the newest is looked for.

    Returns:
        None where no archive is named and there is none that could be read.

    Raises:
        BotError: the archive that was named, or the newest one, cannot be used.
    """
    if archive is None:
        if not any(models.glob("*.tar.gz")):
            return None
        archive = find_model(None, models)
    check_archive(archive)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = extract_joint_model(archive, Path(scratch) / "model")
        except CheckpointError as error:
            raise ProjectError(
                f"{archive} holds no model that messages can be read with.",
                "Name one that was trained with JointFeaturizer in its pipeline.",
            ) from error
        return ArchiveScorer(_model_id(archive), checkpoint.load_predictor(folder))


def _model_id(archive: Path) -> str:
    """Give the id by which trackers name the model."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.removeprefix("./") == "metadata.json":
                file = tar.extractfile(member)
                if file is not None:
                    return str(json.load(file)["model_id"])
    raise ProjectError(f"{archive} has no metadata.json.", "Train again with 'make train'.")
