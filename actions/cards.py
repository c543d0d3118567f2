"""Freeze, unfreeze and replace cards."""

from __future__ import annotations

import re

from rasa_sdk.events import SlotSet

from actions.bank import cards
from actions.bank.types import Card
from actions.dates import format_date
from actions.desk import BankAction, Button, Desk, Event, button, listing
from actions.task import AskConfirmed, PerformTask, Problem, Task, ValidateTask, Values
from actions.values import match_card

REPLACEMENT_REASONS = {
    "lost": "it is lost", "stolen": "it was stolen", "damaged": "it is damaged",
    "expired": "it has expired", "wrong_name": "the name on it is wrong",
}  # fmt: skip
_REASON_WORDS = {
    "stolen": r"stol|steal|nick|thief|theft|robbed|pickpocket|mugged",
    "lost": r"los[te]|losing|missing|can.?t find|misplaced|dropped it",
    "expired": r"expir|out of date|run out|runs out",
    "wrong_name": r"name|misspel|married",
    "damaged": r"damag|broke|crack|snap|bent|worn|chip|scratch|split|fad|demagnet|not work|washing",
}  # fmt: skip


def check_card(desk: Desk, text: str) -> str | Problem:
    """Accept one of the customer's cards; return its last four digits."""
    held = desk.cards()
    card = match_card(text, held)
    if card:
        return card.last_four
    if not held:
        return Problem("card", "You do not have a card with us.")
    names = listing([f"your {card.label}" for card in held])
    return Problem("card", f"I cannot find “{text}” among your cards. You have {names}.",
                   card_buttons(held))  # fmt: skip


def card_buttons(held: list[Card]) -> list[Button]:
    """Offer one button for each card."""
    return [button(card.label.capitalize(), "inform", card_digits=card.last_four) for card in held]


def read_reason(text: str, slot: str, patterns: dict[str, str], known: dict[str, str]) -> str:
    """Read a reason from a button or in somebody's own words, which are kept if they fit none."""
    payload = re.search(rf'"{slot}": *"([^"]+)"', text)
    words = " ".join((payload[1] if payload else text).split())[:200]
    if words in known:
        return words
    return next((reason for reason, pattern in patterns.items()
                 if re.search(pattern, words.lower())), words)  # fmt: skip


def _card(desk: Desk, values: Values) -> Card:
    return next(card for card in desk.cards() if card.last_four == values["card"])


class FreezeCard(Task):
    """Freeze a card."""

    form = "freeze_card_form"
    required = ("card",)
    declined = "All right, I have not frozen anything. Your card works as before."

    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Check which card it is."""
        return check_card(desk, text)

    def summary(self, desk: Desk, values: Values) -> str:
        """Ask with the card named."""
        return f"Shall I freeze your {_card(desk, values).label}? You can unfreeze it at any time."

    def perform(self, desk: Desk, values: Values) -> str:
        """Freeze it."""
        card = _card(desk, values)
        if cards.set_state(desk.db, card.id, "frozen"):
            return f"Done: your {card.label} is frozen, and nobody can pay with it."
        return f"Your {card.label} was frozen already, so nobody can pay with it."


class ReplaceCard(Task):
    """Order a new card."""

    form = "replace_card_form"
    required = ("card", "replacement_reason")
    declined = "All right, I have not ordered a card."

    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Check the card or the reason."""
        if slot == "card":
            return check_card(desk, text)
        reason = read_reason(text, slot, _REASON_WORDS, REPLACEMENT_REASONS)
        return reason or Problem(slot, "Please tell me what is wrong with the card.")

    def review(self, desk: Desk, values: Values) -> Problem | None:
        """Send people elsewhere for a card without plastic."""
        if "card" in values and _card(desk, values).card_type == "virtual":
            plastic = [card for card in desk.cards() if card.card_type != "virtual"]
            return Problem("card", "Your virtual card has no plastic to replace: delete it in the "
                           "app and make a new one at once. Which other card is it?",
                           card_buttons(plastic))  # fmt: skip
        return None

    def summary(self, desk: Desk, values: Values) -> str:
        """Ask with card and reason."""
        reason = values["replacement_reason"]
        why = REPLACEMENT_REASONS.get(reason) or f"you said “{reason}”"
        text = f"Shall I order a new {_card(desk, values).label}, because {why}?"
        if reason in ("lost", "stolen"):
            return f"{text} I will freeze the old one at the same time."
        return f"{text} It takes about {cards.DELIVERY_DAYS} days."

    def perform(self, desk: Desk, values: Values) -> str:
        """Order it."""
        card, reason = _card(desk, values), values["replacement_reason"]
        gone = reason in ("lost", "stolen")
        order = cards.order_replacement(
            desk.db, key=desk.key(), card_id=card.id, reason=reason, freeze=gone
        )
        text = (
            f"Done: your new {card.card_type} card is ordered and should be with you by "
            f"{format_date(order.expected_on)}. Reference {order.reference}."
        )
        return (
            f"{text} The old card is frozen." if gone else f"{text} The old card works till then."
        )


