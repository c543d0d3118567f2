"""Find the numbers of a text, in digits or in words, and the money that stands beside one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from bot.vocabulary.locales import CODES, SIGNS, Locality
from bot.vocabulary.number_words import NUMBER_IN_WORDS, read_number_words

_DIGITS = r"(?:\d+(?:[.,'\u00a0]\d+)*|(?<![\d.])\.\d{1,2}(?!\d))"
_SPACED = r"\d{1,3}(?: \d{3})+(?:[.,]\d+)*(?!\d)|"
_BEFORE = r"(?<!\d)(?<!\d[.,'/:])"
_ANY_SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
MONEY_BEFORE = re.compile(
    rf"(?:(?P<sign>{_ANY_SIGN})|(?<![^\W\d_])(?P<code>{'|'.join(CODES)}))\s{{0,2}}(?P<minus>-)?$"
)
SCALE_AFTER = re.compile(
    r"\s?(?P<scale>k|grand|hundred|thousand|million|mil|m|billion|bn)(?![^\W_])"
)
BETWEEN = re.compile(r"\bbetween\s{1,2}$")


@dataclass(frozen=True)
class Number:
    """A number in a text, and how much money it is once that is known."""

    start: int
    end: int
    value: Decimal
    text: str
    currency: str | None = None
    scale: str | None = None
    signed: bool = False  # the currency stands before it

    @property
    def in_words(self) -> bool:
        """Say whether it is spelled out."""
        return not self.text[-1].isdigit()


@lru_cache(maxsize=32)
def _number_pattern(english: bool) -> re.Pattern[str]:
    words = rf"|(?<![\w'-])(?<!\d\s){NUMBER_IN_WORDS}(?!\w)" if english else ""
    return re.compile(rf"{_BEFORE}(?:{_SPACED}{_DIGITS}){words}")


def find_numbers(folded: str, place: Locality, english: bool) -> Iterator[Number]:
    """Yield the numbers of a folded text in its order; those in words in English only."""
    for match in _number_pattern(english).finditer(folded):
        text = match[0]
        if " " in text and text[0].isdigit():
            yield from _spaced(folded, match, place)
            continue
        if text[0].isdigit() or text[0] == ".":
            scaled = SCALE_AFTER.match(folded, match.end())
            value = _read_digits(text, place, scaled=scaled is not None)
            if value is not None:
                yield Number(*match.span(), value, text)
        else:
            yield from _words(folded, match.start(), text)


def _spaced(folded: str, match: re.Match[str], place: Locality) -> Iterator[Number]:
    """Read "1 250" as one where the language, or the money beside it, says so; else as two."""
    start, end = match.span()
    beside = money_after(place).match(folded, end) or MONEY_BEFORE.search(
        folded, max(0, start - 8), start
    )
    value = place.read_number(match[0])
    if value is None and beside:
        value = place.read_number(match[0].replace(" ", ""))
    if value is not None:
        yield Number(start, end, value, match[0])
        return
    for part in re.compile(r"\S+").finditer(folded, start, end):
        value = place.read_number(part[0])
        if value is not None:
            yield Number(*part.span(), value, part[0])


def _read_digits(text: str, place: Locality, *, scaled: bool) -> Decimal | None:
    value = place.read_number(text)
    if value is None and scaled and re.fullmatch(rf"\d+[{place.decimal}]\d+", text):
        return Decimal(text.replace(place.decimal, "."))  # 1.255k are 1,255
    return value


def _words(folded: str, start: int, text: str) -> Iterator[Number]:
    """Read a run of words; "one hundred and two hundred" and all after "between" are two."""
    halves = re.match(r"(.*)(\s+and\s+)(?!a half)(.*)", text)
    between = halves is not None and BETWEEN.search(folded, max(0, start - 12), start) is not None
    value = None if between else read_number_words(text)
    if value is not None:
        yield Number(start, start + len(text), value, text)
    elif halves is not None:
        for begin, part in ((start, halves[1]), (start + halves.start(3), halves[3])):
            value = read_number_words(part)
            if value is not None:
                yield Number(begin, begin + len(part), value, part)


@lru_cache(maxsize=32)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = "|".join(
        re.escape(name).replace(r"\ ", r"\s{1,2}") for name in sorted(names, key=len, reverse=True)
    )
    return re.compile(rf"\s{{0,2}}(?:(?:{alternatives})(?!\w)|(?:{_ANY_SIGN})(?!\s?\d))")


def money_after(place: Locality) -> re.Pattern[str]:
    """Return the pattern of a sign, a code or a name of a currency right after a number."""
    return _names_pattern(tuple(place.money))
