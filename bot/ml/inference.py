"""Serving: from a text to intents and entities, with neither torch nor transformers.

`encoder_service` is the one place that holds encoders: whoever asks for the same model gets the
same object, and a text that was just encoded is not encoded again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bot.ml.heads import Heads, pool_sentence, pool_words
from bot.ml.text import SubwordTokenizer, Word
from bot.types import Edit, Parse, Reading

FloatArray = NDArray[np.float32]
CACHE_BYTES = 32 * 2**20
_Key = tuple[str, tuple[Edit, ...]]
_AS_TYPED = Reading()


@dataclass(frozen=True)
class EncodedText:
    """The encoder's output for one text.

    Attributes:
        hidden: (n_subwords, hidden) vectors, special tokens included.
        sentence: (hidden,) their mean, of length 1.
        words: the words of the text.
    """

    hidden: FloatArray
    sentence: FloatArray
    words: tuple[Word, ...]

    @property
    def word_vectors(self) -> FloatArray:
        """Mean vector of each word: (n_words, hidden)."""
        return pool_words(self.hidden, self.words)

    def vector_at(self, start: int, end: int) -> FloatArray:
        """Mean vector of the words that overlap characters `start:end`; zeros if none does."""
        rows = [
            position
            for word in self.words
            if word.start < end and start < word.end
            for position in range(word.first, word.last)
        ]
        if not rows:
            return np.zeros(self.hidden.shape[1], dtype=np.float32)
        return np.asarray(self.hidden[rows].mean(axis=0), dtype=np.float32)


class OnnxEncoder:
    """An encoder in ONNX Runtime with its tokenizer, and a bounded cache of texts.

    Texts go through one at a time: int8 chooses its scales per call, so that in a batch the
    vectors of a text would depend on its neighbours.
    """

    def __init__(self, graph: Path, tokenizer: SubwordTokenizer, digest: str) -> None:
        self.digest = digest
        self.passes = 0  # forward passes so far; tests count them
        self._tokenizer = tokenizer
        self._session = onnxruntime.InferenceSession(
            str(graph), session_options(), providers=["CPUExecutionProvider"]
        )
        self._lock = threading.Lock()
        self._cache: OrderedDict[_Key, EncodedText] = OrderedDict()
        self._cached_bytes = 0

    def encode(self, text: str, edits: tuple[Edit, ...] = ()) -> EncodedText:
        """Encode a text, or give what is remembered of it.

        Args:
            text: as the user typed it; the words' offsets count its characters.
            edits: what to read instead of parts of it.
        """
        key = (text, edits)
        with self._lock:
            known = self._cache.get(key)
            if known is not None:
                self._cache.move_to_end(key)
                return known
            encoded = self._run(text, edits)
            self._remember(key, encoded)
            return encoded

    def _run(self, text: str, edits: tuple[Edit, ...]) -> EncodedText:
        tokens = self._tokenizer.tokenize(text, edits)
        ids = np.array([tokens.ids], dtype=np.int64)
        self.passes += 1
        hidden = self._session.run(
            ["hidden"], {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        )[0][0]
        return EncodedText(hidden, pool_sentence(hidden), tokens.words)

    def _remember(self, key: _Key, encoded: EncodedText) -> None:
        self._cache[key] = encoded
        self._cached_bytes += encoded.hidden.nbytes
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cached_bytes -= oldest.hidden.nbytes


class JointPredictor:
    """A trained model ready to serve."""

    def __init__(self, encoder: OnnxEncoder, heads: Heads) -> None:
        self.encoder = encoder
        self.heads = heads

    def parse(self, text: str, reading: Reading = _AS_TYPED) -> Parse:
        """Predict the intents and entities of a text."""
        return self.interpret(self.encoder.encode(text, reading.edits), reading)

    def interpret(self, encoded: EncodedText, reading: Reading = _AS_TYPED) -> Parse:
        """Predict from what the encoder said; of a text without a word, nothing."""
        if not encoded.words:
            return Parse()
        return self.heads.parse(encoded.sentence, encoded.word_vectors, encoded.words, reading.hits)


_services: dict[str, OnnxEncoder] = {}
_services_lock = threading.Lock()
_MAX_SERVICES = 2  # the live model, and during a swap the one that replaces it


def encoder_service(graph: Path, tokenizer: Path, max_length: int, digest: str) -> OnnxEncoder:
    """Give the process's encoder for a model digest, loading it when it is first asked for."""
    with _services_lock:
        service = _services.pop(digest, None)
        if service is None:
            service = OnnxEncoder(graph, SubwordTokenizer.load(tokenizer, max_length), digest)
        _services[digest] = service  # last in order: most recently asked for
        while len(_services) > _MAX_SERVICES:
            del _services[next(iter(_services))]
        return service


def session_options() -> onnxruntime.SessionOptions:
    """Give what suits short inputs: one thread and no chatter."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # short texts: a second thread costs more than it brings
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
