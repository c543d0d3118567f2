"""A stretch of a conversation as the steps of a Rasa story.

Rasa's own way of writing forms is kept: a form begins with its action and `active_loop`, what
people say to fill its slots is left out, and it ends with `active_loop: null`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Row

from bot.feedback.conversations import NOISE
from bot.feedback.project import Project

Step = dict[str, Any]
# What stands for a value that the store does not keep, by the type of the slot: a policy sees
# whether a text is set, and not which one.
_STAND_INS: dict[str, Any] = {"categorical": "__other__", "list": ["item"], "float": 1.0}
_SKIPPED = (*NOISE, "action_unlikely_intent")  # the last is a remark of a policy, no action
_ASKED_BACK = "action_two_stage_fallback"


@dataclass
class Telling:
    """A story while it is told."""

    project: Project
    loop: str | None = None
    session_at: float | None = None
    steps: list[Step] = field(default_factory=list)

    def tell(self, turn: Row, *, kept: bool = True) -> None:
        """Add a turn; with `kept` false only remember which form is active after it."""
        if turn.session_at != self.session_at:
            self.session_at, self.loop = turn.session_at, None  # Rasa ends the form too
        entries = [e for e in json.loads(turn.actions) if e.get("name") not in _SKIPPED]
        names = [entry["name"] for entry in entries if "name" in entry]
        # The form took the message: it only filled slots.
        fills = self.loop is not None and names[:1] == [self.loop]
        if kept and not fills:
            self.steps.append(_said(turn))
        # What is said in other words after a fallback ends it, and then counts as said anew.
        anew = fills and self.loop == _ASKED_BACK and len(names) > 1
        for entry in entries:
            if "loop" in entry:
                self.loop = entry["loop"]
            if fills and entry.get("name") == self.loop:
                fills = False  # its next run in this turn is a step again
            elif kept and anew and entry.get("loop", "") is None:
                self.steps += [{"active_loop": None}] if self.steps else []
                self.steps.append(_said(turn))
                anew = False
            elif kept:
                self._add(entry)

    def _add(self, entry: dict[str, Any]) -> None:
        if "name" in entry:
            self.steps.append({"action": entry["name"]})
        elif "loop" in entry:
            self.steps.append({"active_loop": entry["loop"]})
        elif "slot" in entry:
            kinds = {slot.name: slot.type for slot in self.project.slots if slot.influences}
            name = entry["slot"]
            if name not in kinds:
                return
            value = entry["value"] if "value" in entry else _STAND_INS.get(kinds[name], True)
            before = self.steps[-1] if self.steps else {}
            if name in before.get("slot_was_set", {}):
                self.steps.pop()  # its last value is what the next action sees
            self.steps.append({"slot_was_set": {name: value}})


def told(turns: Iterable[Row], project: Project, kept: Collection[int]) -> list[Step]:
    """Give the steps of the turns that are kept; those before say which form is active."""
    telling = Telling(project)
    for turn in turns:
        telling.tell(turn, kept=turn.id in kept)
    return telling.steps


def _said(turn: Row) -> Step:
    """Give the step of a message, or of a button that was tapped."""
    intent, entities = turn.suggested, turn.found
    if turn.decided is not None:
        intent, entities = turn.decided, turn.marked
    if turn.kind == "payload" and turn.text.startswith("/"):
        intent = turn.text[1:].strip()
    return {
        "intent": intent,
        "text": turn.text,
        "entities": json.loads(entities or "[]"),
        "turn": turn.id,
    }
