"""Intents that reviewers propose, because the domain has none that fits."""

from __future__ import annotations

import time

import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.store import Store


def propose(store: Store, reviewer: str, name: str, description: str) -> None:
    """Keep an intent that the domain shall get; who proposes it again describes it anew."""
    row = store.insert(t.proposed_intents).values(
        name=name, description=description, reviewer=reviewer, created_at=time.time()
    )
    kept = {"description": description} if description else {"name": name}
    with store.write() as db:
        db.execute(row.on_conflict_do_update(index_elements=["name"], set_=kept))


def proposed(store: Store) -> dict[str, str]:
    """Give the descriptions of the proposed intents by their names."""
    columns = t.proposed_intents.c
    with store.read() as db:
        query = sa.select(columns.name, columns.description).order_by(columns.name)
        return {row.name: row.description for row in db.execute(query)}
