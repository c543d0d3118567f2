"""Customers, their accounts, and who a conversation belongs to."""

from __future__ import annotations

import sqlite3
from datetime import date

from . import clock
from .types import Account, Customer, Incoming, Money

DEMO_CUSTOMER_ID = 1


def identify(db: sqlite3.Connection, sender_id: str) -> Customer:
    """Return whom a conversation belongs to; a first contact is bound to the demo customer."""
    moment = clock.stamp(clock.now())
    known = db.execute("SELECT 1 FROM contact WHERE sender_id = ?", (sender_id,)).fetchone()
    if not known:
        _ensure_customer(db)
    db.execute(
        "INSERT INTO contact (sender_id, customer_id, first_seen, last_seen) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (sender_id) DO UPDATE SET last_seen = excluded.last_seen",
        (sender_id, DEMO_CUSTOMER_ID, moment, moment),
    )
    row = db.execute(
        "SELECT c.* FROM customer c JOIN contact t ON t.customer_id = c.id WHERE t.sender_id = ?",
        (sender_id,),
    ).fetchone()
    return Customer(row["id"], row["first_name"], row["last_name"], returning=bool(known))


def _ensure_customer(db: sqlite3.Connection) -> None:
    """Give a bank that was set up empty someone to talk to: no name, one empty account."""
    made = db.execute(
        "INSERT OR IGNORE INTO customer (id, first_name, last_name) VALUES (?, '', '')",
        (DEMO_CUSTOMER_ID,),
    )
    if made.rowcount:
        db.execute(
            "INSERT INTO account (customer_id, name, kind, currency)"
            " VALUES (?, 'current', 'current', 'GBP')",
            (DEMO_CUSTOMER_ID,),
        )


def of_customer(db: sqlite3.Connection, customer_id: int) -> list[Account]:
    """Return the customer's accounts and pots with their balances, the current account first."""
    rows = db.execute(
        "SELECT * FROM account_balance WHERE customer_id = ? ORDER BY id", (customer_id,)
    )
    return [_account(row) for row in rows]


def by_id(db: sqlite3.Connection, account_id: int) -> Account:
    """Return one account as it stands now."""
    row = db.execute("SELECT * FROM account_balance WHERE id = ?", (account_id,)).fetchone()
    return _account(row)


def expected_payments(db: sqlite3.Connection, customer_id: int, since: date) -> list[Incoming]:
    """Return what others have announced to pay in."""
    rows = db.execute(
        "SELECT * FROM incoming WHERE customer_id = ? AND due >= ? ORDER BY due",
        (customer_id, since.isoformat()),
    )
    return [
        Incoming(
            row["payer"], Money(row["amount"], row["currency"]), date.fromisoformat(row["due"])
        )
        for row in rows
    ]


def _account(row: sqlite3.Row) -> Account:
    currency = row["currency"]
    available = row["balance"] + row["overdraft"] - row["held"]
    return Account(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        balance=Money(row["balance"], currency),
        available=Money(available, currency),
        overdraft=Money(row["overdraft"], currency),
        number=row["number"],
        sort_code=row["sort_code"],
        iban=row["iban"],
    )
