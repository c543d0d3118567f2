"""Append terms to a YAML file and leave every byte that was there as it was.

The new content is read back before it takes the file's place: what it says must be what the file
said before, and the new terms.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import ProjectError, VocabularyError
from bot.vocabulary.checks import find_conflicts
from bot.vocabulary.entries import Reading
from bot.vocabulary.loading import YAML_SUFFIXES, read_file
from bot.vocabulary.terms import Form, Term, Vocabulary
from bot.vocabulary.yaml_lines import TOP_KEY, compose

WIDTH = 100
_SCRATCH = ".writing"  # no ending that is read as a vocabulary
_INSIDE = r"\w .'&/()£€$+*%\-"
_PLAIN = re.compile(rf"[^\W_](?:[{_INSIDE}]*[\w.')£€$+*%])?")
_PLAIN_LINE = re.compile(rf"[^\W_](?:[{_INSIDE},;?!]*[\w.')£€$+*%?!])?")  # outside of brackets
_TYPES = yaml.SafeLoader.yaml_implicit_resolvers


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to the folder meanwhile; it is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # the lock goes with it


def append_terms(
    path: Path, new: Sequence[Term], vocabulary: Vocabulary, language: str = "en"
) -> None:
    """Append terms to a file of the vocabulary; it is made where it is missing.

    Args:
        path: a YAML file in the vocabulary's folder.
        new: the terms; their file and line are not looked at.
        vocabulary: everything that is there, as `load_vocabulary` gave it.
        language: the language of terms that name none.

    Raises:
        VocabularyError: a new term is in conflict with one that is there, or with another new one.
        ProjectError: the file cannot be appended to, or not be written.
    """
    if path.suffix.lower() not in YAML_SUFFIXES:
        raise ProjectError(
            "Terms are appended to YAML files only.", "Name a file that ends in .yml.", file=path
        )
    placed = [replace(term, file=path, line=0) for term in new]
    conflicts = find_conflicts([*vocabulary.terms, *placed])
    if conflicts:
        raise VocabularyError(
            ProjectError(error.found, error.remedy, file=path) for error in conflicts
        )
    old = bytes_of(path)
    content = old + _addition(old, path, placed, language)
    _verify(path, old, content, placed, language)
    replace_file(path, content)


def entry_lines(term: Term, language: str = "en") -> list[str]:
    """Write one term as the lines of a mapping, without indentation."""
    lines = [f"term: {_scalar(term.name)}"]
    if term.entity:
        lines.append(f"entity: {_scalar(term.entity)}")
    if term.value != term.name:
        lines.append(f"value: {_scalar(term.value)}")
    lines += _alias_lines([alias_text(form, term) for form in term.aliases])
    if term.definition:
        lines.append(f"definition: {_scalar(term.definition, _PLAIN_LINE)}")
    if term.case_sensitive:
        lines.append("case_sensitive: true")
    if term.language != language:
        lines.append(f"language: {_scalar(term.language)}")
    return lines


def _alias_lines(aliases: list[str]) -> list[str]:
    if not aliases:
        return []
    line = f"aliases: [{', '.join(aliases)}]"
    if len(line) + 4 <= WIDTH:
        return [line]
    return ["aliases:", *(f"  - {alias}" for alias in aliases)]


def alias_text(form: Form, term: Term) -> str:
    """Write an alias as an item of the list in its term's entry."""
    text = _scalar(form.text)
    if form.case_sensitive == term.case_sensitive:
        return text
    return f"{{text: {text}, case_sensitive: {str(form.case_sensitive).lower()}}}"


def _scalar(text: str, plain: re.Pattern[str] = _PLAIN) -> str:
    """Write a text without quotes where no reader of YAML could take it for something else."""
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ProjectError(
            f"{text!a} holds half a character, which no file in UTF-8 can.", "Type it anew."
        )
    if plain.fullmatch(text) and " #" not in text and not _is_typed(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)


def _is_typed(text: str) -> bool:
    """Say whether YAML 1.1 would read a number, a date, a yes or a nothing."""
    return any(pattern.match(text) for _, pattern in _TYPES.get(text[0], ()))


def _addition(old: bytes, path: Path, terms: Sequence[Term], language: str) -> bytes:
    text = old.decode("utf-8-sig")
    reading = Reading(path, language, None)
    root = compose(text, reading)
    if reading.problems:
        raise VocabularyError(reading.problems)
    header, dash, key = _indentation(root, path)
    lines = [header] if header else []
    for term in terms:
        first, *rest = entry_lines(term, language)
        lines.append(f"{' ' * dash}-{' ' * (key - dash - 1)}{first}")
        lines += [f"{' ' * key}{line}" for line in rest]
    end = "\r\n" if "\r\n" in text else "\n"
    start = end if text and not text.endswith(("\n", "\r")) else ""
    return (start + "".join(line + end for line in lines)).encode()


def _indentation(root: Node | None, path: Path) -> tuple[str, int, int]:
    """Give a header where one is needed, and the columns of dash and keys."""
    if root is None:
        return f"{TOP_KEY}:", 2, 4
    listed = root.value[0][1] if isinstance(root, MappingNode) and root.value else None
    if isinstance(listed, ScalarNode) and not listed.style and not listed.value:
        return "", 2, 4
    if isinstance(listed, SequenceNode) and not listed.flow_style and listed.value:
        return "", listed.start_mark.column, listed.value[0].start_mark.column
    raise ProjectError(
        "The list of this file is not written with a line '- term:' for each term, so nothing "
        "can be put below it.",
        "Write it so, or name another file.",
        file=path,
    )


def _verify(path: Path, old: bytes, content: bytes, new: Sequence[Term], language: str) -> None:
    """Read the content back; it must say what it said before, and the new terms."""
    before, _ = read_file(path, language, text=old.decode("utf-8-sig"))
    after, problems = read_file(path, language, text=content.decode("utf-8-sig"))
    wanted = [replace(term, line=0) for term in [*before, *new]]
    if problems or [replace(term, line=0) for term in after] != wanted:
        raise ProjectError(
            "What stands at the end of this file keeps a term from being put below it"
            f"{f' ({problems[0].found})' if problems else ''}.",
            "Add the term by hand, or name another file.",
            file=path,
        )


def bytes_of(path: Path) -> bytes:
    """Read a file; one that is missing holds nothing.

    Raises:
        ProjectError: it cannot be read.
    """
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise ProjectError(
            f"The file cannot be read: {error.strerror}.", "Correct its permissions.", file=path
        ) from error


def replace_file(path: Path, content: bytes) -> None:
    """Put the content in the file's place, whole or not at all.

    Raises:
        ProjectError: it cannot be written.
    """
    target = path.resolve()
    scratch = target.with_name(f".{target.name}{_SCRATCH}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            if target.exists():
                os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise ProjectError(
            f"The file cannot be written ({error.strerror}); nothing was changed.",
            "Make room or give the right to write, and run the command again.",
            file=path,
        ) from error
