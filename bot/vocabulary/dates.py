"""Find days and periods in English: next friday, 3rd of march, 12/03, the end of the month.

A phrase gives the first and the last day that it names. Without a year, the next time counts,
today included; after "since" and "last", the time before. "Next Friday" is the Friday of next
week, as most Britons use it. Prepositions stay outside a finding and articles inside, although
they matter: "in two weeks" is a day, "two weeks" a duration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from bot.vocabulary import calendar_words as words_of
from bot.vocabulary.calendar_words import (
    MONTHS,
    ORDINALS,
    SHORT_WEEKDAYS,
    SURE_MONTHS,
    WEEKDAYS,
    Period,
    compiled,
    one_day,
    one_space,
)
from bot.vocabulary.findings import FoundValue, found
from bot.vocabulary.periods import PERIOD_RULES

Reader = Callable[["re.Match[str]", date], "Period | None"]

_SPAN = "span"
_NAMED_DAYS = {
    "today": 0, "tody": 0, "tonight": 0, "now": 0, "right now": 0, "just now": 0, "tomorrow": 1,
    "earlier today": 0, "later today": 0, "tmrw": 1, "tmr": 1, "tomoz": 1, "tomorow": 1,
    "tommorow": 1, "tommorrow": 1, "yesterday": -1, "yesterdy": -1, "yesturday": -1,
    "the day after tomorrow": 2, "day after tomorrow": 2, "the day before yesterday": -2,
    "day before yesterday": -2,
}  # fmt: skip
_NAMED = "|".join(sorted(_NAMED_DAYS, key=len, reverse=True))


def find_dates(folded: str, today: date, order: str) -> Iterator[FoundValue]:
    """Yield the days and periods of a folded English text.

    Args:
        folded: what `fold` made of the text.
        today: the day from which "tomorrow" is counted.
        order: the order of a date in digits, "DMY", "MDY" or "YMD".
    """
    yield from find_numeric(folded, today, order)
    for pattern, read in RULES:
        for match in pattern.finditer(folded):
            period = read(match, today)
            if period is not None:
                name = _SPAN if _SPAN in pattern.groupindex and match[_SPAN] else 0
                yield dated(*match.span(name), period, match.groupdict().get("part"))


def dated(start: int, end: int, period: Period, part: str | None = None) -> FoundValue:
    """Make a finding of a period; `part` is the part of the day, where one is named."""
    first, last, grain = period
    value = {"from": first.isoformat(), "to": last.isoformat(), "grain": grain}
    if part:
        value["part"] = "night" if part == "nite" else part
    return found(start, end, "date", value)


_NUMERIC = re.compile(
    r"(?<![\w/.,:£$€-])(?:(?P<y>(?:19|20)\d\d)(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?:/(?P<b>\d{1,2})(?:/(?P<c>\d{4}|\d\d))?"
    r"|(?P<t>[.-])(?P<e>\d{1,2})(?P=t)(?P<f>\d{4}|\d\d)))(?![\w/%£$€-])(?![.,:]\d)"
)


def find_numeric(folded: str, today: date, order: str) -> Iterator[FoundValue]:
    """Yield dates in digits, 12/03 and 2026-03-12; the order gives way where it cannot be."""
    for match in _NUMERIC.finditer(folded):
        if match[0] == "24/7":
            continue
        if match["y"]:
            day = words_of.existing(int(match["y"]), int(match["m"]), int(match["d"]))
        else:
            first, second = int(match["a"]), int(match["b"] or match["e"])
            pair = (first, second) if order.find("D") < order.find("M") else (second, first)
            year = match["c"] or match["f"]
            day = _in_year(*pair, year, today) or _in_year(*pair[::-1], year, today)
        if day is not None:
            yield dated(*match.span(), (day, day, "day"))


def _in_year(day: int, month: int, year: str | None, today: date) -> date | None:
    """Return a day of a year that may be left out or short: 26 is 2026, 89 is 1989."""
    if year is None:
        return words_of.next_yearly(month, day, today)
    number = int(year)
    if number < 100:
        number += 2000 if number <= today.year % 100 + 20 else 1900
    return words_of.existing(number, month, day)


def _day_of_month(match: re.Match[str], today: date) -> Period | None:
    """Read "3rd of march 2026", "march 3", "the third of march" and "2-16 may"."""
    month, number = MONTHS[match["month"]], match["day"]
    first = int(number) if number.isdigit() else ORDINALS[number]
    until = match.groupdict().get("until")
    last = _in_year(int(until) if until else first, month, match["year"], today)
    start = None if last is None else words_of.existing(last.year, month, first)
    return None if last is None or start is None or start > last else (start, last, "day")


def _weekday(match: re.Match[str], today: date) -> Period | None:
    which, name = one_space(match["which"] or ""), match["day"]
    if name in SHORT_WEEKDAYS and not (which or match["prep"] or _is_whole(match)):
        return None
    weekday = WEEKDAYS[name]
    ahead = (weekday - today.weekday() - 1) % 7 + 1
    behind = (today.weekday() - weekday - 1) % 7 + 1
    if which == "next":
        return one_day(today + timedelta(days=7 - today.weekday() + weekday))
    if which in ("last", "past") or (match["prep"] == "since" and not which):
        return one_day(today - timedelta(days=behind))
    if which == "a week on" or match["week"]:
        ahead += 7
    return one_day(today + timedelta(days=ahead))


def _is_whole(match: re.Match[str]) -> bool:
    return match[0].strip() == match.string.strip(" .,!?")


def _named_day(match: re.Match[str], today: date) -> Period | None:
    return one_day(today + timedelta(days=_NAMED_DAYS[one_space(match["day"])]))


def _part_of_day(match: re.Match[str], today: date) -> Period | None:
    return one_day(today - timedelta(days=match["which"] == "last"))


def _nth(match: re.Match[str], today: date) -> Period | None:
    """Read "the 28th" and "the 1st of next month"."""
    number, tail = match["n"], one_space(match["tail"] or "")
    day = int(number) if number.isdigit() else ORDINALS[number]
    if not number.isdigit() and not tail:
        return None  # "the first" alone is the first of anything
    if "next" in tail or "last" in tail:
        near = words_of.add_months(today.replace(day=1), 1 if "next" in tail else -1)
        return one_day(words_of.existing(near.year, near.month, day)) if near else None
    for step in range(12):
        near = words_of.add_months(today.replace(day=1), step)
        found_day = words_of.existing(near.year, near.month, day) if near else None
        if found_day is not None and found_day >= today:
            return one_day(found_day)
    return None


def _month(match: re.Match[str], today: date) -> Period | None:
    """Read a month; the names that are other words too need a word before them, or a year."""
    name, which, year = match["month"], match["which"] or "", match["year"]
    before = (match.string, max(0, match.start("span") - 20), match.start("span"))
    if _A_DAY.search(*before):
        return None  # with that day, "31 june" is no month either
    said = match["prep"] or which or year or _is_whole(match) or _OF_A_MONTH.match(
        match.string, match.end())  # fmt: skip
    if not said and (name not in SURE_MONTHS or _A_NAME.search(*before)):
        return None
    if name not in SURE_MONTHS and match["prep"] == "and" and not year:
        return None
    month = MONTHS[name]
    if year:
        return words_of.month_of(int(year), month)
    if which in ("last", "past") or match["prep"] == "since":
        return words_of.month_of(today.year - (month >= today.month), month)
    later = month < today.month or (which == "next" and month == today.month)
    return words_of.month_of(today.year + later, month)


# "Send £20 to June": somebody, no month. "My March statement": a month.
_A_NAME = re.compile(
    r"\b(?:to|pay|paid|send|sent|give|gave|owe|aunt|auntie|named?|called|dear|hi|hello|i'm|hey)\s$"
)
_A_DAY = re.compile(r"(?<![\d£$€.,])\d{1,2}(?:st|nd|rd|th)?\s(?:of\s)?$")
_OF_A_MONTH = re.compile(r"\s(?:statement|statements|payslip|salary|bill|bills|wages)\b")
_YEAR = r"(?:,? (?P<year>(?:19|20)\d\d)(?![\d%]))?"
_NOT_MONEY = r"(?! ?(?:pounds?|quid|euros?|dollars?|k|grand|pence|p|%|gbp|eur|usd)\b)(?![\d:.,/]\d)"
_NTH = r"(?:st|nd|rd|th)"
RULES: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (compiled(rf"(?:the )?(?P<day>\d{{1,2}}){_NTH}?(?: ?(?:-|to) ?(?P<until>\d{{1,2}}){_NTH}?)?"
              rf" ?(?:of )?(?P<month>MONTH){_YEAR}"), _day_of_month),
    (compiled(rf"(?:the )?(?P<day>ORDINAL) of (?P<month>MONTH){_YEAR}"), _day_of_month),
    (compiled(rf"(?P<month>MONTH) (?:the )?(?P<day>\d{{1,2}}){_NTH}?{_NOT_MONEY}{_YEAR}"),
     _day_of_month),
    (compiled(r"(?:(?P<prep>BEFORE) )?(?P<span>(?:(?P<which>a week on|this coming|this|coming|next|"
              r"last|past|the) )?(?P<day>WEEKDAY)PART(?P<week> week)?)"), _weekday),
    (compiled(rf"(?<!and )(?P<day>{_NAMED})PART(?! tv)"), _named_day),
    (compiled(r"(?P<which>this|last) (?P<part>morning|afternoon|evening|night|nite|lunchtime)"),
     _part_of_day),
    (compiled(rf"the (?P<n>\d{{1,2}}){_NTH}"
              r"(?P<tail> of (?:the|this|next|last) month)?(?! (?:ORDINALNOUNS)\b)"), _nth),
    (compiled(rf"(?:on|by|from|until|till|since|before|after) (?P<span>(?P<n>\d{{1,2}}){_NTH}"
              r"(?P<tail> of (?:the|this|next|last) month)?)(?! (?:ORDINALNOUNS)\b)"), _nth),
    (compiled(rf"(?P<n>\d{{1,2}}){_NTH}(?P<tail> of (?:the|this|next|last) month)"), _nth),
    (compiled(rf"(?P<span>(?P<n>\d{{1,2}}){_NTH})(?P<tail>) (?:of )?(?:every|each) month"), _nth),
    (compiled(r"(?:the )?(?P<n>ORDINAL)(?P<tail> of (?:the|this|next|last) month)"), _nth),
    (compiled(r"(?:(?P<prep>BEFORE) )?(?P<span>(?:(?P<which>this|next|last|past) )?"
              r"(?P<month>MONTH)(?: (?P<year>(?:19|20)\d\d)(?![\d%,.]))?)"), _month),
    *PERIOD_RULES,
)  # fmt: skip
