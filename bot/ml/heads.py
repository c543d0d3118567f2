"""The heads in plain numpy: from the encoder's output to intents and entity tags.

Serving and evaluation use this module; training uses the same arithmetic in torch
(`bot.ml.joint`), and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.ml.attributes import AttributeHead
from bot.ml.tagging import TagSet, decode_tags
from bot.ml.text import Word
from bot.types import INTENT_SEPARATOR, Hit, Parse, RankedLabel, Span, base_intent

FloatArray = NDArray[np.float32]
OUTSIDE_WEIGHT = 0.5


@dataclass(frozen=True)
class Heads:
    """The weights of the heads and the names of what they predict.

    Attributes:
        labels: the intents, retrieval ones in full (`faq/opening_hours`).
        tags: the tag set of the entity head.
        prototypes: (n_labels, hidden) one direction for each label, of length 1.
        scale: factor from cosine to logit, calibrated on validation data.
        tag_weight: (n_tags, hidden).
        tag_bias: (n_tags,).
        kinds: what the vocabulary and the value finder can know of a word, K kinds in order.
        hit_tags: (n_tags, 2 K) what a hit says of a word's tag: its first word, its further words.
        hit_intents: (n_labels, K) what a hit anywhere says of the intent, as a logit.
        out_of_scope: the intent of what the assistant is not there for; empty where none is.
        strange_above: the strangeness above which a message is out of scope; None for never.
        attributes: the heads of what is said of a message beside its intent.
    """

    labels: tuple[str, ...]
    tags: TagSet
    prototypes: FloatArray
    scale: float
    tag_weight: FloatArray
    tag_bias: FloatArray
    kinds: tuple[str, ...] = ()
    hit_tags: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    hit_intents: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    out_of_scope: str = ""
    strange_above: float | None = None
    attributes: tuple[AttributeHead, ...] = ()

    def parse(
        self,
        sentence: FloatArray,
        word_vectors: FloatArray,
        words: Sequence[Word],
        hits: Sequence[Hit] = (),
    ) -> Parse:
        """Predict intents, entities and attributes of one message.

        Args:
            sentence: (hidden,) mean of the token vectors, of length 1.
            word_vectors: (n_words, hidden) mean of each word's token vectors.
            words: the words, in order.
            hits: what the vocabulary and the value finder know of the text.
        """
        known = hit_features(words, hits, self.kinds) if self.kinds and hits else None
        ranking, responses = self._rank(sentence, known)
        spans = tuple(self._tag(word_vectors, words, known))
        attributes = tuple(head.read(sentence) for head in self.attributes)
        if self.strange_above is None or not ranking:
            return Parse(ranking, responses, spans, attributes=attributes)
        strangeness = float(self.strangeness(sentence @ self.prototypes.T))
        # What is named as out of scope has an intent of its own, and an answer.
        named = ranking[0].name == self.out_of_scope
        is_strange = strangeness > self.strange_above and not named
        return Parse(ranking, responses, spans, strangeness, is_strange, attributes)

    def strangeness(self, cosines: FloatArray) -> FloatArray:
        """Say how far a message is from all intents of the assistant.

        One less the largest cosine, plus half of the cosine to what is known to be out of scope. Of
        the scores that were tried it is the simplest, and as good as any (docs/decisions/008).

        Args:
            cosines: (..., n_labels) of the sentence vector with the labels' directions.
        """
        outside = self._is_outside
        inside = cosines[..., ~outside].max(axis=-1)
        if not outside.any():
            return np.asarray(1 - inside)
        return np.asarray(1 - inside + OUTSIDE_WEIGHT * cosines[..., outside].max(axis=-1))

    @cached_property
    def _is_outside(self) -> NDArray[np.bool_]:
        return np.array([base_intent(label) == self.out_of_scope for label in self.labels], bool)

    def intent_probabilities(self, sentence: FloatArray) -> FloatArray:
        """Give (n_labels,) probabilities; `sentence` may be (n, hidden) for (n, n_labels)."""
        return np.exp(log_softmax(self._logits(sentence)))

    def _logits(self, sentence: FloatArray) -> FloatArray:
        return self.scale * (sentence @ self.prototypes.T)

    def _rank(
        self, sentence: FloatArray, known: FloatArray | None
    ) -> tuple[tuple[RankedLabel, ...], tuple[RankedLabel, ...]]:
        if not self.labels:
            return (), ()
        logits = self._logits(sentence)
        if known is not None:
            logits = logits + self.hit_intents @ present(known)
        # In double precision, for the shares within an intent however unlikely it is.
        probabilities = np.exp(log_softmax(logits).astype(np.float64))
        intents: dict[str, float] = {}
        for label, probability in zip(self.labels, probabilities, strict=True):
            intent = base_intent(label)
            intents[intent] = intents.get(intent, 0.0) + float(probability)
        responses = [
            RankedLabel(label, float(probability) / intents[base_intent(label)])
            for label, probability in zip(self.labels, probabilities, strict=True)
            if INTENT_SEPARATOR in label
        ]
        ranking = [RankedLabel(name, min(1.0, score)) for name, score in intents.items()]
        return _sorted(ranking), _sorted(responses)

    def decode(self, tag_logits: FloatArray, words: Sequence[Word]) -> list[Span]:
        """Read spans from tag logits (n_words, n_tags)."""
        return decode_tags(log_softmax(tag_logits), words, self.tags) if words else []

    def _tag(
        self, word_vectors: FloatArray, words: Sequence[Word], known: FloatArray | None
    ) -> list[Span]:
        logits = word_vectors @ self.tag_weight.T + self.tag_bias
        if known is not None:
            logits = logits + known @ self.hit_tags.T
        return self.decode(logits, words)


def hit_features(words: Sequence[Word], hits: Sequence[Hit], kinds: Sequence[str]) -> FloatArray:
    """Mark the words that hits cover.

    Returns:
        (n_words, 2 K): 1 in column k for the first word of a hit of kind k, in column K + k for
        its further words. Kinds that the model does not know are left out.
    """
    features = np.zeros((len(words), 2 * len(kinds)), dtype=np.float32)
    index = {kind: position for position, kind in enumerate(kinds)}
    for hit in hits:
        column = index.get(hit.kind)
        if column is None:
            continue
        covered = [i for i, w in enumerate(words) if w.start < hit.end and hit.start < w.end]
        for order, row in enumerate(covered):
            features[row, column if order == 0 else len(kinds) + column] = 1.0
    return features


def present(features: FloatArray) -> FloatArray:
    """Say which kinds occur in a message: (n_words, 2 K) to (K,)."""
    kinds = features.shape[1] // 2
    if not len(features):
        return np.zeros(kinds, dtype=np.float32)
    return np.asarray(features[:, :kinds].max(axis=0))


def pool_sentence(hidden: FloatArray) -> FloatArray:
    """Mean of the token vectors (n_tokens, hidden), special tokens included, of length 1."""
    mean = hidden.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def pool_words(hidden: FloatArray, words: Sequence[Word]) -> FloatArray:
    """Mean of each word's token vectors: (n_tokens, hidden) to (n_words, hidden)."""
    pooled = np.empty((len(words), hidden.shape[1]), dtype=np.float32)
    for row, word in enumerate(words):
        pooled[row] = hidden[word.first : word.last].mean(axis=0)
    return pooled


def log_softmax(logits: FloatArray) -> FloatArray:
    """Logarithm of the softmax over the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _sorted(ranking: list[RankedLabel]) -> tuple[RankedLabel, ...]:
    return tuple(sorted(ranking, key=lambda item: (-item.confidence, item.name)))
