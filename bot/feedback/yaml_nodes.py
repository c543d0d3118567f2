"""YAML read as nodes, so that whatever is wrong or found in it has a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import ProjectError

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(path: Path, shown: Path) -> Node | None:
    """Read a file; None where it is empty.

    Args:
        path: the file.
        shown: how an error names it.

    Raises:
        ProjectError: it cannot be read, or is no YAML.
    """
    try:
        node: Node | None = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER)
    except OSError as error:
        raise ProjectError(
            f"The file cannot be read ({error.strerror}).", "Check that you may.", file=shown
        ) from error
    except UnicodeDecodeError as error:
        raise ProjectError("The file is no UTF-8 text.", "Save it as UTF-8.", file=shown) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = None if mark is None else mark.line + 1
        raise ProjectError(
            f"This is no YAML: {problem}.",
            "Mend the line, or the one above.",
            file=shown,
            line=line,
        ) from error
    return node


def line_of(node: Node) -> int:
    """Give the line of a node, counted from 1."""
    return int(node.start_mark.line) + 1


def mapping(node: Node | None, shown: Path, what: str) -> dict[str, Node]:
    """Give the values of a mapping by their keys; an absent one is empty.

    Raises:
        ProjectError: it is something else.
    """
    if node is None or is_null(node):
        return {}
    if not isinstance(node, MappingNode):
        raise _unexpected(node, shown, what, "keys with values")
    return {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}


def sequence(node: Node | None, shown: Path, what: str) -> list[Node]:
    """Give the items of a list; an absent one is empty.

    Raises:
        ProjectError: it is something else.
    """
    if node is None or is_null(node):
        return []
    if not isinstance(node, SequenceNode):
        raise _unexpected(node, shown, what, "a list")
    return list(node.value)


def is_null(node: Node) -> bool:
    """Say whether nothing was written."""
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def scalar(node: Node | None, default: str = "") -> str:
    """Give a word as it was written: the intent `no` is no boolean."""
    return str(node.value) if isinstance(node, ScalarNode) and not is_null(node) else default


def names(node: Node | None, shown: Path, what: str) -> dict[str, Node | None]:
    """Give the names of a list such as `[greet, {faq: {...}}]`, each with its options."""
    found: dict[str, Node | None] = {}
    for item in sequence(node, shown, what):
        if isinstance(item, ScalarNode):
            found[item.value] = None
        else:
            found.update(mapping(item, shown, what))
    return found


def _unexpected(node: Node, shown: Path, what: str, wanted: str) -> ProjectError:
    kind = node.tag.rpartition(":")[2]
    return ProjectError(
        f"{what} should be {wanted}, but is of the kind {kind}.",
        "Mend it; Rasa could not train with it either.",
        file=shown,
        line=line_of(node),
    )
