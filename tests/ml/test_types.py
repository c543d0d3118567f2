"""The shared dataclasses and errors."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import errors
from bot.types import Example, Parse, Span, base_intent


@pytest.mark.parametrize(
    ("start", "end", "shares"),
    [(0, 3, False), (0, 4, True), (4, 5, True), (2, 9, True), (6, 9, False), (5, 6, True)],
)
def test_overlap_is_at_least_one_character(start: int, end: int, shares: bool) -> None:
    assert Span(3, 6, "city").overlaps(start, end) is shares


@given(st.tuples(*[st.integers(0, 9)] * 4))
def test_overlap_is_what_sets_of_characters_say(ends: tuple[int, int, int, int]) -> None:
    a, b, c, d = ends
    shares = bool(set(range(a, b)) & set(range(c, d)))
    if a < b and c < d:
        assert Span(a, b, "city").overlaps(c, d) is shares


@pytest.mark.parametrize(
    ("label", "intent"),
    [("greet", "greet"), ("faq/hours", "faq"), ("faq/a/b", "faq"), ("", "")],
)
def test_base_intent(label: str, intent: str) -> None:
    assert base_intent(label) == intent


def test_everything_shared_is_frozen_and_hashable() -> None:
    span = Span(0, 1, "city")
    for value in (span, Example("hi", "greet", (span,)), Parse(spans=(span,))):
        hash(value)
        with pytest.raises(FrozenInstanceError):
            value.spans = ()  # type: ignore[union-attr, misc]


def test_every_error_is_one_that_the_command_line_prints_alone() -> None:
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    kinds = [kind for kind in classes if kind.__module__ == errors.__name__]
    assert len(kinds) > 3
    assert all(issubclass(kind, errors.BotError) for kind in kinds)
    assert not issubclass(errors.BotError, (ValueError, RuntimeError))
