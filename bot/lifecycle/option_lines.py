"""Options written into `config.yml`; every byte beside them stays."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import ProjectError
from bot.ml.tuning.space import Value
from bot.vocabulary.writing import replace_file

_BY_HAND = "Put these lines there by hand: {lines}."


def option_lines(options: Mapping[str, Value]) -> list[str]:
    """Write options as lines of YAML, without indentation."""
    return [f"{name}: {_written(value)}" for name, value in options.items()]


def write_options(path: Path, component: str, options: Mapping[str, Value]) -> None:
    """Set options of a component of the pipeline, whole or not at all.

    Args:
        path: a `config.yml`.
        component: its class; the first such component is meant.
        options: their new values.

    Raises:
        ProjectError: the file is written in a way that cannot be changed, or not be written.
    """
    old = path.read_bytes().decode("utf-8")
    new = with_options(old, component, options)
    if new is None:
        lines = "; ".join(option_lines(options))
        raise ProjectError(
            f"The options of {component} are written in a way that cannot be changed here; "
            "nothing was written.",
            _BY_HAND.format(lines=lines),
            file=path,
        )
    replace_file(path, new.encode("utf-8"))


def with_options(text: str, component: str, options: Mapping[str, Value]) -> str | None:
    """Give the text of a `config.yml` with the options; None where that cannot be done surely."""
    step = _step(yaml.compose(text, Loader=yaml.SafeLoader), component)  # CSafeLoader counts bytes
    if step is None:
        return None
    present = {key.value: value for key, value in step.value if isinstance(key, ScalarNode)}
    edits = []
    for name in (name for name in options if name in present):
        node = present[name]
        edits.append((node.start_mark.index, node.end_mark.index, _written(options[name])))
    added = option_lines({k: value for k, value in options.items() if k not in present})
    at = present["name"].end_mark.index
    if added and step.flow_style:
        edits.append((at, at, "".join(f", {line}" for line in added)))
    elif added:
        newline = "\r\n" if "\r\n" in text else "\n"
        at = _line_end(text, at)
        indent = " " * step.start_mark.column
        edits.append((at, at, "".join(f"{newline}{indent}{line}" for line in added)))
    new = text
    for start, end, written in sorted(edits, reverse=True):
        new = new[:start] + written + new[end:]
    return new if _says_so(new, text, component, options) else None


def _step(root: Node | None, component: str) -> MappingNode | None:
    """Give the first entry of the pipeline that names the component."""
    sections = root.value if isinstance(root, MappingNode) else []
    listed = [value for key, value in sections if key.value == "pipeline"]
    for step in listed[0].value if listed and isinstance(listed[0], SequenceNode) else []:
        if isinstance(step, MappingNode) and any(
            key.value == "name" and _class(value.value) == component for key, value in step.value
        ):
            return step
    return None


def _says_so(new: str, old: str, component: str, options: Mapping[str, Value]) -> bool:
    """Read the new text back: it must say what the old one said, but for the options."""
    wanted = yaml.safe_load(old)
    step = next(step for step in wanted["pipeline"] if _class(step.get("name")) == component)
    step.update(options)
    try:
        found: Any = yaml.safe_load(new)
    except yaml.YAMLError:
        return False
    return bool(found == wanted)


def _class(name: object) -> str:
    return str(name).rsplit(".", 1)[-1]


def _written(value: Value) -> str:
    """Write a value; small numbers in full, since YAML 1.1 takes 1e-05 for a text."""
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _line_end(text: str, index: int) -> int:
    """Give the end of the line, after a comment that stands in it."""
    end = text.find("\n", index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end
