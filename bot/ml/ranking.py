"""Which answer of a retrieval intent a message asks for, by questions and answers.

Each answer is scored from four sides: what the intent head says of its label, how close the
message is to the nearest of its questions, to the nearest passage of its texts, and to its name.
A softmax over the answers of one intent makes them confidences. The weights were fitted on
questions that the model had not learned from; see docs/decisions/005-answers-by-four-scores.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bot.errors import CheckpointError
from bot.ml.answers import Answers, passages, readable, retrieval_intents
from bot.ml.checkpoint import verify, write_manifest
from bot.types import INTENT_SEPARATOR, Edit, Example, RankedLabel, base_intent

FloatArray = NDArray[np.float32]


class Embed(Protocol):
    """Gives a text its vector (hidden,) of length 1; edits say what to read instead of parts."""

    def __call__(self, text: str, edits: tuple[Edit, ...] = (), /) -> FloatArray:
        """Embed one text."""


_Read = tuple[str, tuple[Edit, ...]]

FORMAT = 1
VECTORS_FILE = "ranking.safetensors"
DESCRIPTION_FILE = "ranking.json"
_ARRAYS = ("questions", "n_questions", "passages", "n_passages", "names")
LEAST_SHARE = 1e-6  # what the head says at least of a label, and of one that it does not know


@dataclass(frozen=True)
class Weights:
    """What each side counts; together they also set how sharp the softmax is.

    Attributes:
        share: of the logarithm of the intent head's share of the label within its intent.
        question: of the cosine with the nearest question; of an answer without one, with the
            nearest of its passages and its name.
        passage: of the cosine with the nearest passage of the answer's texts.
        name: of the cosine with the answer's name.
        unasked: added for an answer without a question, whose other scores are all lower.
    """

    share: float
    question: float
    passage: float
    name: float
    unasked: float


WEIGHTS = Weights(share=1.2, question=3.25, passage=3.5, name=2.5, unasked=2.2)


@dataclass(frozen=True)
class Library:
    """The answers of all retrieval intents with the vectors of what belongs to them.

    Attributes:
        labels: the full labels, sorted, so that the answers of one intent are neighbours.
        questions: (n, hidden) ordered by label; n_questions: (n_labels,) how many each has.
        passages: (n, hidden) ordered by label; n_passages: (n_labels,).
        names: (n_labels, hidden).
        encoder: digest of the model whose encoder made the vectors.
    """

    labels: tuple[str, ...]
    questions: FloatArray
    n_questions: NDArray[np.int64]
    passages: FloatArray
    n_passages: NDArray[np.int64]
    names: FloatArray
    encoder: str

    @property
    def intents(self) -> tuple[str, ...]:
        """The retrieval intents, in order."""
        return tuple(dict.fromkeys(base_intent(label) for label in self.labels))


def build_library(
    examples: Sequence[Example], answers: Answers, embed: Embed, encoder: str
) -> Library:
    """Embed the questions, texts and names of all answers of the intents that have questions."""
    intents = retrieval_intents(examples)
    asked: dict[str, list[_Read]] = {key: [] for key in answers if base_intent(key) in intents}
    for example in examples:
        if example.intent and INTENT_SEPARATOR in example.intent:
            asked.setdefault(example.intent, []).append((example.text, example.reading.edits))
    labels = tuple(sorted(asked, key=lambda label: label.split(INTENT_SEPARATOR)))
    names, _ = _embed_all([[_typed(readable(label))] for label in labels], embed)
    width = names.shape[1]
    questions, n_questions = _embed_all([asked[label] for label in labels], embed, width)
    told = [[_typed(text) for text in passages(answers.get(key, ()))] for key in labels]
    return Library(labels, questions, n_questions, *_embed_all(told, embed, width), names, encoder)


def save_library(library: Library, folder: Path) -> None:
    """Write the vectors, the labels, and last the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    vectors = {name: np.ascontiguousarray(getattr(library, name)) for name in _ARRAYS}
    save_file(vectors, str(folder / VECTORS_FILE))
    description = {"format": FORMAT, "labels": library.labels, "encoder": library.encoder}
    text = json.dumps(description, indent=1, ensure_ascii=False) + "\n"
    (folder / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
    write_manifest(folder)


def load_library(folder: Path) -> Library:
    """Read what `save_library` wrote.

    Raises:
        CheckpointError: a file is missing, cut off or changed, or of another format.
    """
    verify(folder)
    description = json.loads((folder / DESCRIPTION_FILE).read_text("utf-8"))
    if description.get("format") != FORMAT:
        raise CheckpointError(
            f"The answers in {folder} have format {description.get('format')!r}; this version "
            f"reads format {FORMAT}. Train again."
        )
    vectors = load_file(str(folder / VECTORS_FILE))
    return Library(labels=tuple(description["labels"]), encoder=description["encoder"], **vectors)


class Ranker:
    """Scores every answer of a library for one message at a time."""

    def __init__(self, library: Library, weights: Weights = WEIGHTS) -> None:
        self.library = library
        self.weights = weights
        self.labels = library.labels
        intents = groupby(range(len(self.labels)), lambda i: base_intent(self.labels[i]))
        self._spans = {
            intent: slice(found[0], found[-1] + 1)
            for intent, found in ((intent, list(positions)) for intent, positions in intents)
        }
        self._position = {label: position for position, label in enumerate(self.labels)}
        # Three groups of rows a label, none of them empty: one product, one maximum a group.
        groups = _groups(library)
        self._rows = np.concatenate(groups) if groups else np.zeros((0, 0), np.float32)
        self._starts = np.cumsum([0, *map(len, groups)])[:-1]
        self._factors = np.array([weights.question, weights.passage, weights.name])
        self._offsets = weights.unasked * (library.n_questions == 0)

    def rank(
        self, sentence: FloatArray, shares: Sequence[RankedLabel]
    ) -> dict[str, tuple[RankedLabel, ...]]:
        """Rank the answers of each retrieval intent, likeliest first.

        Args:
            sentence: (hidden,) vector of the message, of length 1.
            shares: what the intent head says of each label within its intent.
        """
        if not self.labels:
            return {}
        scores = self.scores(sentence, shares)
        return {intent: self._ranking(scores[span], span) for intent, span in self._spans.items()}

    def scores(self, sentence: FloatArray, shares: Sequence[RankedLabel]) -> NDArray[np.float64]:
        """Give the logit of each answer: (n_labels,)."""
        nearest = np.maximum.reduceat(self._rows @ sentence, self._starts).reshape(3, -1)
        known = np.full(len(self.labels), LEAST_SHARE)
        for item in shares:
            position = self._position.get(item.name)
            if position is not None:
                known[position] = max(item.confidence, LEAST_SHARE)
        logits = self.weights.share * np.log(known) + self._factors @ nearest + self._offsets
        return np.asarray(logits)

    def _ranking(self, logits: NDArray[np.float64], span: slice) -> tuple[RankedLabel, ...]:
        chances = np.exp(logits - logits.max())
        order = np.argsort(-chances, kind="stable").tolist()  # labels are sorted: ties by name
        confidences = (chances / chances.sum()).tolist()
        labels = self.labels[span]
        return tuple(RankedLabel(labels[i], confidences[i]) for i in order)


def _groups(library: Library) -> list[FloatArray]:
    """Give the rows of all labels' questions, of their passages, and of their names.

    What a label lacks, the next kind stands in for: names for passages, both for questions.
    """
    names = [library.names[i : i + 1] for i in range(len(library.labels))]
    passages = _by_label(library.passages, library.n_passages)
    told = [own if len(own) else name for own, name in zip(passages, names, strict=True)]
    questions = _by_label(library.questions, library.n_questions)
    asked = [
        own if len(own) else np.concatenate([passage, name])
        for own, passage, name in zip(questions, told, names, strict=True)
    ]
    return [*asked, *told, *names]


def _by_label(rows: FloatArray, counts: NDArray[np.int64]) -> list[FloatArray]:
    return np.split(rows, np.cumsum(counts)[:-1]) if len(counts) else []


def _typed(text: str) -> _Read:
    return text, ()


def _embed_all(
    texts: Sequence[Sequence[_Read]], embed: Embed, width: int = 0
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Embed the texts of each label: (n, hidden), and how many each has.

    Args:
        texts: those of each label, with what is read instead of parts of them.
        embed: the encoder.
        width: of the vectors, where there may be no text.
    """
    rows = [embed(*read) for group in texts for read in group]
    width = len(rows[0]) if rows else width
    counts = np.array([len(group) for group in texts], dtype=np.int64)
    return np.array(rows, dtype=np.float32).reshape(len(rows), width), counts
