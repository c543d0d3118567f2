"""What was done, by whom, and how well reviewers agree: lists and figures of the review page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.deciding import as_annotation
from bot.feedback.queueing import Queue, midnight
from bot.feedback.settling import (
    ANSWERS,
    DISPUTED,
    Verdict,
    agreement,
)
from bot.feedback.store import Store

PAGE = 50
RECENT_S = 600.0  # the pace is that of the last ten minutes
_PAUSE_S = 120.0  # who does nothing for longer is not reviewing
_turns, _said, _made = t.turns.c, t.annotations.c, t.decisions.c
# In words of their own, so that SQLite sees that the index `turns_decided` has all of them.
_ACCEPTED = sa.text("turns.status <> 'open' AND turns.status = 'accepted'")
_DISPUTED = sa.text("turns.status <> 'open' AND turns.status = 'disputed'")


def progress(
    store: Store,
    queue: Queue,
    reviewer: str,
    *,
    exported: Mapping[str, str | None] = MappingProxyType({}),
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Give how far the work is, for one reviewer and for all.

    Args:
        store: the feedback store.
        queue: its queue.
        reviewer: whose pace, and what is left for whom.
        exported: labels that the data files have, by the keys of their turns.
        clock: gives seconds since 1970.
    """
    left, now = queue.left(reviewer), clock()
    with store.read() as db:
        reviewers = _reviewers(db, midnight(now))
        count = sa.select(sa.func.count()).select_from(t.turns)
        own = next((entry for entry in reviewers if entry["name"] == reviewer), None)
        measured = agreement(_pairs(db))
        return {
            "left": left.messages,
            "groups_left": left.groups,
            "done": 0 if own is None else own["done"],
            "done_today": 0 if own is None else own["done_today"],
            "per_minute": _pace(db, reviewer, now),
            "reviewers": reviewers,
            "agreement": {
                "pairs": measured.pairs,
                "agreed": measured.agreed,
                "share": measured.share,
                "kappa": measured.kappa,
            },
            "disputed": int(db.execute(count.where(_DISPUTED)).scalar_one()),
            "by_label": _by_label(db),
            "pending_export": _pending(db, exported),
        }


def done(
    store: Store, *, after: str | None = None, reviewer: str | None = None, limit: int = PAGE
) -> dict[str, Any]:
    """Give a page of what was decided, newest first.

    Args:
        store: the feedback store.
        after: the `next` of the page before.
        reviewer: whose; by default everybody's.
        limit: messages a page.

    Raises:
        BotError: the cursor is none of ours.
    """
    query = (
        sa.select(
            _said.id,
            _turns.id.label("turn"),
            _turns.text,
            _said.label,
            _said.status,
            _said.reviewer,
            _said.updated_at,
            _said.note,
        )
        .select_from(t.annotations.join(t.turns))
        .where(_said.status.in_(ANSWERS))
        .order_by(_said.updated_at.desc(), _said.id.desc())
        .limit(limit)
    )
    if reviewer:
        query = query.where(_said.reviewer == reviewer)
    if after:
        when, last = _read_cursor(after)
        earlier = sa.and_(_said.updated_at == when, _said.id < last)
        query = query.where(sa.or_(_said.updated_at < when, earlier))
    with store.read() as db:
        rows = db.execute(query).all()
    names = ("text", "label", "status", "reviewer", "updated_at", "note")
    items = [{"id": row.turn, **{name: getattr(row, name) for name in names}} for row in rows]
    full = len(rows) == limit
    return {"items": items, "next": f"{rows[-1].updated_at!r}:{rows[-1].id}" if full else None}


