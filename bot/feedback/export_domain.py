"""The intents of the domain, and new ones put among them without touching anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from bot.errors import ProjectError
from bot.feedback.project import domain_files
from bot.feedback.yaml_nodes import compose, is_null, mapping, names

_NAME = re.compile(r"\w[\w.-]*")
_BARE_MAPPING = "Write the intents as a list below `intents:`, one a line."


def declared_intents(root: Path) -> frozenset[str]:
    """Give the intents that the domain declares, retrieval intents without their keys.

    Raises:
        ProjectError: there is no domain, or a file of it is broken.
    """
    found: set[str] = set()
    for path in domain_files(root):
        shown = path.relative_to(root)
        content = mapping(compose(path, shown), shown, "The file")
        found.update(names(content.get("intents"), shown, "'intents'"))
    return frozenset(found)


def with_intents(root: Path, added: Iterable[str]) -> tuple[Path, bytes]:
    """Give the domain file that lists the intents, and its content with more of them.

    They come after the last one, indented like it; every other byte stays.

    Raises:
        ProjectError: the list is written in a way that cannot be added to.
    """
    files = domain_files(root)
    read = {path: path.read_bytes().decode("utf-8") for path in files}
    nodes = {path: _intents(text) for path, text in read.items()}
    path = next((path for path, found in nodes.items() if found is not None), files[0])
    text, found = read[path], nodes[path]
    newline = "\r\n" if "\r\n" in text else "\n"
    items = [_quoted(name) for name in added]
    if found is None:
        block = newline.join(["intents:", *(f"  - {item}" for item in items)]) + newline
        gap = "" if not text or text.endswith("\n") else newline
        return path, (text + gap + block).encode()
    key, node = found
    if isinstance(node, SequenceNode) and node.flow_style:
        return path, _into_brackets(text, node, items).encode()
    if isinstance(node, SequenceNode) and node.value:
        return path, _below(text, node, items, newline).encode()
    if is_null(node):
        at = _line_end(text, key.end_mark.index)
        lines = "".join(f"{newline}  - {item}" for item in items)
        return path, (text[:at] + lines + text[at:]).encode()
    raise ProjectError(
        "The intents are no list.",
        _BARE_MAPPING,
        file=path.relative_to(root),
        line=node.start_mark.line + 1,
    )


def _intents(text: str) -> tuple[Node, Node] | None:
    root = yaml.compose(text, Loader=yaml.SafeLoader)  # the fast loader counts bytes
    if not isinstance(root, MappingNode):
        return None
    pairs = [(key, value) for key, value in root.value if key.value == "intents"]
    return pairs[0] if pairs else None


def _into_brackets(text: str, node: SequenceNode, items: list[str]) -> str:
    at = node.end_mark.index - 1
    last = node.value[-1].end_mark.index if node.value else at
    comma = "" if not node.value or "," in text[last:at] else ", "
    at = last if node.value and comma else at
    return text[:at] + comma + ", ".join(items) + text[at:]


def _below(text: str, node: SequenceNode, items: list[str], newline: str) -> str:
    dash = node.start_mark.column
    at = _line_end(text, _last(node).end_mark.index)
    lines = "".join(f"{newline}{' ' * dash}- {item}" for item in items)
    return text[:at] + lines + text[at:]


def _last(node: Node) -> Node:
    """Give the last scalar of a node: the marks of what is not in brackets end much later."""
    if isinstance(node, (SequenceNode, MappingNode)) and node.value and not node.flow_style:
        inner = node.value[-1]
        return _last(inner[1] if isinstance(inner, tuple) else inner)
    return node


def _line_end(text: str, index: int) -> int:
    """Give the end of the line, after a comment that stands in it."""
    if index > 0 and text[index - 1] == "\n":  # a block scalar ends with its last line
        return index - (2 if text[index - 2 : index] == "\r\n" else 1)
    end = text.find("\n", index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _quoted(name: str) -> str:
    """Write a name as YAML, in quotes where it would be taken for something else."""
    written = yaml.safe_dump(name, default_flow_style=True, allow_unicode=True, width=1000)
    first = written.splitlines()[0]
    return first if isinstance(yaml.safe_load(first), str) else f'"{name}"'


def is_name(name: str) -> bool:
    """Say whether an intent may be called this; a slash would make it a retrieval intent."""
    return bool(_NAME.fullmatch(name))
