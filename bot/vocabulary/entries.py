"""From what a file says of a term to the term, with everything that is wrong about it."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import ProjectError, did_you_mean
from bot.vocabulary.terms import Form, Term

_NOTHING_SEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}


@dataclass
class Reading:
    """One file that is being read.

    Attributes:
        file: the file, as errors name it.
        language: the language of terms that name none.
        entities: the types of the domain; None where they are not known.
        problems: what is wrong so far.
    """

    file: Path
    language: str
    entities: frozenset[str] | None
    problems: list[ProjectError] = field(default_factory=list)

    def problem(self, line: int | None, found: str, remedy: str) -> None:
        """Note what is wrong."""
        self.problems.append(ProjectError(found, remedy, file=self.file, line=line))


@dataclass
class Entry:
    """A term as a file has it; None where the file says nothing.

    Attributes:
        aliases: each with its line, and its own `case_sensitive` if it has one.
    """

    line: int
    name: str | None = None
    aliases: Sequence[tuple[str, int, bool | None]] = ()
    entity: str | None = None
    value: str | None = None
    definition: str = ""
    case_sensitive: bool = False
    language: str | None = None


def term_of(entry: Entry, reading: Reading) -> Term | None:
    """Make the term; None, and at least one problem more, where that is not possible."""
    before = len(reading.problems)
    name = " ".join((entry.name or "").split())
    if entry.name is None:
        reading.problem(entry.line, "The term has no name.", "Write 'term: its canonical form'.")
    elif is_empty(name):
        reading.problem(entry.line, "The term is empty.", "Write a word, or remove the entry.")
    aliases = []
    for text, line, sensitive in entry.aliases:
        words = " ".join(text.split())
        if is_empty(words):
            reading.problem(line, f"An alias of '{name}' is empty.", "Write a word or remove it.")
        aliases.append(Form(words, entry.case_sensitive if sensitive is None else sensitive))
    check_entity(entry.entity, entry.line, reading)
    if len(reading.problems) > before:
        return None
    return Term(
        name=name,
        aliases=tuple(aliases),
        entity=sys.intern(entry.entity) if entry.entity else None,
        value=" ".join((entry.value or "").split()) or name,
        definition=" ".join(entry.definition.split()),
        case_sensitive=entry.case_sensitive,
        language=sys.intern((entry.language or reading.language).strip().lower()),
        file=reading.file,
        line=entry.line,
    )


def is_empty(text: str) -> bool:
    """Say whether nothing of a text can be seen."""
    if text.isascii() and text.isprintable():
        return not text.strip()
    return all(unicodedata.category(sign) in _NOTHING_SEEN for sign in text)


def check_entity(entity: str | None, line: int, reading: Reading) -> bool:
    """Say whether the domain has an entity; where not, that becomes a problem."""
    known = reading.entities
    if not entity or known is None or entity in known:
        return True
    hint = did_you_mean(entity, sorted(known))
    reading.problem(
        line,
        f"The domain has no entity '{entity}'.{hint}",
        "Add it to domain.yml under 'entities:', or name one that is there.",
    )
    return False
