"""English words of the calendar, the patterns they make, and the arithmetic of days."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from bot.vocabulary.number_words import SMALL, read_number_words

Period = tuple[date, date, str]
"""First day, last day, and grain: day, week, month or year."""

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name} | {
    name.lower(): number for number, name in enumerate(calendar.month_abbr) if name
} | {"sept": 9, "febuary": 2, "feburary": 2, "janurary": 1, "septemeber": 9,
     "ocotber": 10, "novemeber": 11, "decemeber": 12, "augst": 8}  # fmt: skip
SURE_MONTHS = frozenset(MONTHS) - {"may", "march", "mar", "jan", "apr"}
"""Months that are hardly another word, wherever they stand."""
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)} | {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4,
    "sat": 5, "sun": 6, "wednsday": 2, "wensday": 2, "wendesday": 2, "thurday": 3, "thrusday": 3,
    "saterday": 5, "tuseday": 1, "munday": 0, "firday": 4,
}  # fmt: skip
SHORT_WEEKDAYS = frozenset({"mon", "wed", "sat", "sun"})
"""Weekdays that are other words too, and need a preposition."""
UNITS = {
    "second": "second", "sec": "second", "minute": "minute", "min": "minute", "hour": "hour",
    "hr": "hour", "day": "day", "night": "day", "week": "week", "wk": "week", "month": "month",
    "mth": "month", "fortnight": "fortnight", "quarter": "quarter", "year": "year", "yr": "year",
    "working day": "working_day", "business day": "working_day",
}  # fmt: skip
ORDINALS = {
    word: number
    for number, word in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
         "tenth", "eleventh", "twelfth"), start=1)
}  # fmt: skip
ORDINAL_NOUNS = (
    "one|ones|option|options|card|cards|account|payment|payments|transaction|transactions|time|"
    "person|attempt|try|go|choice|item|line|row|party|letter|digit|digits|floor|class|charge|"
    "transfer|refund|instal?ment|birthday|anniversary|century|name|number|half|page|step|question|"
    "reminder|email|order|request|child|kid|place|entry|suggestion|answer|purchase|bill|invoice|"
    "month|year|week|day|quarter"
)

COUNT = (
    rf"(?:\d{{1,3}}(?:\.5)?|half an?|(?:a )?couple of|(?:{'|'.join(SMALL)})"
    rf"(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|an?)"
)
UNIT = rf"(?:{'|'.join(sorted(UNITS, key=len, reverse=True))})s?"
PART = r"(?: (?:early |late )?(?P<part>morning|afternoon|evening|night|nite|lunchtime))?"
BEFORE_DATE = (
    r"(?:in|on|by|since|until|til|till|during|for|from|of|before|after|early|late|mid|around|"
    r"between|through|throughout|and|starting)"
)

WORDS = frozenset(
    {*MONTHS, *WEEKDAYS}
    | {f"{name}s" for name in (*WEEKDAYS, *UNITS)}
    | set(UNITS)
    | set(
        re.findall(
            r"\w+",
            "today tody tonight tomorrow tmrw tmr tomoz tomorow tommorow tommorrow yesterday "
            "yesterdy yesturday now night nite morning afternoon evening weekend weekends wkend "
            "christmas xmas easter boxing eve year's friday mother's halloween valentine's spring "
            "summer autumn winter q1 q2 q3 q4 first last",
        )
    )
)
"""A text without digits and without these names no day."""


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a phrase: `MONTH` and the like are filled in, a space is any short gap."""
    for name, filling in _FILLINGS:
        pattern = pattern.replace(name, filling)
    return re.compile(
        rf"(?<![\w£$€])(?<!\d[.,/:])(?:{pattern})(?!\w)".replace(
            "(?<!and )", r"(?<!and\s)"
        ).replace(" ", r"(?:\s{1,3})")
    )


_FILLINGS = (
    ("ORDINALNOUNS", ORDINAL_NOUNS),
    ("MONTH", f"(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})"),
    ("WEEKDAY", f"(?:{'|'.join(sorted(WEEKDAYS, key=len, reverse=True))})"),
    ("COUNT", COUNT),
    ("UNIT", UNIT),
    ("PART", PART),
    ("BEFORE", BEFORE_DATE),
    ("ORDINAL", f"(?:{'|'.join(ORDINALS)})"),
)


def one_space(text: str) -> str:
    """Return the words of a phrase with one space between them."""
    return " ".join(text.split())


@lru_cache(maxsize=1024)
def read_count(text: str) -> Decimal | None:
    """Read how many: "3", "two", "a", "half an", "a couple of"."""
    words = one_space(text)
    if words in ("a", "an"):
        return Decimal(1)
    if words.startswith("half"):
        return Decimal("0.5")
    if words.endswith("couple of"):
        return Decimal(2)
    return Decimal(words) if words[0].isdecimal() else read_number_words(words)


def read_unit(text: str) -> str:
    """Return the unit that a word in one or many names."""
    words = one_space(text)
    return UNITS.get(words) or UNITS[words.removesuffix("s")]


def one_day(day: date | None) -> Period | None:
    """Return the period of a single day."""
    return None if day is None else (day, day, "day")


def existing(year: int, month: int, day: int) -> date | None:
    """Return a day of the calendar, `None` where there is none such: 31 June."""
    if not (1 <= month <= 12 and 1900 <= year <= 2200):
        return None
    return date(year, month, day) if 1 <= day <= days_in(year, month) else None


def days_in(year: int, month: int) -> int:
    """Return how many days a month has."""
    return calendar.monthrange(year, month)[1]


def add_months(day: date, months: int) -> date | None:
    """Move a day by months; the 31st becomes the last day of a shorter month."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return existing(year, month, min(day.day, days_in(year, month))) if year > 0 else None


def add(day: date, count: Decimal, unit: str) -> date | None:
    """Move a day by units; parts of a day stay within it. `None` beyond the calendar."""
    days = {"day": 1, "week": 7, "fortnight": 14}.get(unit)
    try:
        if days is not None:
            return day + timedelta(days=int(count * days))
        if unit == "working_day":
            return _add_working_days(day, int(count))
        months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
        return day if months is None else add_months(day, int(count * months))
    except (OverflowError, ValueError):
        return None


def _add_working_days(day: date, count: int) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= day.weekday() < 5
    return day


def month_of(year: int, month: int) -> Period:
    """Return the period of a whole month."""
    return date(year, month, 1), date(year, month, days_in(year, month)), "month"


def next_yearly(month: int, day: int, today: date) -> date | None:
    """Return the next time that a day of the year comes, today included."""
    for year in range(today.year, today.year + 9):  # 29 February may be eight years off
        found = existing(year, month, day)
        if found and found >= today:
            return found
    return None


def week_of(day: date) -> Period:
    """Return Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6), "week"
