"""Find the vocabulary's terms in the words of a message.

The rules are those of spaCy's PhraseMatcher with its `filter_spans`: whole words only, the longest
match wins, then the earliest. The search is a dictionary of the forms' words. With 100,000 terms it
starts in half the time and two thirds of the memory of a PhraseMatcher, which cannot be saved and
must be built from its forms at every start (`benchmarks/vocabulary_speed.py`); and it knows forms
that are case sensitive beside others that are not, and `faceid`, `face-id` and `face id` as one.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bot.errors import ProjectError
from bot.vocabulary.terms import Vocabulary, key_of
from bot.vocabulary.tokenizing import WordTokenizer

FILE = "terms.json"
_VERSION = 1
_LONGEST_JOINED = 5  # words that are looked up as one: `over draft`, `face - id`
_SHORTEST_JOINED = 6  # letters; shorter ones meet words by chance
_SHORTEST_PART = 3  # letters of a part where a form of one word was typed as two
_HYPHENS = str.maketrans("", "", "-\u2010\u2011\u2012\u2013")
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc", "'''")


@dataclass(frozen=True, order=True)
class Match:
    """A term in a message: words `first:last`, the term's number and the form that was meant."""

    first: int
    last: int
    term: int
    form: str


@dataclass(frozen=True, order=True)
class TermHit:
    """A term in a message: characters `start:end` and the term's number."""

    start: int
    end: int
    term: int


class _Known(NamedTuple):
    """A form as the search knows it."""

    term: int
    text: str
    case_sensitive: bool
    words: tuple[str, ...]


