"""Standing orders, direct debits and subscriptions."""

from __future__ import annotations

from datetime import date

from rasa_sdk.events import SlotSet

from actions.bank import clock, regular
from actions.bank.frequency import Frequency
from actions.bank.types import Refused, RegularPayment
from actions.dates import format_date, parse_date, parse_frequency
from actions.desk import BankAction, Desk, Event, button
from actions.money import (
    REFUSALS,
    check_amount,
    check_recipient,
    check_source,
    is_new_payee,
    name_recipient,
    review_accounts,
    source_of,
    target_of,
)
from actions.task import AskConfirmed, PerformTask, Problem, Task, ValidateTask, Values
from actions.transfers import check_day
from actions.values import name_in, parse_amount


class CreateStandingOrder(Task):
    """Set up a payment that repeats."""

    form = "standing_order_form"
    required = ("recipient", "amount", "frequency", "start_date")
    optional = ("source_account",)
    declined = "All right, I have not set anything up."

    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Check one value."""
        if slot == "recipient":
            return check_recipient(desk, text)
        if slot == "amount":
            return check_amount(text)
        if slot == "source_account":
            return check_source(desk, text)
        if slot == "start_date":
            return check_day(slot, text)
        frequency = parse_frequency(text)
        hint = f"I cannot read “{text}” as how often. Try weekly, every two weeks or monthly."
        return str(frequency) if frequency else Problem(slot, hint)

    def review(self, desk: Desk, values: Values) -> Problem | None:
        """Look at the accounts; whether the money is there is seen on each day."""
        return review_accounts(desk, values)

    def summary(self, desk: Desk, values: Values) -> str:
        """Ask with every detail."""
        source = source_of(desk, values, parse_amount(values["amount"]))
        recipient = name_recipient(desk, values["recipient"])
        first = format_date(_first(values))
        text = (
            f"Shall I set up {values['amount']} {values['frequency']} from your {source.label} "
            f"to {recipient}, starting on {first}?"
        )
        if is_new_payee(desk, values["recipient"]):
            return f"{recipient} is a new payee: you have not paid them before. {text}"
        return text

    def perform(self, desk: Desk, values: Values) -> str:
        """Set it up."""
        amount, target = parse_amount(values["amount"]), target_of(desk, values)
        frequency = parse_frequency(values["frequency"])
        if amount is None or frequency is None:
            return self.declined
        made = regular.create(
            desk.db,
            key=desk.key(),
            customer_id=desk.customer.id,
            account_id=source_of(desk, values, amount).id,
            target_id=target.id if target else None,
            recipient=target.name if target else values["recipient"],
            amount=amount,
            frequency=frequency,
            start=_first(values),
        )
        if isinstance(made, Refused):
            return f"I have not set anything up: {REFUSALS[made.reason]}."
        recipient = name_recipient(desk, made.recipient)
        return (
            f"Done: {made.amount} will go to {recipient} {made.frequency}, "
            f"first on {format_date(made.next_date)}."
        )


class ValidateStandingOrder(ValidateTask):
    """Check the values of a standing order."""

    task = CreateStandingOrder()


class AskStandingOrderConfirmed(AskConfirmed):
    """Ask before setting it up."""

    task = CreateStandingOrder()


class ActionCreateStandingOrder(PerformTask):
    """Set up the standing order."""

    action = "action_create_standing_order"
    task = CreateStandingOrder()


class ActionListStandingOrders(BankAction):
    """Show what goes out regularly."""

    action = "action_list_standing_orders"

    def serve(self, desk: Desk) -> list[Event]:
        """List all, the next one first."""
        found = regular.active(desk.db, desk.customer.id)
        if found:
            lines = [
                f"- {_line(desk, item)}, next on {format_date(item.next_date)}" for item in found
            ]
            desk.say("\n".join(["These go out regularly:", *lines]))
        else:
            desk.say("You have no standing orders, direct debits or subscriptions.")
        return [SlotSet("account", None)]


class ActionCancelStandingOrder(BankAction):
    """Stop a regular payment."""

    action = "action_cancel_standing_order"

    def serve(self, desk: Desk) -> list[Event]:
        """Cancel the one that is named; where that is not clear, ask which."""
        active = regular.active(desk.db, desk.customer.id)
        name = desk.entity("merchant", "payee", "account")
        found = _named(desk, active, name) if name else active
        if not active:
            desk.say("You have no regular payments, so there is nothing to cancel.")
        elif name and len(found) == 1:
            regular.cancel(desk.db, found[0].id)
            desk.say(f"Cancelled: {_line(desk, found[0])}. Nothing more will go out.")
        else:
            question = "Which one should I cancel?"
            if name and not found:
                question = f"I cannot find a regular payment to {name}. {question}"
            choices = [button(_line(desk, item), "cancel_standing_order", payee=item.recipient)
                       for item in found or active]  # fmt: skip
            desk.say(question, choices)
        return [SlotSet("account", None)]


def _named(desk: Desk, items: list[RegularPayment], name: str) -> list[RegularPayment]:
    """Return the payments to a name; what people call a payee counts too: "my landlord"."""
    meant = check_recipient(desk, name)
    if isinstance(meant, str):
        exact = [item for item in items if item.recipient == meant]
        if exact:
            return exact
    return name_in(name, items, lambda item: item.recipient)


def _first(values: Values) -> date:
    start = parse_date(values["start_date"], clock.today()) or clock.today()
    frequency = parse_frequency(values["frequency"]) or Frequency(1, "month")
    return frequency.first_on_or_after(start)


def _line(desk: Desk, item: RegularPayment) -> str:
    recipient = name_recipient(desk, item.recipient)
    return f"{item.amount} {item.frequency} to {recipient} ({item.kind})"
