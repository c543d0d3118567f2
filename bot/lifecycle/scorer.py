"""Loads a trained model to read messages with, without Rasa."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.errors import CheckpointError, ProjectError
from bot.feedback.scoring import Scorer
from bot.lifecycle.archive import extract_component, extract_joint_model
from bot.lifecycle.preflight import check_archive, find_model
from bot.ml import checkpoint
from bot.ml.inference import JointPredictor
from bot.types import Parse
from bot.vocabulary.message_reader import (
    FORMS_FILE,
    MessageReader,
    ValueSettings,
    load_tokenizer,
)
from bot.vocabulary.overlaps import resolve
from bot.vocabulary.reading import NAMES_FILE, TermReader
from bot.vocabulary.spelling import FILE as SPELLING_FILE
from bot.vocabulary.spelling import Speller
from bot.vocabulary.tokenizing import WordTokenizer

MODELS = Path("models")


class ArchiveScorer:
    """A model of an archive, ready to read."""

    def __init__(self, model: str, predictor: JointPredictor, reader: MessageReader) -> None:
        self.model = model
        self._predictor = predictor
        self._reader = reader

    def parse(self, text: str) -> Parse:
        """Predict the intents and entities of a text, read as the live model reads it."""
        reading = self._reader.read(text)
        parse = self._predictor.parse(text, reading)
        spans = tuple(item.span for item in resolve(parse.spans, reading.hits))
        return replace(parse, spans=spans)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give one vector of length 1 a text: (n_texts, hidden)."""
        encode = self._predictor.encoder.encode
        rows = [encode(text, self._reader.read(text).edits).sentence for text in texts]
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
        metadata = _metadata(archive)
        reader = _reader(archive, metadata, Path(scratch))
        return ArchiveScorer(metadata["model_id"], checkpoint.load_predictor(folder), reader)


def _reader(archive: Path, metadata: dict[str, Any], scratch: Path) -> MessageReader:
    """Give the vocabulary components of a model, those that its pipeline has."""
    nodes = metadata.get("predict_schema", {}).get("nodes", {}).values()
    configs = {node["uses"].rsplit(".", 1)[-1]: node.get("config") or {} for node in nodes}
    folders = {
        mark: extract_component(archive, mark, scratch / mark)
        for mark in (FORMS_FILE, SPELLING_FILE, NAMES_FILE)
    }
    forms, spelling, names = (folders[m] for m in (FORMS_FILE, SPELLING_FILE, NAMES_FILE))
    values = configs.get("ValueFinder")
    known = [field.name for field in fields(ValueSettings)]
    return MessageReader(
        load_tokenizer(forms) if forms else WordTokenizer("en"),
        Speller.load(spelling) if spelling else None,
        TermReader.load(names, "VocabularyMatcher") if names else None,
        None if values is None else ValueSettings(**{k: values[k] for k in known if k in values}),
    )


def _metadata(archive: Path) -> dict[str, Any]:
    """Give what Rasa notes of a model: the id by which trackers name it, its graph."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.removeprefix("./") == "metadata.json":
                file = tar.extractfile(member)
                if file is not None:
                    found: dict[str, Any] = json.load(file)
                    return found
    raise ProjectError(f"{archive} has no metadata.json.", "Train again with 'make train'.")
