"""The demo customer: Maya Okafor and about ninety days of her money.

The same random seed makes the same story each time; its dates are counted back from today.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import date, datetime, timedelta

from . import clock, ledger

DAYS = 90
SORT_CODE = "20-71-04"
# name, kind, currency, overdraft, account number, balance the seeded story ends with
ACCOUNTS = (
    ("current", "current", "GBP", 50000, "41729306", 248016),
    ("savings", "savings", "GBP", 0, "41729314", 625000),
    ("joint", "joint", "GBP", 0, "41730558", 113472),
    ("euro", "euro", "EUR", 0, "41731120", 41230),
    ("holiday pot", "pot", "GBP", 0, "41729322", 64000),
    ("rainy day pot", "pot", "GBP", 0, "41729330", 150000),
    ("credit card", "credit", "GBP", 300000, "", -18420),
)
CARDS = (("debit", "4421", "current"), ("credit", "7730", "credit card"),
         ("virtual", "0915", "current"))  # fmt: skip
# limit type, amount, the most it can be raised to
LIMITS = (("cash", 30000, 100000), ("contactless", 10000, 10000), ("online", 100000, 500000),
          ("spending", 100000, 1000000))  # fmt: skip
PAYEES = (("Priya Nair", ""), ("Tom Baker", ""), ("Grace Okafor", "mum"),
          ("Hartwell Lettings", "landlord"), ("Tom Ellis", ""), ("British Gas", ""),
          ("Daniel Osei", "dan"))  # fmt: skip
# merchant, category, lowest and highest price, how many visits in the whole time
HABITS = (
    ("Tesco", "groceries", 640, 5890, 17), ("Sainsbury's", "groceries", 420, 4150, 10),
    ("Aldi", "groceries", 900, 4600, 6), ("TfL", "travel", 280, 890, 30),
    ("Trainline", "travel", 1240, 6480, 4), ("Uber", "travel", 640, 2290, 6),
    ("Deliveroo", "eating out", 1290, 3480, 9), ("Pret A Manger", "eating out", 340, 1120, 17),
    ("Nando's", "eating out", 1450, 3890, 4), ("The Crown Tavern", "eating out", 590, 4250, 6),
    ("Boots", "shopping", 399, 2799, 5), ("Amazon", "shopping", 699, 7499, 9),
    ("John Lewis", "shopping", 1900, 12900, 2), ("Shell", "travel", 3200, 6900, 4),
    ("Cash machine, Lewisham High Street", "cash", 2000, 10000, 4),
)  # fmt: skip
# kind, recipient, category, account, amount, day of the month
REGULAR = (
    ("standing order", "Hartwell Lettings", "home", "current", 95000, 1),
    ("standing order", "savings", "transfers", "current", 20000, 28),
    ("direct debit", "British Gas", "bills", "current", 8640, 12),
    ("direct debit", "Thames Water", "bills", "joint", 3850, 15),
    ("direct debit", "Lewisham Council", "bills", "joint", 14200, 4),
    ("subscription", "Netflix", "subscriptions", "current", 1299, 9),
    ("subscription", "Spotify", "subscriptions", "current", 1199, 17),
    ("subscription", "PureGym", "subscriptions", "current", 2499, 3),
)
SALARY = ("Brightwater Studio", 264000)


def outside_accounts(db: sqlite3.Connection) -> None:
    """Make the accounts that stand for the rest of the world."""
    for currency in ("GBP", "EUR"):
        db.execute(
            "INSERT INTO account (id, name, kind, currency) VALUES (?, 'outside', 'outside', ?)",
            (901 if currency == "GBP" else 902, currency),
        )


def demo_customer(db: sqlite3.Connection, now: datetime) -> None:
    """Make Maya, everything she holds and everything that happened to it."""
    db.execute("INSERT INTO customer VALUES (1, 'Maya', 'Okafor')")
    account_ids = _accounts(db)
    card_ids = _cards(db, account_ids)
    for name, nickname in PAYEES:
        db.execute(
            "INSERT INTO payee (customer_id, name, nickname) VALUES (1, ?, ?)", (name, nickname)
        )
    _History(db, now, account_ids, card_ids).write()
    _waiting(db, now, account_ids, card_ids)


def iban(sort_code: str, number: str) -> str:
    """Build an IBAN with valid check digits; the bank code LARK belongs to nobody."""
    body = f"LARK{sort_code.replace('-', '')}{number}"
    digits = "".join(str(int(sign, 36)) for sign in f"{body}GB00")
    return f"GB{98 - int(digits) % 97:02d}{body}"


def _accounts(db: sqlite3.Connection) -> dict[str, int]:
    ids: dict[str, int] = {}
    for name, kind, currency, overdraft, number, _ in ACCOUNTS:
        cursor = db.execute(
            "INSERT INTO account (id, customer_id, name, kind, currency, overdraft, number,"
            " sort_code, iban) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)",
            (len(ids) + 1, name, kind, currency, overdraft, number, SORT_CODE if number else "",
             iban(SORT_CODE, number) if number else ""),
        )  # fmt: skip
        ids[name] = int(cursor.lastrowid or 0)
    return ids


def _cards(db: sqlite3.Connection, account_ids: dict[str, int]) -> dict[str, int]:
    ids = {}
    for card_type, last_four, account in CARDS:
        cursor = db.execute(
            "INSERT INTO card (customer_id, account_id, card_type, last_four, state)"
            " VALUES (1, ?, ?, ?, 'active')",
            (account_ids[account], card_type, last_four),
        )
        ids[card_type] = int(cursor.lastrowid or 0)
        for limit_type, amount, maximum in LIMITS:
            _limit(db, ids[card_type], limit_type, amount, maximum)
    _limit(db, None, "transfer", 1000000, 2500000)
    return ids


def _limit(
    db: sqlite3.Connection, card_id: int | None, limit_type: str, amount: int, maximum: int
) -> None:
    db.execute(
        "INSERT INTO limit_setting (customer_id, card_id, limit_type, amount, maximum)"
        " VALUES (1, ?, ?, ?, ?)",
        (card_id, limit_type, amount, maximum),
    )


class _History:
    """Collects what happened, then books it in order of time."""

    def __init__(
        self,
        db: sqlite3.Connection,
        now: datetime,
        account_ids: dict[str, int],
        card_ids: dict[str, int],
    ) -> None:
        self.db, self.now = db, now
        self.accounts, self.cards = account_ids, card_ids
        self.random = random.Random(4421)
        self.lines: list[dict[str, object]] = []

    def write(self) -> None:
        """Book the whole story so that every account ends at its stated balance."""
        self._habits()
        self._month_by_month()
        self._notable()
        self._openings()
        for line in sorted(self.lines, key=lambda line: line["when"]):  # type: ignore[arg-type, return-value]
            ledger.book(self.db, **line)  # type: ignore[arg-type]

    def _add(
        self, days_ago: int, hour: int, merchant: str, category: str, minor: int, **more: object
    ) -> None:
        day = (self.now - timedelta(days=days_ago)).replace(tzinfo=None, second=0, microsecond=0)
        when = clock.LONDON.localize(day.replace(hour=hour, minute=(minor + hour) % 60))
        when = min(when, self.now - timedelta(minutes=1))
        outside = ledger.outside(self.db, "GBP")
        more.setdefault("source", self.accounts["current"])
        more.setdefault("target", outside)
        self.lines.append({"when": when, "merchant": merchant, "category": category,
                           "minor": minor, **more})  # fmt: skip

    def _card(self, days_ago: int, hour: int, merchant: str, category: str, minor: int,
              card: str = "debit", **more: object) -> None:  # fmt: skip
        account = "credit card" if card == "credit" else "current"
        self._add(days_ago, hour, merchant, category, minor, card_id=self.cards[card],
                  source=self.accounts[account], **more)  # fmt: skip

    def _habits(self) -> None:
        for merchant, category, low, high, visits in HABITS:
            for _ in range(visits):
                days_ago = self.random.randint(2, DAYS)
                minor = self.random.randint(low, high)
                if category == "cash":
                    minor = round(minor, -3)
                card = "credit" if merchant in ("Amazon", "John Lewis") else "debit"
                self._card(days_ago, self.random.randint(8, 21), merchant, category, minor, card)

    def _month_by_month(self) -> None:
        for days_ago in range(DAYS, 0, -1):
            day = (self.now - timedelta(days=days_ago)).day
            if day == 25:
                self._add(
                    days_ago,
                    6,
                    SALARY[0],
                    "income",
                    SALARY[1],
                    source=ledger.outside(self.db, "GBP"),
                    target=self.accounts["current"],
                )
            for kind, recipient, category, account, minor, due in REGULAR:
                target = self.accounts.get(recipient) or ledger.outside(self.db, "GBP")
                card = self.cards["debit"] if kind == "subscription" else None
                if day == due:
                    self._add(days_ago, 7, recipient, category, minor, card_id=card,
                              source=self.accounts[account], target=target)  # fmt: skip

    def _notable(self) -> None:
        """Add what people come to a chat for."""
        self._card(3, 19, "Deliveroo", "eating out", 2365)
        self._card(3, 19, "Deliveroo", "eating out", 2365)  # charged twice
        self._card(6, 12, "ASOS", "shopping", 5499, "credit")
        self._card(1, 13, "Tesco", "groceries", 3218)
        self._card(1, 20, "Premier Inn", "travel", 8900, state="pending")
        self._card(
            2,
            15,
            "Currys",
            "shopping",
            118000,
            state="declined",
            reason="it would have taken you over your daily spending limit of £1,000.00",
        )
        self._card(4, 9, "Amazon", "shopping", 1899, "virtual")
        outside = ledger.outside(self.db, "GBP")
        self._add(8, 18, "Tom Baker", "transfers", 3000, source=outside,
                  target=self.accounts["current"])  # fmt: skip
        self._add(11, 10, "Boots", "refund", 1299, source=outside,
                  target=self.accounts["current"])  # fmt: skip

    def _openings(self) -> None:
        for name, _, currency, _, _, target in ACCOUNTS:
            own, outside = self.accounts[name], ledger.outside(self.db, currency)
            booked = [line for line in self.lines if line.get("state", "booked") == "booked"]
            moved = sum(int(str(line["minor"])) for line in booked if line["target"] == own)
            moved -= sum(int(str(line["minor"])) for line in booked if line["source"] == own)
            missing = target - moved
            ends = {"source": outside, "target": own}
            if missing < 0:
                ends = {"source": own, "target": outside}
            if missing:
                self._add(DAYS + 1, 0, "Balance brought forward", "opening", abs(missing), **ends)


def _waiting(
    db: sqlite3.Connection, now: datetime, account_ids: dict[str, int], card_ids: dict[str, int]
) -> None:
    """Add what lies ahead: a scheduled payment, regular ones, a salary, a card in the post."""
    today = now.date()
    for number, (recipient, amount, state, days) in enumerate(
        (("Priya Nair", 4500, "completed", -5), ("Tom Ellis", 6000, "pending", 4)), start=1
    ):
        db.execute(
            "INSERT INTO payment (id, idempotency_key, reference, customer_id, source_id, payee_id,"
            " recipient, amount, state, scheduled_for, created_at) VALUES"
            " (?, ?, ?, 1, ?, (SELECT id FROM payee WHERE name = ?), ?, ?, ?, ?, ?)",
            (number, f"seed-{number}", f"LK{90200 + number}", account_ids["current"], recipient,
             recipient, amount, state, (today + timedelta(days=days)).isoformat(),
             clock.stamp(now - timedelta(days=6 - number))),
        )  # fmt: skip
    for kind, recipient, category, account, amount, due in REGULAR:
        coming = _next(today, due)
        db.execute(
            "INSERT INTO regular_payment (customer_id, account_id, target_id, kind, recipient,"
            " category, amount, every, unit, first_date, next_date, state)"
            " VALUES (1, ?, ?, ?, ?, ?, ?, 1, 'month', ?, ?, 'active')",
            (account_ids[account], account_ids.get(recipient), kind, recipient, category, amount,
             coming.isoformat(), coming.isoformat()),
        )  # fmt: skip
    db.execute(
        "INSERT INTO incoming (customer_id, payer, amount, currency, due)"
        " VALUES (1, ?, ?, 'GBP', ?)",
        (*SALARY, _next(today, 25).isoformat()),
    )
    db.execute(
        "INSERT INTO card_order (idempotency_key, reference, card_id, reason, state, ordered_on,"
        " expected_on) VALUES ('seed', 'CO-31001', ?, 'expired', 'posted', ?, ?)",
        (card_ids["credit"], (today - timedelta(days=3)).isoformat(),
         (today + timedelta(days=2)).isoformat()),
    )  # fmt: skip


def _next(today: date, day: int) -> date:
    """Return the next day of a month, after today."""
    coming = today + timedelta(days=1)
    while coming.day != day:
        coming += timedelta(days=1)
    return coming
