"""Write a text in one way, character for character, so that patterns read it and offsets stay.

Every character becomes exactly one: what is found in the folded text lies at the same place in the
text as typed. Full-width signs, digits of any script, curly quotes, dashes and the many kinds of
spaces become what a British keyboard types; letters become small.
"""

from __future__ import annotations

import unicodedata

NARROW = "\u00a0"  # what stands for all spaces that do not break a line: they group digits
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_QUOTES = "\u2018\u2019\u02bc\u00b4\u0060"
_NARROW_SPACES = "\u2007\u2009\u202f\u00a0"


class _Folding(dict[int, str]):
    """A table for `str.translate` that works out a character when it is first asked."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isdecimal():
            return str(unicodedata.decimal(char))
        if char.isspace() or unicodedata.category(char) in ("Zs", "Cf"):
            return " "
        plain = unicodedata.normalize("NFKC", char) if 0xFF00 <= code <= 0xFFEF else char
        small = plain.lower()
        return small if len(small) == 1 else char


_TABLE = _Folding()
_TABLE.update(
    {
        **{code: chr(code).lower() for code in range(128)},
        **{code: chr(code) for code in (0xA3, 0x20AC)},
        **{ord(char): "-" for char in _DASHES},
        **{ord(char): "'" for char in _QUOTES},
        **{ord(char): NARROW for char in _NARROW_SPACES},
    }
)


def fold(text: str) -> str:
    """Return the text in small letters and plain signs; its length is that of `text`."""
    return text.lower() if text.isascii() else text.translate(_TABLE)
