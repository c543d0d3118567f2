"""Where an action meets the bank: who is asking, what they said, and how to answer."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.bank import accounts, cards, store
from actions.bank.types import Account, Card, Customer
from actions.values import texts

Button = dict[str, str]
Event = dict[str, Any]


@dataclass
class Desk:
    """One customer's turn at the bank."""

    db: sqlite3.Connection
    customer: Customer
    tracker: Tracker
    dispatcher: CollectingDispatcher
    _accounts: list[Account] = field(default_factory=list)

    def say(self, text: str, buttons: Sequence[Button] = ()) -> None:
        """Answer the customer."""
        self.dispatcher.utter_message(text=text, buttons=list(buttons))

    def entities(self, name: str) -> list[str]:
        """Return what the latest message says of one kind, whatever its role."""
        found = self.tracker.latest_message.get("entities") or []
        return [text for entity in found if entity.get("entity") == name
                for text in texts(entity.get("value"))]  # fmt: skip

    def entity(self, *names: str) -> str | None:
        """Return the first value of the first of these entities that the message has."""
        return next((text for name in names for text in self.entities(name)), None)

    def slot(self, name: str) -> Any:
        """Return a slot's value; a slot that the domain does not know is empty."""
        return self.tracker.slots.get(name)

    def accounts(self, *, fresh: bool = False) -> list[Account]:
        """Return the customer's accounts as they stand, read once a turn."""
        if fresh or not self._accounts:
            self._accounts = accounts.of_customer(self.db, self.customer.id)
        return self._accounts

    def main_account(self) -> Account:
        """Return the account that pays where none is named."""
        return self.accounts()[0]

    def cards(self) -> list[Card]:
        """Return the cards the customer holds."""
        return cards.of_customer(self.db, self.customer.id)

    def key(self) -> str:
        """Name this turn, so that a repeated call for the same message acts only once."""
        for event in reversed(self.tracker.events):
            if event.get("event") == "user":
                mark = event.get("message_id") or event.get("timestamp")
                return f"{self.tracker.sender_id}/{mark}"
        return f"{self.tracker.sender_id}/{len(self.tracker.events)}"


class BankAction(Action, ABC):  # type: ignore[misc]
    """An action that needs the bank. Subclasses name it and serve the customer."""

    action: ClassVar[str]

    def name(self) -> str:
        """Return the name in the domain."""
        return self.action

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Open the bank for this turn."""
        with store.session() as db:
            customer = accounts.identify(db, tracker.sender_id)
            return self.serve(Desk(db, customer, tracker, dispatcher))

    @abstractmethod
    def serve(self, desk: Desk) -> list[Event]:
        """Answer the customer; return the slots to set."""


def button(title: str, intent: str, **entities: str) -> Button:
    """Make a button that says an intent, with entities if given."""
    if not entities:
        return {"title": title, "payload": f"/{intent}"}
    body = ", ".join(f'"{name}": "{_plain(value)}"' for name, value in entities.items())
    return {"title": title, "payload": f"/{intent}{{{body}}}"}


def listing(items: Sequence[str]) -> str:
    """Join words as in speech: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _plain(value: str) -> str:
    """Keep a button's payload valid whatever a payee is called."""
    return value.replace("\\", "").replace('"', "'").replace("{", "(").replace("}", ")")
