"""Which entity stands where the learned tagger and the vocabulary both found one.

The rule, in this order:

1. What a checksum proves (an IBAN, a card number) stands, whatever the tagger said.
2. Of the same type and overlapping: one entity. It has the tagger's role, group and confidence,
   the longer of both spans, and the canonical value where the known span is not the shorter one.
3. Of different types: what contains the other stands; of the same span the tagger's, which saw
   the sentence around it ("pay Tesco" has a payee, "a refund from Tesco" a merchant).
4. What only one of them found stands; of two known ones that overlap the longer, then the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.types import Hit, Span


@dataclass(frozen=True)
class Resolved:
    """An entity of a message: a learned span, a known hit, or both where they met.

    Attributes:
        span: where it stands, its type, role, group and confidence.
        hit: what is known of it, its value among it; None for what was learned alone. A hit without
            a value tells more of a learned span of its type that stands at the same place.
        learned: whether the tagger found it too.
    """

    span: Span
    hit: Hit | None
    learned: bool


def resolve(learned: Sequence[Span], hits: Sequence[Hit]) -> list[Resolved]:
    """Give the entities of one message by the rule above, in order of appearance.

    Args:
        learned: the tagger's spans, which do not overlap one another.
        hits: what the vocabulary and the value finder know.
    """
    left = [Resolved(span, None, True) for span in learned]
    known = [hit for hit in hits if hit.value is not None]
    for hit in sorted(known, key=lambda hit: (not hit.certain, hit.start - hit.end, hit.start)):
        touched = [item for item in left if item.span.overlaps(hit.start, hit.end)]
        winner = _against(hit, touched)
        if winner is not None:
            left = [item for item in left if item not in touched]
            left.append(winner)
    return [_told_more(item, hits) for item in sorted(left, key=lambda item: item.span.start)]


def _told_more(item: Resolved, hits: Sequence[Hit]) -> Resolved:
    span = item.span
    for hit in hits:
        same = (hit.start, hit.end, hit.kind) == (span.start, span.end, span.entity)
        if item.hit is None and same and hit.detail:
            return replace(item, hit=hit)
    return item


def _against(hit: Hit, touched: Sequence[Resolved]) -> Resolved | None:
    """Give what stands in the place of all that a hit touches; None where all stays as it is."""
    own = Span(hit.start, hit.end, hit.kind)
    if any(item.hit is not None for item in touched):
        return None  # an earlier hit is longer, or certain
    if hit.certain or not touched:
        same = [item.span for item in touched if item.span.entity == hit.kind]
        return Resolved(_merged(own, same[0]) if same else own, hit, bool(same))
    if len(touched) > 1:
        contains = all(_contains(hit, item.span) for item in touched)
        return Resolved(own, hit, False) if contains else None
    span = touched[0].span
    if span.entity == hit.kind:
        shorter = hit.end - hit.start < span.end - span.start
        return Resolved(span if shorter else _merged(own, span), None if shorter else hit, True)
    same_place = (span.start, span.end) == (hit.start, hit.end)
    return Resolved(own, hit, False) if _contains(hit, span) and not same_place else None


def _merged(own: Span, learned: Span) -> Span:
    """Keep the place that is known and what only the sentence can tell."""
    return replace(own, role=learned.role, group=learned.group, confidence=learned.confidence)


def _contains(hit: Hit, span: Span) -> bool:
    return hit.start <= span.start and span.end <= hit.end
