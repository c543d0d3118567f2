"""Greeting, leaving a task, not understanding, and handing over to a person."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionReverted, UserUtteranceReverted
from rasa_sdk.executor import CollectingDispatcher

from actions.bank import cases, clock
from actions.desk import BankAction, Button, Desk, Event, button
from actions.meanings import INTENTS, QUESTIONS
from actions.task import clear

FORM_SLOTS = (
    "recipient",
    "amount",
    "source_account",
    "payment_date",
    "frequency",
    "start_date",
    "transaction",
    "dispute_reason",
    "card",
    "replacement_reason",
    "limit_type",
)
CHOICES = 2
OFFER = (
    "I can see that this is frustrating, and I am sorry. If you would rather talk to one of my "
    'colleagues, press the button or say "talk to a person" at any time.'
)


class ActionGreet(BankAction):
    """Say hello: by name to somebody who has been here before."""

    action = "action_greet"

    def serve(self, desk: Desk) -> list[Event]:
        """Greet by the time of day in London."""
        hour = clock.now().hour
        day = (
            "morning" if 4 <= hour < 12 else "afternoon" if hour < 18 and hour >= 12 else "evening"
        )
        name = desk.customer.first_name
        if desk.customer.returning and name:
            desk.say(f"Good {day}, {name}. What can I do for you?")
        else:
            desk.say(f"Good {day}, I am Larkfield's digital assistant. What can I do for you?")
        return []


class ActionClearTask(Action):  # type: ignore[misc]
    """Forget everything that a task has asked for."""

    def name(self) -> str:
        """Return the name in the domain."""
        return "action_clear_task"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Empty the slots of all forms. Works without the bank, so that leaving always works."""
        return clear(*FORM_SLOTS)


class ActionHandOver(BankAction):
    """Put the conversation in the queue for a person."""

    action = "action_hand_over"

    def serve(self, desk: Desk) -> list[Event]:
        """Queue it and say how long it will take."""
        desk.say(_queue(desk, "asked for a person"))
        return []


class ActionOfferPerson(Action):  # type: ignore[misc]
    """Offer a person to an angry customer, before what they asked for is answered."""

    def name(self) -> str:
        """Return the name in the domain: AttributePolicy runs it where a message is angry."""
        return "action_on_customer_mood_angry"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Offer it once, not where a person comes anyway; the answer follows either way."""
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        is_offered = intent == "ask_human" or (intent == "complaint" and not tracker.active_loop)
        if not is_offered and not _has_said(tracker, OFFER):
            dispatcher.utter_message(
                text=OFFER, buttons=[button(INTENTS["ask_human"], "ask_human")]
            )
        return [ActionReverted()]


class ActionDefaultFallback(BankAction):
    """Give up understanding: a person takes over."""

    action = "action_default_fallback"

    def serve(self, desk: Desk) -> list[Event]:
        """Queue the conversation; the message that was not understood is taken back."""
        desk.say(f"I am sorry, I still do not understand. {_queue(desk, 'not understood')}")
        return [UserUtteranceReverted()]


class ActionDefaultAskAffirmation(Action):  # type: ignore[misc]
    """Offer the likeliest meanings as buttons."""

    def name(self) -> str:
        """Return the name in the domain."""
        return "action_default_ask_affirmation"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Name up to two meanings, and none of them."""
        choices = likeliest(tracker.latest_message)
        other = button("Something else", "out_of_scope")
        text = "I am not sure I understood. Did you mean one of these?"
        if not choices:
            text = "I did not understand that. Please press the button to try again."
        dispatcher.utter_message(text=text, buttons=[*choices, other])
        return []


def likeliest(message: dict[str, Any]) -> list[Button]:
    """Return buttons for the likeliest intents that make sense as a choice."""
    found: list[Button] = []
    for ranked in message.get("intent_ranking") or []:
        name = str(ranked.get("name"))
        question = QUESTIONS.get(_full_name(name, message))
        if question:
            found.append({"title": question, "payload": question})
        elif name in INTENTS:
            found.append(button(INTENTS[name], name))
        if len(found) == CHOICES:
            break
    return found


def _full_name(intent: str, message: dict[str, Any]) -> str:
    """Return the likeliest question of a retrieval intent, as the response selector saw it."""
    if "/" in intent:
        return intent
    selectors = message.get("response_selector") or {}
    selected = selectors.get(intent) or selectors.get("default") or {}
    key = (selected.get("response") or {}).get("intent_response_key")
    ranked = [item.get("intent_response_key") for item in selected.get("ranking") or []]
    candidates = [str(item) for item in [key, *ranked] if item]
    return next((item for item in candidates if item.startswith(f"{intent}/")), intent)


def _has_said(tracker: Tracker, text: str) -> bool:
    """Say whether the assistant has said a text since the session began."""
    for event in reversed(tracker.events):
        if event.get("event") == "session_started":
            return False
        if event.get("event") == "bot" and event.get("text") == text:
            return True
    return False


def _queue(desk: Desk, reason: str) -> str:
    reference, minutes = cases.queue(desk.db, sender_id=desk.tracker.sender_id, reason=reason)
    return (
        f"A colleague will take over in about {minutes} minutes. You can wait here; your "
        f"reference is {reference}."
    )
