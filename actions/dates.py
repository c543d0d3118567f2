"""Read days, periods and frequencies as Britons type them; dateparser does the long tail."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from typing import Literal

import dateparser

from actions.bank.frequency import WEEKDAYS, Frequency

Prefer = Literal["future", "past"]
_DAYS = {name.lower(): index for index, name in enumerate(WEEKDAYS)} | {
    short: index
    for index, shorts in enumerate(
        (("mon",), ("tue", "tues"), ("wed", "weds"), ("thu", "thur", "thurs"), ("fri",), ("sat",),
         ("sun",))
    )
    for short in shorts
}  # fmt: skip
_DAY = "|".join(sorted(_DAYS, key=len, reverse=True))
_MONTHS = {name.lower(): index for index, name in enumerate(calendar.month_name) if name} | {
    name.lower(): index for index, name in enumerate(calendar.month_abbr) if name
}
_TODAY = re.compile(
    r"(right )?now|(later )?today|tonight|this (morning|afternoon|evening)|asap|immediately|"
    r"straight away|at once|as soon as possible"
)
_EDGE = re.compile(r"^(on|by|at|from|starting|since|for|for the)\s+|\s+please$|[.!?,;]+$")
_LONG_FORM = "%A %d %B %Y"
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
            "couple of": 2, "a couple of": 2}  # fmt: skip


def format_date(day: date) -> str:
    """Write a day in full, so that it can only be read one way."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {calendar.month_name[day.month]} {day.year}"


def parse_date(text: str, today: date, *, prefer: Prefer = "future") -> date | None:
    """Read one day; where the year or month is left out, the nearest in the preferred direction."""
    words = _clean(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words):
        return _existing(*(int(part) for part in words.split("-")))
    if _TODAY.fullmatch(words):
        return today
    return (
        _long_form(words)
        or _weekday(words, today, prefer)
        or _day_of_month(words, today, prefer)
        or _named(words, today, prefer)
        or _long_tail(words, today, prefer)
    )


def _long_form(words: str) -> date | None:
    match = re.fullmatch(r"(?:[a-z]+ )?(\d{1,2}) ([a-z]+) (\d{4})", words)
    month = _MONTHS.get(match[2]) if match else None
    return _existing(int(match[3]), month, int(match[1])) if match and month else None


def _clean(text: str) -> str:
    words = " ".join(text.lower().split())
    while _EDGE.search(words):
        words = _EDGE.sub("", words).strip()
    return words


def _existing(year: int, month: int, day: int) -> date | None:
    if not (1 <= month <= 12 and 1 <= year <= 9998):
        return None
    return date(year, month, day) if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _weekday(words: str, today: date, prefer: Prefer) -> date | None:
    """Read weekdays. "Next Friday" is the Friday of next week, as most Britons use it."""
    match = re.fullmatch(
        rf"(?:(a week on|this|this coming|coming|next|last|past|the) )?({_DAY})( week)?", words
    )
    if not match:
        return None
    which, weekday = match[1] or "", _DAYS[match[2]]
    ahead = (weekday - today.weekday() - 1) % 7 + 1
    if which == "next":
        return today + timedelta(days=7 - today.weekday() + weekday)
    if which in ("last", "past") or (prefer == "past" and not which):
        return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)
    if which == "this" and prefer == "past":
        return today - timedelta(days=today.weekday() - weekday)
    extra = 7 if which == "a week on" or match[3] else 0
    return today + timedelta(days=ahead + extra)


