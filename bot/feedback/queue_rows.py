"""The turns of the store as the ranking reads them: with what models said and who answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.assembly import UNKNOWN_MODEL
from bot.feedback.signals import Message, Next, follow
from bot.feedback.store import Store

_CONVERSATIONS = 500  # in one read, so that a reader does not hold up the log file of SQLite
_ROWS = 1000
_FAR = 2  # turns between a message and the one that comments on it

_OWN, _OTHER, _LIVE = (t.suggestions.alias(name) for name in ("own", "other", "live"))
_ANSWERED = (
    sa.exists()
    .where(
        t.annotations.c.turn_id == t.turns.c.id,
        t.annotations.c.status.in_(("submitted", "discarded")),
    )
    .correlate(t.turns)
)
# What may be moved: open, and no reviewer has answered it yet (a second one may have to).
FREE = sa.and_(
    t.turns.c.kind == "message", t.turns.c.status == "open", t.turns.c.complete == 1, ~_ANSWERED
)
_OF_MESSAGE = (
    "id conversation_id session_at text fallback rephrase picked thumb thumbs rating rating_comment"
)


def select(model: str | None, other: str | None) -> Any:
    """Begin a SELECT of turns with the suggestions of two models beside the live one's."""
    turns = t.turns.c
    joined = t.turns
    for alias, name in (
        (_OWN, sa.literal(model or "")),
        (_OTHER, sa.literal(other or "")),
        (_LIVE, sa.func.coalesce(turns.model, UNKNOWN_MODEL)),
    ):
        joined = joined.outerjoin(
            alias, sa.and_(alias.c.turn_id == turns.id, alias.c.model == name)
        )
    shadow = t.shadow.c
    joined = joined.outerjoin(t.shadow, sa.and_(shadow.turn_id == turns.id, shadow.words != ""))
    return sa.select(
        *(turns[name] for name in _OF_MESSAGE.split()),
        turns.priority,
        turns.reasons,
        turns.group_id,
        turns.head,
        FREE.label("free"),
        _OWN.c.label.label("own_label"),
        _OWN.c.ranking.label("own_ranking"),
        _OTHER.c.label.label("other_label"),
        _LIVE.c.label.label("live_label"),
        _LIVE.c.ranking.label("live_ranking"),
        shadow.score.label("shadow_score"),
        shadow.words.label("shadow_words"),
    ).select_from(joined)


def message_of(row: Any, following: Next) -> Message:
    """Give what a row says about its message.

    The suggestion is that of the model that was asked for, or else the live one's; the other
    opinion that of the second model, or else the live one's.
    """
    has_own = row.own_ranking is not None
    ranking = row.own_ranking if has_own else row.live_ranking
    other = row.other_label if row.other_label is not None else row.live_label if has_own else None
    return Message(
        text=row.text,
        label=row.own_label if has_own else row.live_label,
        ranking=[(str(name), float(score)) for name, score in json.loads(ranking or "[]")],
        other_label=other,
        fallback=row.fallback,
        rephrase=bool(row.rephrase),
        picked=row.picked,
        thumb=row.thumb,
        comment=_comment(row.thumbs) if row.thumb == "down" else None,
        rating=row.rating,
        rating_comment=row.rating_comment,
        following=following,
        shadow=None if row.shadow_words is None else (row.shadow_score, row.shadow_words),
    )


def with_following(
    store: Store, model: str | None, other: str | None
) -> Iterator[tuple[Any, Next]]:
    """Yield the rows that may be moved, conversation by conversation, and what came next."""
    turns = t.turns.c
    wanted = select(model, other).add_columns(turns.kind)
    own = t.conversations.c.id
    last = -1
    while True:
        with store.read() as db:
            some = sa.select(own).where(own > last).order_by(own).limit(_CONVERSATIONS)
            numbers = list(db.execute(some).scalars())
            if not numbers:
                return
            here = wanted.where(turns.conversation_id > last, turns.conversation_id <= numbers[-1])
            ordered = here.order_by(turns.conversation_id, turns.time, turns.id)
            streamed = db.execution_options(stream_results=True, yield_per=_ROWS)
            yield from _pairs(streamed.execute(ordered))
            last = numbers[-1]


def page(db: Connection, query: Any, last: int) -> list[Any]:
    """Give the next rows that may be moved, in the order of their ids."""
    turns = t.turns.c
    return list(db.execute(query.where(FREE, turns.id > last).order_by(turns.id).limit(_ROWS)))


def _pairs(rows: Any) -> Iterator[tuple[Any, Next]]:
    waiting: Any = None
    between = 0
    for row in rows:
        same = waiting is not None and _session(waiting) == _session(row)
        if row.kind != "message" and same and between < _FAR:
            between += 1
            continue
        if waiting is not None and waiting.free:
            heard = same and row.kind == "message"
            yield waiting, follow(waiting.text, row.text, row.live_label) if heard else Next.NOTHING
        waiting, between = (row if row.kind == "message" else None), 0
    if waiting is not None and waiting.free:
        yield waiting, Next.NOTHING


def _session(row: Any) -> tuple[int, float | None]:
    return row.conversation_id, row.session_at


def _comment(thumbs: str) -> str | None:
    given = json.loads(thumbs or "{}").values()
    said = [thumb.get("comment") for thumb in given if thumb.get("thumb") == "down"]
    return next((comment for comment in said if comment), None)
