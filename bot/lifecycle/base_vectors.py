"""Vectors of texts from the pretrained encoder, before any training: no model is needed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.feedback.memory import Memory
from bot.lifecycle.checks.sources import entry, items, read_source, text_of
from bot.ml.encoder import EncoderSource, find_encoder
from bot.ml.options import BUNDLED_ENCODER, JointOptions

FILE = Path(".bot/base-vectors.npz")
_FEATURIZER = "JointFeaturizer"


def base_vectors(texts: Sequence[str], keep: Sequence[str], root: Path) -> NDArray[np.float32]:
    """Give one vector of length 1 a text, from the encoder that `config.yml` names.

    Args:
        texts: (n_texts,)
        keep: the texts whose vectors may be remembered on disk for the next time.
        root: the folder of the project.

    Returns:
        (n_texts, hidden)

    Raises:
        EncoderError: the encoder is missing or damaged.
    """
    source = find_encoder(configured_encoder(root))
    memory = Memory(source.revision, root / FILE)
    vectors = memory.vectors(texts, lambda fresh: _embed(source, fresh))
    memory.keep(keep)
    return vectors


def configured_encoder(root: Path) -> str:
    """Give the encoder that the pipeline's featurizer begins with; the bundled one by default."""
    if not (root / "config.yml").is_file():
        return BUNDLED_ENCODER
    for component in items(read_source(root / "config.yml", root).section("pipeline")):
        if str(text_of(entry(component, "name"))).rsplit(".", 1)[-1] == _FEATURIZER:
            return text_of(entry(component, "model")) or BUNDLED_ENCODER
    return BUNDLED_ENCODER


def _embed(source: EncoderSource, texts: Sequence[str]) -> NDArray[np.float32]:
    from bot.ml.first_weights import embed_texts, first_encoder, first_tokenizer  # load torch
    from bot.ml.text import SubwordTokenizer

    print(f"Reading {len(texts)} training examples ...", file=sys.stderr, flush=True)
    options = JointOptions()
    with tempfile.TemporaryDirectory() as scratch:
        path = first_tokenizer(source, None, Path(scratch))
        tokenizer = SubwordTokenizer.load(path, options.max_length)
    encoder = first_encoder(source, options, None)
    encoder.eval()
    known = embed_texts(encoder, tokenizer, list(texts))
    return np.stack([known[text] for text in texts])
