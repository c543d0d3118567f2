"""What slips cost: the likelier, the less."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from bot.vocabulary.slips import near_strings, slip_cost

LETTERS = st.text("abcdehpf", max_size=7)


@given(LETTERS, LETTERS)
@settings(max_examples=300, deadline=None)
def test_costs_follow_the_distance(typed: str, meant: str) -> None:
    cost, distance = slip_cost(typed, meant), OSA.distance(typed, meant)
    assert (cost == 0) == (typed == meant)
    assert cost <= distance * 7.0, "no slip costs more than another letter at the start"
    if not any(sound in typed or sound in meant for sound in ("ph", "ch", "f")):
        assert cost >= distance * 2.6 - 1e-9, "nor less than a double letter typed once"


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("paymenr", "payment"), ("paymenz", "payment")),  # a neighbour on the keyboard
        (("chekc", "check"), ("chelz", "check")),  # a swap
        (("fone", "phone"), ("xone", "phone")),  # a sound
        (("comittee", "committee"), ("commttee", "committee")),  # a double letter typed once
        (("balaance", "balance"), ("balaqnce", "balance")),  # a letter typed twice
        (("carx", "card"), ("xard", "card")),  # the first letter is looked at
    ],
)
def test_likely_slips_cost_less(near: tuple[str, str], far: tuple[str, str]) -> None:
    assert 0 < slip_cost(*near) < slip_cost(*far)


@given(st.text("abcp", min_size=1, max_size=6), st.text("abcp", max_size=6))
@settings(max_examples=200, deadline=None)
def test_near_strings_are_all_that_one_slip_makes(word: str, other: str) -> None:
    near = near_strings(word, "abcp")
    assert word not in near
    if OSA.distance(word, other) == 1:
        assert other in near
