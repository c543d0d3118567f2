"""The messages of the log with what is known about them, for whoever reads all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t

_AT_ONCE = 2_000  # rows that are held in memory


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message that a person wrote, as it is stored: personal data is masked.

    Attributes:
        id: of its turn.
        conversation: the number of its conversation.
        misunderstood: the bot fell back, or a reviewer gave it another label than the machine.
        label: what a person decided; None where nobody did, or it was discarded.
        entities: what a person marked, each with start, end, entity and value.
    """

    id: int
    conversation: int
    text: str
    misunderstood: bool
    label: str | None
    entities: tuple[dict[str, Any], ...]


def read_messages(db: Connection) -> Iterator[LoggedMessage]:
    """Yield all messages, conversation by conversation, in the order of time."""
    turns, said = t.turns.c, t.annotations.c
    wanted = (
        sa.select(
            turns.id,
            turns.conversation_id,
            turns.text,
            turns.fallback,
            said.label,
            said.suggested,
            said.entities,
        )
        .select_from(
            t.turns.outerjoin(
                t.annotations,
                sa.and_(said.id == turns.annotation_id, said.status == "submitted"),
            )
        )
        .where(turns.kind == "message")
        .order_by(turns.conversation_id, turns.time, turns.id)
    )
    for row in db.execution_options(stream_results=True).execute(wanted).yield_per(_AT_ONCE):
        corrected = bool(row.label and row.suggested and row.label != row.suggested)
        marks = json.loads(row.entities) if row.entities else ()
        yield LoggedMessage(
            row.id,
            row.conversation_id,
            row.text,
            bool(row.fallback) or corrected,
            row.label,
            tuple(marks),
        )
