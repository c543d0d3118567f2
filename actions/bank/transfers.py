"""Send, schedule, find and cancel payments, and keep the list of payees."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, time

from . import accounts, clock, ledger, rates
from .connection import transaction
from .types import Money, Payee, Payment, Refused

FIRST_NUMBER = 90200


def send(
    db: sqlite3.Connection,
    *,
    key: str,
    customer_id: int,
    source_id: int,
    recipient: str,
    amount: Money,
    on: date,
    target_id: int | None = None,
) -> Payment | Refused:
    """Send money today or schedule it; the same key a second time changes nothing.

    Everything is checked under the write lock, so two transfers at once cannot both spend the
    same pound.
    """
    with transaction(db):
        done = db.execute("SELECT id FROM payment WHERE idempotency_key = ?", (key,)).fetchone()
        if done:
            return _payment(db, done["id"])
        refusal = _refusal(db, customer_id, source_id, target_id, amount, on)
        if refusal:
            return refusal
        payee_id = None if target_id else _payee_id(db, customer_id, recipient)
        cursor = db.execute(
            "INSERT INTO payment (idempotency_key, customer_id, source_id, target_id, payee_id,"
            " recipient, amount, state, scheduled_for, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
            (key, customer_id, source_id, target_id, payee_id, recipient, amount.minor,
             on.isoformat(), clock.stamp(clock.now())),
        )  # fmt: skip
        payment_id = int(cursor.lastrowid or 0)
        db.execute(
            "UPDATE payment SET reference = ? WHERE id = ?",
            (f"LK{FIRST_NUMBER + payment_id}", payment_id),
        )
        if on <= clock.today():
            carry_out(db, payment_id)
        return _payment(db, payment_id)


def _refusal(
    db: sqlite3.Connection,
    customer_id: int,
    source_id: int,
    target_id: int | None,
    amount: Money,
    on: date,
) -> Refused | None:
    source = accounts.by_id(db, source_id)
    owners = db.execute(
        "SELECT customer_id FROM account WHERE id IN (?, ?)", (source_id, target_id)
    )
    if any(row["customer_id"] != customer_id for row in owners):
        return Refused("owner")
    if amount.minor <= 0:
        return Refused("amount")
    if target_id == source_id:
        return Refused("same_account")
    if amount.currency != source.currency:
        return Refused("currency")
    if target_id and accounts.by_id(db, target_id).currency != source.currency:
        return Refused("currency")
    left = None if target_id else left_today(db, customer_id)
    if left is not None and in_pounds(amount) > left.minor:
        return Refused("limit")
    if on <= clock.today() and amount.minor > source.available.minor:
        return Refused("insufficient")
    return None


def carry_out(db: sqlite3.Connection, payment_id: int) -> bool:
    """Move the money of a pending payment, or cancel it where the account is short."""
    row = db.execute("SELECT * FROM payment WHERE id = ?", (payment_id,)).fetchone()
    source = accounts.by_id(db, row["source_id"])
    if row["amount"] > source.available.minor:
        db.execute(
            "UPDATE payment SET state = 'cancelled', note = 'not enough money on the day'"
            " WHERE id = ?",
            (payment_id,),
        )
        return False
    ledger.book(
        db,
        source=source.id,
        target=row["target_id"] or ledger.outside(db, source.currency),
        minor=row["amount"],
        when=clock.now(),
        merchant=row["recipient"],
        category="transfers",
        payment_id=payment_id,
    )
    db.execute("UPDATE payment SET state = 'completed' WHERE id = ?", (payment_id,))
    return True


def cancel(db: sqlite3.Connection, payment_id: int) -> bool:
    """Cancel a payment that still waits; money that has gone stays gone."""
    changed = db.execute(
        "UPDATE payment SET state = 'cancelled', note = 'cancelled by you'"
        " WHERE id = ? AND state = 'pending'",
        (payment_id,),
    )
    return changed.rowcount == 1


def payments(
    db: sqlite3.Connection, customer_id: int, *, state: str = "", limit: int = 20
) -> list[Payment]:
    """Return the customer's own payments, the newest first."""
    rows = db.execute(
        "SELECT p.*, a.name AS source, a.currency FROM payment p"
        " JOIN account a ON a.id = p.source_id"
        " WHERE p.customer_id = ? AND (? = '' OR p.state = ?)"
        " ORDER BY p.created_at DESC, p.id DESC LIMIT ?",
        (customer_id, state, state, limit),
    )
    return [_read(row) for row in rows]


def payees(db: sqlite3.Connection, customer_id: int) -> list[Payee]:
    """Return everyone the customer has paid or saved."""
    rows = db.execute("SELECT * FROM payee WHERE customer_id = ? ORDER BY id", (customer_id,))
    return [Payee(row["id"], row["name"], row["nickname"]) for row in rows]


def _payee_id(db: sqlite3.Connection, customer_id: int, name: str) -> int:
    db.execute("INSERT OR IGNORE INTO payee (customer_id, name) VALUES (?, ?)", (customer_id, name))
    row = db.execute(
        "SELECT id FROM payee WHERE customer_id = ? AND name = ?", (customer_id, name)
    ).fetchone()
    return int(row["id"])


def _payment(db: sqlite3.Connection, payment_id: int) -> Payment:
    row = db.execute(
        "SELECT p.*, a.name AS source, a.currency FROM payment p"
        " JOIN account a ON a.id = p.source_id WHERE p.id = ?",
        (payment_id,),
    ).fetchone()
    return _read(row)


def _read(row: sqlite3.Row) -> Payment:
    return Payment(
        id=row["id"],
        reference=row["reference"],
        recipient=row["recipient"],
        source=row["source"],
        amount=Money(row["amount"], row["currency"]),
        state=row["state"],
        scheduled_for=date.fromisoformat(row["scheduled_for"]),
        note=row["note"],
    )


def in_pounds(amount: Money) -> int:
    """Return what a sum counts against a limit, in pence."""
    return rates.convert(amount, "GBP").minor


def left_today(db: sqlite3.Connection, customer_id: int) -> Money | None:
    """Return how much may still go to others today; `None` where there is no limit."""
    row = db.execute(
        "SELECT amount FROM limit_setting WHERE customer_id = ? AND limit_type = 'transfer'",
        (customer_id,),
    ).fetchone()
    if row is None:
        return None
    midnight = clock.LONDON.localize(datetime.combine(clock.today(), time()))
    made = db.execute(
        "SELECT p.amount, a.currency FROM payment p JOIN account a ON a.id = p.source_id"
        " WHERE p.customer_id = ? AND p.target_id IS NULL AND p.state <> 'cancelled'"
        " AND p.created_at >= ?",
        (customer_id, clock.stamp(midnight)),
    )
    spent = sum(in_pounds(Money(line["amount"], line["currency"])) for line in made)
    return Money(max(row["amount"] - spent, 0))
