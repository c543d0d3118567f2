"""Ingest: new events of a source become turns of the feedback store.

Each batch is one transaction that keeps its turns and the cursor together, so an ingest that is
killed goes on where it was. Two ingests at once take turns: each batch begins by reading the
cursor under the store's write lock, and starts anew from there where another moved it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tqdm import tqdm

from bot.feedback import tables as t
from bot.feedback.assembly import Assembly
from bot.feedback.parsing import Counts, parse
from bot.feedback.redaction import Redactor
from bot.feedback.sources import Batch, Position, Source
from bot.feedback.store import Store

_LOCK = 0x626F7501  # the advisory lock under which PostgreSQL ingests


@dataclass
class Summary:
    """What an ingest read and what became of it."""

    source: str
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0

    def __str__(self) -> str:
        """Tell it to a person."""
        counts = self.counts
        lines = [
            f"Read {counts.events:,} events from {self.source} in {self.seconds:.1f} s: "
            f"{counts.turns:,} new messages to review, {counts.thumbs:,} thumbs, "
            f"{counts.ratings:,} ratings."
        ]
        if context := {k: n for k, n in counts.kinds.items() if k != "message"}:
            told = ", ".join(f"{n:,} {kind}" for kind, n in sorted(context.items()))
            lines.append(f"Kept as context only: {told}.")
        if counts.forgotten:
            lines.append(f"Left out {counts.forgotten:,} events of people who were forgotten.")
        if counts.expired:
            lines.append(f"Left out {counts.expired:,} events older than what is retained.")
        for reason, n in counts.quarantined.most_common():
            lines.append(f"In quarantine: {n:,} events, {reason}.")
        if counts.events and sum(counts.quarantined.values()) == counts.events:
            lines.append("None of them is an event of Rasa. Check that this is what you meant.")
        return "\n".join(lines)


def ingest_source(
    store: Store,
    source: Source,
    *,
    names: Iterable[str] = (),
    categories: Mapping[str, Collection[str]] | None = None,
    show_progress: bool = False,
) -> Summary:
    """Read what is new in a source into the store.

    Args:
        store: where the turns go.
        source: where the events come from.
        names: names that are masked wherever they occur.
        categories: the values of each categorical slot of the domain; the text of other slots
            may be personal and is not kept.
        show_progress: draw a bar on standard error.

    Raises:
        BotError: the source or the store failed; what was kept until then stays.
    """
    begun = time.monotonic()
    summary = Summary(source.name)
    redactor = Redactor(names)
    kept = _position(store, source)
    position = source.resume(kept)
    with tqdm(
        total=source.remaining(position), unit="event", disable=not show_progress, leave=False
    ) as bar:
        going = True
        while going:
            going = False
            for batch in source.batches(position):
                counts = _keep(store, source, redactor, batch, kept, categories)
                if counts is None:  # another ingest was faster
                    kept = _position(store, source)
                    position, going = source.resume(kept), True
                    break
                kept = batch.position
                summary.counts.add(counts)
                bar.update(len(batch.records))
    summary.seconds = time.monotonic() - begun
    return summary


def _position(store: Store, source: Source) -> Position | None:
    with store.read() as db:
        return _stored(db, source.name)


def _stored(db: Connection, name: str) -> Position | None:
    wanted = sa.select(t.cursors.c.position).where(t.cursors.c.source == name)
    found = db.execute(wanted).scalar_one_or_none()
    return None if found is None else dict(json.loads(found))


def move_cursor(store: Store, db: Connection, name: str, position: Position) -> None:
    """Write how far a source was read."""
    values = {"position": json.dumps(position), "updated_at": time.time()}
    row = store.insert(t.cursors).values(source=name, **values)
    db.execute(row.on_conflict_do_update(index_elements=["source"], set_=values))


def _keep(
    store: Store,
    source: Source,
    redactor: Redactor,
    batch: Batch,
    expected: Position | None,
    categories: Mapping[str, Collection[str]] | None,
) -> Counts | None:
    """Keep a batch and its position; None where another ingest has moved the cursor."""
    parsed = [parse(record, store) for record in batch.records]  # before the lock is taken
    with store.write() as db:
        if not store.is_sqlite:
            db.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _stored(db, source.name) != expected:
            return None
        assembly = Assembly(store, db, redactor, categories)
        assembly.apply(parsed, source.name)
        move_cursor(store, db, source.name, batch.position)
    return assembly.counts
