"""Days, times, lengths of time and how often, as people write them. Today is Thursday 12 March."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.vocabulary.values import FoundValue, find_values

TODAY = date(2026, 3, 12)


def of_kind(text: str, kind: str, **options: Any) -> list[FoundValue]:
    found = find_values(text, today=TODAY, **options)
    return [item for item in found if item.kind == kind]


@pytest.mark.parametrize(
    ("text", "span", "first", "last", "grain"),
    [
        ("on friday", "friday", "2026-03-13", "2026-03-13", "day"),
        ("next friday", "next friday", "2026-03-20", "2026-03-20", "day"),
        ("last friday", "last friday", "2026-03-06", "2026-03-06", "day"),
        ("since monday", "monday", "2026-03-09", "2026-03-09", "day"),
        ("a week on friday", "a week on friday", "2026-03-20", "2026-03-20", "day"),
        ("saturday night", "saturday night", "2026-03-14", "2026-03-14", "day"),
        ("3rd of march", "3rd of march", "2027-03-03", "2027-03-03", "day"),
        ("from 3 March 2026", "3 March 2026", "2026-03-03", "2026-03-03", "day"),
        ("may 5", "may 5", "2026-05-05", "2026-05-05", "day"),
        ("the first of june", "the first of june", "2026-06-01", "2026-06-01", "day"),
        ("2-16 may", "2-16 may", "2026-05-02", "2026-05-16", "day"),
        ("29 february", "29 february", "2028-02-29", "2028-02-29", "day"),
        ("12/03", "12/03", "2026-03-12", "2026-03-12", "day"),
        ("05/03/2026", "05/03/2026", "2026-03-05", "2026-03-05", "day"),
        ("12.03.26", "12.03.26", "2026-03-12", "2026-03-12", "day"),
        ("born 1/2/89", "1/2/89", "1989-02-01", "1989-02-01", "day"),
        ("2026-03-12", "2026-03-12", "2026-03-12", "2026-03-12", "day"),
        ("in two weeks", "two weeks", "2026-03-26", "2026-03-26", "day"),
        ("three weeks ago", "three weeks ago", "2026-02-19", "2026-02-19", "day"),
        ("5 working days ago", "5 working days ago", "2026-03-05", "2026-03-05", "day"),
        ("last month", "last month", "2026-02-01", "2026-02-28", "month"),
        ("this week", "this week", "2026-03-09", "2026-03-15", "week"),
        ("last year", "last year", "2025-01-01", "2025-12-31", "year"),
        ("since 2019", "2019", "2019-01-01", "2019-12-31", "year"),
        ("at the weekend", "the weekend", "2026-03-14", "2026-03-15", "day"),
        ("end of the month", "end of the month", "2026-03-31", "2026-03-31", "day"),
        ("by the end of October", "the end of October", "2026-10-31", "2026-10-31", "day"),
        ("on the 28th", "the 28th", "2026-03-28", "2026-03-28", "day"),
        ("by the 3rd", "the 3rd", "2026-04-03", "2026-04-03", "day"),
        ("the 1st of next month", "the 1st of next month", "2026-04-01", "2026-04-01", "day"),
        ("the last three months", "the last three months", "2025-12-12", "2026-03-12", "day"),
        ("mid-september", "mid-september", "2026-09-11", "2026-09-20", "day"),
        ("in may", "may", "2026-05-01", "2026-05-31", "month"),
        ("since march", "march", "2025-03-01", "2025-03-31", "month"),
        ("february", "february", "2027-02-01", "2027-02-28", "month"),
        ("last summer", "last summer", "2025-06-01", "2025-08-31", "month"),
        ("last winter", "last winter", "2025-12-01", "2026-02-28", "month"),
        ("Q1", "Q1", "2026-01-01", "2026-03-31", "month"),
        ("on easter monday", "easter monday", "2026-04-06", "2026-04-06", "day"),
        ("Black Friday", "Black Friday", "2026-11-27", "2026-11-27", "day"),
        ("last christmas", "last christmas", "2025-12-25", "2025-12-25", "day"),
        ("tmrw", "tmrw", "2026-03-13", "2026-03-13", "day"),
        ("the day after tomorrow", "the day after tomorrow", "2026-03-14", "2026-03-14", "day"),
    ],
)
def test_a_day_or_period(text: str, span: str, first: str, last: str, grain: str) -> None:
    (found,) = of_kind(text, "date")
    assert text[found.start : found.end] == span
    assert isinstance(found.value, dict)
    assert (found.value["from"], found.value["to"], found.value["grain"]) == (first, last, grain)


@pytest.mark.parametrize(
    "text",
    ["i may go", "31 June", "24/7", "i sat down", "march on", "send £20 to June", "a second card",
     "Now TV", "£12.03", "99/99", "12/03/"],
)  # fmt: skip
def test_no_day(text: str) -> None:
    assert of_kind(text, "date") == []


def test_the_part_of_the_day_is_kept() -> None:
    (found,) = of_kind("last night", "date")
    assert found.value == {
        "from": "2026-03-11", "to": "2026-03-11", "grain": "day", "part": "night"
    }  # fmt: skip


def test_americans_write_the_month_first() -> None:
    (found,) = of_kind("05/03/2026", "date", country="US")
    assert isinstance(found.value, dict)
    assert found.value["from"] == "2026-05-03"


@pytest.mark.parametrize(
    ("text", "language", "span", "first"),
    [
        ("am 3. März", "de", "3. März", "2027-03-03"),
        ("vor 3 Tagen", "de", "vor 3 Tagen", "2026-03-09"),
        ("übermorgen", "de", "übermorgen", "2026-03-14"),
        ("am 03.05.2026", "de", "03.05.2026", "2026-05-03"),
        ("le 3 mars 2026", "fr", "3 mars 2026", "2026-03-03"),
        ("demain", "fr", "demain", "2026-03-13"),
        ("el 3 de mayo", "es", "3 de mayo", "2026-05-03"),
        ("el lunes", "es", "lunes", "2026-03-16"),
    ],
)
def test_days_of_other_languages(text: str, language: str, span: str, first: str) -> None:
    (found,) = of_kind(text, "date", language=language, country=language.upper())
    assert text[found.start : found.end] == span
    assert isinstance(found.value, dict)
    assert found.value["from"] == first


def test_a_phrase_means_another_day_tomorrow() -> None:
    for days in range(3):
        today = TODAY + timedelta(days=days)
        (found,) = find_values("morgen", "de", today, country="DE")
        assert isinstance(found.value, dict)
        assert found.value["from"] == (today + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("text", "span", "time"),
    [
        ("tomorrow at 3pm", "3pm", "15:00"),
        ("3.30 pm", "3.30 pm", "15:30"),
        ("12am", "12am", "00:00"),
        ("at 15:30", "15:30", "15:30"),
        ("before noon", "noon", "12:00"),
        ("half past two", "half past two", "02:30"),
        ("quarter to one", "quarter to one", "00:45"),
        ("tomorrow at 3", "3", "03:00"),
        ("5 o'clock", "5 o'clock", "05:00"),
    ],
)
def test_a_time(text: str, span: str, time: str) -> None:
    (found,) = of_kind(text, "time")
    assert (text[found.start : found.end], found.value) == (span, {"time": time})


@pytest.mark.parametrize("text", ["25:00", "13pm", "£3 pm", "set it at 3", "10:61"])
def test_no_time(text: str) -> None:
    assert of_kind(text, "time") == []


@pytest.mark.parametrize(
    ("text", "span", "value", "unit"),
    [
        ("for two weeks", "two weeks", 2, "week"),
        ("half an hour", "half an hour", 0.5, "hour"),
        ("within five working days", "five working days", 5, "working_day"),
        ("for a fortnight", "a fortnight", 2, "week"),
        ("twenty-four hours", "twenty-four hours", 24, "hour"),
    ],
)
def test_a_length_of_time(text: str, span: str, value: float, unit: str) -> None:
    (found,) = of_kind(text, "duration")
    assert (text[found.start : found.end], found.value) == (span, {"value": value, "unit": unit})


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("every month", "every month", {"value": 1, "unit": "month"}),
        ("weekly", "weekly", {"value": 1, "unit": "week"}),
        ("£500 pcm", "pcm", {"value": 1, "unit": "month"}),
        ("£39.50 weekly", "weekly", {"value": 1, "unit": "week"}),
        ("fifty quid a week", "a week", {"value": 1, "unit": "week"}),
        ("every other tuesday", "every other tuesday", {"value": 2, "unit": "week", "weekday": 1}),
        ("every four weeks", "every four weeks", {"value": 4, "unit": "week"}),
        ("£5/month", "/month", {"value": 1, "unit": "month"}),
        ("4 weekly", "4 weekly", {"value": 4, "unit": "week"}),
        ("twice a year", "twice a year", {"value": 1, "unit": "year", "times": 2}),
        ("each 28th", "each 28th", {"value": 1, "unit": "month", "day": 28}),
        ("the 1st of every month", "every month", {"value": 1, "unit": "month", "day": 1}),
    ],
)
def test_how_often(text: str, span: str, value: dict[str, Any]) -> None:
    (found,) = of_kind(text, "frequency")
    assert (text[found.start : found.end], found.value) == (span, value)


@pytest.mark.parametrize("text", ["my monthly limit", "the yearly fee", "every ² weeks", "a month"])
def test_nothing_repeats(text: str) -> None:
    assert of_kind(text, "frequency") == []


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_in_digits_is_read_back(day: date) -> None:
    for text in (f"{day:%d/%m/%Y}", day.isoformat(), f"{day:%d.%m.%Y}", f"{day.day} {day:%B %Y}"):
        (found,) = of_kind(text, "date")
        assert isinstance(found.value, dict)
        assert (found.value["from"], found.value["to"]) == (day.isoformat(), day.isoformat())
