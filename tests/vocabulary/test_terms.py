"""Terms, their forms, and the digest of what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.vocabulary.terms import Form, Term, Vocabulary, key_of

TERM = Term(
    name="overdraft",
    aliases=(Form("OD", True), Form("o/d", False)),
    entity="account",
    value="overdraft",
    definition="Borrowing.",
    case_sensitive=False,
    language="en",
    file=Path("a.yml"),
    line=2,
)
OTHER = replace(TERM, name="fee", aliases=(), entity=None, value="fee", line=9)


def test_the_canonical_form_comes_first() -> None:
    assert TERM.forms == (Form("overdraft", False), Form("OD", True), Form("o/d", False))


def test_kinds_are_sorted_and_each_there_once() -> None:
    merchant = replace(TERM, entity="merchant")
    assert Vocabulary((merchant, TERM, OTHER, merchant)).kinds == ("account", "merchant")


def test_the_digest_does_not_change_with_place_or_order() -> None:
    moved = replace(TERM, file=Path("b.yml"), line=77)
    assert Vocabulary((TERM, OTHER)).digest == Vocabulary((OTHER, moved)).digest


@pytest.mark.parametrize(
    "change",
    [
        {"name": "overdrafts"},
        {"aliases": (Form("OD", False), Form("o/d", False))},
        {"aliases": (Form("o/d", False),)},
        {"entity": None},
        {"value": "x"},
        {"definition": "x"},
        {"case_sensitive": True},
        {"language": "de"},
    ],
)
def test_the_digest_changes_with_everything_a_term_says(change: dict[str, object]) -> None:
    assert Vocabulary((TERM,)).digest != Vocabulary((replace(TERM, **change),)).digest  # type: ignore[arg-type]


def test_the_digest_counts_a_term_that_is_there_twice() -> None:
    assert Vocabulary((TERM,)).digest != Vocabulary((TERM, TERM)).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [("Over  Draft", "over draft"), ("ＯＤ", "od"), ("Straße", "STRASSE"), ("ﬁne", "FINE"),
     ("a\u00a0b", "A B"), ("kg\t", "㎏")],
)  # fmt: skip
def test_spellings_that_share_a_key(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(("one", "other"), [("o/d", "od"), ("a b", "ab"), ("café", "cafe")])
def test_spellings_that_do_not(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


@given(st.text())
def test_a_key_is_its_own_key_and_does_not_depend_on_case(text: str) -> None:
    assert key_of(key_of(text)) == key_of(text)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    assert key_of(text) == key_of(text + "é").removesuffix("é").rstrip()
