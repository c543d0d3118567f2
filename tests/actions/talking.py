"""A conversation that runs real actions through rasa-sdk's executor, as Rasa would."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk.executor import ActionExecutor

REQUIRED = {
    "transfer_money_form": ["recipient", "amount", "confirmed"],
    "standing_order_form": ["recipient", "amount", "frequency", "start_date", "confirmed"],
    "dispute_transaction_form": ["transaction", "dispute_reason", "confirmed"],
    "freeze_card_form": ["card", "confirmed"],
    "replace_card_form": ["card", "replacement_reason", "confirmed"],
    "change_limit_form": ["limit_type", "amount", "confirmed"],
}
DOMAIN = {"forms": {form: {"required_slots": slots} for form, slots in REQUIRED.items()}}


class Conversation:
    """Keep a tracker as Rasa does, and play the form's part around the actions."""

    def __init__(self, executor: ActionExecutor, sender_id: str = "web-1") -> None:
        self.executor, self.sender_id = executor, sender_id
        self.slots: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.message: dict[str, Any] = {}
        self.form: str | None = None

    def user(self, intent: str = "inform", text: str = "", **more: Any) -> Conversation:
        """Say something; keywords beside ranking and selector are entities."""
        ranking = more.pop("intent_ranking", [{"name": intent, "confidence": 0.9}])
        selector = more.pop("response_selector", {})
        entities = [{"entity": name, "value": item}
                    for name, value in more.items()
                    for item in (value if isinstance(value, list) else [value])]  # fmt: skip
        self.message = {"text": text or intent, "intent": {"name": intent}, "entities": entities,
                        "intent_ranking": ranking, "response_selector": selector}  # fmt: skip
        stamp = 1000.0 + len(self.events)
        self.events.append({"event": "user", "timestamp": stamp, "message_id": f"m{stamp}",
                            "text": self.message["text"]})  # fmt: skip
        return self

    def run(self, action: str) -> list[dict[str, Any]]:
        """Run one action and apply its events; return what was said."""
        call = {
            "next_action": action,
            "sender_id": self.sender_id,
            "domain": DOMAIN,
            "tracker": {
                "sender_id": self.sender_id,
                "slots": dict(self.slots),
                "latest_message": self.message,
                "events": [dict(event) for event in self.events],
                "active_loop": {"name": self.form} if self.form else {},
            },
        }
        result = asyncio.run(self.executor.run(call))
        assert result is not None
        validating = action.startswith("validate_")
        assert validating or result["events"] or result["responses"], f"{action} did nothing"
        self.events.append({"event": "action", "name": action})
        for event in result["events"]:
            self._apply(event)
        for response in result["responses"]:
            self.events.append({"event": "bot", "text": response["text"],
                                "data": {"buttons": response["buttons"]}})  # fmt: skip
        self.returned = result["events"]
        return list(result["responses"])

    def say(self, action: str) -> str:
        """Run one action and return its words."""
        return "\n".join(response["text"] for response in self.run(action))

    def turn(self, form: str, *, intent: str = "inform", **slots: Any) -> str:
        """Let a form take a message: extract, validate, ask for the next slot."""
        self.user(intent)
        self.form = form
        for name, value in slots.items():
            self._apply({"event": "slot", "name": name, "value": value})
        self._apply({"event": "slot", "name": "requested_slot",
                     "value": self.slots.get("requested_slot")})  # fmt: skip
        self.events.append({"event": "action", "name": form})
        for name in REQUIRED[form]:
            if name in slots:
                self._apply({"event": "slot", "name": name, "value": slots[name]})
        said = self._validate(form)
        return "\n".join([*said, *self._ask(form)])

    def _validate(self, form: str) -> list[str]:
        events = len(self.events)
        said = [response["text"] for response in self.run(f"validate_{form}")]
        del self.events[events]  # rasa runs it inside the form, without an event of its own
        return said

    def _ask(self, form: str) -> list[str]:
        missing = [name for name in REQUIRED[form] if self.slots.get(name) is None]
        self._apply({"event": "slot", "name": "requested_slot",
                     "value": missing[0] if missing else None})  # fmt: skip
        if not missing:
            self.form = None
            return []
        for action in (f"action_ask_{form}_{missing[0]}", f"action_ask_{missing[0]}"):
            if action in self.executor.actions:
                return [response["text"] for response in self.run(action)]
        return [f"utter_ask_{missing[0]}"]

    def _apply(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["event"] == "slot":
            self.slots[event["name"]] = event["value"]

    def buttons(self) -> list[dict[str, str]]:
        """Return the buttons that were offered last."""
        shown = [event["data"]["buttons"] for event in self.events if event["event"] == "bot"]
        return next((buttons for buttons in reversed(shown) if buttons), [])
