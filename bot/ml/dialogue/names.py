"""The words behind names, and their vectors: actions that mean the same share what is learned."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.ml.dialogue.states import (
    ENTITY,
    INTENT,
    LOOP,
    SLOT,
    FloatArray,
    Vocabulary,
    kind_and_name,
    token_name,
)

MAX_SUBWORDS = 64  # of a response; what it is about is said by then
_PREFIXES = ("utter_", "action_", "validate_")
_ENTITY_LABEL_SEPARATOR = "#"  # Rasa's, between an entity and its role or group


def words_of_action(name: str, responses: Sequence[str] = ()) -> tuple[str, ...]:
    """Give what an action is about: its name in words, and the texts that it says."""
    if " " in name:  # the words of an end-to-end story are their own name
        return (name, *responses)
    bare = next((name[len(p) :] for p in _PREFIXES if name.startswith(p)), name)
    return (_readable(bare), *responses)


def words_of_token(token: str, actions: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Give what a token is about in words."""
    kind, name = kind_and_name(token)
    if kind == SLOT:
        name = name.rpartition("_")[0] or name  # `card_lost_0`: the first number of its value
    if kind in (INTENT, ENTITY, SLOT, LOOP):
        return (_readable(name.replace(_ENTITY_LABEL_SEPARATOR, " ")),)
    return actions.get(name) or words_of_action(name)


class NameEncoder:
    """The pretrained encoder as it was published, for names and responses.

    It is loaded for a training and never served: the vectors are stored with the model.
    """

    def __init__(self, model: str) -> None:
        from bot.ml.encoder import find_encoder
        from bot.ml.joint import copy_tokenizer, load_encoder
        from bot.ml.text import SubwordTokenizer

        source = find_encoder(model)
        self.revision = source.revision
        self._model = load_encoder(source.folder, source.name).eval()
        with tempfile.TemporaryDirectory() as scratch:
            tokenizer = copy_tokenizer(source, Path(scratch))
            self._tokenizer = SubwordTokenizer.load(tokenizer, MAX_SUBWORDS)

    def encode(self, names: Sequence[tuple[str, ...]]) -> FloatArray:
        """Give each name the mean vector of its words, (n_names, hidden) of length 1."""
        from bot.ml.first_weights import embed_texts
        from bot.ml.joint import hidden_size_of

        texts = sorted({text for words in names for text in words})
        vectors = embed_texts(self._model, self._tokenizer, texts)
        rows = np.zeros((len(names), hidden_size_of(self._model)), dtype=np.float32)
        for row, words in zip(rows, names, strict=True):
            mean = np.mean([vectors[text] for text in words], axis=0)
            row[:] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return rows


@dataclass(frozen=True)
class NameVectors:
    """The vectors of the words behind all names of a vocabulary, each (n, width)."""

    tokens: FloatArray
    actions: FloatArray
    intents: FloatArray
    revision: str

    @classmethod
    def of(cls, vocabulary: Vocabulary, model: str) -> NameVectors:
        """Encode the words of all names."""
        encoder = NameEncoder(model)
        words = vocabulary.words
        return cls(
            encoder.encode([words_of_token(token, words) for token in vocabulary.tokens]),
            encoder.encode([words.get(a) or words_of_action(a) for a in vocabulary.actions]),
            encoder.encode(
                [words_of_token(token_name(INTENT, i), words) for i in vocabulary.intents]
            ),
            encoder.revision,
        )


def _readable(name: str) -> str:
    return name.split("/")[-1].replace("_", " ").replace("-", " ").strip() or name
