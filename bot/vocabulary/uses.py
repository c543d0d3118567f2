"""Where the forms of a vocabulary occur in training messages, for advice to its authors.

The longest form wins, then the earliest. This only counts; what runs on messages is the matcher.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.vocabulary.terms import Form, Term, key_of
from bot.vocabulary.training_data import Message

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass
class Use:
    """How often one form stands in the messages.

    Attributes:
        messages: how many messages it stands in.
        unmarked: in how many it is not marked with the term's entity.
        example: the first such message, or else the first one.
    """

    messages: int = 0
    unmarked: int = 0
    example: str = ""


@dataclass
class Uses:
    """The uses of all forms, by number of the term and place among its forms."""

    forms: dict[tuple[int, int], Use] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


def count_uses(terms: Sequence[Term], messages: Iterable[Message], language: str) -> Uses:
    """Count in how many messages each form and each file's terms occur."""
    index = _Index(terms, language)
    found = Uses(files={str(term.file): 0 for term in terms})
    for message in messages:
        files = set()
        for (number, place), marked in _in_message(index, terms, message).items():
            use = found.forms.setdefault((number, place), Use())
            if not use.messages or (not marked and not use.unmarked):
                use.example = message.text
            use.messages += 1
            use.unmarked += not marked
            files.add(str(terms[number].file))
        for file in files:
            found.files[file] += 1
    return found


class _Index:
    """All forms by their words."""

    def __init__(self, terms: Sequence[Term], language: str) -> None:
        self.forms: dict[tuple[str, ...], list[tuple[int, int, Form]]] = defaultdict(list)
        self.longest: dict[str, int] = {}
        for number, term in enumerate(terms):
            if term.language != language:
                continue
            for place, form in enumerate(term.forms):
                words = tuple(_WORD.findall(key_of(form.text)))
                if words:
                    self.forms[words].append((number, place, form))
                    self.longest[words[0]] = max(self.longest.get(words[0], 0), len(words))

    def hits(self, text: str) -> Iterator[tuple[int, int, int, int]]:
        """Yield start, end, number of the term and place of the form."""
        spans = [(match.start(), match.end()) for match in _WORD.finditer(text)]
        words = [key_of(text[start:end]) for start, end in spans]
        at = 0
        while at < len(words):
            for length in range(min(self.longest.get(words[at], 0), len(words) - at), 0, -1):
                start, end = spans[at][0], spans[at + length - 1][1]
                hit = self._form(tuple(words[at : at + length]), text[start:end])
                if hit is not None:
                    yield start, end, *hit
                    at += length - 1
                    break
            at += 1

    def _form(self, words: tuple[str, ...], typed: str) -> tuple[int, int] | None:
        as_typed = " ".join(typed.split())
        for number, place, form in self.forms.get(words, ()):
            if not form.case_sensitive or form.text == as_typed:
                return number, place
        return None


def _in_message(
    index: _Index, terms: Sequence[Term], message: Message
) -> dict[tuple[int, int], bool]:
    """Give the forms of one message, each with whether all its places bear the term's entity."""
    found: dict[tuple[int, int], bool] = {}
    for start, end, number, place in index.hits(message.text):
        marked = any(
            entity == terms[number].entity and first < end and start < last
            for first, last, entity in message.marked
        )
        found[number, place] = found.get((number, place), True) and marked
    return found
