"""The one rule for entities that the tagger and the vocabulary both found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.types import Hit, Span
from bot.vocabulary.overlaps import Resolved, resolve


def shown(found: list[Resolved]) -> list[tuple[int, int, str, str | None, bool]]:
    return [
        (r.span.start, r.span.end, r.span.entity, r.hit.value if r.hit else None, r.learned)
        for r in found
    ]


def term(start: int, end: int, kind: str, value: str = "X") -> Hit:
    return Hit(start, end, kind, value, "VocabularyMatcher")


def test_what_only_one_of_them_found_stands() -> None:
    found = resolve([Span(0, 3, "payee")], [term(10, 14, "country", "Japan")])
    assert shown(found) == [(0, 3, "payee", None, True), (10, 14, "country", "Japan", False)]


def test_of_one_type_role_and_confidence_are_learned_and_the_value_is_known() -> None:
    learned = Span(5, 12, "account", "from", "1", 0.7)
    (found,) = resolve([learned], [term(5, 12, "account", "savings")])
    assert found.span == learned
    assert found.hit is not None
    assert found.hit.value == "savings"
    assert found.learned


def test_of_one_type_the_longer_span_stands() -> None:
    (wide,) = resolve([Span(5, 8, "merchant", confidence=0.6)], [term(5, 12, "merchant", "M&S")])
    assert (wide.span.start, wide.span.end, wide.span.confidence) == (5, 12, 0.6)
    (narrow,) = resolve([Span(0, 12, "merchant")], [term(5, 12, "merchant", "M&S")])
    assert shown([narrow]) == [(0, 12, "merchant", None, True)], "its value is not that of a part"


def test_of_two_types_at_one_place_the_sentence_decides() -> None:
    found = resolve([Span(4, 9, "payee")], [term(4, 9, "merchant", "Tesco")])
    assert shown(found) == [(4, 9, "payee", None, True)]


def test_of_two_types_what_contains_the_other_stands() -> None:
    wider = resolve([Span(8, 16, "country")], [term(0, 16, "merchant", "Bank of Scotland")])
    assert shown(wider) == [(0, 16, "merchant", "Bank of Scotland", False)]
    within = resolve([Span(0, 12, "payee")], [term(0, 8, "country", "UAE")])
    assert shown(within) == [(0, 12, "payee", None, True)]
    crossing = resolve([Span(0, 8, "payee")], [term(4, 12, "country", "UAE")])
    assert shown(crossing) == [(0, 8, "payee", None, True)]


def test_a_known_span_over_several_learned_ones_stands_where_it_contains_them_all() -> None:
    learned = [Span(0, 4, "country"), Span(5, 9, "payee")]
    assert shown(resolve(learned, [term(0, 9, "merchant")])) == [(0, 9, "merchant", "X", False)]
    assert [r.span for r in resolve(learned, [term(2, 9, "merchant")])] == learned


def test_what_a_checksum_proves_stands() -> None:
    proven = Hit(0, 22, "iban", "GB82", "ValueFinder", "{}", certain=True)
    found = resolve([Span(0, 40, "payee"), Span(20, 45, "date")], [proven])
    assert shown(found) == [(0, 22, "iban", "GB82", False)]


def test_of_two_known_ones_the_longer_stands_then_the_first() -> None:
    hits = [term(0, 4, "merchant", "Sky"), term(0, 8, "merchant", "Sky Bet")]
    assert shown(resolve([], hits)) == [(0, 8, "merchant", "Sky Bet", False)]
    crossing = [term(2, 6, "country", "B"), term(0, 4, "country", "A")]
    assert shown(resolve([], crossing)) == [(0, 4, "country", "A", False)]


def test_a_hit_without_a_value_only_tells_more_of_what_was_learned() -> None:
    taken_apart = Hit(0, 4, "amount", None, "ValueFinder", '{"amount": "50"}')
    (found,) = resolve([Span(0, 4, "amount", confidence=0.8)], [taken_apart])
    assert found.hit == taken_apart
    assert found.learned
    assert resolve([], [taken_apart]) == []
    (elsewhere,) = resolve([Span(0, 6, "amount")], [taken_apart])
    assert elsewhere.hit is None


SPANS = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("abc")))


@given(learned=SPANS, hits=SPANS, certain=st.sets(st.integers(0, 5)))
def test_nothing_overlaps_and_nothing_that_stands_alone_is_lost(
    learned: list[tuple[int, int, str]], hits: list[tuple[int, int, str]], certain: set[int]
) -> None:
    spans: list[Span] = []
    for start, length, entity in sorted(learned):
        if not spans or spans[-1].end <= start:
            spans.append(Span(start, start + length, entity))
    known = [
        Hit(start, start + length, kind, "v", "s", certain=place in certain)
        for place, (start, length, kind) in enumerate(hits)
    ]
    found = resolve(spans, known)
    assert resolve(spans, known) == found
    for before, after in zip(found, found[1:], strict=False):
        assert before.span.end <= after.span.start
    taken = [(item.span.start, item.span.end) for item in found]
    for part in (*spans, *known):
        assert any(start < part.end and part.start < end for start, end in taken)
