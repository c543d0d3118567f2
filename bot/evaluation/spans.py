"""Scores of entities: whole spans, spans that overlap, and single words as `rasa test` has them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.evaluation.outcome import EntityCounts
from bot.types import Span

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class EntityScore:
    """The counts of one entity type, or of all together.

    Attributes:
        entity: the type; empty for all.
        exact: the same characters, type, role and group.
        partial: the same type, at least one character shared; each span is matched once.
        words: single words (and signs) with the type, which is what Rasa's own report counts.
    """

    entity: str
    exact: EntityCounts
    partial: EntityCounts
    words: EntityCounts


@dataclass
class _Tally:
    right: Counter[str]
    predicted: Counter[str]
    annotated: Counter[str]

    @classmethod
    def new(cls) -> _Tally:
        return cls(Counter(), Counter(), Counter())

    def of(self, entity: str | None) -> EntityCounts:
        """Give the counts of a type, None for all types together."""
        if entity is not None:
            return EntityCounts(self.right[entity], self.predicted[entity], self.annotated[entity])
        return EntityCounts(
            *(sum(c.values()) for c in (self.right, self.predicted, self.annotated))
        )


def entity_scores(
    texts: Sequence[str],
    annotated: Sequence[Sequence[Span]],
    predicted: Sequence[Sequence[Span]],
) -> tuple[EntityScore, ...]:
    """Score all types together first, then each type by its name.

    Args:
        texts: (n_items,)
        annotated: (n_items,) what a person marked.
        predicted: (n_items,) what a model marked.
    """
    exact, partial, words = _Tally.new(), _Tally.new(), _Tally.new()
    for text, true, found in zip(texts, annotated, predicted, strict=True):
        _count(exact, _identities(true), _identities(found))
        _count_words(words, text, true, found)
        partial.annotated.update(span.entity for span in true)
        partial.predicted.update(span.entity for span in found)
        partial.right.update(_overlapping(true, found))
    names = sorted(exact.annotated.keys() | exact.predicted.keys())
    return tuple(
        EntityScore(name or "", exact.of(name), partial.of(name), words.of(name))
        for name in (None, *names)
    )


def exact_counts(
    annotated: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]
) -> EntityCounts:
    """Count the whole spans of all types together."""
    tally = _Tally.new()
    for true, found in zip(annotated, predicted, strict=True):
        _count(tally, _identities(true), _identities(found))
    return tally.of(None)


def same_spans(one: Sequence[Span], other: Sequence[Span]) -> bool:
    """Say whether two models marked the same, whatever their confidence."""
    return set(_identities(one)) == set(_identities(other))


_Identity = tuple[str, int, int, str, str]


def _identities(spans: Sequence[Span]) -> set[_Identity]:
    return {(s.entity, s.start, s.end, s.role or "", s.group or "") for s in spans}


def _count(tally: _Tally, true: set[_Identity], found: set[_Identity]) -> None:
    tally.annotated.update(span[0] for span in true)
    tally.predicted.update(span[0] for span in found)
    tally.right.update(span[0] for span in true & found)


def _overlapping(true: Sequence[Span], found: Sequence[Span]) -> Iterator[str]:
    """Yield the type of each annotated span that a predicted one, not taken yet, overlaps."""
    left = list(found)
    for span in true:
        for other in left:
            if other.entity == span.entity and other.overlaps(span.start, span.end):
                left.remove(other)
                yield span.entity
                break


def _count_words(tally: _Tally, text: str, true: Sequence[Span], found: Sequence[Span]) -> None:
    for match in _WORD.finditer(text):
        wanted = {s.entity for s in true if s.overlaps(match.start(), match.end())}
        got = {s.entity for s in found if s.overlaps(match.start(), match.end())}
        tally.annotated.update(wanted)
        tally.predicted.update(got)
        tally.right.update(wanted & got)
