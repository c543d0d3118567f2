"""Words of the log that may become terms of the vocabulary, and what people made of them.

A suggestion names the turns that it was found in and copies nothing of them. The messages are
looked up when they are shown. Once all these turns are forgotten, the word goes with them, unless
a person has made it a term; of a rejected one the digest stays, so that it does not come back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.feedback import tables as t
from bot.feedback.store import Store

OPEN, TERM, ALIAS, REJECTED = "open", "term", "alias", "rejected"
_VOCABULARY = "vocabulary"  # the name under which the store knows the terms there are


@dataclass(frozen=True)
class Proposal:
    """A word that may become a term; `key` is what its spellings share.

    Attributes:
        word: as most people typed it.
        key: what it is recognised by, whatever its case.
        count: messages that it stands in.
        conversations: conversations that it stands in.
        why: in words.
        score: what comes first has more.
        alias_of: the term that it may be another name of.
        alias_why: why that one.
        entity: what it may be marked as.
        turns: ids of messages that it stands in.
    """

    word: str
    key: str
    count: int
    conversations: int
    why: str
    score: float
    alias_of: str | None
    alias_why: str | None
    entity: str | None
    turns: tuple[int, ...]


@dataclass(frozen=True)
class AcceptedTerm:
    """What a person made of a word: a new term with this name, or an alias of the one it names."""

    id: int
    word: str
    decision: str
    name: str
    entity: str | None
    definition: str


def keep_proposals(
    store: Store, proposals: Sequence[Proposal], known: Iterable[tuple[str, str | None]]
) -> int:
    """Put proposals into the store; give how many wait for a decision.

    What a person decided stays; what is open and proposed no more goes.

    Args:
        store: the feedback store.
        proposals: what the log suggests now.
        known: name and entity of the terms of the vocabulary.
    """
    columns = t.term_suggestions.c
    fresh = {digest_of(store, one.key): one for one in proposals}
    with store.write() as db:
        store.put(db, _VOCABULARY, json.dumps(sorted(map(list, known), key=str)))
        rows = {row.digest: row for row in db.execute(sa.select(t.term_suggestions))}
        for digest, row in rows.items():
            if row.status == OPEN and digest not in fresh:
                _remove(db, row.id)
        for digest, one in fresh.items():
            old = rows.get(digest)
            if old is not None and old.status != OPEN:
                continue
            values = _columns(one)
            if old is None:
                new = {**values, "digest": digest, "status": OPEN, "updated_at": time.time()}
                number = db.execute(t.term_suggestions.insert().values(new)).inserted_primary_key[0]
            else:
                number = old.id
                db.execute(t.term_suggestions.update().where(columns.id == number).values(values))
            _keep_uses(db, number, one.turns)
    return waiting(store)


def digest_of(store: Store, key: str) -> str:
    """Give what a word is recognised by without being kept."""
    return store.digest("term suggestion", key)


def decided(store: Store) -> set[str]:
    """Give the digests of words about which a person has decided."""
    columns = t.term_suggestions.c
    with store.read() as db:
        return set(db.execute(sa.select(columns.digest).where(columns.status != OPEN)).scalars())


def waiting(store: Store) -> int:
    """Count the words that nobody has decided about."""
    columns = t.term_suggestions.c
    count = sa.select(sa.func.count()).select_from(t.term_suggestions)
    with store.read() as db:
        return int(db.execute(count.where(columns.status == OPEN)).scalar_one())


def waiting_told(store: Store) -> str:
    """Tell a person how many words wait; nothing where none does."""
    words = waiting(store)
    told = "1 word waits" if words == 1 else f"{words:,} words wait"
    return f"{told} on the review page, under Terms." if words else ""


def known_terms(store: Store) -> list[dict[str, str | None]]:
    """Give name and entity of each term, those that a person has just made included."""
    columns = t.term_suggestions.c
    made = sa.select(columns.decided_name, columns.decided_entity).where(columns.status == TERM)
    with store.read() as db:
        found = dict(json.loads(store.get(db, _VOCABULARY) or "[]"))
        found |= {str(name): entity for name, entity in db.execute(made)}
    return [{"name": name, "entity": found[name]} for name in sorted(found)]


def accepted_terms(store: Store) -> list[AcceptedTerm]:
    """Give what was accepted and is in no file yet: new terms first, then aliases."""
    columns = t.term_suggestions.c
    wanted = (
        sa.select(
            columns.id,
            columns.word,
            columns.status,
            columns.decided_name,
            columns.decided_entity,
            columns.definition,
        )
        .where(columns.status.in_((TERM, ALIAS)), columns.written == 0)
        .order_by(columns.status.desc(), columns.id)
    )
    with store.read() as db:
        return [AcceptedTerm(*row) for row in db.execute(wanted)]


def mark_written(store: Store, numbers: Sequence[int]) -> None:
    """Note which accepted suggestions are in the vocabulary's files."""
    own = t.term_suggestions.c.id.in_(numbers)
    with store.write() as db:
        db.execute(t.term_suggestions.update().where(own).values(written=1))


def forget_uses(db: Connection, turns: Any) -> None:
    """Remove what suggestions know of turns that are about to be deleted, and what is left of none.

    Args:
        db: the transaction in which the turns are deleted.
        turns: a query of their ids.
    """
    columns = t.term_suggestions.c
    gone = db.execute(t.term_uses.delete().where(t.term_uses.c.turn_id.in_(turns))).rowcount
    if gone:
        bare = ~sa.exists().where(t.term_uses.c.suggestion_id == columns.id)
        db.execute(t.term_suggestions.delete().where(bare, columns.status == OPEN))
        empty = {"word": "", "why": "", "alias_of": None, "alias_why": None}
        rejected = sa.and_(bare, columns.status == REJECTED)
        db.execute(t.term_suggestions.update().where(rejected).values(empty))


def _columns(one: Proposal) -> dict[str, Any]:
    return {
        "word": one.word,
        "count": one.count,
        "conversations": one.conversations,
        "why": one.why,
        "score": one.score,
        "alias_of": one.alias_of,
        "alias_why": one.alias_why,
        "entity": one.entity,
    }


def _keep_uses(db: Connection, number: int, turns: Sequence[int]) -> None:
    """Note the turns of a suggestion, those that are still there."""
    db.execute(t.term_uses.delete().where(t.term_uses.c.suggestion_id == number))
    there = db.execute(sa.select(t.turns.c.id).where(t.turns.c.id.in_(turns))).scalars().all()
    if there:
        rows = [{"suggestion_id": number, "turn_id": turn} for turn in there]
        db.execute(t.term_uses.insert(), rows)


def _remove(db: Connection, number: int) -> None:
    db.execute(t.term_uses.delete().where(t.term_uses.c.suggestion_id == number))
    db.execute(t.term_suggestions.delete().where(t.term_suggestions.c.id == number))
