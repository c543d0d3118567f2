"""Find which of several is meant ("the second one", "option 2"), and percentages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.vocabulary.calendar_words import ORDINALS, compiled
from bot.vocabulary.findings import FoundValue, found
from bot.vocabulary.locales import Locality
from bot.vocabulary.number_words import SMALL

WORDS = frozenset({*ORDINALS, "last", "option", "choice", "percent", "cent", "number"})

_SAFE = "|".join(word for word in ORDINALS if word != "second")
_WORD = compiled(
    rf"(?P<n>{_SAFE})(?! (?:of (?:MONTH|the month|next month|this month)|name|names)\b)"
)
# "One second" and "a second" are a stretch of time; "the second one" and "my second card" are not.
_SECOND = compiled(
    r"(?:(?:the|my|that|this|your|that's|its) (?P<n>second)(?! (?:of (?:MONTH|the month)|ago|i|it|"
    r"you|we|they)\b)|(?<!one\s)(?<!per\s)(?P<n2>second)(?= (?:ORDINALNOUNS)\b))"
)
_DIGITS = compiled(r"(?P<n>\d{1,3})(?:st|nd|rd|th)(?= (?:ORDINALNOUNS)\b)")
_OPTION = compiled(
    rf"(?:option|choice|number) (?P<n>[1-9]\d?|{'|'.join(list(SMALL)[1:13])})(?![.,:/]?\d)"
)
_LAST = compiled(r"(?:the )?(?P<n>last) (?:one|option|choice|item)")
_ALONE = re.compile(rf"\W*(?:the )?(?P<n>{'|'.join(ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))\W*")
_PERCENT = re.compile(
    r"(?<![\w.,/-])(?P<n>\d+(?:[.,]\d+)?|half a|" + "|".join(SMALL) + r")\s?"
    r"(?:%|percent\b|per\s?cent\b|pct\b)"
)


def find_ordinals(folded: str) -> Iterator[FoundValue]:
    """Yield places in an order, as `{"value": 3}`; the last is -1."""
    for pattern in (_WORD, _DIGITS, _OPTION):
        for match in pattern.finditer(folded):
            span = match.span() if pattern is _OPTION else match.span("n")
            yield found(*span, "ordinal", {"value": _place(match["n"])})
    for match in _SECOND.finditer(folded):
        name = "n" if match["n"] else "n2"
        yield found(*match.span(name), "ordinal", {"value": 2})
    for match in _LAST.finditer(folded):
        yield found(*match.span("n"), "ordinal", {"value": -1})
    if whole := _ALONE.fullmatch(folded):
        yield found(*whole.span("n"), "ordinal", {"value": _place(whole["n"])})


def _place(text: str) -> int:
    if text in ORDINALS:
        return ORDINALS[text]
    return SMALL[text] if text in SMALL else int(re.sub(r"\D", "", text))


def find_percents(folded: str, place: Locality) -> Iterator[FoundValue]:
    """Yield percentages, as `{"value": "3.5"}`."""
    for match in _PERCENT.finditer(folded):
        text = match["n"]
        if text[0].isdigit():
            value = str(text.replace(place.decimal, "."))
            if "," in value or value.count(".") > 1:
                continue
        else:
            value = "0.5" if text == "half a" else str(SMALL[text])
        yield found(*match.span(), "percent", {"value": value})
