"""Texts that say the same with other digits, punctuation, or a slip of the finger."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process

T = TypeVar("T")

_MASK = re.compile(r"\[([a-z]+)_[0-9]+\]")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")  # people type all of these
_MARK = re.compile(r"\[[a-z]+\]|[^\w\s]|_")
_MANY = re.compile(r"(.)\1{2,}")
_WIDTH = 3
# Grams that are looked up a text. A pair above the threshold can be missed where edits hit all of
# its rarest third; the test measures how many are.
_SHARE, _FEWEST = 3, 8


@lru_cache(maxsize=4096)  # a message is looked at for its own sake and as an answer to the last
def normal(text: str) -> str:
    """Bring a text to the form in which near-duplicates are equal.

    Casefolded; masks without their number (`[name]`); each number `0`; no punctuation; letters
    that are stretched (`sooo`) twice; one space between words. Emoji stay, they may be all there
    is. A text of nothing but punctuation stays as it is.
    """
    folded = (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()
    marked = _NUMBER.sub("0", _MASK.sub(r"[\1]", folded))
    bare = _MARK.sub(_without_punctuation, _APOSTROPHE.sub("", marked))
    return " ".join(_MANY.sub(r"\1\1", bare).split()) or folded.strip()


def _without_punctuation(found: re.Match[str]) -> str:
    mark = found.group()
    return mark if len(mark) > 1 or _is_emoji(mark) else " "


@lru_cache(maxsize=4096)
def _is_emoji(mark: str) -> bool:
    return unicodedata.category(mark) in ("So", "Mn", "Mc")


def similarity(one: str, other: str) -> float:
    """Compare two normal forms by the letters they share in order, in [0, 1]."""
    return fuzz.ratio(one, other) / 100


@dataclass(frozen=True)
class Near(Generic[T]):
    """A text of the index that is like the one looked for."""

    text: str
    value: T
    similarity: float


class NearIndex(Generic[T]):
    """Texts with values, found again by texts that are nearly the same."""

    def __init__(self, threshold: float = 0.9) -> None:
        self.threshold = threshold
        self._entries: dict[str, list[tuple[str, T]]] = {}
        self._forms: list[str] = []
        self._postings: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def add(self, text: str, value: T) -> None:
        """Remember a text; the same one may be added with several values."""
        form = normal(text)
        if form not in self._entries:
            for gram in _grams(form):
                self._postings.setdefault(gram, []).append(len(self._forms))
            self._forms.append(form)
        self._entries.setdefault(form, []).append((text, value))

    def find(self, text: str, limit: int = 5) -> list[Near[T]]:
        """Give the most similar texts at or above the threshold, best first."""
        form = normal(text)
        found = [(form, 1.0)] if form in self._entries else []
        if sum(len(self._entries[known]) for known, _ in found) < limit:
            found += self._near(form, limit)
        entries = [
            Near(known, value, score)
            for near, score in found
            for known, value in self._entries[near]
        ]
        return entries[:limit]

    def _near(self, form: str, limit: int) -> list[tuple[str, float]]:
        known = [self._postings[gram] for gram in _grams(form) if gram in self._postings]
        known.sort(key=len)
        rare = known[: max(_FEWEST, len(known) // _SHARE)]
        # Sorted, so that the order of equals depends on nothing but the order they came in.
        numbers = sorted(set().union(*rare))
        forms = [other for number in numbers if (other := self._forms[number]) != form]
        best = process.extract(
            form, forms, scorer=fuzz.ratio, score_cutoff=self.threshold * 100, limit=limit
        )
        return [(other, score / 100) for other, score, _ in best]


def _grams(form: str) -> set[str]:
    padded = f" {form} "
    return {padded[at : at + _WIDTH] for at in range(max(1, len(padded) - _WIDTH + 1))}
