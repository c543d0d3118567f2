"""What clients send, checked before anything is done with it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import BotError
from bot.feedback.project import Project
from bot.feedback.values import clean

LARGEST_ID = 2**63 - 1
MAX_LABEL, MAX_NOTE, MAX_ENTITIES, MAX_GROUP = 200, 2_000, 100, 20_000
_INTENT = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?")


def number(value: object, name: str) -> int:
    """Read the id of something; from an address it is a string.

    Raises:
        BotError: it is none.
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LARGEST_ID:
        raise BotError(f"'{name}' is no id, which is a whole number above 0.")
    return value


def optional_number(value: object, name: str) -> int | None:
    """Read an id that may be left out.

    Raises:
        BotError: it is none.
    """
    return None if value in (None, "") else number(value, name)


def time(value: object, name: str) -> float | None:
    """Read a time in seconds since 1970 that may be left out.

    Raises:
        BotError: it is none.
    """
    if value in (None, ""):
        return None
    try:
        found = float(str(value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise BotError(f"'{name}' is no time, which is in seconds since 1970.")
    return found


def text(value: object, name: str, longest: int) -> str | None:
    """Read a string that may be left out.

    Raises:
        BotError: it is something else, or too long.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise BotError(f"'{name}' is no string.")
    if len(value) > longest:
        raise BotError(f"'{name}' has {len(value)} characters; {longest} are the most.")
    return clean(value).strip()


def note(body: Mapping[str, Any]) -> str | None:
    """Read the note of a decision.

    Raises:
        BotError: it is no string, or too long.
    """
    return text(body.get("note"), "note", MAX_NOTE)


def label(value: object) -> str:
    """Read a label.

    Raises:
        BotError: it is missing.
    """
    found = text(value, "label", MAX_LABEL)
    if not found:
        raise BotError("'label' is missing: the full label, such as transfer_money.")
    return found


def new_intent(value: object) -> str:
    """Read the name of an intent that does not exist yet.

    Raises:
        BotError: Rasa could not take the name.
    """
    found = label(value)
    if not _INTENT.fullmatch(found):
        raise BotError(
            f"The intent cannot be called {found!r}. Use letters, digits and _, such as pay_bill."
        )
    return found


def ids(value: object) -> list[int]:
    """Read the ids of the members of a group.

    Raises:
        BotError: it is no list of ids.
    """
    return [number(item, "group") for item in _listed(value, "group", MAX_GROUP)]


def members(value: object) -> dict[int, object]:
    """Read the members of a group with the entities of each, which are not checked yet.

    Raises:
        BotError: it is no list of objects with ids.
    """
    found: dict[int, object] = {}
    for item in _listed(value, "group", MAX_GROUP):
        if not isinstance(item, dict):
            raise BotError('\'group\' is no list of objects such as {"id": 21, "entities": []}.')
        found[number(item.get("id"), "group")] = item.get("entities")
    return found


def entities(value: object, said: str, project: Project) -> list[dict[str, Any]]:
    """Read entities, in the order in which they stand in a text.

    Args:
        value: what the client sent.
        said: the text; offsets count its characters (code points).
        project: whose entities they must be.

    Raises:
        BotError: one is not in the text, not in the domain, or overlaps another.
    """
    listed = _listed(value, "entities", MAX_ENTITIES)
    found = sorted((_entity(item, said, project) for item in listed), key=lambda e: e["start"])
    for one, other in zip(found, found[1:], strict=False):
        if other["start"] < one["end"]:
            raise BotError(f"The entities {one['entity']} and {other['entity']} overlap.")
    return found


def _entity(item: object, said: str, project: Project) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise BotError("'entities' is no list of objects.")
    start, end = item.get("start"), item.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(said):
        raise BotError(f"An entity from {start!r} to {end!r} is not in the message.")
    name = item.get("entity")
    known = next((entity for entity in project.entities if entity.name == name), None)
    if known is None:
        raise BotError(f"The domain has no entity {name!r}. Add it to domain.yml first.")
    role, group = item.get("role") or None, item.get("group") or None
    for what, chosen, allowed in (("role", role, known.roles), ("group", group, known.groups)):
        if chosen is not None and chosen not in allowed:
            raise BotError(f"The entity {name} has no {what} {chosen!r} in the domain.")
    value = text(item.get("value"), "value", MAX_NOTE) or said[start:end]
    return {
        "start": start,
        "end": end,
        "entity": known.name,
        "role": role,
        "group": group,
        "value": value,
    }


def _listed(value: object, name: str, most: int) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BotError(f"'{name}' is no list.")
    if len(value) > most:
        raise BotError(f"'{name}' has {len(value)} entries; {most} are the most.")
    return value
