"""The turns that a decision is about: read and locked, changed, and settled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.settling import DISPUTED, OPEN, Annotation, needed, settle
from bot.feedback.store import Store

SETTLING = ("submit", "discard", "adjudicate")  # actions that can change a turn's status
_CHUNK = 500  # ids in one statement; databases bound how many parameters it may have


class Gone(BotError):
    """What was asked for is not there, or not any more."""


class Conflict(BotError):
    """Somebody else was faster, or what was asked for does not fit what is there."""


@dataclass(frozen=True)
class Change:
    """The columns of an annotation that a decision sets; `entities` is JSON."""

    status: str
    label: str | None = None
    entities: str = "[]"
    note: str | None = None
    suggested: str | None = None
    model: str | None = None
    adjudicates: int = 0

    def replaced(self, **columns: Any) -> Change:
        """Give one that differs in some columns."""
        return replace(self, **columns)


_COLUMNS = tuple(Change.__dataclass_fields__)


@dataclass(frozen=True)
class Turn:
    """A turn as a decision finds it, with all its annotations."""

    id: int
    key: str
    text: str
    status: str
    head: int
    group_id: int | None
    annotation_id: int | None
    rows: Mapping[str, Any] = field(default_factory=dict)  # of annotations, by reviewer

    @property
    def is_hidden(self) -> bool:
        """Say whether it waits behind the turn that stands for its group."""
        return self.status == OPEN and not self.head

    def own(self, reviewer: str) -> Change | None:
        """Give what a reviewer has said so far."""
        row = self.rows.get(reviewer)
        return None if row is None else Change(*(getattr(row, name) for name in _COLUMNS))

    def others(self, reviewer: str) -> list[list[Any]]:
        """Give what changes whenever a colleague says something else."""
        rows = (row for name, row in self.rows.items() if name != reviewer)
        return sorted([row.id, row.updated_at] for row in rows)

    def before(self, reviewer: str, *, is_item: bool, is_released: bool) -> str:
        """Give what `undo` must know of the time before."""
        row = self.rows.get(reviewer)
        own = None
        if row is not None:
            own = {name: getattr(row, name) for name in (*_COLUMNS, "created_at", "updated_at")}
        content = {
            "item": is_item,
            "released": is_released,
            "status": self.status,
            "head": self.head,
            "group_id": self.group_id,
            "annotation_id": self.annotation_id,
            "annotation": own,
            "others": self.others(reviewer),
        }
        return json.dumps(content, ensure_ascii=False)


def locked(db: Connection, turn_id: int) -> list[Turn]:
    """Give a turn, then those that wait behind it or were decided with it, locked until the end.

    Raises:
        Gone: there is no such message.
    """
    # Whoever changes a group holds the turn that stands for it, so the members are read after.
    columns = t.turns.c
    item = turns_where(db, columns.id == turn_id, lock=True)
    if not item:
        raise Gone(f"There is no message {turn_id} any more. Go on with the next one.")
    if not item[0].head or item[0].group_id is None:
        return item
    members = sa.and_(
        columns.group_id == item[0].group_id, columns.id != turn_id, columns.head == 0
    )
    return item + turns_where(db, members, lock=True)


def turns_where(db: Connection, condition: Any, *, lock: bool = False) -> list[Turn]:
    """Read messages in the order of their ids, each with all its annotations."""
    columns = t.turns.c
    wanted = (
        sa.select(
            columns.id,
            columns.key,
            columns.text,
            columns.status,
            columns.head,
            columns.group_id,
            columns.annotation_id,
        )
        .where(condition, columns.kind == "message")
        .order_by(columns.id)
    )
    rows = db.execute(wanted.with_for_update() if lock else wanted).all()
    rows_by_turn = annotation_rows(db, [row.id for row in rows])
    return [Turn(**row._mapping, rows=rows_by_turn.get(row.id, {})) for row in rows]


def annotation_rows(db: Connection, turn_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Read the annotations of turns, by turn and reviewer."""
    found: dict[int, dict[str, Any]] = {}
    for some in chunks(turn_ids):
        for row in db.execute(sa.select(t.annotations).where(t.annotations.c.turn_id.in_(some))):
            found.setdefault(row.turn_id, {})[row.reviewer] = row
    return found


def chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield ids in portions that one statement can take."""
    for begin in range(0, len(numbers), _CHUNK):
        yield numbers[begin : begin + _CHUNK]


def as_annotation(row: Any) -> Annotation:
    """Read an annotation from its row."""
    return Annotation(
        row.id,
        row.reviewer,
        row.status,
        row.label,
        json.loads(row.entities),
        bool(row.adjudicates),
    )


def apply(
    store: Store,
    db: Connection,
    changes: Mapping[int, tuple[Turn, Change]],
    reviewer: str,
    now: float,
    *,
    overlap: float | None = None,
) -> dict[int, str]:
    """Write annotations of a reviewer; with `overlap` settle their turns; give their statuses."""
    rows = [
        {
            **asdict(change),
            "turn_id": turn_id,
            "reviewer": reviewer,
            "created_at": now,
            "updated_at": now,
        }
        for turn_id, (_, change) in changes.items()
    ]
    insert = store.insert(t.annotations)
    kept = {name: insert.excluded[name] for name in (*_COLUMNS, "updated_at")}
    db.execute(
        insert.on_conflict_do_update(index_elements=["turn_id", "reviewer"], set_=kept), rows
    )
    if overlap is None:
        return {}
    return settle_turns(db, [turn for turn, _ in changes.values()], overlap)


def settle_turns(db: Connection, turns: Iterable[Turn], overlap: float) -> dict[int, str]:
    """Bring the statuses of turns in line with their annotations; give them."""
    known = {turn.id: turn for turn in turns}
    keys = _keys_that_count(db, list(known.values()))
    rows = annotation_rows(db, list(known))
    statuses, updates = {}, []
    for turn_id, turn in known.items():
        said = [as_annotation(row) for row in rows.get(turn_id, {}).values()]
        status, counts = settle(said, needed(keys[turn_id], overlap))
        statuses[turn_id] = status
        if (status, counts) != (turn.status, turn.annotation_id):
            updates.append({"number": turn_id, "now": status, "counts": counts})
    if updates:
        statement = sa.update(t.turns).where(t.turns.c.id == sa.bindparam("number"))
        values = {"status": sa.bindparam("now"), "annotation_id": sa.bindparam("counts")}
        db.execute(statement.values(values), updates)
    return statuses


def release(db: Connection, turn_ids: Sequence[int]) -> None:
    """Let turns come up by themselves from now on."""
    for some in chunks(turn_ids):
        chosen = sa.update(t.turns).where(t.turns.c.id.in_(some))
        db.execute(chosen.values(head=1, group_id=None))


def _keys_that_count(db: Connection, turns: Sequence[Turn]) -> dict[int, str]:
    """Give the key that decides how many must answer: a group answers with one, as a whole."""
    heads = sorted({turn.group_id for turn in turns if turn.group_id is not None})
    known: dict[int, str] = {}
    for some in chunks(heads):
        query = sa.select(t.turns.c.id, t.turns.c.key).where(t.turns.c.id.in_(some))
        known.update((row.id, row.key) for row in db.execute(query))
    return {
        turn.id: turn.key if turn.group_id is None else known.get(turn.group_id, turn.key)
        for turn in turns
    }


def may_adjudicate(turns: Sequence[Turn], wanted: set[int], reviewer: str) -> None:
    """Refuse to have the last word about what is not disputed.

    Raises:
        Conflict: one of the turns is not.
    """
    for turn in turns:
        own = turn.own(reviewer)
        if turn.id in wanted and turn.status != DISPUTED and not (own and own.adjudicates):
            raise Conflict(
                f"Message {turn.id} is not disputed, but {turn.status}. Load the list again."
            )


def targets_of(
    turns: Sequence[Turn], group: Sequence[int] | None, reviewer: str
) -> list[tuple[Turn, int]]:
    """Give what a decision is about, each with the turn of the same text that was shown.

    Raises:
        Conflict: a member that was named is not in the group.
    """
    item, *members = turns
    if group is None:
        return [(item, item.id)]
    by_id = {turn.id: turn for turn in turns}
    if gone := [number for number in group if number not in by_id]:
        raise Conflict(f"Message {gone[0]} is not in the group any more. Load the item again.")
    shown = {by_id[number].text: number for number in reversed([item.id, *group])}
    named = {item.id, *group}
    found = [(item, item.id)]
    for turn in members:
        if turn.id in named:
            found.append((turn, turn.id))
        elif turn.text in shown and (turn.is_hidden or turn.own(reviewer)):
            found.append((turn, shown[turn.text]))
    return found


def last_decision(db: Connection, reviewer: str, turn_id: int) -> int | None:
    """Give the reviewer's last decision in force about a turn."""
    columns = t.decisions.c
    found = db.execute(
        sa.select(sa.func.max(columns.id))
        .select_from(t.decisions.join(t.decided))
        .where(
            columns.reviewer == reviewer,
            columns.undone_at.is_(None),
            t.decided.c.turn_id == turn_id,
        )
    ).scalar_one_or_none()
    return None if found is None else int(found)
