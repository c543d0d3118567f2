"""Scores, by hand and against scikit-learn."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ml.metrics import accuracy, span_f1, weighted_f1
from bot.types import Span

PAIRS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), min_size=1, max_size=30
)


def test_weighted_f1_by_hand() -> None:
    # a: precision 2/3, recall 1 -> 0.8, twice; b: precision 1, recall 1/2 -> 2/3, twice
    assert weighted_f1(list("aabb"), list("aaab")) == pytest.approx((2 * 0.8 + 2 * 2 / 3) / 4)
    assert weighted_f1(["a"], ["b"]) == 0.0
    assert weighted_f1([], []) == 0.0


@settings(deadline=None)
@given(PAIRS)
def test_weighted_f1_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.metrics import f1_score

    truth, predicted = map(list, zip(*pairs, strict=True))
    reference = f1_score(truth, predicted, average="weighted", zero_division=0)
    assert weighted_f1(truth, predicted) == pytest.approx(reference)


def test_accuracy_by_hand() -> None:
    assert accuracy(list("abc"), list("abd")) == pytest.approx(2 / 3)
    assert accuracy([], []) == 0.0


def test_span_f1_by_hand() -> None:
    truth = [[Span(0, 3, "city"), Span(4, 7, "date")], []]
    found = [[Span(0, 3, "city")], [Span(0, 1, "city")]]
    assert span_f1(truth, found) == pytest.approx(0.5)  # 1 hit of 2 true and 2 found


@pytest.mark.parametrize(
    "other",
    [
        Span(0, 4, "city", "to", "1"),
        Span(1, 3, "city", "to", "1"),
        Span(0, 3, "town", "to", "1"),
        Span(0, 3, "city", "from", "1"),
        Span(0, 3, "city", "to", "2"),
        Span(0, 3, "city"),
    ],
)
def test_offsets_entity_role_and_group_must_all_be_right(other: Span) -> None:
    assert span_f1([[Span(0, 3, "city", "to", "1")]], [[other]]) == 0.0


def test_confidence_does_not_count() -> None:
    assert span_f1([[Span(0, 3, "city")]], [[Span(0, 3, "city", confidence=0.2)]]) == 1.0


def test_nothing_to_find_and_nothing_found_is_perfect() -> None:
    assert span_f1([[]], [[]]) == 1.0
    assert span_f1([], []) == 1.0
    assert span_f1([[]], [[Span(0, 1, "a")]]) == 0.0
    assert span_f1([[Span(0, 1, "a")]], [[]]) == 0.0


def test_the_same_span_in_another_message_is_no_hit() -> None:
    assert span_f1([[Span(0, 1, "a")], []], [[], [Span(0, 1, "a")]]) == 0.0


@pytest.mark.parametrize("score", [weighted_f1, accuracy])
def test_lists_of_unlike_length_are_refused(score: object) -> None:
    with pytest.raises(ValueError, match="shorter"):
        score(["a", "b"], ["a"])  # type: ignore[operator]
