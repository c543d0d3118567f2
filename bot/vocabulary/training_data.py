"""What Rasa's training data says of words: messages with their entities, and its own word lists.

Only what is needed here is read, and leniently: what is wrong with training data is for
`bot train` and `bot doctor` to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import VocabularyError
from bot.vocabulary.entries import Reading
from bot.vocabulary.yaml_lines import compose, line_of

# Rasa's own pattern (rasa.shared.nlu.training_data.entities_parser)
_ANNOTATION = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(\((?P<entity>[^:)]+?)(?:\:(?P<value>[^)]+))?\)|\{(?P<one>[^}]+?)\}|\[(?P<many>.*?)\])"
)
_KINDS = ("intent", "synonym", "lookup", "regex")


@dataclass(frozen=True, slots=True)
class Message:
    """A training example; `marked` holds start, end and type of its entities."""

    text: str
    marked: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A synonym, lookup table or regex of Rasa's, with its lines."""

    kind: str
    name: str
    texts: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class TrainingData:
    """What one file, or several, hold."""

    messages: tuple[Message, ...] = ()
    listings: tuple[Listing, ...] = ()

    def __add__(self, other: TrainingData) -> TrainingData:
        return TrainingData(self.messages + other.messages, self.listings + other.listings)


def read_project_data(folder: Path, without: Path) -> TrainingData:
    """Read all NLU data below a folder; `without` is the vocabulary's, files in it are left out."""
    found = TrainingData()
    for path in sorted(folder.rglob("*.y*ml")):
        if path.suffix in (".yml", ".yaml") and path.is_file() and without not in path.parents:
            try:
                found += read_nlu(path)
            except VocabularyError:
                continue
    return found


def read_nlu(path: Path) -> TrainingData:
    """Read one file of Rasa's NLU format.

    Raises:
        VocabularyError: it cannot be read, or is no YAML.
    """
    reading = Reading(path, "", None)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reading.problem(None, f"The file cannot be read: {error}.", "Give a file in UTF-8.")
        raise VocabularyError(reading.problems) from error
    if "nlu:" not in text:
        return TrainingData()
    root = compose(text, reading)
    if reading.problems:
        raise VocabularyError(reading.problems)
    messages: list[Message] = []
    listings: list[Listing] = []
    for item in _sequence(_values(root).get("nlu")):
        values = _values(item)
        kind = next((kind for kind in _KINDS if kind in values), None)
        if kind is None:
            continue
        texts = tuple(_examples(values.get("examples")))
        if kind == "intent":
            messages += map(message_of, texts)
        else:
            name = str(values[kind].value).strip()
            listings.append(Listing(kind, name, texts, f"{path}:{line_of(item)}"))
    return TrainingData(tuple(messages), tuple(listings))


def message_of(example: str) -> Message:
    """Take the annotations out of an example, and keep where they were."""
    pieces: list[str] = []
    marked: list[tuple[int, int, str]] = []
    length = done = 0
    for match in _ANNOTATION.finditer(example):
        before = example[done : match.start()]
        start = length + len(before)
        length = start + len(match["text"])
        pieces += [before, match["text"]]
        marked += [(start, length, entity) for entity in _entities(match)]
        done = match.end()
    return Message("".join([*pieces, example[done:]]), tuple(marked))


def _entities(match: re.Match[str]) -> Iterator[str]:
    if match["entity"]:
        yield match["entity"]
        return
    raw = f"[{{{match['one']}}}]" if match["one"] else f"[{match['many']}]"
    try:
        found = json.loads(raw)
    except ValueError:
        return
    for item in found:
        if isinstance(item, dict) and isinstance(item.get("entity"), str):
            yield item["entity"]


def _examples(node: Node | None) -> Iterator[str]:
    if isinstance(node, ScalarNode):
        for line in str(node.value).splitlines():
            if line.startswith("-") and line[1:].strip():
                yield line[1:].strip()
    for item in _sequence(node):
        text = _values(item).get("text")
        if isinstance(text, ScalarNode) and text.value.strip():
            yield str(text.value).strip()


def _values(node: Node | None) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}


def _sequence(node: Node | None) -> list[Node]:
    return list(node.value) if isinstance(node, SequenceNode) else []
