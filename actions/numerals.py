"""Read numbers written out in English: "two hundred and fifty"."""

from __future__ import annotations

import difflib
import re

_UNITS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_SCALES = {"thousand": 1000, "grand": 1000, "million": 1_000_000}
_WORDS = {**_UNITS, **_TENS, **_SCALES, "a": 1, "an": 1, "hundred": 100, "dozen": 12, "couple": 2}


def read_number_words(text: str) -> int | None:
    """Return the number, or `None` where any word does not belong to one."""
    words = [word for word in re.split(r"[\s-]+", text.lower()) if word and word != "and"]
    spelled = [_spelling(word) for word in words]
    if not words or spelled == ["a"] or spelled == ["an"]:
        return None
    total = part = last = 0  # `last` guards against "fifty sixty" being read as a sum
    for word in spelled:
        if word is None:
            return None
        value = _WORDS[word]
        if word in _SCALES:
            total, part, last = total + (part or 1) * value, 0, 0
        elif word == "hundred":
            part, last = (part or 1) * 100, 0
        elif last and not (20 <= last <= 90 and value < 10):
            return None
        else:
            part, last = part + value, value or 1
    return total + part


def _spelling(word: str) -> str | None:
    if word in _WORDS:
        return word
    close = difflib.get_close_matches(word, _WORDS, n=1, cutoff=0.8) if len(word) > 3 else []
    return close[0] if close else None
