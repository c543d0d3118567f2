"""Standing orders, direct debits and subscriptions."""

from __future__ import annotations

import sqlite3
from datetime import date

from . import accounts, clock, ledger
from .connection import transaction
from .frequency import Frequency
from .types import Money, Refused, RegularPayment


def create(
    db: sqlite3.Connection,
    *,
    key: str,
    customer_id: int,
    account_id: int,
    recipient: str,
    amount: Money,
    frequency: Frequency,
    start: date,
    target_id: int | None = None,
) -> RegularPayment | Refused:
    """Set up a standing order; the same key a second time changes nothing."""
    if target_id == account_id:
        return Refused("same_account")
    if amount.minor <= 0:
        return Refused("amount")
    with transaction(db):
        source = accounts.by_id(db, account_id)
        target_currency = accounts.by_id(db, target_id).currency if target_id else source.currency
        if not amount.currency == source.currency == target_currency:
            return Refused("currency")
        first = frequency.first_on_or_after(start).isoformat()
        db.execute(
            "INSERT OR IGNORE INTO regular_payment (idempotency_key, customer_id, account_id,"
            " target_id, kind, recipient, category, amount, every, unit, weekday, day, first_date,"
            " next_date, state)"
            " VALUES (?, ?, ?, ?, 'standing order', ?, 'transfers', ?, ?, ?, ?, ?, ?, ?, 'active')",
            (key, customer_id, account_id, target_id, recipient, amount.minor, frequency.count,
             frequency.unit, frequency.weekday, frequency.day, first, first),
        )  # fmt: skip
        row = db.execute(_SELECT + " WHERE r.idempotency_key = ?", (key,)).fetchone()
        return _read(row)


def active(db: sqlite3.Connection, customer_id: int) -> list[RegularPayment]:
    """Return what goes out regularly, the next one first."""
    rows = db.execute(
        _SELECT + " WHERE r.customer_id = ? AND r.state = 'active' ORDER BY r.next_date, r.id",
        (customer_id,),
    )
    return [_read(row) for row in rows]


def cancel(db: sqlite3.Connection, regular_id: int) -> bool:
    """Stop a regular payment from its next date on."""
    changed = db.execute(
        "UPDATE regular_payment SET state = 'cancelled' WHERE id = ? AND state = 'active'",
        (regular_id,),
    )
    return changed.rowcount == 1


def carry_out(db: sqlite3.Connection, regular_id: int, today: date) -> None:
    """Pay every date that has passed; one the account cannot cover is skipped, not saved up."""
    row = db.execute("SELECT * FROM regular_payment WHERE id = ?", (regular_id,)).fetchone()
    frequency = Frequency(row["every"], row["unit"], row["weekday"], row["day"])
    first, due = date.fromisoformat(row["first_date"]), date.fromisoformat(row["next_date"])
    while due <= today:
        source = accounts.by_id(db, row["account_id"])
        if row["amount"] <= source.available.minor:
            ledger.book(
                db,
                source=source.id,
                target=row["target_id"] or ledger.outside(db, source.currency),
                minor=row["amount"],
                when=clock.now(),
                merchant=row["recipient"],
                category=row["category"],
            )
        due = frequency.after(first, due)
    db.execute(
        "UPDATE regular_payment SET next_date = ? WHERE id = ?", (due.isoformat(), regular_id)
    )


_SELECT = "SELECT r.*, a.currency FROM regular_payment r JOIN account a ON a.id = r.account_id"


def _read(row: sqlite3.Row) -> RegularPayment:
    return RegularPayment(
        id=row["id"],
        kind=row["kind"],
        recipient=row["recipient"],
        amount=Money(row["amount"], row["currency"]),
        frequency=str(Frequency(row["every"], row["unit"], row["weekday"], row["day"])),
        next_date=date.fromisoformat(row["next_date"]),
    )
