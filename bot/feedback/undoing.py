"""Taking a decision back: everything is as it was, and nothing of a colleague's is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.deciding import (
    SETTLING,
    Conflict,
    Turn,
    chunks,
    release,
    settle_turns,
    turns_where,
)
from bot.feedback.settling import DRAFT, OPEN
from bot.feedback.store import Store


@dataclass(frozen=True)
class Undone:
    """What was taken back: the number of the decision, what it did, and its item."""

    decision: int
    action: str
    turn_id: int


def undo_last(
    store: Store,
    db: Connection,
    reviewer: str,
    expected: int | None,
    overlap: float,
    now: float,
) -> Undone | None:
    """Take back a reviewer's last decision; None where there is none.

    Raises:
        Conflict: a colleague has built on it, or it is not the one that was expected.
    """
    decision = _last(db, reviewer)
    if expected is not None and (decision is None or decision.id != expected):
        raise Conflict("This is not your last decision any more. Load the page again.")
    if decision is None:
        return None
    before = _before(db, decision.id)
    turns = _turns(db, before)
    if decision.action in SETTLING:
        for turn in turns:
            _check_not_built_on(turn, reviewer, before[turn.id], decision.action)
    for turn in turns:
        _restore_annotation(store, db, turn, before[turn.id]["annotation"], reviewer, decision)
        _restore_place(db, turn, before[turn.id], reviewer)
    as_before = [turn for turn in turns if turn.others(reviewer) == before[turn.id]["others"]]
    for turn in as_before:
        _restore_status(db, turn, before[turn.id])
    # A colleague has said something since: what it comes to now is neither before nor after.
    kept = {turn.id for turn in as_before}
    settle_turns(db, [turn for turn in turns if turn.id not in kept], overlap)
    _release_orphans(db, list(before))
    columns = t.decisions.c
    db.execute(sa.update(t.decisions).where(columns.id == decision.id).values(undone_at=now))
    item = next((number for number, data in before.items() if data["item"]), min(before))
    return Undone(decision.id, decision.action, item)


def _last(db: Connection, reviewer: str) -> Any:
    """Give the last decision in force that is about a turn which is still there."""
    columns = t.decisions.c
    about = sa.exists().where(t.decided.c.decision_id == columns.id)
    return db.execute(
        sa.select(t.decisions)
        .where(columns.reviewer == reviewer, columns.undone_at.is_(None), about)
        .order_by(columns.id.desc())
        .limit(1)
    ).first()


def _before(db: Connection, decision: int) -> dict[int, dict[str, Any]]:
    columns = t.decided.c
    query = sa.select(columns.turn_id, columns.before).where(columns.decision_id == decision)
    return {row.turn_id: json.loads(row.before) for row in db.execute(query)}


def _turns(db: Connection, before: dict[int, dict[str, Any]]) -> list[Turn]:
    """Give the turns of a decision, locked: the item first, as a decision does."""
    columns = t.turns.c
    item = [number for number, data in before.items() if data["item"]]
    others = sorted(before.keys() - set(item))
    found = turns_where(db, columns.id.in_(item), lock=True)
    for some in chunks(others):
        found += turns_where(db, columns.id.in_(some), lock=True)
    return found


def _check_not_built_on(turn: Turn, reviewer: str, before: dict[str, Any], action: str) -> None:
    """Refuse where a colleague has since settled a dispute that the decision was part of."""
    for colleague, row in turn.rows.items():
        is_new = [row.id, row.updated_at] not in before["others"]
        if colleague != reviewer and row.adjudicates and is_new:
            raise Conflict(
                f"{colleague} has adjudicated message {turn.id} after you, so that your {action} "
                f"cannot be undone. Ask {colleague} to undo first."
            )


def _restore_annotation(
    store: Store,
    db: Connection,
    turn: Turn,
    before: dict[str, Any] | None,
    reviewer: str,
    decision: Any,
) -> None:
    row = turn.rows.get(reviewer)
    if row is None or row.updated_at < decision.made_at:
        return  # the turn was left out of the decision: nothing was said about it
    if row.status == DRAFT and row.updated_at > decision.made_at:
        return  # drafted since, and drafts are no decisions
    columns = t.annotations.c
    own = sa.and_(columns.turn_id == turn.id, columns.reviewer == reviewer)
    if before is None:
        db.execute(sa.delete(t.annotations).where(own))
    else:
        db.execute(sa.update(t.annotations).where(own).values(**before))


def _restore_place(db: Connection, turn: Turn, before: dict[str, Any], reviewer: str) -> None:
    """Put a turn behind the head of its group again, unless it was decided about since."""
    alone = (turn.head, turn.group_id) == (1, None)
    same = turn.others(reviewer) == before["others"]
    if before["released"] and alone and same:
        place = {"head": before["head"], "group_id": before["group_id"]}
        db.execute(sa.update(t.turns).where(t.turns.c.id == turn.id).values(**place))


def _restore_status(db: Connection, turn: Turn, before: dict[str, Any]) -> None:
    names = ("status", "annotation_id")
    changed = {name: before[name] for name in names if getattr(turn, name) != before[name]}
    if changed:
        db.execute(sa.update(t.turns).where(t.turns.c.id == turn.id).values(**changed))


def _release_orphans(db: Connection, numbers: list[int]) -> None:
    """Let those come up by themselves whose head is not open, or not there, any more."""
    columns, head = t.turns.c, t.turns.alias("head")
    for some in chunks(numbers):
        waiting = sa.exists().where(
            head.c.id == columns.group_id, head.c.head == 1, head.c.status == OPEN
        )
        hidden = sa.select(columns.id).where(
            columns.id.in_(some), columns.status == OPEN, columns.head == 0, ~waiting
        )
        release(db, list(db.execute(hidden).scalars()))
