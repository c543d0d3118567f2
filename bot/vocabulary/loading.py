"""Read `data/vocabulary/`: every file of it, and everything that is wrong, in one go."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import ProjectError, VocabularyError
from bot.vocabulary.checks import find_conflicts
from bot.vocabulary.entries import Reading
from bot.vocabulary.lists import read_csv, read_txt
from bot.vocabulary.terms import Term, Vocabulary
from bot.vocabulary.yaml_lines import read_yaml

FOLDER = Path("data/vocabulary")
YAML_SUFFIXES = (".yml", ".yaml")
_DOCUMENTS = (".md", ".rst")
_READERS: dict[str, Callable[[str, Reading], list[Term]]] = {
    ".yml": read_yaml,
    ".yaml": read_yaml,
    ".csv": read_csv,
    ".txt": read_txt,
}


def load_vocabulary(
    folder: Path, language: str = "en", entities: Collection[str] | None = None
) -> Vocabulary:
    """Read all terms of a folder and those below it, in the order of files and lines.

    Args:
        folder: where the files lie; a missing one is an empty vocabulary.
        language: the language of terms that name none.
        entities: the entity types of the domain; None does not check them.

    Raises:
        VocabularyError: something is wrong; all of it is named, each with file, line and remedy.
    """
    terms: list[Term] = []
    problems: list[ProjectError] = []
    with _collector_at_rest():
        for path in vocabulary_files(folder):
            read, wrong = read_file(path, language, entities)
            terms += read
            problems += wrong
        problems += find_conflicts(terms)
    if problems:
        raise VocabularyError(sorted(problems, key=_place))
    return Vocabulary(tuple(terms))


def digest_of(folder: Path) -> str:
    """Give the SHA-256 of names and bytes of all files, without reading what they say."""
    digest = hashlib.sha256()
    for path in vocabulary_files(folder):
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        content = path.read_bytes()
        digest.update(b"%d %d " % (len(name), len(content)) + name + content)
    return digest.hexdigest()


def vocabulary_files(folder: Path) -> list[Path]:
    """Give the files that hold terms, sorted; hidden ones and other kinds are left out."""
    if not folder.is_dir():
        return []
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _READERS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def unread_files(folder: Path) -> list[Path]:
    """Give the files that look like lists of terms to people, but are not read."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix.lower() not in {*_READERS, *_DOCUMENTS}
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def read_file(
    path: Path,
    language: str = "en",
    entities: Collection[str] | None = None,
    text: str | None = None,
) -> tuple[list[Term], list[ProjectError]]:
    """Read one file, or the text that is to become its content.

    Returns:
        Its terms, and what is wrong with the file.
    """
    reading = Reading(path, language, None if entities is None else frozenset(entities))
    content = _decoded(path, reading) if text is None else text
    terms = [] if content is None else _READERS[path.suffix.lower()](content, reading)
    return terms, reading.problems


def is_readable(path: Path) -> bool:
    """Say whether files with this ending hold terms."""
    return path.suffix.lower() in _READERS


def _decoded(path: Path, reading: Reading) -> str | None:
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reading.problem(
            line, f"The file is not written in UTF-8 ({error.reason}).", "Save it as UTF-8."
        )
    except OSError as error:
        reading.problem(
            None, f"The file cannot be read: {error.strerror}.", "Correct its permissions."
        )
    return None


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the collector from walking over trees and lists that only grow: four times as fast."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _place(problem: ProjectError) -> tuple[str, int]:
    return str(problem.file), problem.line or 0
