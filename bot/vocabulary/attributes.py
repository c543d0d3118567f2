"""Read `data/attributes/`: what is to be said of messages beside their intent, one file each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import ProjectError, TrainingDataError, did_you_mean
from bot.types import Attribute, Example, base_intent
from bot.vocabulary.entries import Reading
from bot.vocabulary.loading import YAML_SUFFIXES, digest_of, vocabulary_files
from bot.vocabulary.yaml_lines import (
    compose,
    is_absent,
    line_of,
    refuse_rasa_keys,
    text_of,
    values_of,
)

FOLDER = Path("data/attributes")
KEYS = ("attribute", "slot", "least", "otherwise", "except", "values")
LEAST = 0.7
_NAME = re.compile(r"[A-Za-z_]\w*")
_NAMES = "Use letters, digits and underscores."
_SHAPE = "Write 'angry:' and below it one message a line, each behind '- '."


@dataclass(frozen=True)
class AttributeData:
    """What one file says.

    Attributes:
        name: of the attribute.
        values: what it can be, each with the messages that show it.
        slot: the slot that the value fills; None where it fills none.
        least: the confidence below which the slot is left alone.
        otherwise: the value of messages with an intent; None where nothing is known of them.
        apart: the intents whose messages may have any value.
        file: where it stands.
        slot_line: the line of the slot, counted from 1.
    """

    name: str
    values: dict[str, tuple[str, ...]]
    slot: str | None
    least: float
    otherwise: str | None
    apart: frozenset[str]
    file: Path
    slot_line: int

    def examples(self) -> list[Example]:
        """Give the messages; they carry nothing but this attribute."""
        return [
            Example(text, attributes=(Attribute(self.name, value),))
            for value, texts in self.values.items()
            for text in texts
        ]

    def label(self, examples: Sequence[Example]) -> list[Example]:
        """Let some messages with an intent carry the value `otherwise`.

        As many as the file has messages, spread over all: so the model hears what people usually
        say without hearing little else.
        """
        likely = [
            number
            for number, example in enumerate(examples)
            if example.intent and base_intent(example.intent) not in self.apart
        ]
        wanted = sum(map(len, self.values.values())) if self.otherwise else 0
        step = max(1, len(likely) // max(1, wanted))
        chosen = set(likely[::step][:wanted])
        said = Attribute(self.name, self.otherwise or "")
        return [
            replace(example, attributes=(*example.attributes, said)) if i in chosen else example
            for i, example in enumerate(examples)
        ]


def load_attributes(folder: Path = FOLDER) -> tuple[AttributeData, ...]:
    """Read all attributes of a folder, in the order of their files; a missing one has none.

    Raises:
        TrainingDataError: something is wrong; all of it is named, each with file, line and remedy.
    """
    found: list[AttributeData] = []
    problems: list[ProjectError] = []
    for path in vocabulary_files(folder):
        reading = Reading(path, "", None)
        if path.suffix.lower() in YAML_SUFFIXES:
            read = read_attribute(path, reading)
            found += [read] if read else []
        else:
            reading.problem(None, "An attribute is a YAML file.", "Rename it, or move it away.")
        problems += reading.problems
    problems += _shared(found)
    if problems:
        raise TrainingDataError("\n".join(map(str, problems)))
    return tuple(found)


def attributes_digest(folder: Path = FOLDER) -> str:
    """Give the SHA-256 of names and bytes of all files."""
    return digest_of(folder)


def read_attribute(path: Path, reading: Reading) -> AttributeData | None:
    """Read one file; None, and at least one problem, where it cannot be used."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reading.problem(None, f"The file cannot be read: {error}.", "Save it as UTF-8.")
        return None
    refuse_rasa_keys(text, reading)
    root = compose(text, reading)
    if not isinstance(root, MappingNode):
        if not reading.problems:
            line = 1 if root is None else line_of(root)
            reading.problem(line, "The file names no attribute.", "Begin with 'attribute: mood'.")
        return None
    nodes = values_of(root, KEYS, "The file", reading)
    name = _name(nodes.get("attribute"), "attribute", reading)
    if name is None and not reading.problems:
        reading.problem(1, "The file names no attribute.", "Begin with 'attribute: mood'.")
    slot_node = nodes.get("slot")
    slot = _name(slot_node, "slot", reading)
    least = _least(nodes.get("least"), reading)
    values = _values(nodes.get("values"), line_of(root), reading)
    otherwise = _otherwise(nodes.get("otherwise"), values, reading)
    apart = _intents(nodes.get("except"), reading)
    if reading.problems:
        return None
    slot_line = line_of(slot_node) if slot_node is not None else 1
    return AttributeData(str(name), values, slot, least, otherwise, apart, reading.file, slot_line)


