"""Find the values in what a person wrote: sums, days, times, phone numbers, IBANs and the like.

    find_values("send £50 to GB82 WEST 1234 5698 7654 32 on friday")

Patterns find the candidates, on a text folded character by character, so that offsets hold in any
script; libraries decide what a pattern cannot: phonenumbers, python-stdnum, Babel, dateparser.
They are imported when the first candidate needs them. A text that holds nothing of the kind costs
a look at its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from bot.errors import OptionError
from bot.vocabulary import amounts, calendar_words, number_words, ordinals, times
from bot.vocabulary.dates import find_dates
from bot.vocabulary.findings import CHECKED, KINDS, FoundValue, masked, settle
from bot.vocabulary.folding import fold
from bot.vocabulary.identifiers import closed_runs, find_identifiers
from bot.vocabulary.locales import Locality, locality
from bot.vocabulary.other_dates import find_other_dates

__all__ = ["KINDS", "FoundValue", "find_values", "masked"]

LONGEST = 4_000  # characters; beyond them nothing is looked for: nobody writes so much by hand
_YEARS = range(1950, 2150)
_WORD = re.compile(r"[a-z][a-z'/]*|[0-9]")
_DATE_WORDS = calendar_words.WORDS
_COUNT_WORDS = frozenset({*number_words.WORDS, "a", "an"})
_MONEY_WORDS = amounts.MONEY_WORDS
_UNIT_WORDS = frozenset(
    {*calendar_words.UNITS, *(f"{unit}s" for unit in calendar_words.UNITS), *times.FREQUENCY_WORDS}
) - {"a", "per", "each", "every", "evry", "once", "twice"}  # fmt: skip
_REPEATING = times.FREQUENCY_WORDS - {"a"}
_ANYTHING = _DATE_WORDS | _MONEY_WORDS | _UNIT_WORDS | _REPEATING | times.TIME_WORDS | (
    ordinals.WORDS)  # fmt: skip


def find_values(
    text: str,
    language: str = "en",
    today: date | None = None,
    currency: str = "GBP",
    country: str = "GB",
) -> list[FoundValue]:
    """Return the values of a text, in its order; none overlaps another.

    Args:
        text: what was typed, of any script. Beyond `LONGEST` characters nothing is found.
        language: ISO 639 code. English is read in full; other languages in digits, with their own
            separators, currencies, months, weekdays and relative days.
        today: the day that "tomorrow" is counted from; the machine's date where it is left out.
        currency: the ISO code of sums that name none.
        country: ISO 3166 code: whose phone numbers are meant, and the order of a date in digits.

    Returns:
        The findings; the shapes of their values stand at `FoundValue`.

    Raises:
        OptionError: the language is unknown, or `today` lies outside 1950 to 2149.
    """
    if len(text) > LONGEST:
        return []
    folded = fold(text)
    day = date.today() if today is None else today
    if day.year not in _YEARS:
        raise OptionError(f"today is {day}. Give a day between 1950 and 2149.")
    if language == "en":
        findings = list(_find_english(text, folded, day, currency, country))
    else:
        place = locality(language, country)
        findings = list(_find_other(text, folded, day, place, currency, country))
    return settle(_outside_closed(findings, folded)) if findings else []


def _outside_closed(findings: list[FoundValue], folded: str) -> list[FoundValue]:
    closed = closed_runs(folded)
    return [
        item
        for item in findings
        if item.kind in CHECKED
        or all(item.end <= start or end <= item.start for start, end in closed)
    ]


def _find_english(
    text: str, folded: str, today: date, currency: str, country: str
) -> Iterator[FoundValue]:
    """Ask each finder whose words, or digits, the text holds."""
    words = set(_WORD.findall(folded))
    digits = any(char.isdigit() for char in words)
    if not digits and words.isdisjoint(_ANYTHING) and "@" not in folded:
        return
    counts = digits or not words.isdisjoint(_COUNT_WORDS)
    if digits or "@" in folded:
        yield from find_identifiers(text, folded, country)
    if digits or not words.isdisjoint(_MONEY_WORDS):
        place = locality("en", country)
        yield from amounts.find_amounts(folded, place, currency)
        if "%" in folded or not words.isdisjoint(("percent", "cent", "pct")):
            yield from ordinals.find_percents(folded, place)
    if digits or not words.isdisjoint(_DATE_WORDS):
        yield from find_dates(folded, today, _order(country))
    if digits or not words.isdisjoint(times.TIME_WORDS):
        yield from times.find_times(folded)
    if counts and not words.isdisjoint(_UNIT_WORDS):
        yield from times.find_durations(folded)
    if not words.isdisjoint(_REPEATING) or (counts and not words.isdisjoint(_UNIT_WORDS)):
        yield from times.find_frequencies(folded)
    if digits or not words.isdisjoint(ordinals.WORDS):
        yield from ordinals.find_ordinals(folded)


def _order(country: str) -> str:
    """Give the order of a date in digits; for Britain without asking Babel."""
    return "DMY" if country == "GB" else locality("en", country).order


def _find_other(
    text: str, folded: str, today: date, place: Locality, currency: str, country: str
) -> Iterator[FoundValue]:
    if "@" in folded or any(char.isdigit() for char in folded):
        yield from find_identifiers(text, folded, country)
        yield from amounts.find_amounts(folded, place, currency)
        yield from ordinals.find_percents(folded, place)
    yield from find_other_dates(folded, today, place)
