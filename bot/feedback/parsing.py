"""Records read into events, before any transaction begins."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bot.feedback import events as e
from bot.feedback.sources import Record
from bot.feedback.store import Store
from bot.feedback.values import shape_of


@dataclass(frozen=True)
class Parsed:
    """A record that was read, without the transaction that will keep it."""

    place: str
    sender: str | None
    event: e.Event | e.Misfit
    digest: str


@dataclass
class Counts:
    """What an ingest did, for its summary."""

    events: int = 0
    turns: int = 0
    thumbs: int = 0
    ratings: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    forgotten: int = 0
    expired: int = 0

    def add(self, other: Counts) -> None:
        """Count another batch in."""
        for name in ("events", "turns", "thumbs", "ratings", "forgotten", "expired"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.quarantined.update(other.quarantined)
        self.kinds.update(other.kinds)


def parse(record: Record, store: Store) -> Parsed:
    """Read a record; a record that is no event becomes a misfit with its reason."""
    data, event = _event(record)
    sender = record.sender
    if sender is None and isinstance(data, dict):
        sender = data.get("sender_id")
    if not isinstance(sender, str) or not sender:
        sender = None
        if not isinstance(event, e.Misfit):
            event = e.Misfit("no sender", shape_of(data))
    pseudonym = None if sender is None else store.pseudonym(sender)
    digest = store.digest("record", record.raw) if isinstance(event, e.Misfit) else ""
    return Parsed(record.place, pseudonym, event, digest)


def _event(record: Record) -> tuple[Any, e.Event | e.Misfit]:
    if record.broken is not None:
        return None, e.Misfit(record.broken)
    try:
        data = json.loads(record.raw)
        return data, e.read(data)
    except (ValueError, RecursionError):
        return None, e.Misfit("not JSON")
