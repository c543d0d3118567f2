"""How a message is read: spelling corrected, aliases as their canonical form, terms marked.

The text and all offsets stay what the user typed: a reading only says what the encoder sees
instead of some of the words, and which words are known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from bot.errors import ProjectError
from bot.types import Edit, Hit, Reading
from bot.vocabulary.matching import Match, TermMatcher
from bot.vocabulary.terms import Vocabulary, key_of

Place = tuple[int, int]
NAMES_FILE = "names.json"


class Meaning(NamedTuple):
    """What a model keeps of a term: its canonical form, entity type and value."""

    name: str
    entity: str | None
    value: str


@dataclass(frozen=True)
class _Word:
    """A word as it is read, and where it was typed."""

    text: str
    start: int
    end: int


class TermReader:
    """Finds the vocabulary's terms in what is read of a message.

    Args:
        matcher: knows the forms of the terms.
        meanings: of each term, by its number.
        source: the name under which entities say who found them.
    """

    def __init__(self, matcher: TermMatcher, meanings: Sequence[Meaning], source: str) -> None:
        self.matcher = matcher
        self.meanings = meanings
        self.source = source

    @classmethod
    def build(cls, vocabulary: Vocabulary, language: str, source: str) -> TermReader:
        """Take the terms of a language."""
        meanings = [Meaning(term.name, term.entity, term.value) for term in vocabulary.terms]
        return cls(TermMatcher.build(vocabulary, language), meanings, source)

    def read(self, text: str, places: Sequence[Place], reading: Reading) -> Reading:
        """Add the terms of a message to its reading.

        Args:
            text: as the user typed it.
            places: of its tokens.
            reading: what is known already, corrected spelling above all.
        """
        words = _words(text, places, reading.edits)
        hits, edits = list(reading.hits), list(reading.edits)
        for match in self.matcher.match([word.text for word in words]):
            found = words[match.first : match.last]
            start, end = found[0].start, found[-1].end
            meaning = self.meanings[match.term]
            if meaning.entity is not None:
                hits.append(Hit(start, end, meaning.entity, meaning.value, self.source))
            if _is_alias(match, meaning) and _is_whole(found, start, end, reading.edits):
                edits = [edit for edit in edits if edit.end <= start or end <= edit.start]
                edits.append(Edit(start, end, meaning.name, self.source))
        return replace(reading, edits=tuple(sorted(edits)), hits=tuple(hits))

    def save(self, folder: Path) -> None:
        """Write the terms into a folder."""
        self.matcher.save(folder)
        part = folder / f"{NAMES_FILE}.part"
        part.write_text(json.dumps(self.meanings, ensure_ascii=False), encoding="utf-8")
        os.replace(part, folder / NAMES_FILE)

    @classmethod
    def load(cls, folder: Path, source: str) -> TermReader:
        """Read what `save` has written.

        Raises:
            ProjectError: a file is missing or damaged.
        """
        path = folder / NAMES_FILE
        try:
            meanings = [Meaning(*row) for row in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as error:
            raise ProjectError(
                f"The terms of the model cannot be read ({error}).",
                "Train the model again.",
                file=path,
            ) from error
        return cls(TermMatcher.load(folder), meanings, source)


def _words(text: str, places: Sequence[Place], edits: Sequence[Edit]) -> list[_Word]:
    """Give the words that are read; those of a correction stand where it stands."""
    words: list[_Word] = []
    left = list(edits)
    for start, end in places:
        while left and left[0].end <= start:
            left.pop(0)
        if left and left[0].start < end:
            edit = left[0]
            if not words or words[-1].end <= edit.start:
                words += [_Word(w, edit.start, edit.end) for w in edit.replacement.split()]
            continue
        words.append(_Word(text[start:end], start, end))
    return words


def _is_alias(match: Match, meaning: Meaning) -> bool:
    """Say whether the words are no spelling of the canonical form."""
    return key_of(match.form) != key_of(meaning.name)


def _is_whole(found: Sequence[_Word], start: int, end: int, edits: Sequence[Edit]) -> bool:
    """Say whether the words hold every correction that they touch from its first word to its last.

    "an odpls" may be corrected to "an od pls": what stands for `od` alone was never typed.
    """
    for edit in edits:
        if edit.start < end and start < edit.end:
            read = [word.text for word in found if (word.start, word.end) == (edit.start, edit.end)]
            if read != edit.replacement.split():
                return False
    return True
