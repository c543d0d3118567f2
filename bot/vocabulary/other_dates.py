"""Find dates in languages other than English, with the words that dateparser and CLDR know.

Candidates are the phrases of dateparser's own tables ("vor 3 Tagen", "übermorgen") and days with
the month's name; what a phrase means is asked of dateparser and kept, bounded, with the day.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache

from bot.vocabulary.calendar_words import existing, month_of, next_yearly, one_space
from bot.vocabulary.dates import dated, find_numeric
from bot.vocabulary.findings import FoundValue
from bot.vocabulary.folding import fold
from bot.vocabulary.locales import Locality


def find_other_dates(folded: str, today: date, place: Locality) -> Iterator[FoundValue]:
    """Yield the days of a folded text: in digits, with a month's name, weekdays, "in 3 tagen"."""
    yield from find_numeric(folded, today, place.order)
    for match in _month_pattern(tuple(place.months)).finditer(folded):
        month, year = place.months[match["month"]], match["year"]
        if match["day"] is None:
            if year and 1900 <= int(year) <= 2200:
                yield dated(*match.span(), month_of(int(year), month))
            continue
        day = int(match["day"])
        exact = existing(int(year), month, day) if year else next_yearly(month, day, today)
        if exact:
            yield dated(*match.span(), (exact, exact, "day"))
    for match in _weekday_pattern(tuple(place.weekdays)).finditer(folded):
        ahead = (place.weekdays[match[0]] - today.weekday() - 1) % 7 + 1
        day_then = today + timedelta(days=ahead)
        yield dated(*match.span(), (day_then, day_then, "day"))
    phrases = _phrases(place.language)
    for match in phrases.finditer(folded) if phrases else ():
        period = _read_phrase(one_space(match[0]), place.language, today)
        if period:
            yield dated(*match.span(), period)


@lru_cache(maxsize=32)
def _month_pattern(months: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(months, key=len, reverse=True))
    return re.compile(
        rf"(?<!\w)(?:(?P<day>\d{{1,2}})(?:\.|er|º|°)?\s{{0,2}}(?:de\s|d'|of\s)?)?"
        rf"(?P<month>{names})(?!\w)(?:,?\s(?:de\s|del\s)?(?P<year>(?:19|20)\d\d)(?!\w))?"
    )


@lru_cache(maxsize=32)
def _weekday_pattern(weekdays: tuple[str, ...]) -> re.Pattern[str]:
    """Match full names; short ones ("so", "mi", "mar") are words of many languages."""
    names = [re.escape(name) for name in weekdays if len(name) > 4] or ["(?!)"]
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(names, key=len, reverse=True))})(?!\w)")


@lru_cache(maxsize=32)
def _phrases(language: str) -> re.Pattern[str] | None:
    """Make a pattern of dateparser's relative phrases; `None` for a language it does not know."""
    name = f"dateparser.data.date_translation_data.{language}"
    try:
        info = importlib.import_module(name).info
    except ModuleNotFoundError:
        return None
    fixed = [re.escape(fold(form)) for forms in info.get("relative-type", {}).values()
             for form in forms]  # fmt: skip
    counted = [fold(form).replace(r"(\\d+[.,]?\\d*)", r"\d{1,3}") for forms in
               info.get("relative-type-regex", {}).values() for form in forms]  # fmt: skip
    counted = [form.replace(r"(\d+[.,]?\d*)", r"\d{1,3}") for form in counted]
    alternatives = sorted({*fixed, *counted}, key=lambda form: (-len(form), form))
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)") if alternatives else None


@lru_cache(maxsize=4096)
def _read_phrase(phrase: str, language: str, today: date) -> tuple[date, date, str] | None:
    """Ask dateparser what a phrase means; kept with the day, as tomorrow it means another one."""
    import dateparser

    base = datetime(today.year, today.month, today.day, 12)
    parsed = dateparser.parse(
        phrase,
        languages=[language],
        settings={"RELATIVE_BASE": base, "PREFER_DATES_FROM": "future"},
    )
    return (parsed.date(), parsed.date(), "day") if parsed else None
