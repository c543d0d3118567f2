"""Read the project's YAML files so that every finding can name file and line.

The files are composed into nodes, which know their line, and never turned into values: that is
quick, and nothing is guessed about how Rasa's own YAML reader would type a scalar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.errors import ProjectError

PROJECT_FILES = ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml")
REQUIRED_FILES = ("config.yml", "domain.yml")
DATA_FOLDER = "data"
FORMAT_VERSION = (3, 1)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB_INDENT = re.compile(r"^ *\t\s*\S", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """One parsed file; `path` is as people write it, seen from the project's folder."""

    path: Path
    root: yaml.MappingNode | None

    def section(self, key: str) -> yaml.Node | None:
        """Give the value of a top-level key."""
        return entry(self.root, key)

    def error(self, at: yaml.Node | int, found: str, remedy: str = "") -> ProjectError:
        """Make an error that points at a node or a line of this file."""
        number = at if isinstance(at, int) else line_of(at)
        return ProjectError(found, remedy, file=self.path, line=number)


def line_of(node: yaml.Node) -> int:
    """Give the line a node begins on, counted from 1."""
    return int(node.start_mark.line) + 1


def pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Walk over a mapping's keys and values; over nothing where the node is something else."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key, value


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """Give a sequence's items; none where the node is something else."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def entry(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Give the value of one key of a mapping."""
    return next((value for name, value in pairs(node) if name.value == key), None)


def text_of(node: yaml.Node | None) -> str | None:
    """Give a scalar's text; None for null, and for what is no scalar."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        return None
    return str(node.value)


def value_of(node: yaml.Node | None) -> Any:
    """Turn a node into Python values, as far as YAML's own types go."""
    if node is None:
        return None
    loader = _LOADER("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def data_files(root: Path) -> list[Path]:
    """Give the YAML files below `data/` that Rasa would look at: hidden ones it skips."""
    folder = root / DATA_FOLDER
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in {".yml", ".yaml"} and path.is_file() and not path.name.startswith(".")
    )


def read_source(path: Path, root: Path) -> Source:
    """Parse one file.

    Raises:
        ProjectError: it is no UTF-8 or no YAML, or a key stands in it twice.
    """
    shown = path.relative_to(root)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProjectError(
            f"The file is not written in UTF-8 ({error.reason} at byte {error.start}).",
            "Save it as UTF-8.",
            file=shown,
        ) from error
    except OSError as error:
        raise ProjectError(
            f"The file cannot be read: {error.strerror}.", "Correct its permissions.", file=shown
        ) from error
    _refuse_tabs(text, shown)
    node = _compose(text, shown)
    source = Source(shown, node)
    _refuse_duplicates(source, node)
    _refuse_newer_format(source)
    return source


def read_project(root: Path) -> tuple[dict[str, Source], list[ProjectError]]:
    """Parse all files of a project; give those that parse, and what is wrong with the others."""
    sources: dict[str, Source] = {}
    errors: list[ProjectError] = []
    for path in [root / name for name in PROJECT_FILES] + data_files(root):
        if path.is_file():
            try:
                source = read_source(path, root)
            except ProjectError as error:
                errors.append(error)
            else:
                sources[source.path.as_posix()] = source
    return sources, errors


def _compose(text: str, shown: Path) -> yaml.MappingNode | None:
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        line = _line_of_error(error, text)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise ProjectError(
            f"This is no YAML: {problem}{_quoted(text, line)}{_begun(error, line)}.",
            "Look at the indentation, quotes and colons of this line and the one above.",
            file=shown,
            line=line,
        ) from error
    if node is not None and not isinstance(node, yaml.MappingNode):
        if text_of(node) is None and isinstance(node, yaml.ScalarNode):
            return None  # only comments, or "null"
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "plain text"
        raise ProjectError(
            f"The file must hold 'key: value' lines at its top level, but {kind} was found.",
            "Put the content under its key, such as 'nlu:' or 'stories:'.",
            file=shown,
            line=line_of(node),
        )
    return node


def _line_of_error(error: yaml.YAMLError, text: str) -> int | None:
    """Give the line to look at: where a quote or bracket opened that the file never closes."""
    mark = getattr(error, "problem_mark", None)
    opened = getattr(error, "context_mark", None)
    if mark is None or (opened is not None and mark.line >= text.rstrip().count("\n") + 1):
        mark = opened
    return None if mark is None else int(mark.line) + 1


def _begun(error: yaml.YAMLError, line: int | None) -> str:
    opened = getattr(error, "context_mark", None)
    if opened is None or opened.line + 1 == line:
        return ""
    return f" (in what begins on line {opened.line + 1})"


def _quoted(text: str, line: int | None) -> str:
    lines = text.splitlines()
    return f", in '{lines[line - 1].strip()}'" if line and line <= len(lines) else ""


def _refuse_tabs(text: str, shown: Path) -> None:
    match = _TAB_INDENT.search(text)
    if match:
        line = text.count("\n", 0, match.start()) + 1
        raise ProjectError(
            f"The line begins with a tab{_quoted(text, line)}; YAML allows only spaces there.",
            "Replace the tab by spaces.",
            file=shown,
            line=line,
        )


def _refuse_duplicates(source: Source, node: yaml.Node | None) -> None:
    """Rasa stops at a key that stands twice; PyYAML would silently keep the second."""
    first: dict[str, int] = {}
    for key, value in pairs(node):
        if key.value in first:
            raise source.error(
                key,
                f"The key '{key.value}' stands here a second time; "
                f"the first is on line {first[key.value]}.",
                "Merge the two, or rename one.",
            )
        first[key.value] = line_of(key)
        _refuse_duplicates(source, value)
    for item in items(node):
        _refuse_duplicates(source, item)


def _refuse_newer_format(source: Source) -> None:
    version = source.section("version")
    text = (text_of(version) or "").strip("\"'")
    if version is None or not text:
        return
    if not re.fullmatch(r"\d+(\.\d+)*", text):
        raise source.error(version, f"'{text}' is no version.", 'Write version: "3.1".')
    if tuple(int(number) for number in text.split(".")) > FORMAT_VERSION:
        raise source.error(
            version,
            f"The format version '{text}' is newer than Rasa 3.6's; Rasa would skip the file.",
            'Write version: "3.1".',
        )
