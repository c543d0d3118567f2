"""Which databases there are to test with, and what a feedback store holds."""

from __future__ import annotations

import os
from typing import Any

import pytest
import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.store import Store

POSTGRES = os.environ.get("BOT_TEST_POSTGRES_URL", "")
# Skipped at home where there is no server, but never on CI: there the fixture fails.
ON_CI = os.environ.get("CI") == "true"
postgres_only = pytest.mark.skipif(
    not POSTGRES and not ON_CI, reason="BOT_TEST_POSTGRES_URL is not set"
)


def dump(store: Store) -> dict[str, list[Any]]:
    """Everything that was learnt from the log, without ids and times of writing."""
    with store.read() as db:
        sender = t.conversations.c.sender
        skip = ("id", "conversation_id", "group_id")
        columns = [c for c in t.turns.c if c.name not in skip]
        joined = t.turns.join(t.conversations)
        said = [c for c in t.suggestions.c if c.name not in ("id", "turn_id")]
        queries = {
            "turns": sa.select(sender, *columns).select_from(joined),
            "suggestions": sa.select(t.turns.c.key, *said).select_from(t.suggestions.join(t.turns)),
            "conversations": sa.select(
                *(c for c in t.conversations.c if c.name not in ("id", "state"))
            ),
        }
        return {name: sorted(map(repr, db.execute(q))) for name, q in queries.items()}
