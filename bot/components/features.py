"""Dense features that are computed when somebody reads them."""

from __future__ import annotations

import copy
import hashlib
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, FEATURE_TYPE_SEQUENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message

from bot.ml.inference import OnnxEncoder
from bot.ml.ranking import Embed
from bot.types import Edit

FloatArray = NDArray[np.float32]


class JointFeatures(Features):
    """Features of one text by one encoder, whose digest they carry.

    In training Rasa has all messages featurized as soon as one component learns behind the
    featurizer, also where that component reads none of it: computing what nobody reads would
    take longer than an epoch.
    """

    def __init__(
        self,
        make: Callable[[], FloatArray],
        source: str,
        kind: str,
        attribute: str,
        origin: str,
        encoder: OnnxEncoder,
    ) -> None:
        """Note what to compute; `source` stands for the text and its tokens."""
        self.type = kind
        self.attribute = attribute
        self.origin = origin
        self.encoder = encoder.digest
        self.embed = _embedding_with(encoder)
        self._source = source
        self._make = make
        self._made: Optional[FloatArray] = None

    @property
    def features(self) -> FloatArray:
        """The matrix: (n_tokens, hidden), or (1, hidden) for the sentence."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @features.setter
    def features(self, matrix: FloatArray) -> None:
        """Take what Rasa combined with other features."""
        self._made = matrix
        self._source = hashlib.sha256(matrix.tobytes()).hexdigest()

    def __deepcopy__(self, memo: Dict[int, Any]) -> JointFeatures:
        """Compute before copying, or every copy would have to; Rasa copies when it reads."""
        copied = copy.copy(self)
        copied._made = self.features.copy()
        return copied

    def is_sparse(self) -> bool:
        """Say no, without computing anything."""
        return False

    def fingerprint(self) -> str:
        """Name what the features are computed from, the model among it."""
        parts = [self.type, self.attribute, str(self.origin), self.encoder, self._source]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _embedding_with(encoder: OnnxEncoder) -> Embed:
    """Give a function from a text to its vector; copies of features share it."""
    return lambda text, edits=(): encoder.encode(text, edits).sentence


def features_of(
    encoder: OnnxEncoder,
    text: str,
    places: Sequence[Tuple[int, int]],
    attribute: str,
    origin: str,
    edits: Tuple[Edit, ...] = (),
) -> Tuple[JointFeatures, JointFeatures]:
    """Give the features of a text by its tokens' places, and those of the whole text."""

    def sequence() -> FloatArray:
        encoded = encoder.encode(text, edits)
        return np.stack([encoded.vector_at(start, end) for start, end in places])

    def sentence() -> FloatArray:
        return encoder.encode(text, edits).sentence.reshape(1, -1)

    source = f"{text}\n{list(places)}" + (f"\n{edits}" if edits else "")
    return (
        JointFeatures(sequence, source, FEATURE_TYPE_SEQUENCE, attribute, origin, encoder),
        JointFeatures(sentence, source, FEATURE_TYPE_SENTENCE, attribute, origin, encoder),
    )


def sentence_of(message: Message) -> Optional[JointFeatures]:
    """Give what JointFeaturizer wrote about the whole text of a message."""
    for features in message.features:
        if (
            isinstance(features, JointFeatures)
            and features.attribute == TEXT
            and features.type == FEATURE_TYPE_SENTENCE
        ):
            return features
    return None
