"""Contest a charge."""

from __future__ import annotations

import re
from datetime import timedelta

from rasa_sdk.events import SlotSet

from actions.bank import cases, clock, ledger
from actions.bank.types import Entry, Money
from actions.cards import read_reason
from actions.dates import format_date
from actions.desk import BankAction, Button, Desk, Event, button
from actions.task import AskConfirmed, PerformTask, Problem, Task, ValidateTask, Values
from actions.values import name_in, parse_amount, parse_period, texts

REASONS = {
    "charged_twice": "you were charged twice", "not_mine": "you did not make it",
    "wrong_amount": "the amount is wrong", "not_received": "you did not get what you paid for",
    "cancelled": "you had cancelled it",
}  # fmt: skip
_REASON_WORDS = {
    "charged_twice": r"twice|double|duplicat|two times|2 times|again",
    "not_received": r"never (came|arriv|got|receiv|turn)|not (arriv|receiv|come)|"
                    r"(did|has|have)n.?t (arriv|receiv|come|get|turn|got|deliver)|missing|faulty",
    "cancelled": r"cancel|refund|sent (it|them) back|return",
    "wrong_amount": r"wrong (amount|sum|price)|too much|overcharg|more than|should (have been|be)",
    "not_mine": r"not (mine|me)|wasn.?t me|did ?n.?t (make|do|buy|authori)|never (made|bought)|"
                r"recogni|fraud|stol|unknown|no idea|don.?t know|hacked",
}  # fmt: skip
BUTTONS = 5
DAYS_BACK = 390  # card schemes allow 13 months


def disputable(desk: Desk) -> list[Entry]:
    """Return the card payments that can still be contested, the newest first."""
    since = clock.today() - timedelta(days=DAYS_BACK)
    found = ledger.entries(desk.db, desk.customer.id, since=since, card_payments_only=True)
    return [entry for entry in found if entry.category != "cash"]


def narrow(found: list[Entry], text: str) -> list[Entry]:
    """Keep the payments that a reference, shop, sum or day fits."""
    code = re.search(r"\bTX[- ]?(\d{3,})\b", text.upper())
    if code:
        return [entry for entry in found if entry.reference == f"TX-{code[1]}"]
    shops = name_in(text, found, lambda entry: entry.merchant)
    if shops:
        return shops
    amount = parse_amount(text)
    if amount:
        return [entry for entry in found if entry.amount == Money(-amount.minor, amount.currency)]
    period = parse_period(text, clock.today())
    if period:
        return [entry for entry in found if period[0] <= entry.booked_at.date() <= period[1]]
    return []


def _line(entry: Entry) -> str:
    amount = Money(abs(entry.amount.minor), entry.amount.currency)
    return f"{entry.merchant}, {amount}, {entry.booked_at.day} {entry.booked_at:%B}"


def _choices(found: list[Entry]) -> list[Button]:
    return [button(_line(entry), "inform", reference=entry.reference) for entry in found[:BUTTONS]]


