"""Carry out what has fallen due: scheduled payments and regular ones.

There is no night shift in an embedded bank: whoever opens it next does this first.
"""

from __future__ import annotations

import sqlite3
from datetime import date

from . import regular, transfers

_PAYMENTS = "SELECT id FROM payment WHERE state = 'pending' AND scheduled_for <= ? ORDER BY id"
_REGULAR = "SELECT id FROM regular_payment WHERE state = 'active' AND next_date <= ? ORDER BY id"


def is_due(db: sqlite3.Connection, today: date) -> bool:
    """Look without locking, since nearly always nothing is due."""
    return any(db.execute(sql, (today.isoformat(),)).fetchone() for sql in (_PAYMENTS, _REGULAR))


def run(db: sqlite3.Connection, today: date) -> None:
    """Pay what is due. Reads again under the caller's lock, so nothing is paid twice."""
    for row in db.execute(_PAYMENTS, (today.isoformat(),)).fetchall():
        transfers.carry_out(db, row["id"])
    for row in db.execute(_REGULAR, (today.isoformat(),)).fetchall():
        regular.carry_out(db, row["id"], today)
