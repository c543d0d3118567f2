"""The frozen dataclasses that every package shares."""

from __future__ import annotations

from dataclasses import dataclass

INTENT_SEPARATOR = "/"


@dataclass(frozen=True)
class Span:
    """A stretch of text that carries an entity; `start` and `end` are character offsets."""

    start: int
    end: int
    entity: str
    role: str | None = None
    group: str | None = None
    confidence: float = 1.0

    def overlaps(self, start: int, end: int) -> bool:
        """Say whether the span shares at least one character with `start:end`."""
        return self.start < end and start < self.end


@dataclass(frozen=True, order=True)
class Edit:
    """What the encoder reads instead of characters `start:end`; the text itself stays as typed."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, order=True)
class Hit:
    """A stretch of text that the vocabulary or a value finder knows, with its kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Reading:
    """How a message is read: what is known of it before the encoder sees it.

    `edits` are sorted and do not overlap. `hits` are features for the heads, no entities: they
    may overlap.
    """

    edits: tuple[Edit, ...] = ()
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class Example:
    """A training or test message with what a person decided about it.

    `intent` is the full label, `faq/opening_hours` for a retrieval intent, and None where
    only the entities are annotated.
    """

    text: str
    intent: str | None = None
    spans: tuple[Span, ...] = ()
    reading: Reading = Reading()


@dataclass(frozen=True)
class RankedLabel:
    """One candidate of a ranking with its probability in [0, 1]."""

    name: str
    confidence: float


@dataclass(frozen=True)
class Parse:
    """What the model says about a message, likeliest label first.

    `ranking` holds the intents, with the probabilities of retrieval labels summed into their
    intent; `responses` holds the full retrieval labels, such as `faq/opening_hours`, with
    their share within their intent.
    """

    ranking: tuple[RankedLabel, ...] = ()
    responses: tuple[RankedLabel, ...] = ()
    spans: tuple[Span, ...] = ()


def base_intent(label: str) -> str:
    """Give the intent of a full label: `faq` for `faq/opening_hours`."""
    return label.split(INTENT_SEPARATOR, 1)[0]
