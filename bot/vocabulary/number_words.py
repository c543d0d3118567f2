"""Read numbers written out in English, up to millions: "two hundred and fifty", "half a million".

Each reader returns `None` for words that are no number, or could be two: "fifty sixty".
"""

from __future__ import annotations

import re
from decimal import Decimal

_UNIT_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TEN_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL = {word: value for value, word in enumerate(_UNIT_NAMES.split())} | {
    word: 10 * value for value, word in enumerate(_TEN_NAMES.split(), start=2)
} | {"fourty": 40, "fivty": 50, "ninty": 90, "twelwe": 12, "forteen": 14}  # fmt: skip
SCALES = {"hundred": 100, "thousand": 1000, "grand": 1000, "k": 1000,
          "million": 10**6, "mil": 10**6, "m": 10**6, "billion": 10**9, "bn": 10**9}  # fmt: skip
_HUNDRED = ("hundred", "hundered", "hunded")
_SPELLED_SCALES = ("thousand", "grand", "million", "billion")
_ONES = ("a", "an")

WORDS = frozenset({*SMALL, *_HUNDRED, *_SPELLED_SCALES, "half", "couple", "dozen", "quarter"})
"""A text with none of these holds no number in words."""

_PLAIN = "|".join(sorted({*SMALL, *_HUNDRED, *_SPELLED_SCALES}, key=len, reverse=True))
_SCALE = "|".join(_SPELLED_SCALES)
NUMBER_IN_WORDS = (
    rf"(?:(?:half|(?:a )?quarter of) an? (?:{_SCALE})"
    rf"|(?:a )?couple (?:of )?(?:hundred|{_SCALE})|(?:an? )?(?:half )?dozen"
    rf"|(?:an? (?={_SCALE}|hundred))?\b(?:{_PLAIN})\b"
    rf"(?:(?:-| | and a half |, | and )\b(?:{_PLAIN})\b)*)"
).replace(" ", r"\s{1,3}")
"""The pattern of a number in words; what it finds may still not be one: ask `read_number_words`."""

_FRACTION = re.compile(rf"(half|(?:a )?quarter of) an? ({_SCALE})")
_COUPLE = re.compile(rf"(?:a )?couple (?:of )?(hundred|{_SCALE})")
_AND_A_HALF = re.compile(rf"(.+) and a half ({_SCALE})")
_DOZENS = {"dozen": 12, "a dozen": 12, "half dozen": 6, "half a dozen": 6, "a half dozen": 6}


def read_number_words(text: str) -> Decimal | None:
    """Return the number that small letters spell out.

    Args:
        text: words alone, as `fold` leaves them; hyphens and "and" may stand between them.

    Returns:
        The number, `None` where any word does not belong to it.
    """
    words = " ".join(text.replace("-", " ").replace(",", " ").split())
    if words in _DOZENS:
        return Decimal(_DOZENS[words])
    if match := _FRACTION.fullmatch(words):
        part = Decimal("0.5") if match[1] == "half" else Decimal("0.25")
        return part * SCALES[match[2]]
    if match := _COUPLE.fullmatch(words):
        return Decimal(2 * SCALES[match[1]])
    if match := _AND_A_HALF.fullmatch(words):
        whole = _read_plain(match[1].split())
        return None if whole is None else (whole + Decimal("0.5")) * SCALES[match[2]]
    whole = _read_plain(words.split())
    return None if whole is None else Decimal(whole)


def _read_plain(words: list[str]) -> int | None:
    """Add up words from left to right: a hundred multiplies, a scale closes a part."""
    if not words or words[0] == "and" or words[-1] in ("and", *_ONES):
        return None
    total, part, last, scale = 0, None, 0, 10**12
    for word in words:
        if word in _ONES and part is None:
            part = 1
        elif word in _SPELLED_SCALES:
            if SCALES[word] >= scale:
                return None  # "five thousand two million" is two numbers
            scale = SCALES[word]
            total, part, last = total + (1 if part is None else part) * scale, None, 0
        elif word in _HUNDRED:
            if part is not None and not 0 < part < 100:
                return None
            part, last = (1 if part is None else part) * 100, 0
        elif word in SMALL:
            value = SMALL[word]
            if last and not (20 <= last <= 90 and value < 10):
                return None
            if part is not None and not (last or part % 100 == 0):
                return None
            part, last = (part or 0) + value, value or 1
        elif word != "and":
            return None
    return total + (part or 0)
