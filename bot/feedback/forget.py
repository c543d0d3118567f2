"""Forgetting: one person, or whatever is older than an age.

The order makes it safe beside a running ingest and after an interruption: first the feedback store
notes who is forgotten and deletes the rows, in one transaction, and every ingest checks that note
in its own; then the tracker store is emptied; then the files are rewritten. Calling it again does
what is left and nothing twice.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import provenance
from bot.feedback import tables as t
from bot.feedback.assembly import RETAINED_FROM
from bot.feedback.forget_files import clean
from bot.feedback.ingest import move_cursor
from bot.feedback.sources import Position
from bot.feedback.store import Store
from bot.feedback.terms import forget_uses
from bot.feedback.tracker_removal import TrackerRemoval, compact

_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0, "m": 30 * 86400.0, "y": 365 * 86400.0}
_TABLES = (
    "conversations",
    "turns",
    "suggestions",
    "annotations",
    "decided",
    "leases",
    "shadow",
    "corrections",
    "quarantine",
    "term_uses",
    "term_suggestions",
)


@dataclass
class Forgotten:
    """What was removed, and what is left for a person to do."""

    who: str
    is_sender: bool = False
    removed: dict[str, int] = field(default_factory=dict)
    events: int = 0
    files: list[tuple[Path, provenance.Origin]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    on_postgresql: bool = False
    no_tracker: str | None = None

    def __str__(self) -> str:
        """Tell it to a person."""
        rows = ", ".join(f"{n:,} {name}" for name, n in self.removed.items() if n)
        lines = [
            f"Removed of {self.who}:",
            f"  tracker store: {self.events:,} events",
            f"  feedback store: {rows or 'nothing'}",
        ]
        if not (rows or self.events or self.files) and self.is_sender:
            lines.append("Nothing was found. If it was not removed before, check the sender id.")
        if self.files:
            counts = Counter(path for path, _ in self.files)
            told = ", ".join(f"{count:,} from {path}" for path, count in sorted(counts.items()))
            lines.append(f"  examples: {told}; commit that and train again")
        for reason in self.postponed:
            lines.append(f"Not finished: {reason}. Run the command again.")
        lines.append("What this command cannot reach:")
        lines += [f"  Rasa's tracker store: {self.no_tracker}"] if self.no_tracker else []
        lines += [f"  the log file {name}" for name in self.logs]
        lines += [
            "  other files and queues of event brokers",
            "  backups, and copies on other machines",
            "  what git remembers of data/feedback/ and tests/held_out/",
            "  the weights of models that were trained on their words",
        ]
        if self.on_postgresql:
            lines.append("  PostgreSQL's own log, until it is recycled; pages, until VACUUM FULL")
        return "\n".join(lines)


def parse_age(text: str) -> float:
    """Read an age such as `180d`, `26w`, `12m` (30 days each) or `2y`; give seconds.

    Raises:
        BotError: it is no age.
    """
    match = re.fullmatch(r"(\d{1,6})\s*([hdwmy])", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise BotError(f"{text!r} is no age. Write a number and h, d, w, m or y, such as 180d.")
    return int(match[1]) * _UNITS[match[2]]


def forget_sender(
    store: Store,
    tracker: TrackerRemoval | None,
    sender: str,
    *,
    folders: Iterable[Path] = provenance.FOLDERS,
) -> Forgotten:
    """Remove one person everywhere this can reach.

    Raises:
        BotError: a database failed; running it again goes on.
    """
    pseudonym = store.pseudonym(sender)
    done = Forgotten(f"sender {sender!r}", is_sender=True)
    with store.write() as db:
        values = {"forgotten_at": time.time()}
        row = store.insert(t.forgotten).values(sender=pseudonym, **values)
        db.execute(row.on_conflict_do_update(index_elements=["sender"], set_=values))
        own = sa.select(t.conversations.c.id).where(t.conversations.c.sender == pseudonym)
        done.removed = _delete(
            db,
            turns=t.turns.c.conversation_id.in_(own),
            conversations=t.conversations.c.sender == pseudonym,
            quarantine=t.quarantine.c.sender == pseudonym,
        )
    if tracker is not None:
        with store.read() as db:
            position = _position(db, tracker.name)
        removed = tracker.remove_sender(sender, position)
        done.events = removed.events
        _move(store, tracker.name, position, removed.position)
    cleaned = clean(pseudonym, folders)
    done.files, done.postponed = cleaned.files, cleaned.postponed
    return _finish(store, tracker, done)


def forget_older(store: Store, tracker: TrackerRemoval | None, age_s: float) -> Forgotten:
    """Remove whatever is older than an age in seconds, for good.

    Raises:
        BotError: a database failed; running it again goes on.
    """
    before = time.time() - age_s
    done = Forgotten(f"everybody, older than {time.strftime('%Y-%m-%d', time.gmtime(before))}")
    with store.write() as db:
        kept = float(store.get(db, RETAINED_FROM) or 0.0)
        store.put(db, RETAINED_FROM, repr(max(kept, before)))
        done.removed = _delete(
            db,
            turns=t.turns.c.time < before,
            conversations=sa.and_(
                t.conversations.c.last_at < before,
                ~sa.exists().where(t.turns.c.conversation_id == t.conversations.c.id),
            ),
            quarantine=t.quarantine.c.found_at < before,
        )
        db.execute(t.forgotten.delete().where(t.forgotten.c.forgotten_at < before))
    if tracker is not None:
        with store.read() as db:
            position = _position(db, tracker.name)
        removed = tracker.remove_older(before, position)
        done.events = removed.events
        _move(store, tracker.name, position, removed.position)
    return _finish(store, tracker, done)


def _delete(db: Connection, *, turns: Any, conversations: Any, quarantine: Any) -> dict[str, int]:
    own = sa.select(t.turns.c.id).where(turns)
    corrected = t.corrections.c.first_turn_id.in_(own) | t.corrections.c.last_turn_id.in_(own)
    which = {
        "corrections": (t.corrections, corrected),
        "steps to undo": (t.decided, t.decided.c.turn_id.in_(own)),
        "leases": (t.leases, t.leases.c.turn_id.in_(own)),
        "annotations": (t.annotations, t.annotations.c.turn_id.in_(own)),
        "suggestions": (t.suggestions, t.suggestions.c.turn_id.in_(own)),
        "shadow readings": (t.shadow, t.shadow.c.turn_id.in_(own)),
        "turns": (t.turns, turns),
        "conversations": (t.conversations, conversations),
        "quarantined events": (t.quarantine, quarantine),
    }
    forget_uses(db, own)
    removed = {
        name: db.execute(table.delete().where(where)).rowcount
        for name, (table, where) in which.items()
    }
    _free_groups(db)
    return removed


def _free_groups(db: Connection) -> None:
    """Let turns stand for themselves whose group has lost the turn that stood for it."""
    head = t.turns.alias("head")
    orphaned = sa.and_(
        t.turns.c.group_id.is_not(None),
        t.turns.c.head == 0,
        ~sa.exists().where(head.c.id == t.turns.c.group_id),
    )
    db.execute(t.turns.update().where(orphaned).values(head=1, group_id=None))


def _position(db: Connection, name: str) -> Position | None:
    wanted = sa.select(t.cursors.c.position).where(t.cursors.c.source == name)
    found = db.execute(wanted).scalar_one_or_none()
    return None if found is None else dict(json.loads(found))


def _move(store: Store, name: str, old: Position | None, new: Position | None) -> None:
    """Write the cursor that fits what is left, unless an ingest has moved it meanwhile.

    Then its row is gone or another, and the next ingest reads the source from its beginning.
    """
    if new is None or new == old:
        return
    with store.write() as db:
        if _position(db, name) == old:
            move_cursor(store, db, name, new)


def _finish(store: Store, tracker: TrackerRemoval | None, done: Forgotten) -> Forgotten:
    with store.read() as db:
        names = db.execute(sa.select(t.cursors.c.source)).scalars()
        done.logs = sorted(n.removeprefix("lines:") for n in names if n.startswith("lines:"))
    if reason := compact(store.url, store.engine, *_TABLES):
        done.postponed.append(f"the feedback store could not be rewritten ({reason})")
    if tracker is not None and (reason := tracker.compact()):
        done.postponed.append(f"the tracker store could not be rewritten ({reason})")
    done.on_postgresql = not store.is_sqlite or (tracker is not None and not tracker.is_sqlite)
    return done
