"""Send money, and see or stop what was sent."""

from __future__ import annotations

from datetime import date

from rasa_sdk.events import SlotSet

from actions.bank import clock, transfers
from actions.bank.types import Payment, Refused
from actions.dates import format_date, parse_date
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
from actions.values import name_in, parse_amount

MOST_DAYS_AHEAD = 366


class TransferMoney(Task):
    """Send money once, to a person, a company or an own account."""

    form = "transfer_money_form"
    required = ("recipient", "amount")
    optional = ("source_account", "payment_date")
    declined = "All right, I have not sent anything."

    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Check one value."""
        if slot == "recipient":
            return check_recipient(desk, text)
        if slot == "amount":
            return check_amount(text)
        if slot == "source_account":
            return check_source(desk, text)
        return check_day(slot, text)

    def review(self, desk: Desk, values: Values) -> Problem | None:
        """See whether the account can pay it."""
        problem = review_accounts(desk, values)
        if problem or "amount" not in values:
            return problem
        amount = parse_amount(values["amount"])
        if amount is None:
            return None
        left = transfers.left_today(desk.db, desk.customer.id)
        if (
            left is not None
            and not target_of(desk, values)
            and transfers.in_pounds(amount) > left.minor
        ):
            return Problem(
                "amount", f"Your transfer limit leaves {left} for today. Please give a smaller sum,"
                " or ask me to change the limit."
            )  # fmt: skip
        source = source_of(desk, values, amount)
        if _day(values) <= clock.today() and amount.minor > source.available.minor:
            return Problem(
                "amount",
                f"You have {source.available} available in your {source.label}, so {amount} is "
                "too much. Give a smaller sum, or name another account to send it from.",
            )
        return None

    def summary(self, desk: Desk, values: Values) -> str:
        """Ask with every detail."""
        day = _day(values)
        when = "today" if day == clock.today() else f"on {format_date(day)}"
        source = source_of(desk, values, parse_amount(values["amount"]))
        recipient = name_recipient(desk, values["recipient"])
        text = f"Shall I send {values['amount']} from your {source.label} to {recipient} {when}?"
        if is_new_payee(desk, values["recipient"]):
            return f"{recipient} is a new payee: you have not paid them before. {text}"
        return text

    def perform(self, desk: Desk, values: Values) -> str:
        """Send it."""
        amount, target = parse_amount(values["amount"]), target_of(desk, values)
        if amount is None:
            return self.declined
        source, day = source_of(desk, values, amount), _day(values)
        sent = transfers.send(
            desk.db,
            key=desk.key(),
            customer_id=desk.customer.id,
            source_id=source.id,
            target_id=target.id if target else None,
            recipient=target.name if target else values["recipient"],
            amount=amount,
            on=day,
        )
        if isinstance(sent, Refused):
            return f"I have not sent anything: {REFUSALS[sent.reason]}."
        recipient = name_recipient(desk, sent.recipient)
        if sent.state == "pending":
            return (
                f"Done: {sent.amount} will go to {recipient} on {format_date(sent.scheduled_for)}. "
                f"Reference {sent.reference}."
            )
        left = next(account for account in desk.accounts(fresh=True) if account.id == source.id)
        return (
            f"Done: I have sent {sent.amount} to {recipient}. Reference {sent.reference}. "
            f"You have {left.available} left to spend in your {left.label}."
        )


class ValidateTransferMoney(ValidateTask):
    """Check the values of a transfer."""

    task = TransferMoney()


class AskTransferConfirmed(AskConfirmed):
    """Ask before sending."""

    task = TransferMoney()


class ActionTransferMoney(PerformTask):
    """Send the money."""

    action = "action_transfer_money"
    task = TransferMoney()


class ActionTransferStatus(BankAction):
    """Say where a payment is."""

    action = "action_transfer_status"

    def serve(self, desk: Desk) -> list[Event]:
        """Report the payments that fit the message, or the latest."""
        sent = transfers.payments(desk.db, desk.customer.id)
        found = matching(desk, sent)
        if not sent:
            desk.say("You have not sent any payments yet.")
        elif not found:
            desk.say("I cannot find that payment. The latest is this: " + _status(desk, sent[0]))
        else:
            desk.say("\n".join(_status(desk, payment) for payment in found[:3]))
        return [SlotSet("account", None)]


class ActionCancelTransfer(BankAction):
    """Stop a payment that has not gone out."""

    action = "action_cancel_transfer"

    def serve(self, desk: Desk) -> list[Event]:
        """Cancel the one that fits; where several do, ask which."""
        sent = transfers.payments(desk.db, desk.customer.id)
        waiting = [payment for payment in sent if payment.state == "pending"]
        asked = matching(desk, sent)
        found = [payment for payment in asked if payment.state == "pending"]
        if len(found) == 1:
            done = transfers.cancel(desk.db, found[0].id)
            desk.say(
                f"Cancelled: {_line(desk, found[0])}. No money has left your account."
                if done
                else "That payment has just gone out, so I could not stop it."
            )
        elif found:
            desk.say(
                "Which payment should I cancel?", [_choice(desk, payment) for payment in found]
            )
        elif asked and _named(desk):
            desk.say(f"{_status(desk, asked[0])} I cannot call it back. Please ask the recipient "
                     "to return it, or ask me for a person if it was a mistake.")  # fmt: skip
        elif waiting:
            desk.say("I cannot find that payment among those still waiting:",
                     [_choice(desk, payment) for payment in waiting])  # fmt: skip
        else:
            desk.say("None of your payments is waiting to go out, so there is nothing to cancel.")
        return [SlotSet("account", None)]


def check_day(slot: str, text: str) -> str | Problem:
    """Accept today and the year ahead."""
    day, today = parse_date(text, clock.today()), clock.today()
    if day is None:
        return Problem(slot, f"I cannot read “{text}” as a day. Try tomorrow, Friday or 12 March.")
    if day < today:
        return Problem(slot, f"{format_date(day)} has passed. Please give today or a later day.")
    if (day - today).days > MOST_DAYS_AHEAD:
        return Problem(slot, f"{format_date(day)} is too far ahead; up to a year is possible.")
    return format_date(day)


def matching(desk: Desk, payments: list[Payment]) -> list[Payment]:
    """Return the payments that the message describes; all of them if it describes none."""
    found = payments
    reference = desk.entity("reference")
    if reference:
        return [payment for payment in found if payment.reference == reference.upper()]
    name = desk.entity("payee", "merchant")
    if name:
        found = name_in(name, found, lambda payment: payment.recipient)
    amount = parse_amount(desk.entity("amount") or "")
    if amount:
        found = [payment for payment in found if payment.amount == amount]
    day = parse_date(desk.entity("date") or "", clock.today(), prefer="past")
    later = parse_date(desk.entity("date") or "", clock.today())
    if day:
        found = [payment for payment in found if payment.scheduled_for in (day, later)]
    return found


def _day(values: Values) -> date:
    return parse_date(values.get("payment_date") or "today", clock.today()) or clock.today()


def _named(desk: Desk) -> bool:
    return any(desk.entity(name) for name in ("reference", "payee", "merchant", "amount", "date"))


def _line(desk: Desk, payment: Payment) -> str:
    recipient = name_recipient(desk, payment.recipient)
    day = format_date(payment.scheduled_for)
    return f"{payment.amount} to {recipient} on {day} ({payment.reference})"


def _choice(desk: Desk, payment: Payment) -> dict[str, str]:
    return button(_line(desk, payment), "cancel_transfer", reference=payment.reference)


def _status(desk: Desk, payment: Payment) -> str:
    line = _line(desk, payment)
    if payment.state == "completed":
        return f"{line} has gone out and should have arrived."
    if payment.state == "pending":
        return f"{line} is waiting to go out on that day."
    return f"{line} was cancelled: {payment.note or 'it did not go out'}."
