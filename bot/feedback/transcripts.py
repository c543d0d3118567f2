"""Whole conversations, as they are in the store."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.errors import BotError, did_you_mean
from bot.feedback import tables as t
from bot.feedback.selection import COUNTS, LIVE, MESSAGES
from bot.feedback.store import Store

PAGE = 50
SHOWN = 200  # turns of a conversation at a time, around the one that is asked for
LOW = 2  # stars


def _where(condition: str) -> Any:
    """Choose conversations with a turn of some kind.

    In words of its own, not in parameters: SQLite must read that a partial index has it all.
    """
    return t.conversations.c.id.in_(sa.select(t.turns.c.conversation_id).where(sa.text(condition)))


_CORRECTED = sa.select(t.corrections.c.conversation_id).where(t.corrections.c.status != "discarded")
FILTERS: dict[str, Any] = {
    "all": sa.true(),
    "fallback": _where("turns.kind = 'message' AND turns.fallback <> ''"),
    "thumbs_down": _where("turns.thumb = 'down'"),
    "low_rating": _where(f"turns.rating <= {LOW}"),
    "corrected": t.conversations.c.id.in_(_CORRECTED),
}


def conversations(store: Store, after: str | None = None, filter: str = "all") -> dict[str, Any]:
    """Give a page of conversations, those that began last first.

    Raises:
        BotError: the filter or the cursor is none.
    """
    if filter not in FILTERS:
        hint = did_you_mean(filter, FILTERS)
        raise BotError(f"Conversations have no filter {filter!r}.{hint}")
    talks = t.conversations.c
    # Numbers are given in the order in which conversations began.
    wanted = sa.select(talks.id, talks.channel, talks.first_at, talks.n_turns).where(
        FILTERS[filter], talks.n_turns > 0
    )
    if after:
        if not str(after).isdecimal():
            raise BotError(f"The cursor {after!r} is none that `next` gave. Begin without.")
        wanted = wanted.where(talks.id < int(after))
    with store.read() as db:
        rows = db.execute(wanted.order_by(talks.id.desc()).limit(PAGE + 1)).all()
        sums = _sums(db, [row.id for row in rows[:PAGE]])
    items = [
        {
            "id": row.id,
            "channel": row.channel,
            "time": row.first_at,
            "turns": row.n_turns,
            **sums.get(row.id, _NO_TURNS),
        }
        for row in rows[:PAGE]
    ]
    return {"items": items, "next": str(items[-1]["id"]) if len(rows) > PAGE else None}


_NO_TURNS: dict[str, Any] = {"fallbacks": 0, "thumbs_down": 0, "rating": None, "first": ""}


def _sums(db: Connection, ids: list[int]) -> dict[int, dict[str, Any]]:
    """Count what went wrong in each conversation, and find how it began and what was thought."""
    turns = t.turns.c
    columns = (turns.conversation_id, turns.kind, turns.text, turns.fallback, turns.thumb)
    wanted = sa.select(*columns, turns.rating).where(turns.conversation_id.in_(ids))
    found: dict[int, dict[str, Any]] = {}
    for row in db.execute(wanted.order_by(turns.conversation_id, turns.position)):
        known = found.setdefault(row.conversation_id, dict(_NO_TURNS))
        typed = row.kind == "message"
        known["fallbacks"] += typed and row.fallback != ""
        known["thumbs_down"] += row.thumb == "down"
        known["first"] = known["first"] or (row.text if typed else "")
        known["rating"] = known["rating"] if row.rating is None else row.rating
    return found


def conversation(store: Store, id: int, around: int | None = None) -> dict[str, Any] | None:
    """Give a conversation with what the bot did and what was decided; None where it is gone.

    Args:
        store: the feedback store.
        id: the conversation.
        around: a turn; of a long conversation the turns near it are shown, else the last ones.
    """
    with store.read() as db:
        talk = db.execute(sa.select(t.conversations).where(t.conversations.c.id == id)).first()
        if talk is None:
            return None
        rows = turns_of(db, id, *_window(db, id, around))
        fixed = db.execute(
            sa.select(t.corrections)
            .where(t.corrections.c.conversation_id == id, t.corrections.c.status != "discarded")
            .order_by(t.corrections.c.id)
        ).all()
        rated = sa.select(t.turns.c.rating, t.turns.c.rating_comment)
        rated = rated.where(t.turns.c.conversation_id == id, t.turns.c.rating.isnot(None))
        rating = db.execute(rated.order_by(t.turns.c.position.desc()).limit(1)).first()
    return {
        "id": talk.id,
        "channel": talk.channel,
        "rating": rating and rating.rating,
        "comment": rating and rating.rating_comment,
        "turns": [_shown(row) for row in _once(rows)],
        "corrections": [_correction(row) for row in fixed],
    }


def _window(db: Connection, id: int, around: int | None) -> tuple[int, int]:
    turns = t.turns.c
    place = sa.select(turns.position).where(turns.id == around, turns.conversation_id == id)
    middle = db.execute(place).scalar() if around is not None else None
    last = db.execute(sa.select(sa.func.max(turns.position)).where(turns.conversation_id == id))
    end = last.scalar() or 0
    if middle is not None:
        end = min(end, max(middle + SHOWN // 2, SHOWN - 1))
    return end - SHOWN + 1, end


def turns_of(db: Connection, id: int, first: int, last: int) -> list[Row]:
    """Give the turns between two positions with what was suggested and what was decided."""
    turns = t.turns.c
    wanted = (
        sa.select(
            t.turns,
            LIVE.c.label.label("suggested"),
            LIVE.c.confidence,
            LIVE.c.entities.label("found"),
            COUNTS.c.label.label("decided"),
            COUNTS.c.entities.label("marked"),
            COUNTS.c.reviewer,
            COUNTS.c.note,
        )
        .select_from(MESSAGES)
        .where(turns.conversation_id == id, turns.position.between(first, last))
        .order_by(turns.position)
    )
    return list(db.execute(wanted))


def _once(rows: list[Row]) -> list[Row]:
    """Leave out a tap that is logged again: Rasa's two-stage fallback does so, for the next one."""
    pairs = zip(rows, [*rows[1:], None], strict=True)
    return [row for row, after in pairs if after is None or not _is_again(row, after)]


def _is_again(row: Row, after: Row) -> bool:
    taps = row.kind == after.kind == "payload" and row.text == after.text and row.replies == "[]"
    return taps and row.message_id is not None and row.message_id == after.message_id


def _shown(row: Row) -> dict[str, Any]:
    actions = [entry for entry in json.loads(row.actions) if "name" in entry]
    annotation = None
    if row.decided is not None:
        annotation = {
            "label": row.decided,
            "entities": json.loads(row.marked),
            "reviewer": row.reviewer,
            "note": row.note,
        }
    return {
        "id": row.id,
        "position": row.position,
        "kind": row.kind,
        "time": row.time,
        "text": row.text,
        "label": row.suggested,
        "confidence": row.confidence,
        "fallback": bool(row.fallback),
        "thumb": row.thumb,
        "entities": json.loads(row.found or "[]"),
        "actions": [
            {k: entry.get(k) for k in ("name", "policy", "confidence")} for entry in actions
        ],
        "replies": [
            {"text": entry["text"], "response": entry.get("response")}
            for entry in json.loads(row.replies)
        ],
        "annotation": annotation,
    }


def _correction(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "reviewer": row.reviewer,
        "kind": row.kind,
        "name": row.name,
        "first": row.first_turn_id,
        "last": row.last_turn_id,
        "steps": json.loads(row.steps),
        "note": row.note,
        "status": row.status,
        "updated_at": row.updated_at,
    }
