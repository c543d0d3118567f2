"""Find times of the day, durations and how often something repeats, in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from bot.vocabulary.calendar_words import (
    UNITS,
    WEEKDAYS,
    compiled,
    one_space,
    read_count,
    read_unit,
)
from bot.vocabulary.findings import FoundValue, found
from bot.vocabulary.number_words import SMALL

FREQUENCY_WORDS = frozenset(
    re.findall(
        r"\S+",
        "every each per a p/m p/w p/a pcm pw pa daily weekly fortnightly monthly quarterly yearly "
        "annually biweekly mnthly montly once twice month evry mondays tuesdays wednesdays "
        "thursdays fridays saturdays sundays weekends",
    )
)
TIME_WORDS = frozenset({"noon", "midday", "midnight", "past", "quarter", "o'clock", "clock"})

_CLOCK = re.compile(
    r"(?<![\w£$€.,:/-])(?:(?P<h>1[0-2]|0?[1-9])(?:[:.](?P<m>[0-5]\d))?\s?"
    r"(?P<half>am|pm|a\.m\.?|p\.m\.?)(?!\w)"
    r"|(?P<h24>[01]?\d|2[0-4]):(?P<m24>[0-5]\d)(?::[0-5]\d)?(?![\w:])(?!\s?[ap]\.?m\b))"
)
_HOURS = "|".join(word for word, number in SMALL.items() if 1 <= number <= 12)
_SPOKEN = compiled(rf"(?P<to>half past|quarter past|quarter to) (?P<h>\d{{1,2}}|{_HOURS})")
_O_CLOCK = compiled(rf"(?P<h>\d{{1,2}}|{_HOURS}) ?o'? ?clock")
_AT = compiled(
    r"(?:today|tomorrow|tmrw|tonight|WEEKDAY) at (?P<span>(?P<h>\d{1,2}))(?![.,:/]\d)(?! ?[ap]m)"
    r"|at (?P<span2>(?P<h2>\d{1,2}))(?= (?:today|tomorrow|tonight|in the (?:morning|afternoon|"
    r"evening)))"
)
_NAMED = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_NAMED_TIME = compiled("|".join(_NAMED))


def find_times(folded: str) -> Iterator[FoundValue]:
    """Yield times of the day: 3pm, 15:30, noon, half past two.

    Where neither am nor pm is said, the hour is taken as typed: `half past two` is 02:30.
    """
    for match in _CLOCK.finditer(folded):
        if match["h"]:
            hour = int(match["h"]) % 12 + (12 if match["half"].startswith("p") else 0)
            yield from _time(*match.span(), hour, int(match["m"] or 0))
        else:
            yield from _time(*match.span(), int(match["h24"]), int(match["m24"]))
    for match in _NAMED_TIME.finditer(folded):
        yield found(*match.span(), "time", {"time": _NAMED[match[0]]})
    for match in _SPOKEN.finditer(folded):
        to, minute = match["to"].endswith("to"), 30 if match["to"].startswith("half") else 15
        yield from _time(*match.span(), _hour(match["h"]) - to, 45 if to else minute)
    for match in _O_CLOCK.finditer(folded):
        yield from _time(*match.span(), _hour(match["h"]), 0)
    for match in _AT.finditer(folded):
        name = "span" if match["span"] else "span2"
        yield from _time(*match.span(name), int(match[name]), 0)


def _hour(text: str) -> int:
    return int(text) if text.isdigit() else SMALL[text]


def _time(start: int, end: int, hour: int, minute: int) -> Iterator[FoundValue]:
    if hour == 24 and minute == 0:
        hour = 0
    if 0 <= hour < 24:
        yield found(start, end, "time", {"time": f"{hour:02d}:{minute:02d}"})


# "a week" is a duration after one of these, and how often something repeats after a sum.
_DURATION_BEFORE = (
    r"(?:in|for|within|after|over|about|around|nearly|almost|than|takes?|took|taken|been|of|under|"
    r"half|least|only|another|by|waited|lasts?|until)"
)
_DURATION = compiled(r"(?P<count>COUNT)(?: ?)(?P<unit>UNIT)(?![ -](?:old|switch|out)\b)")
_A_UNIT = compiled(rf"{_DURATION_BEFORE} (?P<span>(?P<count>an?) (?P<unit>UNIT))(?! out)")
_TIMES = compiled(r"(?:once|twice|(?P<times>COUNT) times) an? (?P<unit>UNIT)")


def find_durations(folded: str) -> Iterator[FoundValue]:
    """Yield lengths of time: 2 weeks, half an hour, five working days; for a year."""
    for match in _DURATION.finditer(folded):
        if match["count"] not in ("a", "an"):
            yield from _duration(match, 0)
    for match in _A_UNIT.finditer(folded):
        yield from _duration(match, "span")


def _duration(match: re.Match[str], group: int | str) -> Iterator[FoundValue]:
    count = read_count(match["count"])
    if count is not None:
        yield found(*match.span(group), "duration", _length(count, read_unit(match["unit"])))


def _length(count: Decimal, unit: str) -> dict[str, Any]:
    """Write a length; a fortnight is two weeks and a quarter three months."""
    factor, unit = {"fortnight": (2, "week"), "quarter": (3, "month")}.get(unit, (1, unit))
    number = count * factor
    return {"value": int(number) if number == int(number) else float(number), "unit": unit}


_ADVERBS: dict[str, dict[str, Any]] = {
    "daily": {"value": 1, "unit": "day"}, "weekly": {"value": 1, "unit": "week"},
    "fortnightly": {"value": 2, "unit": "week"}, "biweekly": {"value": 2, "unit": "week"},
    "bi-weekly": {"value": 2, "unit": "week"}, "monthly": {"value": 1, "unit": "month"},
    "mnthly": {"value": 1, "unit": "month"}, "montly": {"value": 1, "unit": "month"},
    "month by month": {"value": 1, "unit": "month"}, "pcm": {"value": 1, "unit": "month"},
    "p/m": {"value": 1, "unit": "month"}, "pw": {"value": 1, "unit": "week"},
    "p/w": {"value": 1, "unit": "week"}, "p/a": {"value": 1, "unit": "year"},
    "quarterly": {"value": 3, "unit": "month"}, "half-yearly": {"value": 6, "unit": "month"},
    "half yearly": {"value": 6, "unit": "month"}, "yearly": {"value": 1, "unit": "year"},
    "annually": {"value": 1, "unit": "year"},
}  # fmt: skip
# "My monthly limit" names a limit, and "the yearly fee" a fee: nothing repeats that was asked for.
_NOT_REPEATED = (
    r"(?! (?:spending |cash |card |atm |transfer |withdrawal |contactless |online )?(?:limit|"
    r"limits|limt|max|maximum|cap|allowance|budget|statement|statements|fee|fees|charge|interest|spend|"
    r"spending|average|total|income|salary)\b)"
)
_ADVERB = compiled(f"(?P<word>{'|'.join(sorted(_ADVERBS, key=len, reverse=True))}){_NOT_REPEATED}")
_EVERY = compiled(
    r"(?:every|each|evry)(?: single)?(?P<other> other| second)?(?: (?P<count>\d{1,2}|\w+))? "
    r"(?P<unit>UNIT|WEEKDAY|weekends?|morning|evening)"
)
_EVERY_NTH = compiled(
    r"(?P<span>(?:every|each) (?:the )?(?P<n>\d{1,2})(?:st|nd|rd|th))"
    r"|(?P<n2>\d{1,2})(?:st|nd|rd|th) (?:of )?(?P<span2>(?:every|each) month)"
)
_PER = compiled(r"(?:per|(?P<once>once|twice|(?P<times>COUNT) times) (?:an?|per)) (?P<unit>UNIT)")
_SLASH = re.compile(r"/\s?(?P<unit>day|week|wk|month|mth|year|yr)(?!\w)")
_COUNTED = compiled(r"(?P<count>COUNT)[- ](?P<adverb>weekly|monthly|yearly)")
_AFTER_SUM = compiled(
    r"(?:[£$€]?[\d.,]*\dk?|pounds?|quid|euros?|dollars?|p|pence|grand|hundred|thousand|tenner|fiver"
    rf"|{'|'.join(SMALL)}|payments?|much) (?P<span>an? (?P<unit>day|week|month|year|fortnight))"
).pattern.removeprefix(r"(?<![\w£$€])")
_PLURAL_DAYS = compiled(f"(?P<day>{'|'.join(day for day in WEEKDAYS if len(day) > 5)})s")
_SUM_PATTERN = re.compile(rf"(?<![a-z]){_AFTER_SUM}")


def find_frequencies(folded: str) -> Iterator[FoundValue]:
    """Yield how often something repeats: every month, weekly, pcm, twice a year, £20 a week."""
    for pattern, read in _FREQUENCIES:
        for match in pattern.finditer(folded):
            value = read(match)
            if value is not None:
                names = [name for name in ("span", "span2") if match.groupdict().get(name)]
                name = names[0] if names else 0
                yield found(*match.span(name), "frequency", value)


def _every(match: re.Match[str]) -> dict[str, Any] | None:
    count = read_count(match["count"]) if match["count"] else Decimal(1)
    if count is None or count < 1 or (match["other"] and match["count"]):
        return None
    number, unit = count * (2 if match["other"] else 1), match["unit"]
    if unit in WEEKDAYS:
        return {**_length(number, "week"), "weekday": WEEKDAYS[unit]}
    if unit.startswith("weekend"):
        return _length(number, "week")
    return _length(number, "day" if unit in ("morning", "evening") else read_unit(unit))


def _every_nth(match: re.Match[str]) -> dict[str, Any] | None:
    day = int(match["n"] or match["n2"])
    return {"value": 1, "unit": "month", "day": day} if 1 <= day <= 31 else None


def _per(match: re.Match[str]) -> dict[str, Any] | None:
    times = {"twice": Decimal(2)}.get(match["once"] or "", Decimal(1))
    if match["times"]:
        times = read_count(match["times"]) or Decimal(0)
    length = _length(Decimal(1), read_unit(match["unit"]))
    return length if times == 1 else {**length, "times": int(times)} if times > 1 else None


def _counted(match: re.Match[str]) -> dict[str, Any] | None:
    count = read_count(match["count"])
    return None if count is None else _length(count, match["adverb"].removesuffix("ly"))


_FREQUENCIES: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str]], dict[str, Any] | None]], ...
] = (
    (_ADVERB, lambda match: dict(_ADVERBS[one_space(match["word"])])),
    (_EVERY_NTH, _every_nth),
    (_EVERY, _every),
    (_PER, _per),
    (_COUNTED, _counted),
    (_SLASH, lambda match: _length(Decimal(1), UNITS[match["unit"]])),
    (_SUM_PATTERN, lambda match: _length(Decimal(1), UNITS[match["unit"]])),
    (_PLURAL_DAYS, lambda match: {"value": 1, "unit": "week", "weekday": WEEKDAYS[match["day"]]}),
)