class ValidateFreezeCard(ValidateTask):
    """Check the values of a freeze."""

    task = FreezeCard()


class ValidateReplaceCard(ValidateTask):
    """Check the values of a replacement."""

    task = ReplaceCard()


class AskFreezeConfirmed(AskConfirmed):
    """Ask before freezing."""

    task = FreezeCard()


class AskReplaceConfirmed(AskConfirmed):
    """Ask before ordering."""

    task = ReplaceCard()


class ActionFreezeCard(PerformTask):
    """Freeze the card."""

    action = "action_freeze_card"
    task = FreezeCard()


class ActionReplaceCard(PerformTask):
    """Order the card."""

    action = "action_replace_card"
    task = ReplaceCard()


class AskCard(BankAction):
    """Ask which card, with one button for each."""

    action = "action_ask_card"

    def serve(self, desk: Desk) -> list[Event]:
        """Offer the cards."""
        held = desk.cards()
        desk.say("Which card is it?" if held else "You do not have a card with us. Say “stop” to "
                 "leave this.", card_buttons(held))  # fmt: skip
        return []


class AskReplacementReason(BankAction):
    """Ask why a new card is needed."""

    action = "action_ask_replacement_reason"

    def serve(self, desk: Desk) -> list[Event]:
        """Offer the reasons."""
        titles = {"lost": "Lost", "stolen": "Stolen", "damaged": "Damaged or worn",
                  "expired": "Expired", "wrong_name": "Wrong name"}  # fmt: skip
        desk.say("Why do you need a new one?",
                 [button(title, "inform", replacement_reason=reason)
                  for reason, title in titles.items()])  # fmt: skip
        return []


class ActionUnfreezeCard(BankAction):
    """Make a frozen card usable again."""

    action = "action_unfreeze_card"

    def serve(self, desk: Desk) -> list[Event]:
        """Unfreeze the card that is named, or the only frozen one."""
        frozen = [card for card in desk.cards() if card.state == "frozen"]
        named = desk.entity("card_digits", "card_type")
        card = match_card(named, desk.cards()) if named else None
        if named and card is None:
            problem = check_card(desk, named)
            desk.say(problem.text if isinstance(problem, Problem) else problem)
        elif card and card.state != "frozen":
            desk.say(f"Your {card.label} is not frozen; you can use it.")
        elif not frozen:
            desk.say("None of your cards is frozen.")
        elif card is None and len(frozen) > 1:
            desk.say("Which card should I unfreeze?",
                     [button(item.label.capitalize(), "unfreeze_card", card_digits=item.last_four)
                      for item in frozen])  # fmt: skip
        else:
            chosen = card or frozen[0]
            cards.set_state(desk.db, chosen.id, "active")
            desk.say(f"Done: your {chosen.label} works again.")
        return [SlotSet("card", None)]


class ActionCardDelivery(BankAction):
    """Say where an ordered card is."""

    action = "action_card_delivery"

    def serve(self, desk: Desk) -> list[Event]:
        """Report each order."""
        orders = cards.orders(desk.db, desk.customer.id)
        wanted = desk.entity("card_digits", "card_type")
        card = match_card(wanted, desk.cards()) if wanted else None
        if card and any(order.last_four == card.last_four for order in orders):
            orders = [order for order in orders if order.last_four == card.last_four]
        for order in orders:
            on_its_way = "is in the post" if order.state == "posted" else "is being made"
            desk.say(
                f"Your new {order.card_type} card, ordered on {format_date(order.ordered_on)}, "
                f"{on_its_way} and should be with you by {format_date(order.expected_on)} "
                f"({order.reference})."
            )
        if not orders:
            desk.say("No card is on its way to you. Shall I order one? Say “replace my card”.")
        return [SlotSet("card", None)]