class DisputeTransaction(Task):
    """Open a case about a card payment."""

    form = "dispute_transaction_form"
    required = ("transaction", "dispute_reason")
    declined = "All right, I have not opened a dispute."

    def check_value(self, desk: Desk, slot: str, value: object) -> str | Problem:
        """Take several details of one payment together: the Tesco one of 32.18."""
        if slot != "transaction":
            return super().check_value(desk, slot, value)
        return self._check_transaction(desk, texts(value))

    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Check the payment or the reason."""
        if slot == "transaction":
            return self._check_transaction(desk, [text])
        reason = read_reason(text, slot, _REASON_WORDS, REASONS)
        return reason or Problem(slot, "Please tell me what is wrong with the payment.")

    def _check_transaction(self, desk: Desk, given: list[str]) -> str | Problem:
        everything = disputable(desk)
        found = everything
        more = [text for name in ("merchant", "amount", "date") for text in desk.entities(name)]
        for number, text in enumerate([*given, *more]):
            # what else the message says helps to choose, but must not rule everything out
            found = narrow(found, text) or ([] if number == 0 else found)
        if not found:
            return Problem(
                "transaction",
                f"I cannot find “{given[0] if given else ''}” among your "
                "card payments. Which of these is it?",
                _choices(everything),
            )
        if len({(entry.merchant, entry.amount, entry.booked_at.date()) for entry in found}) > 1:
            return Problem("transaction", "I can see several that fit. Which one is it?",
                           _choices(found))  # fmt: skip
        return found[0].reference  # of two alike, the later one is the duplicate

    def review(self, desk: Desk, values: Values) -> Problem | None:
        """Open one case a payment."""
        entry = ledger.find(desk.db, desk.customer.id, values.get("transaction", ""))
        open_case = cases.dispute_of(desk.db, entry.id) if entry else None
        if open_case:
            return Problem("transaction", f"A dispute about that payment is open already, "
                           f"{open_case}. Is it about another one?")  # fmt: skip
        return None

    def summary(self, desk: Desk, values: Values) -> str:
        """Ask with payment and reason."""
        reason = values["dispute_reason"]
        why = REASONS.get(reason) or f"you said “{reason}”"
        return f"Shall I dispute {_described(desk, values)}, because {why}?"

    def perform(self, desk: Desk, values: Values) -> str:
        """Open the case."""
        entry = ledger.find(desk.db, desk.customer.id, values["transaction"])
        if entry is None:
            return self.declined
        reference = cases.open_dispute(
            desk.db,
            customer_id=desk.customer.id,
            ledger_id=entry.id,
            reason=values["dispute_reason"],
        )
        return (
            f"Done: I have opened dispute {reference} about {_described(desk, values)}. "
            "You will hear from us within 5 working days."
        )


def _described(desk: Desk, values: Values) -> str:
    entry = ledger.find(desk.db, desk.customer.id, values["transaction"])
    if entry is None:
        return values["transaction"]
    amount = Money(abs(entry.amount.minor), entry.amount.currency)
    day = format_date(entry.booked_at.date())
    return f"{amount} to {entry.merchant} on {day} ({entry.reference})"


class ValidateDisputeTransaction(ValidateTask):
    """Check the values of a dispute."""

    task = DisputeTransaction()


class AskDisputeConfirmed(AskConfirmed):
    """Ask before opening a case."""

    task = DisputeTransaction()


class ActionDisputeTransaction(PerformTask):
    """Open the case."""

    action = "action_dispute_transaction"
    task = DisputeTransaction()


class AskTransaction(BankAction):
    """Ask which payment, offering the latest."""

    action = "action_ask_dispute_transaction_form_transaction"

    def serve(self, desk: Desk) -> list[Event]:
        """Offer buttons, unless the check of this turn has just done so."""
        if _was_offered(desk):
            return [SlotSet("transaction", None)]
        found = disputable(desk)
        desk.say("Which payment is it about? Name the shop, the sum or the day, or choose one."
                 if found else "You have no card payments yet. Say “stop” to leave this.",
                 _choices(found))  # fmt: skip
        return []


def _was_offered(desk: Desk) -> bool:
    for event in reversed(desk.tracker.events):
        if event.get("event") == "user":
            return False
        buttons = (event.get("data") or {}).get("buttons") if event.get("event") == "bot" else None
        if buttons and any("reference" in item.get("payload", "") for item in buttons):
            return True
    return False


class AskDisputeReason(BankAction):
    """Ask what is wrong with the payment."""

    action = "action_ask_dispute_reason"

    def serve(self, desk: Desk) -> list[Event]:
        """Offer the reasons; own words are fine as well."""
        titles = {"charged_twice": "Charged twice", "not_mine": "I did not make it",
                  "wrong_amount": "Wrong amount", "not_received": "Nothing arrived",
                  "cancelled": "Cancelled or returned"}  # fmt: skip
        desk.say("What is wrong with it?",
                 [button(title, "inform", dispute_reason=reason)
                  for reason, title in titles.items()])  # fmt: skip
        return []
