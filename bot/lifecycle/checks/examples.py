"""Check training examples: empty intents, lines without a dash, broken entity annotations.

Rasa skips such an example with a warning, or learns the brackets as words; either way the model
is worse and nobody knows why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from bot.errors import ProjectError
from bot.lifecycle.checks.sources import Source, entry, items, line_of, pairs, text_of

ENTITY_KEYS = ("entity", "role", "group", "value")
EXAMPLE_KINDS = ("intent", "synonym", "regex", "lookup")
# The first is Rasa's own pattern (rasa.shared.nlu.training_data.entities_parser).
_ANNOTATION = re.compile(
    r"\[(?P<text>[^\]]+?)\]"
    r"(\((?P<entity>[^:)]+?)(?:\:(?P<value>[^)]+))?\)|\{(?P<one>[^}]+?)\}|\[(?P<many>.*?)\])"
)
_OBJECT = re.compile(r"\{[^}]+?\}")
_HALF = re.compile(r"\]\(|\]\{|\[\{|\] +\(\w+\)|\] +\{")  # "[sic] (as he said)" is no entity
_SHAPE = 'Write [words](entity) or [words]{"entity": "name", "role": "role"}.'


@dataclass(frozen=True)
class Label:
    """A name that an example uses, and where; `owner` is a role's entity or an answer's intent."""

    name: str
    line: int
    owner: str = ""


@dataclass(frozen=True)
class Block:
    """All examples of one intent, synonym, regex or lookup table, with their lines."""

    kind: str
    name: str
    node: yaml.Node
    examples: yaml.Node | None

    def lines(self) -> Iterator[tuple[int, str]]:
        """Walk over the lines of the examples; a block's text begins below its '|'."""
        if isinstance(self.examples, yaml.ScalarNode):
            first = line_of(self.examples) + (self.examples.style == "|")
            for offset, line in enumerate(str(self.examples.value).splitlines()):
                if line.strip():
                    yield first + offset, line


def blocks(source: Source) -> Iterator[Block]:
    """Walk over what stands under `nlu:`."""
    for item in items(source.section("nlu")):
        for key, value in pairs(item):
            if key.value in EXAMPLE_KINDS:
                yield Block(str(key.value), text_of(value) or "", item, entry(item, "examples"))


def check_examples(source: Source) -> Iterator[ProjectError]:
    """Find what Rasa would skip or misread in one file."""
    section = source.section("nlu")
    if section is not None and items(section) == [] and text_of(section):
        yield source.error(section, "'nlu:' holds no list.", "Write '- intent: name' below it.")
    for item in items(section):
        if not any(key.value in EXAMPLE_KINDS for key, _ in pairs(item)):
            yield source.error(
                item,
                "This entry under 'nlu:' names neither intent, synonym, regex nor lookup.",
                "Begin it with '- intent: name'.",
            )
    for block in blocks(source):
        yield from _check_block(source, block)


def annotated(block: Block) -> Iterator[tuple[int, str]]:
    """Walk over the texts of an intent's examples, in both of Rasa's ways of writing them."""
    if isinstance(block.examples, yaml.SequenceNode):
        for item in items(block.examples):
            node = entry(item, "text")
            if node is not None:
                yield line_of(node), text_of(node) or ""
    else:
        for line, text in block.lines():
            yield line, text.removeprefix("-").strip()


def labels_in(line: int, text: str) -> Iterator[tuple[Label, Label | None]]:
    """Walk over the entities of a well-formed text, each with its role if it has one."""
    for match in _ANNOTATION.finditer(text):
        if match["entity"]:
            yield Label(match["entity"], line), None
            continue
        for found in _objects_of(match):
            data = json.loads(found)
            entity, role = str(data["entity"]), data.get("role")
            yield Label(entity, line), Label(str(role), line, entity) if role else None


def fault_in(text: str) -> str | None:
    """Say what is wrong with the annotations of a text; None where nothing is."""
    for match in _ANNOTATION.finditer(text):
        if "[" in match["text"] or (match["entity"] and set("[](){}") & set(match["entity"])):
            return "A bracket of this entity annotation is not closed"
        if match["many"] is not None and not _objects_of(match):
            return "Behind the words stands a list without entities"
        for found in _objects_of(match):
            fault = _fault_in_object(found)
            if fault:
                return fault
    rest = _ANNOTATION.sub("", text)
    if _HALF.search(rest) or rest.count("[") != rest.count("]"):
        return "A bracket of this entity annotation is missing or in the wrong place"
    return None


def _objects_of(match: re.Match[str]) -> list[str]:
    """Give the JSON objects behind the words: one in braces, or several in brackets."""
    if match["one"]:
        return [f"{{{match['one']}}}"]
    return _OBJECT.findall(match["many"]) if match["many"] else []


def _fault_in_object(raw: str) -> str | None:
    try:
        data = json.loads(raw)
    except ValueError as error:
        return f"The entity {raw} is no JSON ({error})"
    unknown = [key for key in data if key not in ENTITY_KEYS]
    if unknown:
        return f"The entity {raw} has the unknown key '{unknown[0]}' (known: {_known()})"
    if not isinstance(data.get("entity"), str) or not data["entity"]:
        return f'The entity {raw} has no name under the key "entity"'
    return None


def _known() -> str:
    return ", ".join(ENTITY_KEYS)


def _check_block(source: Source, block: Block) -> Iterator[ProjectError]:
    what = f"{block.kind} '{block.name}'"
    if not block.name:
        yield source.error(block.node, f"The {block.kind} has no name.", "Name it.")
    if isinstance(block.examples, yaml.SequenceNode):
        yield from _check_list(source, block)
    elif not any(True for _ in block.lines()):
        yield source.error(
            block.node,
            f"The {what} has no examples.",
            "Write 'examples: |' and below it lines that begin with '- ', or remove it.",
        )
    elif block.examples is not None and getattr(block.examples, "style", None) != "|":
        yield source.error(
            block.examples,
            f"The examples of {what} do not begin with 'examples: |', so that YAML joins their "
            f"lines into one.",
            "Write 'examples: |' and each example on a line of its own.",
        )
    else:
        yield from _check_lines(source, block)


def _check_list(source: Source, block: Block) -> Iterator[ProjectError]:
    examples = items(block.examples)
    if not examples:
        yield source.error(block.node, f"The {block.kind} '{block.name}' has no examples.")
    for item in examples:
        text = text_of(entry(item, "text"))
        if text is None or not text.strip():
            yield source.error(
                item,
                f"This example of {block.kind} '{block.name}' has no 'text:'.",
                "Write 'examples: |' and below it lines that begin with '- '.",
            )
        elif block.kind == "intent":
            yield from _check_annotation(source, line_of(item), text.strip())


def _check_lines(source: Source, block: Block) -> Iterator[ProjectError]:
    for line, text in block.lines():
        if not text.startswith("-"):
            yield source.error(
                line,
                f"This line among the examples of {block.kind} '{block.name}' does not begin "
                f"with '- ', so Rasa skips it: '{text.strip()}'.",
                "Put '- ' before it, at the indentation of the other examples.",
            )
        elif not text.removeprefix("-").strip():
            yield source.error(
                line,
                f"This example of {block.kind} '{block.name}' is empty.",
                "Write a message behind the dash, or remove the line.",
            )
        elif block.kind == "intent":
            yield from _check_annotation(source, line, text.strip())


def _check_annotation(source: Source, line: int, text: str) -> Iterator[ProjectError]:
    fault = fault_in(text)
    if fault:
        yield source.error(line, f"{fault}: '{text}'.", _SHAPE)
