"""From text to subword ids and words with exact character offsets.

The encoder's own tokenizer decides what a word is. Offsets always count characters of the
text as the user typed it, whatever the tokenizer's normalisation dropped or replaced, and
whatever the encoder is given to read instead of a part of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from bot.types import Edit

_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}  # zero-width joiner, variation selectors


@dataclass(frozen=True)
class Word:
    """A word of the text: characters `start:end`, subword positions `first:last`."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class TokenizedText:
    """Subword ids with the encoder's special tokens, and the words they form."""

    ids: tuple[int, ...]
    words: tuple[Word, ...]


class SubwordTokenizer:
    """A fast tokenizer of the encoder, cut off at `max_length` subwords."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, path: Path, max_length: int) -> SubwordTokenizer:
        """Load `tokenizer.json`."""
        return cls(Tokenizer.from_file(str(path)), max_length)

    def save(self, path: Path) -> None:
        """Write `tokenizer.json`."""
        self._tokenizer.save(str(path))

    def tokenize(self, text: str, edits: Sequence[Edit] = ()) -> TokenizedText:
        """Split a text; any text is accepted, the empty one too.

        Args:
            text: as the user typed it.
            edits: what to read instead of parts of it, sorted and without overlaps. Each becomes
                one word, which stands where the edited part stands.
        """
        read = apply_edits(text, edits)
        encoding = self._tokenizer.encode(_without_surrogates(read))
        words = _words(read, encoding)
        if edits:
            words = _placed(words, _origins(text, edits))
        return TokenizedText(tuple(encoding.ids), tuple(words))


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Give the text with its edited parts replaced."""
    parts, last = [], 0
    for edit in edits:
        parts += [text[last : edit.start], edit.replacement]
        last = edit.end
    return "".join([*parts, text[last:]])


def _origins(text: str, edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """Give each character that is read the place in the typed text that it stands for."""
    origins, last = [], 0
    for edit in edits:
        origins += [(i, i + 1) for i in range(last, edit.start)]
        origins += [(edit.start, edit.end)] * len(edit.replacement)
        last = edit.end
    return origins + [(i, i + 1) for i in range(last, len(text))]


def _placed(words: Sequence[Word], origins: Sequence[tuple[int, int]]) -> list[Word]:
    """Move words from what was read to what was typed; those that share an edit become one."""
    placed: list[Word] = []
    for word in words:
        start, end = origins[word.start][0], origins[word.end - 1][1]
        if placed and start < placed[-1].end:
            before = placed[-1]
            placed[-1] = Word(before.start, max(before.end, end), before.first, word.last)
        else:
            placed.append(Word(start, end, word.first, word.last))
    return placed


def _without_surrogates(text: str) -> str:
    """Replace half emoji, cut in two by some client: they are no valid UTF-8."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _words(text: str, encoding: Encoding) -> list[Word]:
    words: list[Word] = []
    previous = None
    for position, (word_id, (start, end)) in enumerate(
        zip(encoding.word_ids, encoding.offsets, strict=True)
    ):
        if word_id is None:
            previous = None
            continue
        # A character that normalisation spells out as several words is never cut in two.
        if words and (word_id == previous or start < words[-1].end):
            word = words[-1]
            words[-1] = Word(word.start, max(word.end, end), word.first, position + 1)
        else:
            words.append(Word(start, end, position, position + 1))
        previous = word_id
    limits = [*(word.start for word in words[1:]), len(text)]
    trimmed = (_trim(text, word, limit) for word, limit in zip(words, limits, strict=False))
    return [word for word in trimmed if word.start < word.end]


def _trim(text: str, word: Word, limit: int) -> Word:
    """Drop surrounding white space; take in combining marks that belong to the last letter.

    `limit` is where the next word begins.
    """
    start, end = word.start, word.end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end < limit and _extends(text[end]):
        end += 1
    return Word(start, end, word.first, word.last)


def _extends(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character).startswith("M")
