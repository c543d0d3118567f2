"""JSON values made fit for a database, and described without telling them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from typing import Any

MAX_PLAIN = 1_000_000
REQUESTED_SLOT = "requested_slot"  # Rasa's own: its value is the name of a slot
_LONE = re.compile("[\ud800-\udfff\x00]")


def clean(text: str) -> str:
    """Replace what no database takes, character for character, so that offsets stay right."""
    return _LONE.sub("\ufffd", text)


def number(value: Any) -> float | None:
    """Give a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def slot_value(name: str, value: Any, categories: Collection[str]) -> dict[str, Any]:
    """Give of a slot what names nobody: `{"value": ...}`, or `{"set": true}` for the rest.

    Kept are None, booleans, the values of a categorical slot, and numbers below seven digits:
    longer ones may be account numbers, and are masked in texts too.
    """
    if value is None or isinstance(value, bool):
        return {"value": value}
    found = number(value)
    if found is not None and abs(found) < MAX_PLAIN:
        return {"value": value}
    if isinstance(value, str):
        lowered = value.casefold()  # Rasa compares categories without regard to case
        if same := [known for known in categories if known.casefold() == lowered]:
            return {"value": same[0]}
        if name == REQUESTED_SLOT and re.fullmatch(r"[A-Za-z0-9_]{1,100}", value):
            return {"value": value}
    return {"set": True}


def shape_of(data: Any, depth: int = 3) -> str:
    """Describe keys and types without any value: what is kept in quarantine names nobody."""
    return json.dumps(_shape(data, depth))[:2000]


def _shape(data: Any, depth: int) -> Any:
    if isinstance(data, dict):
        # Keys come from programs, but a long or odd one may be content.
        names = [key if re.fullmatch(r"[A-Za-z_]{1,40}", key) else "?" for key in list(data)[:40]]
        values = list(data.values())[:40]
        return {
            name: _shape(value, depth - 1) if depth else "..."
            for name, value in zip(names, values, strict=True)
        }
    if isinstance(data, list):
        return [f"{len(data)} items"]
    return type(data).__name__
