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

from bot.errors import ProjectError
from bot.evaluation.rejecting import StrangenessEvidence
from bot.feedback.scoring import Scorer
from bot.lifecycle.archive import JOINT_MARK, unpack_component, unzipped
from bot.lifecycle.checks.archives import check_archive
from bot.lifecycle.live_model import find_model
from bot.lifecycle.registry import MODELS, Registry
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


class ArchiveScorer:
    """A model of an archive, ready to read.

    Attributes:
        model: the id by which trackers name it.
        strangeness: how its threshold for strange messages was chosen; None where it has none.
    """

    def __init__(
        self,
        model: str,
        predictor: JointPredictor,
        reader: MessageReader,
        strangeness: StrangenessEvidence | None = None,
    ) -> None:
        self.model = model
        self.strangeness = strangeness
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
    """Load a model, by default the live one, or the newest as long as none was promoted.

    Args:
        archive: the archive, where one was named.
        models: the folder of the live model.

    Returns:
        None where no archive is named and there is none that could be read.

    Raises:
        BotError: the archive that was named, or the live one, cannot be used.
    """
    if archive is None:
        if not any(models.glob("*.tar.gz")) and not Registry(models).pointer_file.exists():
            return None
        archive = find_model(None, models)
    else:
        check_archive(archive)
    with tempfile.TemporaryDirectory() as scratch, unzipped(archive) as tar:
        folder = unpack_component(tar, JOINT_MARK, Path(scratch) / "model")
        if folder is None:
            raise ProjectError(
                f"{archive} holds no model that messages can be read with.",
                "Name one that was trained with JointFeaturizer in its pipeline.",
            )
        metadata = _metadata(archive, tar)
        reader = _reader(tar, metadata, Path(scratch))
        predictor = checkpoint.load_predictor(folder)
        chosen = checkpoint.read_description(folder)["training"].get("strangeness")
        evidence = StrangenessEvidence(**chosen) if chosen else None
        return ArchiveScorer(metadata["model_id"], predictor, reader, evidence)


def _reader(tar: tarfile.TarFile, metadata: dict[str, Any], scratch: Path) -> MessageReader:
    """Give the vocabulary components of a model, those that its pipeline has."""
    nodes = metadata.get("predict_schema", {}).get("nodes", {}).values()
    configs = {node["uses"].rsplit(".", 1)[-1]: node.get("config") or {} for node in nodes}
    folders = {
        mark: unpack_component(tar, mark, scratch / mark)
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


def metadata_of(archive: Path) -> dict[str, Any]:
    """Give what Rasa notes of a model: the id by which trackers name it, its graph.

    Raises:
        ProjectError: it notes nothing.
    """
    with tarfile.open(archive) as tar:
        return _metadata(archive, tar)


def _metadata(archive: Path, tar: tarfile.TarFile) -> dict[str, Any]:
    for member in tar:
        if member.name.removeprefix("./") == "metadata.json":
            file = tar.extractfile(member)
            if file is not None:
                found: dict[str, Any] = json.load(file)
                return found
    raise ProjectError(f"{archive} has no metadata.json.", "Train again with 'make train'.")
