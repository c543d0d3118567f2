"""From text to words, with what belongs together kept whole.

An amount, a date, an account number or `o/d` is one word, whatever signs it contains. The rest is
split by spaCy's rules of the language. Offsets count characters of the text as typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from bot.vocabulary.blank_spacy import BlankTokenizer

Span = tuple[int, int]

_GAP = r"[ \u00a0-]"  # between the groups of a long number
_MONEY = r"[£$€¥₹₽₺₩]"
_KEPT = re.compile(
    rf"""
      (?:https?://|www\.)[^\s<>"]*[^\s<>"'’.,;:!?)\]}}…]                 # a URL
    | (?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+                          # an e-mail address
    | (?<!\w)[a-z]{{2}}\d\d(?:{_GAP}?[a-z0-9]{{4}})                       # IBAN: GB29 NWBK ...
        (?:{_GAP}?\d[a-z0-9]{{3}}){{2,6}}(?:{_GAP}?\d[a-z0-9]{{0,2}})?(?!\w)
    | (?<![\w.,/-])\d{{4}}({_GAP})\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?(?!\w)   # card number
    | (?<![\w.,/-])3[47]\d\d({_GAP})\d{{6}}\2\d{{5}}(?!\w)                   # American Express
    | (?<![\w.,])\d{{4}}-\d\d-\d\d(?:t[\d:.]*\dz?)?(?!\w)                   # 2026-03-12
    | (?<![\w.,])\d{{1,2}}([/.-])\d{{1,2}}\3\d{{2,4}}(?!\w)                 # 12/03/2026, 12-34-56
    | (?<![\w.,])\d{{1,2}}/\d{{1,2}}(?![\w/])                               # 12/03, 24/7
    | (?<![\w+])(?=[(+0])(?=(?:[ \u00a0()+-]{{0,3}}\d){{9,15}}(?![ \u00a0()-]{{0,3}}\d))  # phone
        (?:\+\d{{1,3}}|\(0\d{{1,5}}\)|0\d{{1,5}})
        (?:{_GAP}?(?:\d{{2,6}}|\(\d{{1,6}}\))){{1,5}}(?!\w|[ \u00a0()-]{{0,3}}\d)
    | (?<![\w:])\d{{1,2}}:\d\d(?::\d\d)?(?:[ap]m)?(?![\w:])                 # 14:30
    | (?<![\w-])[a-z]{{1,8}}-\d{{3,}}\w*(?:-\w*\d\w*)*(?!\w)                # TX-48213
    | (?<![\w.,])(?:[a-z]{{3}})?{_MONEY}?\d+(?:[.,]\d+)*\w*(?:{_MONEY})?      # £1,250.00, 250GBP
    | (?<!\w)\w*\d\w*                                                          # LK90233, 3DS
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HINT = re.compile(r"[\d@]|://|www\.", re.IGNORECASE)  # without one of these nothing is kept

# What spaCy leaves glued together, as people type without looking.
_ADDED = {
    "prefix": (r"[-/&+](?=[^\W\d])",),
    "suffix": (r"(?<=\w)['’](?:ll|d|re|ve|m|LL|D|RE|VE|M)",),
    "infix": (
        r"[?!;\"“”()\[\]{}|]",
        r",(?=\D)",
        r"(?<=\D),",
        r"(?<=\w)[–—](?=\w)",
        r"--+",
    ),
}

_PIECE = re.compile(r"\w+|[^\w\s]")
_CHUNK = re.compile(r"\S+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_JOINER = "\u200d"
_LONGEST_CHUNK = 80  # characters between spaces in which forms with signs are looked for
_LONGEST_RULED = 400  # beyond it spaCy's rules take seconds, and it is no word of a person
_REMEMBERED = 20_000  # chunks whose pieces are kept


class WordTokenizer:
    """Splits messages into words.

    Args:
        language: a code such as `en`, as in `config.yml`.
        forms: what the vocabulary knows; words of it with signs inside, such as `o/d`, stay whole,
            in any case.

    Raises:
        ProjectError: spaCy cannot split words of the language as it is installed.
    """

    def __init__(self, language: str, forms: Iterable[str] = ()) -> None:
        self.language = language
        self._blank = BlankTokenizer(language, _ADDED)
        self._pieces = lru_cache(maxsize=_REMEMBERED)(self._cut)
        self._whole = frozenset(
            _plain(word)
            for form in forms
            if not form.isalnum()
            for word in form.split()
            if not word.isalnum() and _has_sign_inside(word)
        )
        self._longest = max(map(len, self._whole), default=0)

    def tokenize(self, text: str) -> list[Span]:
        """Give start and end of each word, in order.

        Any text is accepted. The spans do not overlap and hold every character that is no white
        space. White space lies only inside long numbers that are written in groups.
        """
        spans: list[Span] = []
        last = 0
        for start, end in self._kept(text):
            if last < start:
                spans += self._split(text, last, start)
            spans.append((start, end))
            last = end
        if last < len(text):
            spans += self._split(text, last, len(text))
        return spans if text.isascii() else _whole_characters(text, spans)

    def _kept(self, text: str) -> list[Span]:
        """Find what stays whole; of two that overlap, the longer one."""
        found = []
        if _HINT.search(text):
            found = [match.span() for match in _KEPT.finditer(text)]
        if self._whole:
            found += self._forms(text)
        kept: list[Span] = []
        taken = bytearray(len(text))
        for start, end in sorted(found, key=lambda span: (span[0] - span[1], span[0])):
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                kept.append((start, end))
        return sorted(kept)

    def _forms(self, text: str) -> Iterable[Span]:
        """Yield where forms with signs inside stand, between other signs or alone."""
        for chunk in _CHUNK.finditer(text):
            word = _plain(chunk[0])
            first = chunk.start()
            if word.isalnum() or len(word) > _LONGEST_CHUNK or len(word) != len(chunk[0]):
                continue
            if word in self._whole:
                yield chunk.span()
                continue
            yield from (
                (first + start, first + end) for start, end in self._inside(word, _borders(word))
            )

    def _inside(self, word: str, borders: list[int]) -> Iterable[Span]:
        for place, start in enumerate(borders):
            for end in reversed(borders[place + 1 :]):
                if end - start <= self._longest and word[start:end] in self._whole:
                    yield start, end
                    break

    def _split(self, text: str, start: int, end: int) -> Iterable[Span]:
        """Yield the words of a part in which nothing is kept whole.

        The rules look at what stands between two spaces, never further: so it can be remembered.
        """
        for chunk in _CHUNK.finditer(text, start, end):
            first = chunk.start()
            cut = self._pieces if len(chunk[0]) <= _LONGEST_CHUNK else self._cut
            for low, high in cut(chunk[0]):
                yield first + low, first + high

    def _cut(self, chunk: str) -> tuple[Span, ...]:
        if chunk.isalpha() and chunk.isascii():
            return ((0, len(chunk)),)
        if len(chunk) > _LONGEST_RULED:
            return tuple(piece.span() for piece in _PIECE.finditer(chunk))
        # The same length; spaCy cannot encode them.
        return tuple(self._blank.split(_SURROGATES.sub("\ufffd", chunk)))


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


def _has_sign_inside(word: str) -> bool:
    """Say whether a word would be cut; `Sainsbury's` is, as where it is no form: Sainsbury + 's."""
    word = _plain(word).removesuffix("'s")
    return not word.isalnum() and any(char.isalnum() for char in word)


def _borders(word: str) -> list[int]:
    """Give the places in a word where letters and digits meet signs, its ends included."""
    inner = [
        place
        for place in range(1, len(word))
        if not (word[place - 1].isalnum() and word[place].isalnum())
    ]
    return [0, *inner, len(word)]


def _whole_characters(text: str, spans: list[Span]) -> list[Span]:
    """Join what cuts through a character that consists of several, such as a flag or a family."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start and _continues(text, joined[-1][0], start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _continues(text: str, first: int, place: int) -> bool:
    char, before = text[place], text[place - 1]
    if char == _JOINER or before == _JOINER or unicodedata.category(char)[0] == "M":
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":  # a tone of skin
        return True
    if not _is_flag_letter(char) or not _is_flag_letter(before):
        return False
    letters = 0  # two make a flag
    while place - letters > first and _is_flag_letter(text[place - letters - 1]):
        letters += 1
    return letters % 2 == 1


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
