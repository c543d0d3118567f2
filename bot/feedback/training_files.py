"""Training examples from Rasa's NLU files, read without Rasa, each with its file and line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode

from bot.errors import ProjectError
from bot.feedback.yaml_nodes import compose, line_of, mapping, scalar, sequence
from bot.types import Span

# Rasa's own: `[text](entity:value)`, `[text]{"entity": ...}`, `[text][{...}, {...}]`.
_MARKUP = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(?:\((?P<entity>[^:)]+?)(?::[^)]+)?\)|\{(?P<one>[^}]+?)\}|\[(?P<many>.*?)\])"
)
_OBJECT = re.compile(r"\{([^}]+?)\}")
_STRIPPED = "\n\r "


@dataclass(frozen=True)
class TrainingExample:
    """An example of the training data; `file` is relative to the project, `line` counts from 1."""

    text: str
    label: str
    spans: tuple[Span, ...]
    file: str
    line: int


@dataclass(frozen=True)
class TrainingFile:
    """What a file says of language: its examples and the names of its responses."""

    examples: tuple[TrainingExample, ...]
    responses: tuple[str, ...]


def yaml_files(folder: Path) -> list[Path]:
    """List the YAML files below a folder, hidden ones apart, in a fixed order."""
    found = (path for path in folder.rglob("*") if path.suffix in (".yml", ".yaml"))
    return sorted(
        path
        for path in found
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def read_file(path: Path, root: Path) -> TrainingFile:
    """Read the examples and responses of a file; stories and rules are passed over.

    Raises:
        ProjectError: the file is broken.
    """
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    content = mapping(compose(path, shown), shown, "The file")
    examples: list[TrainingExample] = []
    for item in sequence(content.get("nlu"), shown, "'nlu'"):
        options = mapping(item, shown, "An item of 'nlu'")
        if label := scalar(options.get("intent")).strip():
            examples.extend(_examples(options.get("examples"), label, shown))
    responses = mapping(content.get("responses"), shown, "'responses'")
    return TrainingFile(tuple(examples), tuple(responses))


def _examples(node: Node | None, label: str, shown: Path) -> Iterator[TrainingExample]:
    for written, line in _lines(node, shown):
        text, spans = read_markup(written, shown, line)
        if text:
            yield TrainingExample(text, label, spans, shown.as_posix(), line)


def _lines(node: Node | None, shown: Path) -> Iterator[tuple[str, int]]:
    """Yield each example as it is written, with its line."""
    if isinstance(node, ScalarNode):
        first = line_of(node) + (1 if node.style in ("|", ">") else 0)
        for number, line in enumerate(node.value.split("\n")):
            for part in line.splitlines():
                if part.startswith("-"):
                    yield part[1:].strip(_STRIPPED), first + number
        return
    for item in sequence(node, shown, "'examples'"):
        if isinstance(item, MappingNode):
            text = mapping(item, shown, "An example").get("text")
            yield scalar(text).strip(_STRIPPED), line_of(item)


def read_markup(written: str, shown: Path, line: int) -> tuple[str, tuple[Span, ...]]:
    """Give the plain text of an example, and the entities that are marked in it.

    Raises:
        ProjectError: an entity's object is no JSON, or names no entity.
    """
    if "[" not in written:
        return written, ()
    pieces: list[str] = []
    spans: list[Span] = []
    position = length = 0
    for match in _MARKUP.finditer(written):
        before, text = written[position : match.start()], match["text"]
        start = length + len(before)
        pieces += [before, text]
        length = start + len(text)
        position = match.end()
        if match["entity"]:
            spans.append(Span(start, length, match["entity"]))
            continue
        for content in [match["one"]] if match["one"] else _OBJECT.findall(match["many"]):
            spans.append(_span(content, start, length, shown, line))
    return "".join([*pieces, written[position:]]), tuple(spans)


def _span(content: str, start: int, end: int, shown: Path, line: int) -> Span:
    try:
        data = json.loads(f"{{{content}}}")
        entity = data["entity"]
    except (ValueError, KeyError) as error:
        raise ProjectError(
            f"The entity {{{content}}} cannot be read.",
            'Write it as {"entity": "city", "role": "from"}.',
            file=shown,
            line=line,
        ) from error
    role, group = data.get("role"), data.get("group")
    return Span(start, end, str(entity), role and str(role), group and str(group))
