"""Correct slips of typing, only where it is clear what was meant.

A noisy channel: the cost of a candidate is that of the word plus that of the slips which would
have made what was typed. Candidates one slip away are looked up; those two slips away are found by
rapidfuzz. A correction must be a word of the training texts or the vocabulary, clearly cheaper than
every other known word, and than the word nobody listed that stands there as meant.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.errors import OptionError, ProjectError
from bot.types import Edit
from bot.vocabulary.slips import SPACE, near_strings, slip_cost
from bot.vocabulary.spelling_words import KnownWords

FILE = "spelling.json"
_VERSION = 1
_SHORTEST = 4  # letters that a word must have to be corrected
_LONGEST = 40  # beyond it nothing is a word
_LONGEST_CODE = 5  # letters of what may be a code in capitals
_MOST_UNKNOWN = 200  # words of a text; beyond it the rest stays: it is no message of a person
_TWO_SLIPS = 7  # letters from which on two slips are forgiven
_REMEMBERED = 10_000  # words whose correction is kept
_END_OF_SENTENCE = frozenset(".!?…\n:;")

Span = tuple[int, int]


@dataclass(frozen=True)
class SpellingSettings:
    """How sure the speller must be; all costs are negative natural logarithms.

    Attributes:
        margin: by how much the best candidate must be cheaper than the second. 2 means about seven
            times as likely.
        unlisted: the cost of meaning a word that nobody listed, such as a name, without its
            letters; lower leaves more alone. Measured on halves of BANKING77 and HWU64
            (`benchmarks/spelling.py`): from 8 on hardly more is corrected, and more names are.
        unlisted_letter: the cost of each of its letters.
        language: decides whether the English list of right words is used.
    """

    margin: float = 2.0
    unlisted: float = 8.0
    unlisted_letter: float = 1.2
    language: str = "en"

    def __post_init__(self) -> None:
        for name in ("margin", "unlisted", "unlisted_letter"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise OptionError(f"`{name}` of the spelling is {value!r}. Give a number from 0.")


class Speller:
    """Corrects single words, and spaces that were dropped, added or typed a letter late."""

    def __init__(self, words: KnownWords, settings: SpellingSettings) -> None:
        self._words = words
        self.settings = settings
        self._by_letter: dict[str, list[str]] = defaultdict(list)
        for word in sorted(words.in_domain):
            if len(word) >= _TWO_SLIPS - 1:
                self._by_letter[word[0]].append(word)
        self._best = lru_cache(maxsize=_REMEMBERED)(self._correction)

    @classmethod
    def build(
        cls,
        counts: Mapping[str, int],
        terms: Iterable[str],
        settings: SpellingSettings | None = None,
    ) -> Speller:
        """Make a speller.

        Args:
            counts: how often the training texts use each word, and each pair of words (with one
                space between them); `spelling_words.count_words` counts both.
            terms: the forms of the vocabulary.
            settings: how sure it must be.
        """
        settings = settings or SpellingSettings()
        return cls(KnownWords(counts, terms, settings.language), settings)

    def correct(
        self, text: str, tokens: Sequence[Span], protected: Sequence[Span] = ()
    ) -> list[Edit]:
        """Give the corrections of a text, in order and without overlaps.

        Args:
            text: as typed.
            tokens: its words, in order.
            protected: what must stay: what the vocabulary knows, values, names.

        After 200 unknown words, signs and numbers included, the rest of a text is left alone.
        """
        edits: list[Edit] = []
        place = 0
        unknown = 0
        while place < len(tokens) and unknown < _MOST_UNKNOWN:
            edit, used = self._at(text, tokens, place, protected)
            edits += [edit] if edit else []
            unknown += not self.knows(text[slice(*tokens[place])])
            place += used
        return edits

    def knows(self, word: str) -> bool:
        """Say whether a word is right as it stands, in any case."""
        return self._words.is_right(word.lower())

    def save(self, folder: Path) -> None:
        """Write the speller into a folder, as JSON; an earlier file stays until it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "version": _VERSION,
            "settings": asdict(self.settings),
            "counts": self._words.counts,
            "terms": self._words.terms,
        }
        part = folder / f"{FILE}.part"
        part.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
        os.replace(part, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Speller:
        """Read what `save` has written.

        Raises:
            ProjectError: the file is missing, damaged or from another version.
        """
        path = folder / FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']}")
            settings = SpellingSettings(**content["settings"])
            return cls.build(content["counts"], content["terms"], settings)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OptionError) as error:
            raise ProjectError(
                f"The spelling of the model cannot be read ({error}).",
                "Train the model again.",
                file=path,
            ) from error

    def _at(
        self, text: str, tokens: Sequence[Span], place: int, protected: Sequence[Span]
    ) -> tuple[Edit | None, int]:
        """Give the edit that begins at a token, if any, and how many tokens are dealt with."""
        start, end = tokens[place]
        if place + 1 < len(tokens):
            low, high = tokens[place + 1]
            if text[end:low] == " " and not _touches((start, high), protected):
                joined = self._joined(text[start:end], text[low:high])
                if joined:
                    return Edit(start, high, joined), 2
        if _touches((start, end), protected) or not _is_plain(text, start, end):
            return None, 1
        word = text[start:end]
        right = self._best(word.lower())
        return (Edit(start, end, _in_case_of(word, right)) if right else None), 1

    def _joined(self, first: str, second: str) -> str | None:
        """Give what two words were that a misplaced space cuts: `overdraf t`, `standin gorder`."""
        low, high = first.lower(), second
        whole = low + high
        if not (second.islower() and whole.isalpha() and _SHORTEST < len(whole) <= _LONGEST):
            return None
        if not (first == low or (len(first) > 1 and first == low.capitalize())):
            return None
        words = self._words
        if words.is_right(low) and words.is_right(high):
            return None
        if whole in words.in_domain:
            return _in_case_of(first, whole)
        pair = words.pairs.get(whole)
        if pair is None or pair == f"{low} {high}" or words.is_right(whole):
            return None
        return _in_case_of(first, pair)

    def _correction(self, word: str) -> str | None:
        """Give what was meant by a word in small letters; None where it stays."""
        words = self._words
        if words.is_right(word):
            return None
        # What it costs that the word stands there as meant.
        settings = self.settings
        as_typed = settings.unlisted + settings.unlisted_letter * len(word)
        pair = words.pairs.get(word)
        candidates = [(words.cost(one) + slip_cost(word, one), one) for one in self._near(word)]
        if pair:
            first, second = pair.split(" ")
            # Once two words are known to follow each other, the second costs little.
            cost = max(words.cost(first), words.cost(second)) + SPACE
            candidates.append((cost, pair))
        candidates.sort()
        if not candidates:
            return None
        cost, best = candidates[0]
        second_cost = candidates[1][0] if len(candidates) > 1 else float("inf")
        if best != pair and best not in words.in_domain:
            return None
        return best if min(second_cost - cost, as_typed - cost) >= settings.margin else None

    def _near(self, word: str) -> Iterator[str]:
        """Yield the known words that slips could have made this one of."""
        words = self._words
        near = words.among(near_strings(word, words.alphabet))
        if len(word) >= _TWO_SLIPS:
            found = process.extract(
                word,
                self._by_letter.get(word[0], ()),
                scorer=OSA.distance,
                score_cutoff=2,
                limit=8,
            )
            near.update(one for one, _, _ in found)
        return (one for one in near if len(one) >= _SHORTEST - 1)


def _is_plain(text: str, start: int, end: int) -> bool:
    """Say whether a token is a word that may be corrected: no code, no name, not too short."""
    word = text[start:end]
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isalpha():
        return False
    if word.islower():
        return True
    if word.isupper():
        return len(word) > _LONGEST_CODE
    return word[1:].islower() and _begins_sentence(text, start)


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t'\"“‘(*-")
    return not before or before[-1] in _END_OF_SENTENCE


def _in_case_of(typed: str, right: str) -> str:
    if typed.isupper() and len(typed) > 1:
        return right.upper()
    return right[0].upper() + right[1:] if typed[0].isupper() else right


def _touches(span: Span, protected: Sequence[Span]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in protected)
