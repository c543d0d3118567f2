"""Examples of the training data that are probably labelled wrongly: shown, and decided about."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.deciding import Gone
from bot.feedback.store import Store

PAGE = 50
DECISIONS = ("kept", "relabelled", "removed", "open")
_SHOWN = ("id", "text", "label", "suggested", "score", "words", "file", "line")


def label_checks(store: Store, *, after: str | None = None, limit: int = PAGE) -> dict[str, Any]:
    """Give a page of open checks, the most doubtful first.

    Args:
        store: the feedback store.
        after: the `next` of the page before.
        limit: checks a page.

    Raises:
        BotError: the cursor is none of ours.
    """
    columns = t.label_checks.c
    query = sa.select(t.label_checks).where(columns.status == "open")
    if after:
        score, last = _read_cursor(after)
        same = sa.and_(columns.score == score, columns.id > last)
        query = query.where(sa.or_(columns.score < score, same))
    with store.read() as db:
        rows = db.execute(query.order_by(columns.score.desc(), columns.id).limit(limit)).all()
    items = [{name: getattr(row, name) for name in _SHOWN} for row in rows]
    full = len(rows) == limit
    return {"items": items, "next": f"{rows[-1].score!r}:{rows[-1].id}" if full else None}


def decide_label_check(
    store: Store, reviewer: str, number: int, decision: object, label: str | None = None
) -> None:
    """Keep what a person says about an example; `open` takes it back.

    Raises:
        Gone: there is no such check.
        BotError: the decision is unknown, or a new label is missing.
    """
    if decision not in DECISIONS:
        raise BotError(f"'decision' is {decision!r}; it takes one of {', '.join(DECISIONS)}.")
    if decision == "relabelled" and not label:
        raise BotError("'label' is missing: which label the example has instead.")
    columns = t.label_checks.c
    values = {
        "status": decision,
        "decided_label": label if decision == "relabelled" else None,
        "reviewer": None if decision == "open" else reviewer,
        "updated_at": time.time(),
    }
    with store.write() as db:
        done = db.execute(sa.update(t.label_checks).where(columns.id == number).values(**values))
    if not done.rowcount:
        raise Gone("This check is not there any more. Load the list again.")


def _read_cursor(cursor: str) -> tuple[float, int]:
    score, _, last = cursor.rpartition(":")
    try:
        return float(score), int(last)
    except ValueError:
        raise BotError(f"The cursor {cursor[:40]!r} is none. Load the list again.") from None
