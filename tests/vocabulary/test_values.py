"""Values of every kind in one message: what wins, what is masked, and any text at all."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import OptionError
from bot.vocabulary.findings import KINDS, PERSONAL
from bot.vocabulary.folding import fold
from bot.vocabulary.values import LONGEST, FoundValue, find_values, masked

TODAY = date(2026, 3, 12)  # a Thursday
IBAN = "GB82 WEST 1234 5698 7654 32"


def kinds(text: str, **options: Any) -> list[tuple[str, str]]:
    return [
        (text[item.start : item.end], item.kind)
        for item in find_values(text, today=TODAY, **options)
    ]


def test_one_message_with_many_kinds() -> None:
    text = f"send £50 to {IBAN} on friday at 3pm, ref LK90233, for two weeks, every month"
    assert kinds(text) == [
        ("£50", "amount"),
        (IBAN, "iban"),
        ("friday", "date"),
        ("3pm", "time"),
        ("LK90233", "reference"),
        ("two weeks", "duration"),
        ("every month", "frequency"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("£12.03", [("£12.03", "amount")]),
        ("12/03", [("12/03", "date")]),
        ("£2026 please", [("£2026", "amount")]),
        ("in 2026", [("2026", "date")]),
        ("june2020@example.com", [("june2020@example.com", "email")]),
        ("the 3rd of march", [("the 3rd of march", "date")]),
        ("the 3rd card", [("3", "ordinal")]),
        ("one second", [("one second", "duration")]),
        ("the second one", [("second", "ordinal")]),
        ("the second of may", [("the second of may", "date")]),
        ("i may pay later", []),
        ("every 2 weeks", [("every 2 weeks", "frequency")]),
        ("20% of £50", [("20%", "percent"), ("£50", "amount")]),
        ("ending 4421 to £50", [("4421", "card_digits"), ("£50", "amount")]),
        ("24/7", []),
        ("", []),
    ],
)
def test_what_is_found_where_several_could_be(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


def test_a_phone_inside_of_an_iban_is_not_found() -> None:
    text = "DE07 0770 0900 1234 5678 90"
    assert kinds(text) == [(text, "iban")]
    assert "phone" in [kind for _, kind in kinds(text[5:])]


@pytest.mark.parametrize(
    "text",
    [
        "GB83 WEST 1234 5698 7654 32",  # check digits
        "4111 1111 1111 1112",  # Luhn
        "my card is 4111111111111112 ok",
        "0000 0000 0000 0000",
        "1111111111111111111",
    ],
)
def test_a_wrong_checksum_is_nothing_at_all(text: str) -> None:
    assert find_values(text, today=TODAY) == []


def test_full_width_and_narrow_spaces() -> None:
    text = "ｓｅｎｄ £１，２５０\u00a0to\u202fｃａｒｄ "
    text += "４１１１\u00a0１１１１\u00a0１１１１\u00a0１１１１ ✨"
    text += " on\u00a0friday"
    found = {item.kind: item for item in find_values(text, today=TODAY)}
    assert found["amount"].value == {"amount": "1250.00", "currency": "GBP"}
    assert text[found["amount"].start : found["amount"].end] == "£１，２５０"
    assert found["card"].value == "4111111111111111"
    assert text[found["date"].start : found["date"].end] == "friday"


def test_offsets_hold_after_letters_that_change_their_length() -> None:
    text = "İstanbul ẞ 👨‍👩‍👧 £50"  # İ is two letters when made small
    (found,) = find_values(text, today=TODAY)
    assert text[found.start : found.end] == "£50"
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (IBAN, "GB.. 5432"),
        ("4111 1111 1111 1111", ".. 1111"),
        ("07700 900123", "+44.. 0123"),
        ("+353 1 222 3333", "+353.. 3333"),
        ("priya.nair@example.com", "p..@example.com"),
    ],
)
def test_personal_values_are_masked(text: str, shown: str) -> None:
    (found,) = find_values(text, today=TODAY)
    assert found.personal
    assert masked(found) == shown


def test_other_values_are_shown_in_full() -> None:
    (found,) = find_values("£50", today=TODAY)
    assert not found.personal
    assert masked(found) == "50.00 GBP"
    assert masked(FoundValue(0, 4, "card_digits", "4421")) == "4421"


def test_a_text_nobody_types_by_hand_is_left_alone() -> None:
    assert find_values("£50 " * (LONGEST // 4), today=TODAY)
    assert find_values("£50 " * LONGEST, today=TODAY) == []


def test_an_unknown_language_and_a_day_out_of_time_are_refused() -> None:
    with pytest.raises(OptionError, match="'xx-no'"):
        find_values("50", language="xx-no")
    with pytest.raises(OptionError, match="between 1950 and 2149"):
        find_values("tomorrow", today=date(9999, 12, 31))


@pytest.mark.parametrize("text", ["tomorrow", "next 2 years", "in 999 years", "999 months ago"])
@pytest.mark.parametrize("today", [date(1950, 1, 1), date(2024, 2, 29), date(2149, 12, 31)])
def test_days_at_the_edge_of_time(text: str, today: date) -> None:
    for item in find_values(text, today=today):
        assert isinstance(item.value, dict)


PIECES = st.sampled_from(
    [*"0123456789£€$%.,:/-+@ '", "\u00a0", "\u202f", "１", "²", "½", "İ", "٣", "\n", "👍", "and ",
     "between ", "half a ", "million", "hundred", "pounds", "50", "k ", "in ", "every ", "may ",
     "first ", "second ", "the ", "of ", "friday ", "next ", "weeks ", "ago", "3rd ", "GB82",
     "WEST",
     "ending ", "ref ", "pm", "07700", "900123", "@x.com", "last ", "three ", "to ", "minus "]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join))


@settings(deadline=None)  # the first text of a language loads its data
@given(TEXTS, st.sampled_from(["en", "de", "fr", "es", "pl", "ja", "tr"]))
@example("every ² weeks", "en")
@example("£" + "9" * 40, "en")
@example("0" * 200, "en")
@example("99/99/9999 31/31", "en")
@example("२५० €", "de")
def test_any_text_gives_findings_in_order(text: str, language: str) -> None:
    found = find_values(text, language=language, today=TODAY)
    assert found == find_values(text, language=language, today=TODAY)
    end = 0
    for item in found:
        assert end <= item.start < item.end <= len(text)
        assert item.kind in KINDS
        assert item.personal == (item.kind in PERSONAL)
        assert masked(item)
        assert not text[item.start].isspace() and not text[item.end - 1].isspace()
        end = item.end


@given(st.text(alphabet="uvxyz ", max_size=30), st.integers(1, 999_999))
def test_a_sum_is_found_wherever_it_stands(words: str, pounds: int) -> None:
    text = f"{words} £{pounds:,}.50 {words}"
    found = [item for item in find_values(text, today=TODAY) if item.kind == "amount"]
    assert {"amount": f"{pounds}.50", "currency": "GBP"} in [item.value for item in found]


def test_nothing_heavy_is_imported_before_it_is_asked() -> None:
    code = (
        "import sys; from bot.vocabulary.values import find_values; find_values('thanks, bye');"
        "print(sorted({'dateparser', 'phonenumbers', 'stdnum', 'babel', 'torch', 'rasa', 'spacy'}"
        "& set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
