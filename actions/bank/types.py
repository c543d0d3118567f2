"""What the bank hands out: frozen records, money in the smallest unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

SIGNS = {"GBP": "£", "EUR": "€", "USD": "$"}


@dataclass(frozen=True)
class Money:
    """An exact sum. Never a float: a penny must not get lost in rounding."""

    minor: int
    currency: str = "GBP"

    def __str__(self) -> str:
        """Write the sum as Britons do: £1,250.50."""
        whole, part = divmod(abs(self.minor), 100)
        sign = "-" if self.minor < 0 else ""
        mark = SIGNS.get(self.currency)
        digits = f"{whole:,}.{part:02d}"
        return f"{sign}{mark}{digits}" if mark else f"{sign}{digits} {self.currency}"


@dataclass(frozen=True)
class Customer:
    """Who the conversation is with."""

    id: int
    first_name: str
    last_name: str
    returning: bool


@dataclass(frozen=True)
class Account:
    """An account or pot, with what it holds at the moment it was read."""

    id: int
    name: str
    kind: str
    balance: Money
    available: Money
    overdraft: Money
    number: str
    sort_code: str
    iban: str

    @property
    def currency(self) -> str:
        """Return the currency the account is held in."""
        return self.balance.currency

    @property
    def label(self) -> str:
        """Name the account as it is said in a sentence."""
        return self.name if self.kind in ("pot", "credit") else f"{self.name} account"


@dataclass(frozen=True)
class Card:
    """A payment card."""

    id: int
    account_id: int
    card_type: str
    last_four: str
    state: str

    @property
    def label(self) -> str:
        """Name the card as it is said in a sentence."""
        return f"{self.card_type} card ending {self.last_four}"


@dataclass(frozen=True)
class Limit:
    """How much may go out by one way in a day, and how far that can be raised."""

    id: int
    limit_type: str
    current: Money
    maximum: Money


@dataclass(frozen=True)
class Payee:
    """Someone the customer has paid or saved."""

    id: int
    name: str
    nickname: str


@dataclass(frozen=True)
class Payment:
    """A transfer the customer made or scheduled."""

    id: int
    reference: str
    recipient: str
    source: str
    amount: Money
    state: str
    scheduled_for: date
    note: str


@dataclass(frozen=True)
class Entry:
    """One line of an account: minus is money out."""

    id: int
    reference: str
    booked_at: datetime
    merchant: str
    category: str
    amount: Money
    account: str
    state: str
    reason: str
    last_four: str


@dataclass(frozen=True)
class RegularPayment:
    """A standing order, direct debit or subscription."""

    id: int
    kind: str
    recipient: str
    amount: Money
    frequency: str
    next_date: date


@dataclass(frozen=True)
class Incoming:
    """Money that is expected but has not come."""

    payer: str
    amount: Money
    due: date


@dataclass(frozen=True)
class CardOrder:
    """A card on its way."""

    reference: str
    card_type: str
    last_four: str
    state: str
    ordered_on: date
    expected_on: date


@dataclass(frozen=True)
class Refused:
    """Why the bank did nothing: such as `insufficient`, `currency` or `amount`."""

    reason: str
