"""Cards, their limits and replacements."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta

from . import clock
from .connection import transaction
from .types import Card, CardOrder, Limit, Money

DELIVERY_DAYS = 5
FIRST_NUMBER = 31000


def of_customer(db: sqlite3.Connection, customer_id: int) -> list[Card]:
    """Return the cards the customer holds, cancelled ones left out."""
    rows = db.execute(
        "SELECT * FROM card WHERE customer_id = ? AND state <> 'cancelled' ORDER BY id",
        (customer_id,),
    )
    return [
        Card(row["id"], row["account_id"], row["card_type"], row["last_four"], row["state"])
        for row in rows
    ]


def set_state(db: sqlite3.Connection, card_id: int, state: str) -> bool:
    """Freeze or unfreeze a card; tell whether that changed anything."""
    changed = db.execute(
        "UPDATE card SET state = ? WHERE id = ? AND state NOT IN (?, 'cancelled')",
        (state, card_id, state),
    )
    return changed.rowcount == 1


def limits(db: sqlite3.Connection, customer_id: int, card_id: int | None) -> list[Limit]:
    """Return the limits of one card, and the customer's own transfer limit."""
    rows = db.execute(
        "SELECT * FROM limit_setting WHERE customer_id = ? AND (card_id IS NULL OR card_id IS ?)"
        " ORDER BY id",
        (customer_id, card_id),
    )
    return [
        Limit(row["id"], row["limit_type"], Money(row["amount"]), Money(row["maximum"]))
        for row in rows
    ]


def set_limit(db: sqlite3.Connection, limit: Limit, amount: Money) -> bool:
    """Change a limit within what the bank allows."""
    changed = db.execute(
        "UPDATE limit_setting SET amount = ? WHERE id = ? AND ? BETWEEN 0 AND maximum",
        (amount.minor, limit.id, amount.minor),
    )
    return changed.rowcount == 1


def order_replacement(
    db: sqlite3.Connection, *, key: str, card_id: int, reason: str, freeze: bool
) -> CardOrder:
    """Order a new card with the same number; the same key a second time changes nothing."""
    today = clock.today()
    with transaction(db):
        made = db.execute(
            "INSERT OR IGNORE INTO card_order (idempotency_key, card_id, reason, state, ordered_on,"
            " expected_on) VALUES (?, ?, ?, 'ordered', ?, ?)",
            (key, card_id, reason, today.isoformat(),
             (today + timedelta(days=DELIVERY_DAYS)).isoformat()),
        )  # fmt: skip
        if made.rowcount:
            order_id = int(made.lastrowid or 0)
            db.execute(
                "UPDATE card_order SET reference = ? WHERE id = ?",
                (f"CO-{FIRST_NUMBER + order_id}", order_id),
            )
            if freeze:
                set_state(db, card_id, "frozen")
        row = db.execute(_ORDERS + " WHERE o.idempotency_key = ?", (key,)).fetchone()
    return _order(row)


def orders(db: sqlite3.Connection, customer_id: int) -> list[CardOrder]:
    """Return cards on their way, the newest order first."""
    rows = db.execute(
        _ORDERS + " WHERE c.customer_id = ? AND o.state <> 'arrived' ORDER BY o.id DESC",
        (customer_id,),
    )
    return [_order(row) for row in rows]


_ORDERS = "SELECT o.*, c.card_type, c.last_four FROM card_order o JOIN card c ON c.id = o.card_id"


def _order(row: sqlite3.Row) -> CardOrder:
    return CardOrder(
        reference=row["reference"],
        card_type=row["card_type"],
        last_four=row["last_four"],
        state=row["state"],
        ordered_on=date.fromisoformat(row["ordered_on"]),
        expected_on=date.fromisoformat(row["expected_on"]),
    )
