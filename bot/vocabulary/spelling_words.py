"""The words a speller knows: those of the language, of the training texts, and pairs of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

_ENGLISH_FILE = "frequency_dictionary_en_82_765.txt"  # of symspellpy; word and count in a line
_ENGLISH_TOTAL = 1_024_908_267_229  # words of the texts that it was counted in
_RARE = 1.0  # the count of a term that no training text uses
_TRAINING_SHARE = 0.9  # of the words that people type; the rest are of the language at large
_SHORTEST_OF_PAIR = 3  # letters
_LEAST = 1e-14  # the share of a word that nobody counted
_SEEN = 2  # times; what was seen once may be a slip itself


@lru_cache(maxsize=1)
def english() -> dict[str, float]:
    """Give the English words with their share of all words; contractions also without the '."""
    words: dict[str, float] = {}
    text = (files("symspellpy") / _ENGLISH_FILE).read_text("utf-8-sig")
    for line in text.splitlines():
        word, count = line.split()
        words[word] = int(count) / _ENGLISH_TOTAL
    words.update({word.replace("'", ""): words[word] for word in [*words] if "'" in word})
    return words


def count_words(
    texts: Iterable[str], tokenize: Callable[[str], Sequence[tuple[int, int]]]
) -> Counter[str]:
    """Count words of letters, and pairs of neighbours (written with one space), in small letters.

    Pairs that were seen once are left out: they are many, and may be slips.
    """
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in texts:
        found = [text[start:end].lower() for start, end in tokenize(text)]
        words.update(word for word in found if word.isalpha())
        pairs.update(f"{a} {b}" for a, b in zip(found, found[1:], strict=False) if _pair(a, b))
    words.update({pair: count for pair, count in pairs.items() if count >= _SEEN})
    return words


def _pair(first: str, second: str) -> bool:
    return (
        min(len(first), len(second)) >= _SHORTEST_OF_PAIR and first.isalpha() and second.isalpha()
    )


class KnownWords:
    """Which words are right, which may be meant, and how likely each is.

    Args:
        counts: words, and pairs with a space, of the training texts.
        terms: the forms of the vocabulary.
        language: of English, 83,000 words are known to be right; of other languages only those of
            `counts` and `terms`.
    """

    def __init__(self, counts: Mapping[str, int], terms: Iterable[str], language: str) -> None:
        self.counts = {word.lower(): int(count) for word, count in counts.items()}
        self.terms = sorted(set(terms))
        self._general = english() if language.split("-")[0].lower() == "en" else {}
        self._total = sum(count for word, count in self.counts.items() if " " not in word) or 1
        self._seen = {word: float(n) for word, n in self.counts.items() if " " not in word}
        self._of_terms: set[str] = set()
        self.pairs: dict[str, str] = {}
        for pair in self.counts:
            if " " in pair:
                self._add_pair(*pair.split(" ", 1))
        for form in self.terms:
            self._add_form(form.lower().split())
        self.in_domain = frozenset(
            word
            for word, count in self._seen.items()
            if count >= _SEEN or word in self._of_terms or word in self._general
        )
        self.alphabet = "".join(sorted(set("".join(self.in_domain))))

    def is_right(self, word: str) -> bool:
        """Say whether a word in small letters is right as it stands."""
        return word in self._seen or word in self._general

    def among(self, strings: set[str]) -> set[str]:
        """Give those strings that somebody may have meant, in the domain or out of it."""
        return (strings & self.in_domain) | (strings & self._general.keys())

    def cost(self, word: str) -> float:
        """Give the negative logarithm of a word's probability; high where it is unknown."""
        seen = self._seen.get(word, 0.0) / self._total
        share = _TRAINING_SHARE * seen + (1 - _TRAINING_SHARE) * self._general.get(word, 0.0)
        return -math.log(max(share, _LEAST))

    def _add_form(self, words: Sequence[str]) -> None:
        for word in words:
            if word.isalpha():
                self._seen.setdefault(word, _RARE)
                self._of_terms.add(word)
        for first, second in zip(words, words[1:], strict=False):
            if _pair(first, second):
                self._add_pair(first, second)

    def _add_pair(self, first: str, second: str) -> None:
        self.pairs.setdefault(first + second, f"{first} {second}")
