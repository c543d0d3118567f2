"""Guess which term a word that nobody listed may be another name of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.vocabulary.terms import Term, key_of

_ALIKE = 82.0  # of 100: `overdrft` and `overdraft` have 94, `direct deb` and `direct debit` 91
_SHORTEST_ALIKE = 4  # letters; shorter words are alike by chance
_SHORTEST_INITIALS = 2
_VOWELS = frozenset("aeiou")
_SMALL = frozenset(("a", "an", "and", "at", "for", "in", "of", "on", "or", "the", "to"))


@dataclass(frozen=True, slots=True)
class Guess:
    """A term, and why it may be meant, in words."""

    term: str
    why: str


class Guesser:
    """Knows the terms of the vocabulary."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._by_form: dict[str, str] = {}
        self._by_initials: dict[str, set[str]] = defaultdict(set)
        self._by_value: dict[tuple[str | None, str], str] = {}
        for term in terms:
            self._by_value.setdefault((term.entity, key_of(term.value)), term.name)
            self._by_value.setdefault((term.entity, key_of(term.name)), term.name)
            for form in term.forms:
                key = key_of(form.text)
                self._by_form.setdefault(key, term.name)
                for letters in _initials(key):
                    self._by_initials[letters].add(term.name)
        self._by_letter: dict[str, list[str]] = defaultdict(list)
        self._forms = sorted(key for key in self._by_form if len(key) >= _SHORTEST_ALIKE)
        for key in self._forms:
            self._by_letter[key[0]].append(key)

    def named(self, form: str) -> str | None:
        """Give the term that has a form, whatever its case."""
        return self._by_form.get(key_of(form))

    def marked(self, entity: str, value: str) -> Guess | None:
        """Guess from what a reviewer gave as the value of a mark."""
        term = self._by_value.get((entity, key_of(value)))
        return Guess(term, f"a reviewer marked it as {entity} {value}") if term else None

    def guess(self, word: str) -> Guess | None:
        """Guess from the letters; None where nothing fits, or several terms do."""
        return self._initials(word) or self._cut_short(word) or self._alike(word)

    def _initials(self, word: str) -> Guess | None:
        letters = "".join(sign for sign in word if sign.isalnum())
        found = self._by_initials.get(letters, set())
        if len(found) != 1 or " " in word:
            return None
        (term,) = found
        return Guess(term, f"the initials of {term}")

    def _cut_short(self, word: str) -> Guess | None:
        """Find `invis` for `invisalign`, and `pymt`, which lacks vowels, for `payment`."""
        if len(word) < _SHORTEST_ALIKE:
            return None
        bare = not _VOWELS & set(word)
        found = {
            self._by_form[form]
            for form in self._by_letter.get(word[0], ())
            if len(form) > len(word) + 1
            and (form.startswith(word) or (bare and _is_within(word, form)))
        }
        if len(found) != 1:
            return None
        (term,) = found
        return Guess(term, f"short for {term}")

    def _alike(self, word: str) -> Guess | None:
        if len(word) < _SHORTEST_ALIKE:
            return None
        best = process.extract(word, self._forms, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=3)
        # Sorted: of equals, the first in the alphabet.
        for form, _, _ in sorted(best, key=lambda found: (-found[1], found[0])):
            if form != word:
                return Guess(self._by_form[form], f"written much like {form}")
        return None


def _initials(form: str) -> set[str]:
    """Give the first letters of a form's words, with and without the small ones: boe and be."""
    words = form.replace("-", " ").replace("/", " ").split()
    every = "".join(word[0] for word in words)
    large = "".join(word[0] for word in words if word not in _SMALL)
    return {letters for letters in (every, large) if len(letters) >= _SHORTEST_INITIALS}


def _is_within(word: str, form: str) -> bool:
    """Say whether the letters of a word stand in a form in this order."""
    if " " in form:
        return False
    letters = iter(form)
    return all(letter in letters for letter in word)