def _day_of_month(words: str, today: date, prefer: Prefer) -> date | None:
    match = re.fullmatch(
        r"(?:the )?(\d{1,2})(?:st|nd|rd|th)( of (?:the|this|next|last) month)?|the (\d{1,2})|"
        r"the (first|last)( of (?:the|this|next|last) month)?",
        words,
    )
    if not match:
        return None
    tail = match[2] or match[5] or ""
    number = int(match[1] or match[3] or 1)
    step = 1 if prefer == "future" else -1
    month = today.year * 12 + today.month - 1
    if "next" in tail or "last" in tail:
        month += 1 if "next" in tail else -1
        step = 0
    for _ in range(12):
        last = calendar.monthrange(month // 12, month % 12 + 1)[1]
        day = _existing(month // 12, month % 12 + 1, last if match[4] == "last" else number)
        fits = day and (not step or (day >= today if step > 0 else day <= today))
        if fits or not step:
            return day
        month += step
    return None


def _named(words: str, today: date, prefer: Prefer) -> date | None:
    """Read what dateparser does not know."""
    days = {"day after tomorrow": 2, "the day after tomorrow": 2, "day before yesterday": -2,
            "the day before yesterday": -2, "fortnight": 14, "a fortnight": 14,
            "in a fortnight": 14, "next week": 7, "a week today": 7, "in a week": 7,
            "last week": -7, "tmrw": 1, "tmr": 1, "tomoz": 1, "tomorow": 1, "tommorow": 1,
            "tommorrow": 1, "tomorrow morning": 1, "a week tomorrow": 8}  # fmt: skip
    if words in days:
        return today + timedelta(days=days[words])
    if re.fullmatch(r"(the )?(end|last day) of (the|this) month|month end", words):
        return today.replace(day=calendar.monthrange(today.year, today.month)[1])
    month = re.fullmatch(r"(?:the )?(?:start|beginning|first)? ?(?:of )?next month", words)
    if month:
        return (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    holiday = {
        "christmas": (12, 25),
        "christmas day": (12, 25),
        "christmas eve": (12, 24),
        "new year": (1, 1),
        "new years day": (1, 1),
        "new year's day": (1, 1),
    }.get(words)
    if holiday:
        this = date(today.year, *holiday)
        if prefer == "future":
            return this if this >= today else this.replace(year=today.year + 1)
        return this if this <= today else this.replace(year=today.year - 1)
    return None


def _long_tail(words: str, today: date, prefer: Prefer) -> date | None:
    words = re.sub(r"^(.*) (from now|time|from today)$", r"in \1", words.replace("'", ""))
    if not re.search(r"[a-z/.-]", words) or re.fullmatch(r"[a-z]{1,2}", words):
        return None  # a bare number is a sum or a card, hardly a day
    found = dateparser.parse(
        words,
        languages=["en"],
        settings={
            "PREFER_DATES_FROM": prefer,
            "RELATIVE_BASE": datetime(today.year, today.month, today.day, 12),
            "DATE_ORDER": "DMY",
            "REQUIRE_PARTS": ["day"]
            if not re.search(r"\b(ago|in)\b|day|week|month", words)
            else [],
        },
    )
    return found.date() if found else None


def parse_period(text: str, today: date) -> tuple[date, date] | None:
    """Read a stretch of time in the past: this month, last week, May, the last 30 days."""
    if re.match(r"since ", text.strip().lower()):
        start = parse_period(text.strip()[6:], today)
        return (start[0], today) if start else None
    words = _clean(text)
    words = re.sub(r"^(in|during|over|the) ", "", re.sub(r"^(in|during|over) ", "", words))
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    last_first = (first - timedelta(days=1)).replace(day=1)
    fixed = {
        "this week": (monday, today), "last week": (monday - timedelta(7), monday - timedelta(1)),
        "this month": (first, today), "last month": (last_first, first - timedelta(1)),
        "this year": (date(today.year, 1, 1), today),
        "last year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        "month": (first, today), "week": (monday, today), "lately": (today - timedelta(30), today),
        "recently": (today - timedelta(30), today), "weekend": _weekend(today),
        "last weekend": _weekend(today), "at the weekend": _weekend(today),
    }  # fmt: skip
    if words in fixed:
        return fixed[words]
    match = re.fullmatch(
        r"(?:last|past|previous) (\d+|[a-z ]+?) ?(day|week|month|fortnight)s?", words
    )
    count = match and (int(match[1]) if match[1].isdigit() else _NUMBERS.get(match[1], 0))
    if match and count and count < 1000:
        length = {"day": 1, "week": 7, "fortnight": 14, "month": 30}[match[2]]
        return today - timedelta(days=count * length), today
    month = _MONTHS.get(re.sub(r"^last ", "", words))
    if month:
        year = today.year if month <= today.month else today.year - 1
        end = date(year, month, calendar.monthrange(year, month)[1])
        return date(year, month, 1), min(end, today)
    day = parse_date(text, today, prefer="past")
    return (day, day) if day and day <= today else None


def _weekend(today: date) -> tuple[date, date]:
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    return sunday - timedelta(days=1), sunday


_FIXED = {
    "daily": (1, "day"), "every day": (1, "day"), "each day": (1, "day"),
    "weekly": (1, "week"), "every week": (1, "week"), "each week": (1, "week"),
    "once a week": (1, "week"), "per week": (1, "week"), "a week": (1, "week"),
    "fortnightly": (2, "week"), "every fortnight": (2, "week"), "biweekly": (2, "week"),
    "bi-weekly": (2, "week"), "every other week": (2, "week"), "every second week": (2, "week"),
    "monthly": (1, "month"), "every month": (1, "month"), "each month": (1, "month"),
    "once a month": (1, "month"), "per month": (1, "month"), "a month": (1, "month"),
    "month": (1, "month"), "every other month": (2, "month"), "every second month": (2, "month"),
    "quarterly": (3, "month"), "every quarter": (3, "month"), "each quarter": (3, "month"),
    "half-yearly": (6, "month"), "half yearly": (6, "month"), "twice a year": (6, "month"),
    "yearly": (1, "year"), "annually": (1, "year"), "every year": (1, "year"),
    "each year": (1, "year"), "once a year": (1, "year"), "a year": (1, "year"),
}  # fmt: skip


def parse_frequency(text: str) -> Frequency | None:
    """Read how often a payment repeats."""
    words = re.sub(r"\bevry\b|\bevrey\b", "every", _clean(text))
    words = (
        words.replace("montly", "monthly").replace("mothly", "monthly").replace("wekly", "weekly")
    )
    if words in _FIXED:
        return Frequency(*_FIXED[words])
    match = re.fullmatch(
        rf"(?:(every|each|weekly on|every week on|on)\s)?(other |second )?({_DAY})s?", words
    )
    if match and (match[1] or words.endswith("s")):
        return Frequency(2 if match[2] else 1, "week", weekday=_DAYS[match[3]])
    match = re.fullmatch(
        r"(?:monthly on |every month on |on )?(?:every )?the (\d{1,2})(?:st|nd|rd|th)?"
        r"(?: of (?:every|each|the) month| every month| each month| monthly)?", words,
    )  # fmt: skip
    if match and 1 <= int(match[1]) <= 31:
        return Frequency(1, "month", day=int(match[1]))
    match = re.fullmatch(r"(?:every|each) (\d{1,2}|[a-z]+) (day|week|month|year)s?", words)
    count = match and (int(match[1]) if match[1].isdigit() else _NUMBERS.get(match[1], 0))
    return Frequency(count, match[2]) if match and count else None
