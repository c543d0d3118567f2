"""Checks that transfers and standing orders share: who gets it, how much, from where."""

from __future__ import annotations

from collections.abc import Mapping

from actions.bank import transfers
from actions.bank.types import Account, Money, Payee
from actions.desk import Desk, button, listing
from actions.task import Problem
from actions.values import match_account, match_payees, parse_amount

_NOBODY = {"", "me", "myself", "him", "her", "them", "someone", "somebody", "a friend", "friend",
           "my friend", "account", "my account", "an account", "another account"}  # fmt: skip
CURRENCY_NAMES = {"GBP": "pounds", "EUR": "euros"}
REFUSALS = {
    "insufficient": "there is not enough money in the account",
    "currency": "the accounts hold different currencies",
    "same_account": "it would go back to the same account",
    "amount": "the sum has to be more than zero",
    "limit": "it is over your transfer limit for a day",
    "owner": "that account is not yours",
}


def find_recipient(desk: Desk, text: str) -> Account | str | list[Payee]:
    """Return the own account or the payee's name that is meant, or those it could mean.

    Payees come before accounts: "Jon" is nearer to a person than to "joint".
    """
    known = transfers.payees(desk.db, desk.customer.id)
    found = match_payees(text, known)
    if len(found) == 1:
        return found[0].name
    if found:
        return found
    account = match_account(text, desk.accounts())
    if account and (len(text.strip()) > 4 or text.strip().lower() == account.kind):
        return account
    name = " ".join(text.removeprefix("my ").removeprefix("My ").split())[:60]
    return name.title() if name.islower() else name


def check_recipient(desk: Desk, text: str) -> str | Problem:
    """Accept a payee, an own account, or a new name."""
    if text.strip().lower() in _NOBODY or not any(sign.isalpha() for sign in text):
        return Problem("recipient", "Please give me a name, or one of your accounts.")
    found = find_recipient(desk, text)
    if isinstance(found, Account):
        return found.name
    if isinstance(found, str):
        return found
    names = [payee.name for payee in found]
    question = f"Which one do you mean: {' or '.join(names)}?"
    return Problem("recipient", question, [button(name, "inform", payee=name) for name in names])


def is_new_payee(desk: Desk, recipient: str) -> bool:
    """Tell whether money has never gone to this name."""
    known = (payee.name for payee in transfers.payees(desk.db, desk.customer.id))
    return not isinstance(find_recipient(desk, recipient), Account) and recipient not in known


def check_source(desk: Desk, text: str) -> str | Problem:
    """Accept any of the customer's accounts that money can be sent from."""
    sources = [account for account in desk.accounts() if account.kind != "credit"]
    account = match_account(text, sources)
    if account:
        return account.name
    names = listing([account.label for account in sources])
    return Problem("source_account", f"I cannot send money from “{text}”. You have: {names}.")


def check_amount(text: str) -> str | Problem:
    """Accept a sum above zero in a currency the accounts can hold."""
    amount = parse_amount(text)
    if amount is None:
        return Problem("amount", f"I cannot read “{text}” as a sum. Try £250 or 19.99.")
    if amount.minor <= 0:
        return Problem("amount", "The sum has to be more than zero.")
    if amount.currency not in CURRENCY_NAMES:
        return Problem("amount", "I can send pounds and euros only.")
    return str(amount)


def source_of(desk: Desk, values: Mapping[str, str], amount: Money | None) -> Account:
    """Return where the money comes from: as named, else the main account in that currency."""
    named = values.get("source_account")
    found = match_account(named, desk.accounts()) if named else None
    if found:
        return found
    currency = amount.currency if amount else "GBP"
    return next((account for account in desk.accounts() if account.currency == currency),
                desk.main_account())  # fmt: skip


def target_of(desk: Desk, values: Mapping[str, str]) -> Account | None:
    """Return the own account that gets the money, if it is one."""
    recipient = values.get("recipient")
    found = find_recipient(desk, recipient) if recipient else None
    return found if isinstance(found, Account) else None


def review_accounts(desk: Desk, values: Mapping[str, str]) -> Problem | None:
    """Look at recipient, sum and source together."""
    amount = parse_amount(values["amount"]) if "amount" in values else None
    source, target = source_of(desk, values, amount), target_of(desk, values)
    if target and target.id == source.id:
        return Problem("recipient", f"Your {source.label} cannot pay itself.")
    if amount and amount.currency != source.currency:
        held = CURRENCY_NAMES[source.currency]
        return Problem(
            "amount", f"Your {source.label} holds {held}. Please give the sum in {held}."
        )
    if target and amount and target.currency != amount.currency:
        held, given = CURRENCY_NAMES[target.currency], CURRENCY_NAMES[amount.currency]
        return Problem(
            "recipient",
            f"Your {target.label} holds {held}, and I cannot change {given} here. "
            "Please choose another account, or exchange money in the app.",
        )
    return None


def name_recipient(desk: Desk, recipient: str) -> str:
    """Name a recipient as in a sentence: your savings account, Priya Nair."""
    found = find_recipient(desk, recipient)
    return f"your {found.label}" if isinstance(found, Account) else recipient
