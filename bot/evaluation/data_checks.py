"""What is doubtful about training data, seen before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.evaluation.items import WrittenExample

FEWEST = 5  # examples that an intent should have
TOO_CLOSE = 0.95  # cosine of two intents' mean vectors
MANY_TIMES = 10  # as many examples as the median intent


class Doubtful(Protocol):
    """An example whose label is probably wrong."""

    @property
    def place(self) -> int:
        """Of the example in their order."""

    @property
    def suggested(self) -> str:
        """The label that it seems to have."""

    @property
    def score(self) -> float:
        """How doubtful its own label is, in [0, 1]."""

    @property
    def words(self) -> str:
        """Why, in a sentence."""


@dataclass(frozen=True)
class Place:
    """An example as a report names it."""

    text: str
    intent: str
    file: str
    line: int


@dataclass(frozen=True)
class LabelDoubt:
    """An example with the label that it seems to have, and why."""

    example: Place
    suggested: str
    score: float
    words: str


@dataclass(frozen=True)
class NearPair:
    """Two examples that say the same or nearly so; `similarity` is 1 where they are the same."""

    one: Place
    other: Place
    similarity: float


@dataclass(frozen=True)
class IntentPair:
    """Two intents whose examples lie in the same region, by the cosine of their means."""

    one: str
    other: str
    cosine: float


@dataclass(frozen=True)
class DataReport:
    """The findings, each kind with the gravest first.

    Attributes:
        examples, intents: how many.
        counts: the examples of each label, fewest first.
        doubts: probable label errors.
        duplicates: near-duplicates with different labels.
        close: intents that are hard to tell apart.
        small: labels with fewer than `FEWEST` examples, with their number.
        large: labels with more than `MANY_TIMES` the median, with their number.
        imbalance: the greatest label's examples by the median label's.
        unused_intents, unused_entities: declared, but without an example.
        undeclared_intents, undeclared_entities: in the examples, but not in the domain.
        leaks: training example first, test item second.
        note: what a reader of the doubts must know.
    """

    examples: int
    intents: int
    counts: tuple[tuple[str, int], ...]
    doubts: tuple[LabelDoubt, ...]
    duplicates: tuple[NearPair, ...]
    close: tuple[IntentPair, ...]
    small: tuple[tuple[str, int], ...]
    large: tuple[tuple[str, int], ...]
    imbalance: float
    unused_intents: tuple[str, ...]
    unused_entities: tuple[str, ...]
    undeclared_intents: tuple[str, ...]
    undeclared_entities: tuple[str, ...]
    leaks: tuple[NearPair, ...]
    note: str = ""

    @property
    def findings(self) -> int:
        """How many things a person should look at."""
        lists: tuple[Sequence[object], ...] = (
            self.doubts,
            self.duplicates,
            self.close,
            self.small,
            self.large,
            self.unused_intents,
            self.unused_entities,
            self.undeclared_intents,
            self.undeclared_entities,
            self.leaks,
        )
        return sum(map(len, lists))


Near = tuple[int, int, float]  # places in the first and second list, similarity


def check_data(
    examples: Sequence[WrittenExample],
    *,
    vectors: NDArray[np.float32],
    doubts: Sequence[Doubtful],
    near: Sequence[Near],
    declared_intents: Collection[str],
    declared_entities: Collection[str],
    tests: Sequence[WrittenExample] = (),
    leaks: Sequence[Near] = (),
    note: str = "",
) -> DataReport:
    """Put together what is doubtful.

    Args:
        examples: the training data.
        vectors: (n_examples, hidden) of length 1.
        doubts: probable label errors among the examples.
        near: pairs of examples that are nearly the same.
        declared_intents: full labels of the domain.
        declared_entities: types of the domain.
        tests: what models are tested on.
        leaks: pairs of an example and a test that are nearly the same.
        note: what a reader of the doubts must know.
    """
    labels = [example.label for example in examples]
    counts = Counter(labels)
    used = {span.entity for example in examples for span in example.spans}
    places = [_place(example) for example in examples]
    sizes = tuple(sorted(counts.items(), key=lambda pair: (pair[1], pair[0])))
    median = float(np.median(list(counts.values()))) if counts else 0.0
    return DataReport(
        examples=len(examples),
        intents=len(counts),
        counts=sizes,
        doubts=tuple(LabelDoubt(places[d.place], d.suggested, d.score, d.words) for d in doubts),
        duplicates=_pairs([n for n in near if labels[n[0]] != labels[n[1]]], places, places),
        close=close_intents(vectors, labels),
        small=tuple(pair for pair in sizes if pair[1] < FEWEST),
        large=tuple(pair for pair in reversed(sizes) if pair[1] > MANY_TIMES * median),
        imbalance=max(counts.values()) / median if counts else 0.0,
        unused_intents=_without(declared_intents, counts),
        unused_entities=_without(declared_entities, used),
        undeclared_intents=_without(counts, declared_intents),
        undeclared_entities=_without(used, declared_entities),
        leaks=_pairs(leaks, places, [_place(test) for test in tests]),
        note=note,
    )


def _without(names: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names) - set(others)))


def close_intents(
    vectors: NDArray[np.float32], labels: Sequence[str], threshold: float = TOO_CLOSE
) -> tuple[IntentPair, ...]:
    """List the pairs of labels whose mean vectors have at least this cosine, the closest first.

    Args:
        vectors: (n_examples, hidden)
        labels: (n_examples,)
        threshold: in [-1, 1].
    """
    names = sorted(set(labels))
    if len(names) < 2:
        return ()
    marks = np.array([[label == name for label in labels] for name in names], np.float32)
    means = marks @ vectors
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means /= np.maximum(lengths, 1e-9)
    cosines = means @ means.T
    rows, columns = np.nonzero(np.triu(cosines >= threshold, 1))
    found = [
        IntentPair(names[one], names[other], float(cosines[one, other]))
        for one, other in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.cosine, pair.one, pair.other)))


def _pairs(
    near: Sequence[Near], first: Sequence[Place], second: Sequence[Place]
) -> tuple[NearPair, ...]:
    ordered = sorted(near, key=lambda pair: (-pair[2], pair[0], pair[1]))
    return tuple(NearPair(first[one], second[other], score) for one, other, score in ordered)


def _place(example: WrittenExample) -> Place:
    return Place(example.text, example.label, example.file, example.line)
