"""Entities as a reviewer types them in a terminal: `amount=50; account:from=savings`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import BotError
from bot.feedback.project import Project
from bot.review import bodies

_PART = re.compile(r"(?P<entity>[^:#=]+)(?::(?P<role>[^#=]+))?(?:#(?P<group>[^=]+))?=(?P<said>.*)")


def read_entities(
    line: str, text: str, known: Sequence[Mapping[str, Any]], project: Project
) -> list[dict[str, Any]]:
    """Give the entities of a message after an edit.

    Each entity that the line names is replaced by what the line says of it, and removed by an
    empty value; the others stay. A value is looked for in the message, letter by letter but for
    case, from left to right where it occurs several times.

    Args:
        line: what was typed.
        text: the message.
        known: its entities so far.
        project: whose entities they must be.

    Raises:
        BotError: the line cannot be read, or a value is not in the message.
    """
    parts = [_PART.fullmatch(part.strip()) for part in line.split(";") if part.strip()]
    if not parts or None in parts:
        raise BotError(f"{line!r} names no entities. Write amount=50, or amount= to remove it.")
    read = [part for part in parts if part is not None]
    named = {part["entity"].strip() for part in read}
    _check_names(named, project)
    found = [dict(entity) for entity in known if entity["entity"] not in named]
    for part in read:
        if said := part["said"].strip():
            start, end = _place(said, text, found)
            found.append(
                {
                    "start": start,
                    "end": end,
                    "entity": part["entity"].strip(),
                    "role": (part["role"] or "").strip() or None,
                    "group": (part["group"] or "").strip() or None,
                    "value": text[start:end],
                }
            )
    return bodies.entities(found, text, project)


def _check_names(named: set[str], project: Project) -> None:
    names = [entity.name for entity in project.entities]
    if unknown := sorted(named.difference(names)):
        raise BotError(f"The domain has no entity {unknown[0]!r}. It has {', '.join(names)}.")


def _place(said: str, text: str, taken: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Find where a value stands, outside of the entities that are there."""
    for match in re.finditer(re.escape(said), text, re.IGNORECASE):
        start, end = match.span()
        if not any(start < other["end"] and other["start"] < end for other in taken):
            return start, end
    raise BotError(f"{said!r} is not in the message, or already marked as something else.")