def disputed(store: Store, *, after: int | None = None, limit: int = PAGE) -> list[int]:
    """Give a page of ids of disputed messages; one stands for those of its group."""
    head = t.turns.alias("stands")
    behind = sa.exists().where(
        head.c.id == _turns.group_id, head.c.id != _turns.id, head.c.status == DISPUTED
    )
    query = sa.select(_turns.id).where(_DISPUTED, ~behind)
    if after is not None:
        query = query.where(_turns.id > after)
    with store.read() as db:
        return list(db.execute(query.order_by(_turns.id).limit(limit)).scalars())


def _read_cursor(cursor: str) -> tuple[float, int]:
    when, _, last = cursor.rpartition(":")
    try:
        return float(when), int(last)
    except ValueError:
        raise BotError(f"The cursor {cursor[:40]!r} is none. Load the list again.") from None


def _reviewers(db: Connection, today: float) -> list[dict[str, Any]]:
    recent = sa.func.sum(sa.case((_said.updated_at >= today, 1), else_=0))
    query = (
        sa.select(_said.reviewer, sa.func.count().label("done"), recent.label("today"))
        .where(_said.status.in_(ANSWERS))
        .group_by(_said.reviewer)
        .order_by(_said.reviewer)
    )
    return [
        {"name": row.reviewer, "done": row.done, "done_today": int(row.today)}
        for row in db.execute(query)
    ]


def _pace(db: Connection, reviewer: str, now: float) -> float:
    """Give the messages a minute of a reviewer's last ten minutes, without long pauses."""
    recent = sa.and_(_made.reviewer == reviewer, _made.made_at >= now - RECENT_S)
    query = (
        sa.select(_made.made_at, sa.func.count(t.decided.c.turn_id).label("messages"))
        .select_from(t.decisions.join(t.decided))
        .where(recent, _made.undone_at.is_(None), _made.action.in_(("submit", "discard")))
        .group_by(_made.id, _made.made_at)
        .order_by(_made.made_at)
    )
    rows = db.execute(query).all()
    gaps = [later.made_at - row.made_at for row, later in zip(rows, rows[1:], strict=False)]
    working = sum(gap for gap in gaps if gap <= _PAUSE_S)
    # The first decision ends a stretch of work whose beginning nobody knows.
    messages = sum(row.messages for row in rows[1:])
    return round(60 * messages / working, 1) if working > 0 else 0.0


def _pairs(db: Connection) -> list[tuple[Verdict, Verdict]]:
    """Give the answers of two reviewers to one message; what adjudicates is no second opinion."""
    several = (
        sa.select(_said.turn_id)
        .where(_said.status.in_(ANSWERS), _said.adjudicates == 0)
        .group_by(_said.turn_id)
        .having(sa.func.count() > 1)
    )
    query = (
        sa.select(t.annotations)
        .where(_said.turn_id.in_(several), _said.status.in_(ANSWERS), _said.adjudicates == 0)
        .order_by(_said.turn_id, _said.id)
    )
    answers: dict[int, list[Verdict]] = {}
    for row in db.execute(query):
        answers.setdefault(row.turn_id, []).append(as_annotation(row).verdict)
    return [
        (one, other)
        for verdicts in answers.values()
        for place, one in enumerate(verdicts)
        for other in verdicts[place + 1 :]
    ]


def _by_label(db: Connection) -> list[dict[str, Any]]:
    query = (
        sa.select(_said.label, sa.func.count().label("accepted"))
        .select_from(t.turns.join(t.annotations, _said.id == _turns.annotation_id))
        .where(_ACCEPTED)
        .group_by(_said.label)
        .order_by(sa.func.count().desc(), _said.label)
    )
    return [{"label": row.label, "accepted": row.accepted} for row in db.execute(query)]


def _pending(db: Connection, exported: Mapping[str, str | None]) -> int:
    """Count what was accepted and is not in the data files as it was decided."""
    query = (
        sa.select(_turns.key, _said.label)
        .select_from(t.turns.join(t.annotations, _said.id == _turns.annotation_id))
        .where(_ACCEPTED)
    )
    return sum(exported.get(row.key, "") != row.label for row in db.execute(query))
