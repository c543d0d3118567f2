"""Terms in YAML, read as nodes: each has its line, and every word stays as it was typed.

PyYAML's base loader types no scalar: `no`, `0800` and `on` are words here, as people expect.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import did_you_mean
from bot.vocabulary.entries import Entry, Reading, term_of
from bot.vocabulary.terms import Term

TOP_KEY = "vocabulary"
KEYS = ("term", "aliases", "entity", "value", "definition", "case_sensitive", "language")
ALIAS_KEYS = ("text", "case_sensitive")
# A line that begins so makes Rasa read the whole file as training data, at any depth.
RASA_KEYS = ("nlu:", "stories:", "rules:", "responses:")
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_LINE_END = re.compile(r"\r\n|\r|\n")
_ABSENT = {"", "~", "null"}
_SHAPE = "Write '- term: its name', as docs/reference/vocabulary.md shows."


def read_yaml(text: str, reading: Reading) -> list[Term]:
    """Read the terms of one file; what is wrong goes to the reading's problems."""
    refuse_rasa_keys(text, reading)
    found = []
    for item in _items(compose(text, reading), reading):
        entry = _entry(item, reading)
        term = term_of(entry, reading) if entry is not None else None
        if term is not None:
            found.append(term)
    return found


def compose(text: str, reading: Reading) -> Node | None:
    """Parse YAML without typing its words; None where it holds nothing, or is none."""
    try:
        node: Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        line = None if mark is None else mark.line + 1
        if mark is None and hasattr(error, "position"):
            line = text.count("\n", 0, error.position) + 1
        reading.problem(
            line,
            f"This is no YAML: {problem}.",
            "Look at the indentation, quotes and colons of this line and the one above.",
        )
        return None
    return node


def line_of(node: Node) -> int:
    """Give the line of a node, counted from 1."""
    return int(node.start_mark.line) + 1


def is_absent(node: Node | None) -> bool:
    """Say whether nothing was written."""
    return node is None or (
        isinstance(node, ScalarNode) and not node.style and node.value in _ABSENT
    )


def refuse_rasa_keys(text: str, reading: Reading) -> None:
    """Note each line that would make Rasa read the file as training data."""
    if not any(key in text for key in RASA_KEYS):
        return
    for number, line in enumerate(_LINE_END.split(text), start=1):
        key = next((key for key in RASA_KEYS if line.lstrip().startswith(key)), None)
        if key:
            reading.problem(
                number,
                f"The line begins with '{key}', so Rasa would read the file as training data.",
                "Training data belongs into another folder of data/. If it is part of a text, "
                "write that text on one line.",
            )


def _items(root: Node | None, reading: Reading) -> list[Node]:
    if root is None or is_absent(root):
        return []
    if not isinstance(root, MappingNode):
        reading.problem(
            line_of(root),
            f"The file must begin with '{TOP_KEY}:'.",
            f"Write '{TOP_KEY}:' and the terms below it.",
        )
        return []
    values = values_of(root, (TOP_KEY,), "The file", reading)
    listed = values.get(TOP_KEY)
    if listed is None or is_absent(listed):
        return []
    if not isinstance(listed, SequenceNode):
        reading.problem(line_of(listed), f"'{TOP_KEY}:' must hold a list.", _SHAPE)
        return []
    return list(listed.value)


def values_of(
    node: MappingNode, known: tuple[str, ...], what: str, reading: Reading
) -> dict[str, Node]:
    """Give the values of a mapping by their keys, once each key is known and there once."""
    found: dict[str, Node] = {}
    for key, value in node.value:
        name = key.value
        if not isinstance(name, str) or name not in known:
            shown = name if isinstance(name, str) else "a list"
            remedy = f"Known here: {', '.join(known)}. A text that holds ': ' needs quotes."
            hint = did_you_mean(shown, known)
            reading.problem(line_of(key), f"{what} has the unknown key '{shown}'.{hint}", remedy)
        elif name in found:
            reading.problem(line_of(key), f"{what} has '{name}' twice.", "Keep one of them.")
        else:
            found[name] = value
    return found


def _entry(item: Node, reading: Reading) -> Entry | None:
    if not isinstance(item, MappingNode):
        reading.problem(line_of(item), "This entry is no term.", _SHAPE)
        return None
    values = values_of(item, KEYS, "The term", reading)
    entry = Entry(line=line_of(item))
    if "term" in values:
        entry.name = text_of(values["term"], "term", reading)
    entry.aliases = _aliases(values.get("aliases"), reading)
    if "case_sensitive" in values:
        entry.case_sensitive = _switch(values["case_sensitive"], reading) or False
    for key in ("entity", "value", "language"):
        node = values.get(key)
        if node is not None and not is_absent(node):
            text = text_of(node, key, reading)
            setattr(entry, key, text if isinstance(node, ScalarNode) else None)
    definition = values.get("definition")
    if definition is not None and not is_absent(definition):
        entry.definition = text_of(definition, "definition", reading)
    return entry


def text_of(node: Node, key: str, reading: Reading) -> str:
    """Give the text of a node; where it is none, that becomes a problem."""
    if isinstance(node, ScalarNode):
        unquoted = not node.style and node.value == "~"
        return "" if unquoted else str(node.value)
    kind = "a list" if isinstance(node, SequenceNode) else "keys with values"
    reading.problem(
        line_of(node),
        f"'{key}' must be a text, but is {kind}.",
        "Write it on one line; put quotes around a text with special signs.",
    )
    return "?"


def _switch(node: Node, reading: Reading) -> bool | None:
    value = node.value.lower() if isinstance(node, ScalarNode) else None
    if value in ("true", "false"):
        return bool(value == "true")
    if not is_absent(node):
        shown = f"'{node.value}'" if isinstance(node, ScalarNode) else "no single word"
        reading.problem(line_of(node), f"'case_sensitive' is {shown}.", "Write 'true' or 'false'.")
    return None


def _aliases(node: Node | None, reading: Reading) -> list[tuple[str, int, bool | None]]:
    if node is None or is_absent(node):
        return []
    if not isinstance(node, SequenceNode):
        reading.problem(
            line_of(node), "'aliases' must be a list.", "Write 'aliases: [one, another]'."
        )
        return []
    return [_alias(item, reading) for item in node.value]


def _alias(item: Node, reading: Reading) -> tuple[str, int, bool | None]:
    line = line_of(item)
    if not isinstance(item, MappingNode):
        return text_of(item, "alias", reading), line, None
    before = len(reading.problems)
    values = values_of(item, ALIAS_KEYS, "The alias", reading)
    if len(reading.problems) > before:
        return "?", line, None
    if "text" not in values:
        reading.problem(line, "The alias has no 'text'.", "Write {text: OD, case_sensitive: true}.")
        return "?", line, None
    sensitive = values.get("case_sensitive")
    text = text_of(values["text"], "text", reading)
    return text, line, None if sensitive is None else _switch(sensitive, reading)
