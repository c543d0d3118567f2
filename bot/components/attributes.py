"""How the attributes of a message are written, and read again from the tracker.

They are no entities: an entity stands for characters of the text, is counted by `rasa test` and
marked by people. An attribute says something of the message as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.slots import CategoricalSlot
from rasa.shared.core.trackers import DialogueStateTracker

from bot.errors import ProjectError, did_you_mean
from bot.types import Attribute
from bot.vocabulary.attributes import AttributeData

ATTRIBUTES_KEY = "attributes"


def written_attributes(attributes: Iterable[Attribute]) -> dict[str, dict[str, Any]]:
    """Write attributes by their names, in plain Python values: trackers are stored as JSON."""
    return {
        attribute.name: {
            "value": attribute.value,
            "confidence": attribute.confidence,
            "slot": attribute.slot,
        }
        for attribute in attributes
    }


def slots_of(tracker: DialogueStateTracker) -> dict[str, str]:
    """Give the slots that the latest message fills with what is said of it."""
    message = tracker.latest_message
    said = (message.parse_data or {}).get(ATTRIBUTES_KEY) if message else None
    if not isinstance(said, Mapping):
        return {}
    return {each["slot"]: each["value"] for each in said.values() if each.get("slot")}


def action_on(slot: str, value: str) -> str:
    """Name the action that runs before the answer where a message says this."""
    return f"action_on_{slot}_{value}"


def check_domain(attributes: Sequence[AttributeData], domain: Domain) -> None:
    """Check that the domain has the slots, their values, and no action for any other value.

    Raises:
        ProjectError: names file, line and remedy.
    """
    slots: dict[str, Any] = {slot.name: slot for slot in domain.slots}
    for data in attributes:
        if data.slot is not None:
            _check_slot(data, data.slot, slots)
            _check_actions(data, data.slot, domain.user_actions)


def _check_slot(data: AttributeData, name: str, slots: Mapping[str, Any]) -> None:
    if name not in slots:
        raise ProjectError(
            f"The domain has no slot '{name}'.{did_you_mean(name, slots)}",
            "Add it under 'slots:' in domain.yml, with a mapping of the type 'custom'.",
            file=data.file,
            line=data.slot_line,
        )
    slot = slots[name]
    for value in data.values:
        if isinstance(slot, CategoricalSlot) and value not in slot.values:
            raise ProjectError(
                f"The slot '{name}' does not take the value '{value}'.",
                "Add it to the slot's 'values:' in domain.yml.",
                file=data.file,
                line=data.slot_line,
            )


def _check_actions(data: AttributeData, slot: str, actions: Sequence[str]) -> None:
    known = [action_on(slot, value) for value in data.values]
    for action in actions:
        if action.startswith(action_on(slot, "")) and action not in known:
            raise ProjectError(
                f"The action '{action}' in domain.yml would never run: the attribute "
                f"'{data.name}' has no such value.{did_you_mean(action, known)}",
                "Rename it, or remove it.",
                file=data.file,
                line=data.slot_line,
            )
