"""Words of the log that may become terms of the vocabulary: shown, and decided about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError, did_you_mean
from bot.feedback import tables as t
from bot.feedback.deciding import Conflict, Gone
from bot.feedback.store import Store
from bot.feedback.terms import ALIAS, OPEN, REJECTED, TERM, known_terms

PAGE = 50
CONTEXTS = 3  # messages that are shown of each
DECISIONS = (TERM, ALIAS, REJECTED, OPEN)
_SHOWN = ("id", "word", "count", "conversations", "why", "score", "alias_of", "alias_why", "entity")


def term_suggestions(
    store: Store, *, after: str | None = None, limit: int = PAGE
) -> dict[str, Any]:
    """Give a page of open suggestions, best first, each with messages that it stands in.

    Args:
        store: the feedback store.
        after: the `next` of the page before.
        limit: suggestions a page.

    Raises:
        BotError: the cursor is none of ours.
    """
    columns = t.term_suggestions.c
    query = sa.select(t.term_suggestions).where(columns.status == OPEN)
    if after:
        score, last = _read_cursor(after)
        same = sa.and_(columns.score == score, columns.id > last)
        query = query.where(sa.or_(columns.score < score, same))
    with store.read() as db:
        rows = db.execute(query.order_by(columns.score.desc(), columns.id).limit(limit)).all()
        contexts = _contexts(db, [row.id for row in rows])
    items = [
        {**{name: getattr(row, name) for name in _SHOWN}, "contexts": contexts.get(row.id, [])}
        for row in rows
    ]
    full = len(rows) == limit
    return {"items": items, "next": f"{rows[-1].score!r}:{rows[-1].id}" if full else None}


def decide_term(
    store: Store,
    reviewer: str,
    number: int,
    decision: object,
    *,
    name: str | None = None,
    entity: str | None = None,
    definition: str | None = None,
) -> None:
    """Keep what a person says about a word.

    Args:
        store: the feedback store.
        reviewer: who decides.
        number: the id of the suggestion.
        decision: `term`, `alias`, `rejected`, or `open`, which takes it back.
        name: the canonical form of a new term, or the term that the word is an alias of.
        entity: of a new term.
        definition: of a new term.

    Raises:
        Gone: there is no such suggestion.
        Conflict: it is in the vocabulary by now.
        BotError: the decision is unknown, or its name is missing or that of no term.
    """
    _check(store, decision, name)
    columns = t.term_suggestions.c
    values = {
        "status": decision,
        "decided_name": name if decision in (TERM, ALIAS) else None,
        "decided_entity": entity or None if decision == TERM else None,
        "definition": (definition or "") if decision == TERM else "",
        "reviewer": None if decision == OPEN else reviewer,
        "updated_at": time.time(),
    }
    with store.write() as db:
        own = sa.select(columns.word, columns.written).where(columns.id == number)
        row = db.execute(own).one_or_none()
        if row is None:
            raise Gone("This suggestion is not there any more. Load the list again.")
        if row.written:
            raise Conflict(f"{row.word} is in the vocabulary by now. Change it in its file.")
        db.execute(t.term_suggestions.update().where(columns.id == number).values(values))


def _check(store: Store, decision: object, name: str | None) -> None:
    if decision not in DECISIONS:
        raise BotError(f"'decision' is {decision!r}; it takes one of {', '.join(DECISIONS)}.")
    if decision in (TERM, ALIAS) and not name:
        raise BotError("'name' is missing: the canonical form, or the term that it is an alias of.")
    if decision == ALIAS and name not in (names := [str(x["name"]) for x in known_terms(store)]):
        raise BotError(f"There is no term {name!r}.{did_you_mean(str(name), names)}")


def _contexts(db: Connection, numbers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Give the messages of suggestions, as they are in the store now."""
    uses, turns = t.term_uses.c, t.turns.c
    wanted = (
        sa.select(uses.suggestion_id, turns.id, turns.conversation_id, turns.text)
        .select_from(t.term_uses.join(t.turns, uses.turn_id == turns.id))
        .where(uses.suggestion_id.in_(numbers))
        .order_by(uses.suggestion_id, turns.id)
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for number, turn, conversation, text in db.execute(wanted):
        own = found.setdefault(number, [])
        if len(own) < CONTEXTS:
            own.append({"turn": turn, "conversation": conversation, "text": text})
    return found


def _read_cursor(cursor: str) -> tuple[float, int]:
    score, _, last = cursor.rpartition(":")
    try:
        return float(score), int(last)
    except ValueError:
        raise BotError(f"The cursor {cursor[:40]!r} is none. Load the list again.") from None
