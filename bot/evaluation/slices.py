"""The same scores for parts of the messages: where a model is weak."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.evaluation.intents import Share, share
from bot.evaluation.items import Item
from bot.evaluation.predictions import Prediction
from bot.evaluation.spans import exact_counts

LENGTHS = ((2, "1-2 words"), (5, "3-5 words"), (10, "6-10 words"), (20, "11-20 words"))
LONGER = "more than 20 words"


@dataclass(frozen=True)
class Slice:
    """One part of the messages.

    Attributes:
        kind: what they were parted by.
        name: which part it is.
        count: how many messages.
        accuracy: share whose likeliest label is right.
        answered_right: share that the bot acts on with the right label.
        fallback: share that the bot asks again about.
        entity_f1: whole spans; None where there is none.
    """

    kind: str
    name: str
    count: int
    accuracy: Share
    answered_right: float
    fallback: float
    entity_f1: float | None


def slices_of(
    items: Sequence[Item],
    predictions: Sequence[Prediction],
    *,
    known_labels: Collection[str] | None = None,
    out_of_scope: str | None = None,
) -> tuple[Slice, ...]:
    """Score the parts by length, typing, source, channel, age of the intent, and scope.

    A kind with one part alone says nothing new and is left out.

    Args:
        items: what was asked.
        predictions: (n_items,)
        known_labels: what the live model knows; an intent beyond it is new.
        out_of_scope: the intent of what the assistant is not there for.
    """
    found: list[Slice] = []
    for kind, name_of in _kinds(known_labels, out_of_scope):
        parts: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            parts.setdefault(name_of(item), []).append(place)
        if len(parts) < 2:
            continue
        for name in sorted(parts, key=lambda part, by=parts: _order(part, by)):  # type: ignore[misc]
            found.append(_slice(kind, name, parts[name], items, predictions))
    return tuple(found)


def _kinds(
    known: Collection[str] | None, out_of_scope: str | None
) -> Iterator[tuple[str, Callable[[Item], str]]]:
    yield "length", lambda item: length_of(item.words)
    yield "typing", lambda item: "with a slip" if item.typo else "without a slip"
    yield "source", lambda item: item.source
    yield "channel", lambda item: item.channel or "unknown"
    if known is not None:
        yield "intent", lambda item: "known" if item.intent in known else "new"
    if out_of_scope is not None:
        yield "scope", lambda item: "out of scope" if item.intent == out_of_scope else "in scope"


def length_of(words: int) -> str:
    """Give the name of the part that a message of so many words belongs to."""
    return next((name for most, name in LENGTHS if words <= most), LONGER)


def _order(name: str, parts: dict[str, list[int]]) -> tuple[int, int, str]:
    """Sort lengths by length, everything else by how many messages it has."""
    names = [name for _, name in LENGTHS] + [LONGER]
    return (names.index(name), 0, "") if name in names else (0, -len(parts[name]), name)


def _slice(
    kind: str,
    name: str,
    places: Sequence[int],
    items: Sequence[Item],
    predictions: Sequence[Prediction],
) -> Slice:
    pairs = [(items[place], predictions[place]) for place in places]
    right = [item.intent == prediction.label for item, prediction in pairs]
    acted = [good and not p.fallback for good, (_, p) in zip(right, pairs, strict=True)]
    entities = exact_counts([item.spans for item, _ in pairs], [p.spans for _, p in pairs])
    return Slice(
        kind,
        name,
        len(pairs),
        share(sum(right), len(pairs)),
        sum(acted) / len(pairs),
        sum(p.fallback for _, p in pairs) / len(pairs),
        entities.f1,
    )
