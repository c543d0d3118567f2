"""Book and read ledger lines. The caller holds the transaction."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta

from . import clock
from .types import Entry, Money

FIRST_NUMBER = 48000


def book(
    db: sqlite3.Connection,
    *,
    source: int,
    target: int,
    minor: int,
    when: datetime,
    merchant: str,
    category: str,
    state: str = "booked",
    reason: str = "",
    card_id: int | None = None,
    payment_id: int | None = None,
) -> int:
    """Move a sum from one account to another; return the line's id."""
    cursor = db.execute(
        "INSERT INTO ledger (booked_at, from_account, to_account, amount, state, merchant,"
        " category, reason, card_id, payment_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (clock.stamp(when), source, target, minor, state, merchant, category, reason, card_id,
         payment_id),
    )  # fmt: skip
    line = int(cursor.lastrowid or 0)
    db.execute("UPDATE ledger SET reference = ? WHERE id = ?", (f"TX-{FIRST_NUMBER + line}", line))
    return line


def outside(db: sqlite3.Connection, currency: str) -> int:
    """Return the account that stands for everything outside the bank."""
    row = db.execute(
        "SELECT id FROM account WHERE kind = 'outside' AND currency = ?", (currency,)
    ).fetchone()
    return int(row[0])


_LINES = """SELECT l.id, l.reference, l.booked_at, l.merchant, l.category, l.state, l.reason,
    CASE WHEN l.to_account = a.id THEN l.amount ELSE -l.amount END AS amount,
    a.name AS account, a.currency, COALESCE(c.last_four, '') AS last_four
    FROM ledger l
    JOIN account a ON a.id IN (l.from_account, l.to_account)
    LEFT JOIN card c ON c.id = l.card_id
    WHERE a.customer_id = :customer"""


def entries(
    db: sqlite3.Connection,
    customer_id: int,
    *,
    account_id: int | None = None,
    since: date | None = None,
    until: date | None = None,
    merchant: str = "",
    card_payments_only: bool = False,
    limit: int = 1000,
) -> list[Entry]:
    """Return the newest lines first; both days are included."""
    sql = _LINES
    if account_id is not None:
        sql += " AND a.id = :account"
    if merchant:
        sql += " AND instr(lower(l.merchant), lower(:merchant)) > 0"
    if card_payments_only:
        sql += " AND l.card_id IS NOT NULL AND l.from_account = a.id AND l.state <> 'declined'"
    if since is not None:
        sql += " AND l.booked_at >= :since"
    if until is not None:
        sql += " AND l.booked_at < :until"
    rows = db.execute(
        sql + " ORDER BY l.booked_at DESC, l.id DESC LIMIT :limit",
        {
            "customer": customer_id,
            "account": account_id,
            "merchant": merchant,
            "since": since and _midnight(since),
            "until": until and _midnight(until + timedelta(days=1)),
            "limit": limit,
        },
    )
    return [_entry(row) for row in rows]


def find(db: sqlite3.Connection, customer_id: int, reference: str) -> Entry | None:
    """Return the customer's line with this reference, as seen from the account it left."""
    row = db.execute(
        _LINES + " AND l.reference = :reference ORDER BY a.id = l.from_account DESC",
        {"customer": customer_id, "reference": reference.upper()},
    ).fetchone()
    return _entry(row) if row else None


def last_declined(db: sqlite3.Connection, customer_id: int) -> Entry | None:
    """Return the latest card payment that was refused."""
    row = db.execute(
        _LINES + " AND l.state = 'declined' AND l.from_account = a.id"
        " ORDER BY l.booked_at DESC LIMIT 1",
        {"customer": customer_id},
    ).fetchone()
    return _entry(row) if row else None


def _midnight(day: date) -> str:
    return clock.stamp(clock.LONDON.localize(datetime(day.year, day.month, day.day)))


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        id=row["id"],
        reference=row["reference"],
        booked_at=clock.read_stamp(row["booked_at"]),
        merchant=row["merchant"],
        category=row["category"],
        amount=Money(row["amount"], row["currency"]),
        account=row["account"],
        state=row["state"],
        reason=row["reason"],
        last_four=row["last_four"],
    )
