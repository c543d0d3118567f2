"""What people at the bank work on: disputes and conversations handed over."""

from __future__ import annotations

import sqlite3

from . import clock
from .connection import transaction

MINUTES_PER_CONVERSATION = 4


def open_dispute(db: sqlite3.Connection, *, customer_id: int, ledger_id: int, reason: str) -> str:
    """Open a case for a charge and return its reference; a charge has one case at most."""
    with transaction(db):
        made = db.execute(
            "INSERT OR IGNORE INTO dispute (customer_id, ledger_id, reason, state, created_at)"
            " VALUES (?, ?, ?, 'open', ?)",
            (customer_id, ledger_id, reason, clock.stamp(clock.now())),
        )
        if made.rowcount:
            db.execute(
                "UPDATE dispute SET reference = ? WHERE id = ?",
                (f"DP-{7100 + int(made.lastrowid or 0)}", made.lastrowid),
            )
        return dispute_of(db, ledger_id) or ""


def dispute_of(db: sqlite3.Connection, ledger_id: int) -> str | None:
    """Return the reference of the case about a charge, if there is one."""
    row = db.execute("SELECT reference FROM dispute WHERE ledger_id = ?", (ledger_id,)).fetchone()
    return str(row["reference"]) if row else None


def queue(db: sqlite3.Connection, *, sender_id: str, reason: str) -> tuple[str, int]:
    """Put a conversation in the queue once; return its reference and the minutes to wait."""
    with transaction(db):
        waiting = "SELECT id, reference FROM hand_over WHERE sender_id = ? AND state = 'waiting'"
        row = db.execute(waiting, (sender_id,)).fetchone()
        if not row:
            made = db.execute(
                "INSERT INTO hand_over (sender_id, reason, created_at, state)"
                " VALUES (?, ?, ?, 'waiting')",
                (sender_id, reason, clock.stamp(clock.now())),
            )
            db.execute(
                "UPDATE hand_over SET reference = ? WHERE id = ?",
                (f"HO-{5200 + int(made.lastrowid or 0)}", made.lastrowid),
            )
            row = db.execute(waiting, (sender_id,)).fetchone()
        ahead = db.execute(
            "SELECT COUNT(*) FROM hand_over WHERE state = 'waiting' AND id <= ?", (row["id"],)
        ).fetchone()[0]
    return str(row["reference"]), int(ahead) * MINUTES_PER_CONVERSATION
