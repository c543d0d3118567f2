"""Count the words and phrases of a log in two passes, with memory that does not grow with it.

A log of 100,000 messages has a million different phrases, and nearly all of them once. So the
first pass counts phrases by a hash alone, in a table of fixed size, and the second counts exactly
only those whose place in the table is full enough; what several phrases share a place can only be
too high, so none is lost (Park, Chen and Yu, "An effective hash-based algorithm for mining
association rules", SIGMOD 1995). Words are counted exactly: there are few different ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from zlib import crc32

from bot.vocabulary.terms import key_of

LONGEST_PHRASE = 3  # words
KEPT = 10  # messages of each word whose numbers are kept, each of another conversation
SHOWN = 3  # of them with their text
_PLACES = 1 << 22  # of the table: 4 MB
_FULL = 255
_MASK = re.compile(r"\[[A-Z]+_\d+\]")  # what stands for personal data
_WORD = re.compile(r"[^\W_](?:[\w/&.+-]*[^\W_])?")  # o/d, 3ds, pay-as-you-go
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST_WORD = 40  # characters; beyond it nothing is a word
_REMEMBERED = 50_000  # tokens whose key is kept

Span = tuple[int, int]
Tokenize = Callable[[str], Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Logged:
    """A message that a person wrote, without personal data.

    Attributes:
        id: its number in the feedback store.
        conversation: the number of its conversation.
        text: masks such as `[PHONE_1]` stand for what was taken out.
        misunderstood: the bot fell back, or a reviewer corrected it.
        label: what a reviewer says it means.
        marks: what a reviewer marked: start, end, entity and value.
    """

    id: int
    conversation: int
    text: str
    misunderstood: bool = False
    label: str | None = None
    marks: tuple[tuple[int, int, str, str], ...] = ()


@dataclass(slots=True)
class Tally:
    """What the second pass notes of a word or phrase; messages count once each."""

    messages: int = 0
    conversations: int = 0
    misunderstood: int = 0
    misunderstood_in: int = 0  # conversations
    typed: Counter[str] = field(default_factory=Counter)
    places: list[int] = field(default_factory=list)
    contexts: list[str] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    marks: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True)
class Counts:
    """What the first pass found.

    Attributes:
        messages: how many there are.
        misunderstood: how many of them were.
        words: how often each word occurs.
        spread: in how many conversations.
        table: how often, at most, the phrases of a place occur.
    """

    messages: int
    misunderstood: int
    words: Counter[str]
    spread: Counter[str]
    table: bytearray

    def may_be(self, phrase: str, least: int) -> bool:
        """Say whether a phrase can occur in so many conversations."""
        return self.table[_place(phrase)] >= min(least, _FULL)


class Reader:
    """Cuts messages into the words that may be suggested.

    Args:
        tokenize: gives the places of the words of a text.
        is_phrase: says of two or three words whether they may belong together.
    """

    def __init__(self, tokenize: Tokenize, is_phrase: Callable[[Sequence[str]], bool]) -> None:
        self._tokenize = tokenize
        self._is_phrase = is_phrase

    def words(self, text: str) -> list[tuple[str, int, int]]:
        """Give the words as they are compared, with their places; "" is what no phrase spans."""
        masks = [match.span() for match in _MASK.finditer(text)] if "[" in text else []
        found = []
        for start, end in self._tokenize(text):
            word = text[start:end]
            masked = any(start < last and first < end for first, last in masks)
            found.append(("" if masked else _key(word), start, end))
        return found

    def found(self, text: str) -> dict[str, Span]:
        """Give the words and phrases of a text, each with its first place."""
        words = self.words(text)
        found: dict[str, Span] = {}
        for first, (word, start, end) in enumerate(words):
            if not word:
                continue
            found.setdefault(word, (start, end))
            group = [word]
            for other, _, last in words[first + 1 : first + LONGEST_PHRASE]:
                if not other:
                    break
                group.append(other)
                if self._is_phrase(group):
                    found.setdefault(" ".join(group), (start, last))
        return found


def count(messages: Iterable[Logged], reader: Reader) -> Counts:
    """Do the first pass.

    Args:
        messages: those of a conversation one after the other.
        reader: cuts them into words.
    """
    words: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    table = bytearray(_PLACES)
    total = misunderstood = 0
    for talk in _conversations(messages):
        met: set[str] = set()
        for message in talk:
            total += 1
            misunderstood += message.misunderstood
            found = reader.found(message.text)
            words.update(word for word in found if " " not in word)
            met.update(found)
        for one in met:
            if " " not in one:
                spread[one] += 1
            elif table[place := _place(one)] < _FULL:
                table[place] += 1
    return Counts(total, misunderstood, words, spread, table)


def tally(
    messages: Iterable[Logged], reader: Reader, wanted: Callable[[str], bool]
) -> dict[str, Tally]:
    """Do the second pass: count exactly, and keep contexts.

    Args:
        messages: as for `count`.
        reader: the same.
        wanted: says which words and phrases are worth it.
    """
    found: dict[str, Tally] = {}
    for talk in _conversations(messages):
        met: set[str] = set()
        failed: set[str] = set()
        for message in talk:
            for one, span in reader.found(message.text).items():
                if not wanted(one):
                    continue
                entry = found.setdefault(one, Tally())
                _note(entry, message, span, is_new=one not in met)
                met.add(one)
                if message.misunderstood and one not in failed:
                    entry.misunderstood_in += 1
                    failed.add(one)
    return found


def _note(entry: Tally, message: Logged, span: Span, *, is_new: bool) -> None:
    entry.messages += 1
    entry.misunderstood += message.misunderstood
    entry.typed[" ".join(message.text[slice(*span)].split())] += 1
    if message.label is not None:
        entry.labels[message.label] += 1
    for start, end, entity, value in message.marks:
        if start <= span[0] and span[1] <= end:
            entry.marks[entity, value] += 1
    if is_new:
        entry.conversations += 1
        if len(entry.places) < KEPT:
            entry.places.append(message.id)
        if len(entry.contexts) < SHOWN:
            entry.contexts.append(message.text)


@lru_cache(maxsize=_REMEMBERED)
def _key(token: str) -> str:
    """Give a word as it is compared: letters, perhaps digits and signs inside; "" for the rest."""
    is_word = len(token) <= _LONGEST_WORD and _WORD.fullmatch(token) and _LETTER.search(token)
    return key_of(token) if is_word else ""


def _conversations(messages: Iterable[Logged]) -> Iterator[Iterator[Logged]]:
    for _, talk in groupby(messages, key=lambda message: message.conversation):
        yield talk


def _place(phrase: str) -> int:
    return crc32(phrase.encode("utf-8", "surrogatepass")) & (_PLACES - 1)