def _otherwise(
    node: Node | None, values: Mapping[str, Sequence[str]], reading: Reading
) -> str | None:
    if node is None or is_absent(node):
        return None
    value = text_of(node, "otherwise", reading)
    if value not in values:
        hint = did_you_mean(value, values)
        reading.problem(
            line_of(node), f"'{value}' is none of the values.{hint}", "Name one of them."
        )
    return value


def _intents(node: Node | None, reading: Reading) -> frozenset[str]:
    if node is None or is_absent(node):
        return frozenset()
    if not isinstance(node, SequenceNode):
        reading.problem(line_of(node), "'except' must be a list.", "Write 'except: [complaint]'.")
        return frozenset()
    return frozenset(text_of(item, "intent", reading) for item in node.value)


def _name(node: Node | None, key: str, reading: Reading) -> str | None:
    if node is None or is_absent(node):
        return None
    name = text_of(node, key, reading).strip()
    if isinstance(node, ScalarNode) and not _NAME.fullmatch(name):
        reading.problem(
            line_of(node),
            f"'{name}' is no name of {'an attribute' if key == 'attribute' else 'a slot'}.",
            _NAMES,
        )
    return name


def _least(node: Node | None, reading: Reading) -> float:
    if node is None or is_absent(node):
        return LEAST
    try:
        least = float(node.value) if isinstance(node, ScalarNode) else -1.0
    except ValueError:
        least = -1.0
    if not 0 <= least <= 1:
        reading.problem(line_of(node), "'least' is no confidence.", "Write a number from 0 to 1.")
    return least


def _values(node: Node | None, line: int, reading: Reading) -> dict[str, tuple[str, ...]]:
    if not isinstance(node, MappingNode):
        where = line if node is None else line_of(node)
        reading.problem(where, "'values' must name what the attribute can be.", _SHAPE)
        return {}
    found: dict[str, tuple[str, ...]] = {}
    seen: dict[str, str] = {}
    for key, below in node.value:
        value = text_of(key, "value", reading).strip()
        if not _NAME.fullmatch(value):
            reading.problem(line_of(key), f"'{value}' is no name of a value.", _NAMES)
        if value in found:
            reading.problem(line_of(key), f"'{value}' is there twice.", "Put both together.")
        texts = list(_messages(below, value, line_of(key), reading))
        for text, place in texts:
            other = seen.setdefault(text.casefold(), value)
            if other != value:
                reading.problem(
                    place, f"The message stands under '{other}' too.", "Keep one of the two."
                )
        found[value] = tuple(dict.fromkeys(text for text, _ in texts))
    if len(found) == 1:
        reading.problem(line_of(node), "There is one value only.", "Add what it is otherwise.")
    return found


def _messages(node: Node, value: str, line: int, reading: Reading) -> Iterator[tuple[str, int]]:
    if not isinstance(node, SequenceNode) or not node.value:
        reading.problem(line, f"'{value}' has no list of messages.", _SHAPE)
        return
    for item in node.value:
        text = " ".join(text_of(item, "message", reading).split())
        if not text:
            reading.problem(line_of(item), "The message is empty.", "Write one, or remove it.")
        yield text, line_of(item)


def _shared(found: list[AttributeData]) -> Iterator[ProjectError]:
    """Yield what two files both claim."""
    names: dict[str, Path] = {}
    slots: dict[str, Path] = {}
    for data in found:
        other = names.setdefault(data.name, data.file)
        if other != data.file:
            yield ProjectError(
                f"{other} has the attribute '{data.name}' already.",
                "Put both into one file, or rename one.",
                file=data.file,
            )
        taken = slots.setdefault(data.slot, data.file) if data.slot else data.file
        if taken != data.file:
            yield ProjectError(
                f"{taken} fills the slot '{data.slot}' already.",
                "Name another slot.",
                file=data.file,
                line=data.slot_line,
            )
