"""Sums of money as people write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.vocabulary.number_words import read_number_words
from bot.vocabulary.values import find_values

TODAY = date(2026, 3, 12)


def sums(text: str, language: str = "en", country: str = "GB") -> list[tuple[str, str, str]]:
    found = find_values(text, language, TODAY, country=country)
    return [
        (text[item.start : item.end], item.value["amount"], item.value["currency"])
        for item in found
        if item.kind == "amount" and isinstance(item.value, dict)
    ]


@pytest.mark.parametrize(
    ("text", "span", "amount", "currency"),
    [
        ("pay £1,250.00 now", "£1,250.00", "1250.00", "GBP"),
        ("i spent 250 quid", "250 quid", "250.00", "GBP"),
        ("two hundred and fifty pounds to mum", "two hundred and fifty pounds", "250.00", "GBP"),
        ("about 1.5k for it", "1.5k", "1500.00", "GBP"),
        ("1.255k", "1.255k", "1255.00", "GBP"),
        ("it was a grand", "a grand", "1000.00", "GBP"),
        ("half a grand", "half a grand", "500.00", "GBP"),
        ("two and a half grand", "two and a half grand", "2500.00", "GBP"),
        ("costs 50p each", "50p", "0.50", "GBP"),
        ("it was £20.50.", "£20.50", "20.50", "GBP"),
        ("half a million pounds", "half a million pounds", "500000.00", "GBP"),
        ("half a million", "half a million", "500000.00", "GBP"),
        ("-£50", "-£50", "-50.00", "GBP"),
        ("£-50", "£-50", "-50.00", "GBP"),
        ("minus fifty pounds", "minus fifty pounds", "-50.00", "GBP"),
        ("−50 €", "−50 €", "-50.00", "EUR"),
        ("chuck her a tenner", "a tenner", "10.00", "GBP"),
        ("five pounds fifty", "five pounds fifty", "5.50", "GBP"),
        ("£5 and 20p", "£5 and 20p", "5.20", "GBP"),
        ("usd 3000", "usd 3000", "3000.00", "USD"),
        ("500 US dollars", "500 US dollars", "500.00", "USD"),
        ("¥20,000", "¥20,000", "20000.00", "JPY"),
        ("12,000 Swiss francs", "12,000 Swiss francs", "12000.00", "CHF"),
        ("£180k", "£180k", "180000.00", "GBP"),
        ("5 thousand pounds", "5 thousand pounds", "5000.00", "GBP"),
        ("fifteen hundred quid", "fifteen hundred quid", "1500.00", "GBP"),
        ("1 250 pounds", "1 250 pounds", "1250.00", "GBP"),
        ("send 500 to priya", "500", "500.00", "GBP"),
        ("no, make it 250 please", "250", "250.00", "GBP"),
        ("250", "250", "250.00", "GBP"),
    ],
)
def test_a_sum(text: str, span: str, amount: str, currency: str) -> None:
    assert sums(text) == [(span, amount, currency)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("between 50 and 100 pounds", [("50", "50.00"), ("100 pounds", "100.00")]),
        ("between fifty and sixty pounds", [("fifty", "50.00"), ("sixty pounds", "60.00")]),
        ("£50-£100", [("£50", "50.00"), ("£100", "100.00")]),
        ("£50-100", [("£50", "50.00"), ("100", "100.00")]),
        ("50 to 100 quid", [("50", "50.00"), ("100 quid", "100.00")]),
        ("between 5 and 10k", [("5", "5000.00"), ("10k", "10000.00")]),
        ("not 50, 60", [("50", "50.00"), ("60", "60.00")]),
        (
            "between one hundred and two hundred pounds",
            [("one hundred", "100.00"), ("two hundred pounds", "200.00")],
        ),
    ],
)
def test_two_sums(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(span, amount) for span, amount, _ in sums(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "i have half a million ideas",
        "1.250,00 € from berlin",  # German, not English
        "£1,23,4",
        "£50,60",
        "a 1080p film",
        "a 5k run",
        "at 3 p.m.",
        "move 2 payments",
        "thanks a million",
        "that one",
        "fifty sixty pounds and"[:11],
        "account 12345678",
        "12345678",
        "0047",
        "LK90233",
    ],
)
def test_no_sum(text: str) -> None:
    assert sums(text) == []


@pytest.mark.parametrize(
    ("text", "language", "country", "expected"),
    [
        ("1.250,00 €", "de", "DE", ("1.250,00 €", "1250.00", "EUR")),
        ("zahle 20,50 Pfund", "de", "DE", ("20,50 Pfund", "20.50", "GBP")),
        ("1'250.50 CHF", "de", "CH", ("1'250.50 CHF", "1250.50", "CHF")),
        ("1 250,50 €", "fr", "FR", ("1 250,50 €", "1250.50", "EUR")),
        ("20 livres", "fr", "FR", ("20 livres", "20.00", "GBP")),
        ("50 libras", "es", "ES", ("50 libras", "50.00", "GBP")),
    ],
)
def test_other_languages(
    text: str, language: str, country: str, expected: tuple[str, str, str]
) -> None:
    assert sums(text, language, country) == [expected]


def test_an_english_sum_means_nothing_in_german() -> None:
    assert sums("£1,250.00", "de", "DE") == []


def test_the_currency_of_sums_that_name_none() -> None:
    (found,) = find_values("send 250", today=TODAY, currency="EUR")
    assert found.value == {"amount": "250.00", "currency": "EUR"}


_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
_TEENS = f"{_ONES} fifteen sixteen seventeen eighteen nineteen".split()
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spell(number: int) -> str:
    """Write a number below a thousand million in words."""
    for scale, name in ((1_000_000, "million"), (1000, "thousand")):
        if number >= scale:
            rest = number % scale
            link = " and " if 0 < rest < 100 else " "
            return f"{spell(number // scale)} {name}{link}{spell(rest) if rest else ''}".strip()
    if number >= 100:
        rest = number % 100
        return f"{spell(number // 100)} hundred" + (f" and {spell(rest)}" if rest else "")
    if number < 20:
        return _TEENS[number]
    return _TENS[number // 10] + (f"-{_TEENS[number % 10]}" if number % 10 else "")


@given(st.integers(0, 999_999_999))
def test_what_is_spelled_out_is_read_back(number: int) -> None:
    assert read_number_words(spell(number)) == Decimal(number)
    text = f"{spell(number)} pounds"
    assert sums(text) == [(text, f"{number}.00", "GBP")]


@pytest.mark.parametrize(
    "words",
    ["fifty sixty", "two eighty", "one hundred and two hundred", "five thousand two million",
     "and five", "a", "", "hundred and", "a five hat"],
)  # fmt: skip
def test_words_that_are_no_number(words: str) -> None:
    assert read_number_words(words) is None
