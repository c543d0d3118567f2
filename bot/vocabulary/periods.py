"""Rules for weeks, months, years, seasons, holidays and days counted from today, in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from bot.vocabulary import calendar_words as words_of
from bot.vocabulary.calendar_words import MONTHS, Period, compiled, one_day, one_space

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}
_FIXED_HOLIDAYS = {
    "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25), "christmas eve": (12, 24),
    "boxing day": (12, 26), "new year's eve": (12, 31), "new years eve": (12, 31),
    "new year's day": (1, 1), "new years day": (1, 1), "the new year": (1, 1), "new year": (1, 1),
    "halloween": (10, 31), "valentine's day": (2, 14), "valentines day": (2, 14),
}  # fmt: skip
_EASTER_HOLIDAYS = {
    "easter": 0, "easter sunday": 0, "easter monday": 1, "good friday": -2, "mother's day": -21,
    "mothers day": -21,
}  # fmt: skip
_HOLIDAYS = "|".join(
    sorted((*_FIXED_HOLIDAYS, *_EASTER_HOLIDAYS, "black friday"), key=len, reverse=True)
)


def _unit(match: re.Match[str], today: date) -> Period | None:
    """Read "this week", "next month", "last year", "the weekend"."""
    unit = one_space(match["unit"])
    which = match["which"] or "this"
    step = {"next": 1, "coming": 1, "following": 1, "last": -1, "past": -1, "previous": -1}.get(
        which, 0
    )
    if unit in ("week", "wk"):
        return words_of.week_of(today + timedelta(days=7 * step))
    if unit in ("weekend", "wkend"):
        saturday = words_of.week_of(today + timedelta(days=7 * step))[0] + timedelta(days=5)
        return saturday, saturday + timedelta(days=1), "day"
    if unit in ("year", "yr"):
        return date(today.year + step, 1, 1), date(today.year + step, 12, 31), "year"
    if unit == "quarter":
        return _quarter(today.year * 4 + (today.month - 1) // 3 + step)
    near = words_of.add_months(today.replace(day=1), step)
    return None if near is None else words_of.month_of(near.year, near.month)


def _quarter(number: int) -> Period:
    year, quarter = number // 4, number % 4
    first, last = 3 * quarter + 1, 3 * quarter + 3
    return date(year, first, 1), date(year, last, words_of.days_in(year, last)), "month"


def _numbered_quarter(match: re.Match[str], today: date) -> Period | None:
    year = int(match["year"]) if match["year"] else today.year
    return _quarter(year * 4 + int(match["q"]) - 1)


def _stretch(match: re.Match[str], today: date) -> Period | None:
    """Read "the last three months" and "the next two weeks"; today is their other end."""
    count, unit = words_of.read_count(match["count"]), words_of.read_unit(match["unit"])
    ahead = match["which"] in ("next", "coming", "following")
    other = None if count is None else words_of.add(today, count if ahead else -count, unit)
    if other is None:
        return None
    return (today, other, "day") if ahead else (other, today, "day")


def _counted(match: re.Match[str], today: date) -> Period | None:
    """Read "two weeks ago", "in two weeks", "two weeks from now"."""
    count, unit = words_of.read_count(match["count"]), words_of.read_unit(match["unit"])
    if count is None:
        return None
    back = (match["after"] or "").strip() in ("ago", "back", "earlier")
    if not back and unit in ("hour", "minute", "second"):
        return None  # a duration: whether it ends today nobody can say
    return one_day(words_of.add(today, -count if back else count, unit))


def _edge(match: re.Match[str], today: date) -> Period | None:
    """Read "the end of the month", "mid september", "the last day of next year"."""
    whole = _edged(match, today)
    if whole is None:
        return None
    first, last, grain = whole
    edge = one_space(match["edge"]).removeprefix("the ").removesuffix(" of").rstrip("-")
    if edge in ("end", "last day", "last"):
        return one_day(last)
    if edge in ("start", "beginning", "first day", "first"):
        return one_day(first)
    if edge in ("middle", "mid") and grain == "month":
        return first.replace(day=11), first.replace(day=20), "day"
    return (first, last, grain) if edge in ("early", "late") and grain == "month" else None


def _edged(match: re.Match[str], today: date) -> Period | None:
    if match["month"]:
        month = MONTHS[match["month"]]
        return words_of.month_of(today.year + (month < today.month), month)
    which, unit = match["which"], match["unit"]
    step = {"next": 1, "last": -1}.get(which, 0)
    if unit == "week":
        return words_of.week_of(today + timedelta(days=7 * step))
    if unit == "year":
        return date(today.year + step, 1, 1), date(today.year + step, 12, 31), "year"
    near = words_of.add_months(today.replace(day=1), step)
    return None if near is None else words_of.month_of(near.year, near.month)


def _month_end(match: re.Match[str], today: date) -> Period | None:
    return one_day(words_of.month_of(today.year, today.month)[1])


def _year(match: re.Match[str], today: date) -> Period | None:
    year = int(match["span"])
    return date(year, 1, 1), date(year, 12, 31), "year"


def _holiday(match: re.Match[str], today: date) -> Period | None:
    name, back = one_space(match["name"]), match["which"] in ("last", "past")
    years = range(today.year - 1, today.year + 2)
    days = [day for day in (_holiday_in(name, year) for year in years) if day is not None]
    if back:
        return one_day(max((day for day in days if day < today), default=None))
    return one_day(min((day for day in days if day >= today), default=None))


def _holiday_in(name: str, year: int) -> date | None:
    if name in _FIXED_HOLIDAYS:
        return words_of.existing(year, *_FIXED_HOLIDAYS[name])
    if name == "black friday":
        first = date(year, 11, 1)
        return first + timedelta(days=(3 - first.weekday()) % 7 + 22)
    from dateutil.easter import easter  # type: ignore[import-untyped]

    sunday: date = easter(year)
    return sunday + timedelta(days=_EASTER_HOLIDAYS[name])


def _season(match: re.Match[str], today: date) -> Period | None:
    """Read a season of the northern half, by whole months; winter begins in December."""
    which = (match["which"] or "").strip()
    begin = _SEASONS[match["name"]]
    years = range(today.year - 2, today.year + 3)
    seasons = [(date(year, begin, 1), _season_end(date(year, begin, 1))) for year in years]
    if which in ("last", "past"):
        return (*max(season for season in seasons if season[1] < today), "month")
    if which == "next":
        return (*min(season for season in seasons if season[0] > today), "month")
    return (*min(season for season in seasons if season[1] >= today), "month")


def _season_end(first: date) -> date:
    end = words_of.add_months(first, 2)
    return first if end is None else words_of.month_of(end.year, end.month)[1]


def _fortnight(match: re.Match[str], today: date) -> Period | None:
    ahead = match["which"] in ("next", "coming")
    other = words_of.add(today, Decimal(1 if ahead else -1), "fortnight")
    if other is None:
        return None
    return (today, other, "day") if ahead else (other, today, "day")


_WHICH = "next|coming|following|last|past|previous"
_YEAR_BEFORE = (
    r"in|since|from|until|till|by|of|during|before|after|for|year|tax year|back to|statement"
)
PERIOD_RULES: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str], date], Period | None]], ...
] = (
    (compiled(rf"(?:the )?(?P<which>this|{_WHICH}) "
              r"(?P<unit>week|wk|month|year|yr|quarter|weekend|wkend)"), _unit),
    (compiled(r"(?:the )(?P<which>)(?P<unit>weekend|wkend)"), _unit),
    (compiled(rf"(?:the )?(?P<which>{_WHICH}) (?P<count>COUNT) (?P<unit>UNIT)"), _stretch),
    (compiled(r"(?:the )?(?P<which>next|coming|last|past) fortnight"), _fortnight),
    (compiled(r"(?P<count>COUNT) ?(?P<unit>UNIT)(?P<after> (?:ago|back|earlier|from now|"
              r"from today|time|later))"), _counted),
    (compiled(r"(?P<count>COUNT) ?(?P<unit>UNIT)'?(?P<after> time)"), _counted),
    (compiled(r"in (?P<span>(?P<count>COUNT) ?(?P<unit>UNIT))(?P<after>)(?! (?:ago|time|a row))"),
     _counted),
    (compiled(r"(?P<edge>(?:the )?(?:end|start|beginning|middle|last day|first day|last|first) of|"
              r"mid|early|late)(?:-| )(?:(?P<which>the|this|next|last) (?P<unit>week|month|year)|"
              r"(?P<month>MONTH))"), _edge),
    (compiled(r"month end|end of month"), _month_end),
    (compiled(rf"(?:{_YEAR_BEFORE}) (?P<span>(?:19|20)\d\d)(?![\w%]|[.,:/-]\d| ?(?:pounds|quid|"
              r"euros?|dollars?)\b)"), _year),
    (compiled(r"q(?P<q>[1-4])(?: (?P<year>(?:19|20)\d\d))?"), _numbered_quarter),
    (compiled(rf"(?:(?P<which>this|next|last|past) )?(?P<name>{_HOLIDAYS})"
              r"(?! (?:account|pot|fund))"), _holiday),
    (compiled(r"(?P<which>the|this|next|last|past) (?P<name>spring|summer|autumn|winter)"),
     _season),
    (compiled(r"(?:in|by|since|until|before|after|during) (?P<which>)"
              r"(?P<span>(?P<name>spring|summer|autumn|winter))"), _season),
)  # fmt: skip
