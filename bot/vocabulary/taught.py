"""What a project knows of words: by its training examples, its vocabulary and its language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bot.vocabulary.alias_guesses import Guesser
from bot.vocabulary.blank_spacy import blank
from bot.vocabulary.log_counts import Reader, Tokenize
from bot.vocabulary.number_words import WORDS as NUMBERS
from bot.vocabulary.spelling import Speller, SpellingSettings
from bot.vocabulary.spelling_words import KnownWords, count_words
from bot.vocabulary.terms import Vocabulary, key_of
from bot.vocabulary.tokenizing import WordTokenizer
from bot.vocabulary.values import find_values


class Taught:
    """Answers questions about words, which are given as `key_of` writes them.

    Args:
        texts: the training examples.
        vocabulary: all terms; those of other languages are left out.
        language: that of the project.

    Raises:
        ProjectError: spaCy cannot split words of the language as it is installed.
    """

    def __init__(self, texts: Iterable[str], vocabulary: Vocabulary, language: str) -> None:
        self.language = language
        terms = [term for term in vocabulary.terms if term.language == language]
        self._forms = sorted({form.text for term in terms for form in term.forms})
        self.tokenize: Tokenize = WordTokenizer(language, self._forms).tokenize
        self.guesser = Guesser(terms)
        self._counts: Counter[str] = count_words(texts := [*texts], self.tokenize)
        self._words: set[str] = set()
        self._phrases = {key_of(form) for form in self._forms}
        reader = Reader(self.tokenize, lambda words: True)
        for text in [*texts, *self._forms]:
            for one in reader.found(text):
                (self._phrases if " " in one else self._words).add(one)
        self._of_terms = {word for form in self._forms for word in key_of(form).split()}
        self._right = KnownWords(self._counts, self._forms, language)
        # Numbers may begin a name: "six monthly exam".
        self._small = {*map(key_of, blank(language).Defaults.stop_words)} - NUMBERS

    def is_right(self, word: str) -> bool:
        """Say whether training data, vocabulary or language have a word."""
        return word in self._words or self._right.is_right(word)

    def is_of_terms(self, word: str) -> bool:
        """Say whether a form of the vocabulary has a word in it."""
        return word in self._of_terms

    def is_small(self, word: str) -> bool:
        """Say whether a word is of those that every text is made of, or a single letter."""
        return len(word) == 1 or word in self._small

    def may_be_phrase(self, words: Sequence[str]) -> bool:
        """Say whether words may be a phrase that nobody taught; one of its words must be new."""
        return (
            not all(word in self._words for word in words)
            and not self.is_small(words[0])
            and not self.is_small(words[-1])
            and " ".join(words) not in self._phrases
        )

    def is_value(self, word: str) -> bool:
        """Say whether a word is an amount, a date or the like, or mostly of digits."""
        digits = sum(sign.isdigit() for sign in word)
        return bool(digits) and (2 * digits > len(word) or bool(find_values(word, self.language)))

    def speller(self, logged: Mapping[str, int]) -> Speller:
        """Make a speller that may correct towards right words of the log as well.

        Args:
            logged: how often the log uses each word.
        """
        counts = self._counts.copy()
        for word, number in logged.items():
            if word.isalpha() and self.is_right(word):
                counts[word] += number
        return Speller.build(counts, self._forms, SpellingSettings(language=self.language))
