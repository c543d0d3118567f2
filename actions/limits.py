"""Change limits, and say why a card payment was declined."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions.bank import cards, ledger
from actions.bank.types import Limit, Money
from actions.dates import format_date
from actions.desk import BankAction, Desk, Event, button, listing
from actions.task import AskConfirmed, PerformTask, Problem, Task, ValidateTask, Values
from actions.values import parse_amount, parse_limit_type

NAMES = {"cash": "cash withdrawal", "contactless": "contactless", "online": "online",
         "spending": "daily spending", "transfer": "transfer"}  # fmt: skip


def limits_of(desk: Desk) -> dict[str, Limit]:
    """Return the limits of the main card, and of transfers."""
    held = desk.cards()
    found = cards.limits(desk.db, desk.customer.id, held[0].id if held else None)
    return {limit.limit_type: limit for limit in found}


class ChangeLimit(Task):
    """Raise or lower a limit."""

    form = "change_limit_form"
    required = ("limit_type", "amount")
    declined = "All right, your limit stays as it is."

    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Check the kind of limit or the sum."""
        if slot == "limit_type":
            return self._check_type(desk, text)
        amount = parse_amount(text)
        if amount is None:
            return Problem(slot, f"I cannot read “{text}” as a sum. Try £250.")
        if amount.minor < 0:
            return Problem(slot, "A limit cannot be below zero.")
        if amount.currency != "GBP":
            return Problem(slot, "Limits are in pounds.")
        return str(amount)

    def _check_type(self, desk: Desk, text: str) -> str | Problem:
        kind, known = parse_limit_type(text), limits_of(desk)
        if kind in known:
            return str(kind)
        names = listing([NAMES[name] for name in known])
        return Problem(
            "limit_type",
            f"I do not know a “{text}” limit. You have these: {names}.",
            [button(NAMES[name].capitalize(), "inform", limit_type=name) for name in known],
        )

    def review(self, desk: Desk, values: Values) -> Problem | None:
        """Keep within what the bank allows."""
        limit = limits_of(desk).get(values.get("limit_type", ""))
        amount = parse_amount(values.get("amount", ""))
        if limit and amount and amount.minor > limit.maximum.minor:
            name = NAMES[limit.limit_type]
            return Problem(
                "amount",
                f"Your {name} limit can be {limit.maximum} at most; now it is {limit.current}.",
            )
        return None

    def summary(self, desk: Desk, values: Values) -> str:
        """Ask with old and new limit."""
        limit = limits_of(desk)[values["limit_type"]]
        name = NAMES[limit.limit_type]
        return f"Shall I change your {name} limit from {limit.current} to {values['amount']}?"

    def perform(self, desk: Desk, values: Values) -> str:
        """Change it."""
        limit, amount = limits_of(desk)[values["limit_type"]], parse_amount(values["amount"])
        if amount is None or not cards.set_limit(desk.db, limit, amount):
            return self.declined
        return f"Done: your {NAMES[limit.limit_type]} limit is now {amount}."


class ValidateChangeLimit(ValidateTask):
    """Check the values of a limit change."""

    task = ChangeLimit()


class AskChangeLimitConfirmed(AskConfirmed):
    """Ask before changing it."""

    task = ChangeLimit()


class ActionChangeLimit(PerformTask):
    """Change the limit."""

    action = "action_change_limit"
    task = ChangeLimit()


class AskLimitType(BankAction):
    """Ask which limit, showing what each is now."""

    action = "action_ask_limit_type"

    def serve(self, desk: Desk) -> list[Event]:
        """Offer the limits there are."""
        known = limits_of(desk)
        desk.say(
            "Which limit would you like to change?",
            [button(f"{NAMES[name].capitalize()} ({limit.current})", "inform", limit_type=name)
             for name, limit in known.items()],
        )  # fmt: skip
        return []


class AskNewLimit(BankAction):
    """Ask for the new limit, saying what it is now."""

    action = "action_ask_change_limit_form_amount"

    def serve(self, desk: Desk) -> list[Event]:
        """Name the current and the highest limit."""
        limit = limits_of(desk).get(str(desk.slot("limit_type")))
        if limit:
            name = NAMES[limit.limit_type]
            desk.say(f"Your {name} limit is {limit.current}. What should the new one be, "
                     f"up to {limit.maximum}?")  # fmt: skip
        else:
            desk.say("What should the new limit be?")
        return []


class ActionExplainDecline(BankAction):
    """Say why the last card payment was refused."""

    action = "action_explain_decline"

    def serve(self, desk: Desk) -> list[Event]:
        """Name the payment and the reason; a frozen card is the likelier one."""
        frozen = [card for card in desk.cards() if card.state == "frozen"]
        entry = ledger.last_declined(desk.db, desk.customer.id)
        if frozen:
            desk.say(f"Your {frozen[0].label} is frozen, so payments with it are declined. "
                     "Say “unfreeze my card” to use it again.")  # fmt: skip
        elif entry:
            amount = Money(abs(entry.amount.minor), entry.amount.currency)
            desk.say(f"{amount} at {entry.merchant} was declined on "
                     f"{format_date(entry.booked_at.date())}, because {entry.reason}.")  # fmt: skip
        else:
            desk.say("I cannot see a declined payment. The shop's machine may have been offline.")
        return [SlotSet("card", None)]
