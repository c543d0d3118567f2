"""Whole conversations, and what reviewers make of a stretch of them: corrections.

A correction is a story as it should have gone. It is kept in the steps of the review API, with
masks in its texts, and the export writes it into Rasa's files.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.deciding import Conflict, Gone
from bot.feedback.project import Project
from bot.feedback.store import Store
from bot.feedback.story_checks import check_shape, look_over
from bot.feedback.story_steps import Step, told
from bot.feedback.transcripts import conversation, conversations, turns_of

__all__ = [
    "conversation",
    "conversations",
    "discard_correction",
    "save_correction",
    "steps",
]

MOST_TURNS = 100  # a stretch; nobody corrects a longer one
KINDS = ("story", "test_story")
STATUSES = ("draft", "submitted")
MAX_NAME = 200


def steps(
    store: Store, project: Project, conversation_id: int, first: int, last: int
) -> list[Step]:
    """Give a stretch of a conversation, as it went, in the steps of a Rasa story.

    A message has the label that a person decided, else what the model said; None where a button
    was tapped whose meaning the store does not keep.

    Raises:
        Gone: the turns are not there, or not of this conversation.
        BotError: the stretch is too long, or ends before it begins.
    """
    with store.read() as db:
        begin, end = _stretch(db, conversation_id, first, last)
        before = turns_of(db, conversation_id, begin - MOST_TURNS, end)
    return told(before, project, {row.id for row in before if row.position >= begin})


def _stretch(db: Connection, conversation_id: int, first: int, last: int) -> tuple[int, int]:
    turns = t.turns.c
    wanted = sa.select(turns.id, turns.position).where(
        turns.conversation_id == conversation_id, turns.id.in_([first, last])
    )
    place = {row.id: row.position for row in db.execute(wanted)}
    if first not in place or last not in place:
        raise Gone("These messages are not there any more, or not in one conversation.")
    begin, end = place[first], place[last]
    if end < begin:
        raise BotError("The stretch ends before it begins. Choose the first message first.")
    if end - begin >= MOST_TURNS:
        raise BotError(f"The stretch has {end - begin + 1} messages. Choose {MOST_TURNS} at most.")
    return begin, end


def save_correction(
    store: Store, project: Project, reviewer: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep a correction; the same reviewer's for the same beginning is replaced.

    Args:
        store: the feedback store.
        project: what the names in the steps are held against.
        reviewer: who corrects.
        body: that of `POST /api/corrections`.

    Raises:
        Gone: the turns are not there, or not of this conversation.
        BotError: it can be no story.
    """
    kind, status = body.get("kind", "story"), body.get("status", "draft")
    if kind not in KINDS or status not in STATUSES:
        raise BotError(
            f"A correction is a {' or '.join(KINDS)}, and its status is {' or '.join(STATUSES)}; "
            f"found {kind!r} and {status!r}."
        )
    check_shape(body.get("steps"), ready=status == "submitted")
    values = {
        "name": _name(body.get("name")),
        "last_turn_id": _number(body, "last"),
        "steps": json.dumps(body["steps"], ensure_ascii=False),
        "note": str(body.get("note") or "") or None,
        "status": status,
        "updated_at": time.time(),
    }
    unique = {
        "conversation_id": _number(body, "conversation"),
        "reviewer": reviewer,
        "first_turn_id": _number(body, "first"),
        "kind": kind,
    }
    row = store.insert(t.corrections).values(**unique, **values, created_at=values["updated_at"])
    own = sa.select(t.corrections.c.id).filter_by(**unique)
    with store.write() as db:
        conversation_id, first = unique["conversation_id"], unique["first_turn_id"]
        _stretch(db, conversation_id, first, values["last_turn_id"])
        db.execute(row.on_conflict_do_update(index_elements=list(unique), set_=values))
        saved = db.execute(own).scalar_one()
    return {"id": saved, "warnings": look_over(body["steps"], project)}


def discard_correction(store: Store, reviewer: str, id: int) -> None:
    """Take a correction back; it stays in the store, and is exported no more.

    Raises:
        Gone: there is none.
        Conflict: it is somebody else's.
    """
    with store.write() as db:
        this = t.corrections.c.id == id
        found = db.execute(sa.select(t.corrections.c.reviewer).where(this)).scalar_one_or_none()
        if found is None:
            raise Gone("The correction is not there any more.")
        if found != reviewer:
            raise Conflict(f"The correction is {found}'s. Ask {found} to discard it.")
        values = {"status": "discarded", "updated_at": time.time()}
        db.execute(t.corrections.update().where(this).values(**values))


def _name(value: Any) -> str:
    name = " ".join(str(value or "").split())
    if not 0 < len(name) <= MAX_NAME:
        raise BotError(f"A correction needs a name of 1 to {MAX_NAME} characters.")
    return name


def _number(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BotError(f"A correction needs the number of its {name}; found {value!r}.")
    return value
