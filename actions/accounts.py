"""Balances, transactions, spending, incoming money, account details and rates."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from rasa_sdk.events import SlotSet

from actions.bank import accounts, clock, ledger, rates
from actions.bank.types import Account, Entry, Money
from actions.dates import format_date, parse_period
from actions.desk import BankAction, Desk, Event, listing
from actions.values import match_account, name_in, parse_amount, parse_currency

SHOWN = 5
NOT_SPENDING = {"transfers", "income", "opening", "refund"}


def named_account(desk: Desk) -> Account | None:
    """Return the account the message names; a currency names one as well."""
    for text in desk.entities("account") + desk.entities("currency"):
        found = match_account(text, desk.accounts())
        if found:
            return found
    return None


class ActionCheckBalance(BankAction):
    """Say how much is there."""

    action = "action_check_balance"

    def serve(self, desk: Desk) -> list[Event]:
        """Answer for the named account, or for all of them."""
        account, unknown = named_account(desk), desk.entity("account")
        if account:
            desk.say(self._sentence(account))
        else:
            # "my account" names none in particular; "isa" names one that is not there
            opening = f"I cannot find “{unknown}”. " if unknown and "account" not in unknown else ""
            lines = [f"- {item.label}: {item.balance}" for item in desk.accounts()]
            desk.say("\n".join([f"{opening}This is what you have:", *lines]))
        return [SlotSet("account", None)]

    def _sentence(self, account: Account) -> str:
        if account.kind == "credit":
            owed = Money(max(-account.balance.minor, 0), account.currency)
            return f"You owe {owed} on your credit card and can spend {account.available} more."
        text = f"You have {account.balance} in your {account.label}."
        if account.overdraft.minor or account.available != account.balance:
            text += f" {account.available} is available"
            text += (
                f", overdraft of {account.overdraft} included." if account.overdraft.minor else "."
            )
        return text


class ActionRecentTransactions(BankAction):
    """List transactions."""

    action = "action_recent_transactions"

    def serve(self, desk: Desk) -> list[Event]:
        """List the newest that fit the message."""
        account, today = named_account(desk), clock.today()
        when = desk.entity("date")
        period = parse_period(when, today) if when else None
        found = ledger.entries(
            desk.db,
            desk.customer.id,
            account_id=account.id if account else None,
            since=period[0] if period else None,
            until=period[1] if period else None,
        )
        found = [entry for entry in found if entry.category != "opening"]
        name = desk.entity("merchant", "payee")
        if name:
            found = name_in(name, found, lambda entry: entry.merchant)
        amount = parse_amount(desk.entity("amount") or "")
        if amount:
            found = [entry for entry in found if abs(entry.amount.minor) == amount.minor]
        about = "".join([f" of {amount}" if amount else "", f" with {name}" if name else "",
                         f" for {when}" if period else ""])  # fmt: skip
        if found:
            lines = [_line(entry) for entry in found[:SHOWN]]
            rest = len(found) - SHOWN
            more = [f"…and {rest} more."] if rest > 0 and about else []
            heading = f"Your transactions{about}:" if about else "Your latest transactions:"
            desk.say("\n".join([heading, *lines, *more]))
        else:
            desk.say(f"I cannot see any transactions{about}.")
        return [SlotSet("account", None)]


class ActionSpendingInsights(BankAction):
    """Add up spending."""

    action = "action_spending_insights"

    def serve(self, desk: Desk) -> list[Event]:
        """Total a period, for one shop or by kind of spending."""
        today = clock.today()
        when = desk.entity("date")
        start, end = (parse_period(when, today) if when else None) or (today.replace(day=1), today)
        account, shop = named_account(desk), desk.entity("merchant", "payee")
        found = ledger.entries(desk.db, desk.customer.id, since=start, until=end,
                               account_id=account.id if account else None)  # fmt: skip
        spent = [
            entry
            for entry in found
            if entry.amount.minor < 0
            and entry.state != "declined"
            and entry.category not in NOT_SPENDING
            and entry.amount.currency == "GBP"
        ]
        if shop:
            spent = name_in(shop, spent, lambda entry: entry.merchant)
        total = Money(-sum(entry.amount.minor for entry in spent))
        where = f" at {spent[0].merchant}" if shop and spent else f" at {shop}" if shop else ""
        text = f"You spent {total}{where} {_span(start, end)}"
        if shop or not spent:
            payments = f", in {len(spent)} payment{'s' if len(spent) > 1 else ''}" if spent else ""
            desk.say(f"{text}{payments}.")
        else:
            desk.say(f"{text}. Most of it: {_by_category(spent)}.")
        return [SlotSet("account", None)]


class ActionIncomingPayments(BankAction):
    """Say where money is that should have come."""

    action = "action_incoming_payments"

    def serve(self, desk: Desk) -> list[Event]:
        """Name what has come from the payer lately, and what is announced."""
        today = clock.today()
        expected = accounts.expected_payments(desk.db, desk.customer.id, today)
        recent = ledger.entries(desk.db, desk.customer.id, since=today - timedelta(days=14))
        own = {account.name for account in desk.accounts()}
        arrived = [entry for entry in recent if entry.amount.minor > 0
                   and entry.category != "opening" and entry.merchant not in own]  # fmt: skip
        payer = desk.entity("merchant", "payee")
        if payer:
            expected = name_in(payer, expected, lambda item: item.payer)
            arrived = name_in(payer, arrived, lambda entry: entry.merchant)
        for item in expected:
            desk.say(f"{item.amount} from {item.payer} is expected on {format_date(item.due)}.")
        if arrived:
            desk.say("\n".join(["This came in lately:", *[_line(item) for item in arrived[:3]]]))
        if not expected and not arrived:
            source = f" from {payer}" if payer else ""
            desk.say(f"I cannot see any money{source} on its way. Please ask the sender for the "
                     "date and the account it was sent to.")  # fmt: skip
        return [SlotSet("account", None)]


class ActionAccountDetails(BankAction):
    """Give the numbers that others need to pay in."""

    action = "action_account_details"

    def serve(self, desk: Desk) -> list[Event]:
        """Answer for the named account, else the main one."""
        account = named_account(desk) or desk.main_account()
        if account.number:
            spaced = " ".join(account.iban[at : at + 4] for at in range(0, len(account.iban), 4))
            desk.say(
                f"Your {account.label}:\n- account number {account.number}\n"
                f"- sort code {account.sort_code}\n- IBAN {spaced}\n- BIC LARKGB2L"
            )
        else:
            desk.say(f"Your {account.label} has no account number of its own.")
        return [SlotSet("account", None)]


class ActionExchangeRate(BankAction):
    """Give a rate, or convert a sum."""

    action = "action_exchange_rate"

    def serve(self, desk: Desk) -> list[Event]:
        """Convert between the currencies named; pounds are the other side by default."""
        amount = parse_amount(desk.entity("amount") or "")
        named = [parse_currency(text) for text in desk.entities("currency")]
        codes = [code for code in named if code in rates.PER_POUND]
        source = amount.currency if amount else "GBP"
        if len(codes) > 1 and not amount:
            source, target = codes[0], codes[1]
        else:
            others = [code for code in codes if code != source]
            target = others[0] if others else ("EUR" if source == "GBP" else "GBP")
        if named and not codes:
            known = listing(sorted(code for code in rates.PER_POUND if code != "GBP"))
            desk.say(f"I do not have a rate for that currency. I know these: {known}.")
        elif amount and amount.currency in rates.PER_POUND:
            desk.say(f"{amount} is {rates.convert(amount, target)} at today's rate.")
        else:
            desk.say(f"1 {source} is {rates.rate(source, target)} {target} today.")
        return [SlotSet("account", None)]


def _line(entry: Entry) -> str:
    note = {"pending": ", pending", "declined": ", declined"}.get(entry.state, "")
    day = f"{entry.booked_at.day} {entry.booked_at:%B}"
    return f"- {day}: {entry.merchant}, {entry.amount}{note} ({entry.reference})"


def _by_category(spent: list[Entry]) -> str:
    totals: Counter[str] = Counter()
    for entry in spent:
        totals[entry.category] -= entry.amount.minor
    return listing([f"{name} {Money(minor)}" for name, minor in totals.most_common(3)])


def _span(start: date, end: date) -> str:
    if start == end:
        return f"on {format_date(start)}"
    return f"from {start.day} {start:%B} to {end.day} {end:%B}"
