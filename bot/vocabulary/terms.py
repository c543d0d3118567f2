"""What a vocabulary is made of: terms, and the forms in which people write them."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Form:
    """One way a term is written.

    Attributes:
        text: the words, with single spaces between them.
        case_sensitive: whether only this spelling counts; else upper and lower case are one.
    """

    text: str
    case_sensitive: bool


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that has a name in the trade.

    Attributes:
        name: the canonical form; the encoder reads it in place of an alias.
        aliases: the other forms, in the order of the file.
        entity: the type of the domain that the words are marked with; None marks nothing.
        value: what the entity's value becomes.
        definition: what it means, for people; may be empty.
        case_sensitive: whether the canonical form is; aliases say so themselves.
        language: the language its forms belong to.
        file: where it stands.
        line: the line in it, counted from 1.
    """

    name: str
    aliases: tuple[Form, ...]
    entity: str | None
    value: str
    definition: str
    case_sensitive: bool
    language: str
    file: Path
    line: int

    @property
    def forms(self) -> tuple[Form, ...]:
        """All forms, the canonical one first."""
        return (Form(self.name, self.case_sensitive), *self.aliases)

    @property
    def place(self) -> str:
        """File and line, as errors name them."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Vocabulary:
    """All terms, in the order of files and lines."""

    terms: tuple[Term, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the terms say; where they stand, and in which order, is not in it."""
        lines = sorted(_content(term) for term in self.terms)
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The entity types in use, sorted."""
        return tuple(sorted({term.entity for term in self.terms if term.entity is not None}))


def key_of(text: str) -> str:
    """Give what two spellings share that differ only in case, white space or Unicode's forms."""
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _content(term: Term) -> str:
    aliases = [[form.text, form.case_sensitive] for form in term.aliases]
    return json.dumps(
        [
            term.name,
            aliases,
            term.entity,
            term.value,
            term.definition,
            term.case_sensitive,
            term.language,
        ],
        ensure_ascii=True,
    )