class TermMatcher:
    """Finds terms; a term's number is its place in `Vocabulary.terms`.

    Attributes:
        tokenizer: the one that split the forms; messages must be split by it too.
    """

    def __init__(self, tokenizer: WordTokenizer, known: Iterable[_Known]) -> None:
        self.tokenizer = tokenizer
        self._known = list(known)
        self._exact: dict[str, list[_Known]] = {}
        self._joined: dict[str, list[_Known]] = {}
        self._most: dict[str, int] = {}  # by first word: the most words of a form
        for form in self._known:
            self._add(form)
        self._longest = max(map(len, self._joined), default=0)

    @classmethod
    def build(cls, vocabulary: Vocabulary, language: str) -> TermMatcher:
        """Take the terms of a language; those of another are never found.

        Raises:
            ProjectError: spaCy cannot split words of the language as it is installed.
        """
        forms = [
            (number, form)
            for number, term in enumerate(vocabulary.terms)
            if _primary(term.language) == _primary(language)
            for form in term.forms
        ]
        tokenizer = WordTokenizer(language, (form.text for _, form in forms))
        return cls(
            tokenizer,
            (
                _Known(number, form.text, form.case_sensitive, _words(form.text, tokenizer))
                for number, form in forms
            ),
        )

    def match(self, words: Sequence[str]) -> list[Match]:
        """Find terms in words; the matches are in order and do not overlap."""
        plain = [_plain(word) for word in words]
        folded = [_fold(word) for word in plain]
        found = [*self._whole(plain, folded), *self._as_one(plain, folded)]
        taken = [False] * len(words)
        kept = []
        for match in sorted(found, key=lambda m: (m.first - m.last, m.first)):
            if not any(taken[match.first : match.last]):
                taken[match.first : match.last] = [True] * (match.last - match.first)
                kept.append(match)
        return sorted(kept)

    def match_text(self, text: str, spans: Sequence[tuple[int, int]]) -> list[TermHit]:
        """Find terms in a text that `tokenizer` has split into `spans`."""
        return [
            TermHit(spans[match.first][0], spans[match.last - 1][1], match.term)
            for match in self.match([text[start:end] for start, end in spans])
        ]

    def save(self, folder: Path) -> None:
        """Write the matcher into a folder, as JSON; an earlier file stays until this one is whole.

        Forms of one word, which most are, are written without their words.
        """
        folder.mkdir(parents=True, exist_ok=True)
        forms = [
            [known.term, known.text, int(known.case_sensitive)]
            + ([] if known.words == (known.text,) else [list(known.words)])
            for known in self._known
        ]
        content = {"version": _VERSION, "language": self.tokenizer.language, "forms": forms}
        part = folder / f"{FILE}.part"
        part.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
        os.replace(part, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> TermMatcher:
        """Read what `save` has written.

        Raises:
            ProjectError: the file is missing, damaged or from another version.
        """
        path = folder / FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']}")
            known = [
                _Known(int(number), text, bool(case), tuple(words[0]) if words else (text,))
                for number, text, case, *words in content["forms"]
            ]
            return cls(WordTokenizer(content["language"], (form.text for form in known)), known)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProjectError(
                f"The terms of the model cannot be read ({error}).",
                "Train the model again.",
                file=path,
            ) from error

    def _add(self, form: _Known) -> None:
        if not form.words:
            return
        folded = _fold(_plain(" ".join(form.words)))
        first = folded if len(form.words) == 1 else _fold(_plain(form.words[0]))
        self._exact.setdefault(folded, []).append(form)
        self._most[first] = max(self._most.get(first, 0), len(form.words))
        joined = folded.replace(" ", "").translate(_HYPHENS)
        if len(joined) >= _SHORTEST_JOINED and joined.isalnum():
            self._joined.setdefault(joined, []).append(form)

    def _whole(self, plain: list[str], folded: list[str]) -> Iterator[Match]:
        """Yield where forms stand word for word."""
        for first, word in enumerate(folded):
            most = self._most.get(word, 0)
            for last in range(first + 1, min(first + most, len(folded)) + 1):
                forms = self._exact.get(" ".join(folded[first:last]))
                if forms and (form := _as_written(forms, plain[first:last])):
                    yield Match(first, last, form.term, form.text)

    def _as_one(self, plain: list[str], folded: list[str]) -> Iterator[Match]:
        """Yield where forms stand with other spaces or hyphens than the vocabulary writes."""
        for first, word in enumerate(folded):
            joined = ""
            for last in range(first + 1, min(first + _LONGEST_JOINED, len(folded)) + 1):
                joined += folded[last - 1].translate(_HYPHENS)
                if not joined or len(joined) > self._longest:
                    break
                forms = self._joined.get(joined)
                if not forms or not folded[last - 1].translate(_HYPHENS):
                    continue
                form = _as_written(forms, plain[first:last], spaced=True)
                if form and _is_variant(form, folded[first:last], word):
                    yield Match(first, last, form.term, form.text)


def _is_variant(form: _Known, folded: list[str], first: str) -> bool:
    """Say whether the words may be a form with other spaces: `over draft`, but not `to get her`."""
    if len(folded) == len(form.words) == 1 or first.translate(_HYPHENS) != first:
        return True
    if len(form.words) > 1:
        return True
    return all(len(word) >= _SHORTEST_PART or not word.translate(_HYPHENS) for word in folded)


def _as_written(forms: list[_Known], plain: list[str], *, spaced: bool = False) -> _Known | None:
    """Give the form that is meant: one whose case counts and is right, else one of any case."""
    for form in forms:
        if form.case_sensitive and not spaced and plain == [_plain(word) for word in form.words]:
            return form
    return next((form for form in forms if not form.case_sensitive), None)


def _words(form: str, tokenizer: WordTokenizer) -> tuple[str, ...]:
    if form.isascii() and form.replace(" ", "").isalpha():
        return tuple(form.split())
    return tuple(form[start:end] for start, end in tokenizer.tokenize(form))


def _plain(word: str) -> str:
    """Write a word in Unicode's one way, with a straight apostrophe."""
    return word if word.isascii() else unicodedata.normalize("NFKC", word.translate(_APOSTROPHES))


def _fold(plain: str) -> str:
    return plain.lower() if plain.isascii() else key_of(plain)


def _primary(language: str) -> str:
    """Give the language without its region: `en` for `en-GB`."""
    return language.replace("_", "-").split("-", 1)[0].lower()
