"""IBANs, cards, phones, addresses, references, last digits, ordinals and percentages."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn

from bot.vocabulary.values import find_values

TODAY = date(2026, 3, 12)


def values(text: str, kind: str, country: str = "GB") -> list[tuple[str, object]]:
    return [
        (text[item.start : item.end], item.value)
        for item in find_values(text, today=TODAY, country=country)
        if item.kind == kind
    ]


@pytest.mark.parametrize(
    ("text", "kind", "span", "value"),
    [
        ("to GB82 WEST 1234 5698 7654 32 now", "iban", "GB82 WEST 1234 5698 7654 32",
         "GB82WEST12345698765432"),
        ("gb82west12345698765432", "iban", "gb82west12345698765432", "GB82WEST12345698765432"),
        ("is DE89 3704 0044 0532 0130 00 ok", "iban", "DE89 3704 0044 0532 0130 00",
         "DE89370400440532013000"),
        ("card 4111-1111-1111-1111.", "card", "4111-1111-1111-1111", "4111111111111111"),
        ("3782 822463 10005", "card", "3782 822463 10005", "378282246310005"),
        ("call 07700 900123", "phone", "07700 900123", "+447700900123"),
        ("(020) 7946 0958", "phone", "(020) 7946 0958", "+442079460958"),
        ("+49 1512 3456789", "phone", "+49 1512 3456789", "+4915123456789"),
        ("Bob.S@Example.COM.", "email", "Bob.S@Example.COM", "Bob.S@example.com"),
        ("my card ending in 4421", "card_digits", "4421", "4421"),
        ("****4421", "card_digits", "4421", "4421"),
        ("the 4421 card", "card_digits", "4421", "4421"),
        ("freeze 4421", "card_digits", "4421", "4421"),
        ("lk90233", "reference", "lk90233", "LK90233"),
        ("case TX-48213?", "reference", "TX-48213", "TX-48213"),
        ("reference number is 12345678", "reference", "12345678", "12345678"),
    ],
)  # fmt: skip
def test_one_code(text: str, kind: str, span: str, value: str) -> None:
    assert values(text, kind) == [(span, value)]


def test_two_phones_in_a_row_are_two() -> None:
    found = values("07700 900123 07700 900456", "phone")
    assert [value for _, value in found] == ["+447700900123", "+447700900456"]


def test_two_ibans_in_a_row_are_two() -> None:
    found = values("BE71 0961 2345 6769 and DE89 3704 0044 0532 0130 00", "iban")
    assert [value for _, value in found] == ["BE71096123456769", "DE89370400440532013000"]


def test_a_phone_belongs_to_the_country() -> None:
    assert values("call 030 901820", "phone", "DE") == [("030 901820", "+4930901820")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("may2023", "reference"),
        ("GBP640", "reference"),
        ("mp300", "reference"),
        ("03.05.2026", "phone"),
        ("account 12345678", "phone"),
        ("£07700900123", "phone"),
        ("freeze it in 2026", "card_digits"),
        ("set the card limit to 2000", "card_digits"),
        ("my pin 1234 for the card", "card_digits"),
        ("a@b", "email"),
    ],
)
def test_no_code(text: str, kind: str) -> None:
    assert values(text, kind) == []


@given(st.integers(10**12, 10**18 - 1), st.integers(0, 9))
def test_a_card_is_a_run_with_the_right_checksum_and_nothing_else(body: int, slip: int) -> None:
    digits = f"{body}{luhn.calc_check_digit(str(body))}"
    assume(len(digits) <= 19 and len(set(digits)) > 1)
    assert values(f"it is {digits} ok", "card") == [(digits, digits)]
    wrong = f"{body}{slip}"
    assume(wrong != digits)
    assert find_values(f"it is {wrong} ok", today=TODAY) == []


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("the second one", "second", 2),
        ("second card please", "second", 2),
        ("second", "second", 2),
        ("the third option", "third", 3),
        ("option 2", "option 2", 2),
        ("the 3rd transaction", "3", 3),
        ("the last one", "last", -1),
    ],
)
def test_an_ordinal(text: str, span: str, value: int) -> None:
    assert values(text, "ordinal") == [(span, {"value": value})]


@pytest.mark.parametrize("text", ["one second", "wait a second", "ten seconds", "last week"])
def test_no_ordinal(text: str) -> None:
    assert values(text, "ordinal") == []


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("at 3.5% a year", "3.5%", "3.5"),
        ("five per cent", "five per cent", "5"),
        ("half a percent", "half a percent", "0.5"),
    ],
)
def test_a_percentage(text: str, span: str, value: str) -> None:
    assert values(text, "percent") == [(span, {"value": value})]
