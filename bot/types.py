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
    """What the encoder reads instead of characters `start:end`; the text itself stays as typed.

    `source` names the component that says so.
    """

    start: int
    end: int
    replacement: str
    source: str = ""


@dataclass(frozen=True)
class Hit:
    """A stretch of text that the vocabulary or a value finder knows.

    Attributes:
        start, end: character offsets.
        kind: what it is; the heads learn what a kind means for tags and intents.
        value: the canonical value, where the hit may become an entity of type `kind`; None where
            it only tells more of what the tagger finds.
        source: the component that found it.
        detail: the value taken apart, as JSON; empty where there is nothing to take apart.
        certain: whether a checksum or the like leaves no doubt.
    """

    start: int
    end: int
    kind: str
    value: str | None = None
    source: str = ""
    detail: str = ""
    certain: bool = False


@dataclass(frozen=True)
class Reading:
    """How a message is read: what is known of it before the encoder sees it.

    `edits` are sorted and do not overlap; `hits` may overlap.
    """

    edits: tuple[Edit, ...] = ()
    hits: tuple[Hit, ...] = ()

    def is_by(self, source: str) -> bool:
        """Say whether a component has written into it."""
        return any(edit.source == source for edit in self.edits) or any(
            hit.source == source for hit in self.hits
        )


@dataclass(frozen=True)
class Attribute:
    """What is said of a message as a whole beside its intent, such as `mood: angry`.

    `slot` is the slot that the value fills, None where it fills none or is not sure enough.
    """

    name: str
    value: str
    confidence: float = 1.0
    slot: str | None = None


@dataclass(frozen=True)
class Example:
    """A training or test message with what a person decided about it.

    `intent` is the full label, `faq/opening_hours` for a retrieval intent, and None where
    only the entities are annotated. A message with `attributes` and no intent says nothing of
    its entities either.
    """

    text: str
    intent: str | None = None
    spans: tuple[Span, ...] = ()
    reading: Reading = Reading()
    attributes: tuple[Attribute, ...] = ()

    @property
    def has_marked_entities(self) -> bool:
        """Whether a person has looked for entities, so that an unmarked word is none."""
        return bool(self.intent or self.spans or not self.attributes)


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
    their share within their intent. `strangeness` grows with the distance to all intents, None
    where a model does not measure it; `is_strange` says that it is too large to be in scope.
    `attributes` holds the likeliest value of each attribute that the model knows.
    """

    ranking: tuple[RankedLabel, ...] = ()
    responses: tuple[RankedLabel, ...] = ()
    spans: tuple[Span, ...] = ()
    strangeness: float | None = None
    is_strange: bool = False
    attributes: tuple[Attribute, ...] = ()


def base_intent(label: str) -> str:
    """Give the intent of a full label: `faq` for `faq/opening_hours`."""
    return label.split(INTENT_SEPARATOR, 1)[0]
