"""What reviewers decide about messages: each decision is one transaction, and can be taken back.

Several reviewers and several server processes may decide at the same time. On SQLite they wait
for each other; on PostgreSQL a decision locks its reviewer, then its turns in the order of their
ids. A decision that is sent twice, because the first answer was lost, is kept once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.deciding import (
    SETTLING,
    Change,
    Conflict,
    Gone,
    Turn,
    apply,
    last_decision,
    locked,
    may_adjudicate,
    release,
    targets_of,
)
from bot.feedback.settling import ANSWERS, DISCARDED, DRAFT, OPEN, SKIPPED, SUBMITTED
from bot.feedback.store import Store
from bot.feedback.undoing import Undone, undo_last

__all__ = ["Conflict", "Decisions", "Gone", "Outcome", "Undone"]

Entities = Sequence[Mapping[str, Any]]
Result = TypeVar("Result")
DEFAULT_OVERLAP = 0.0
_ATTEMPTS = 5
_TRY_AGAIN = {"40001", "40P01"}  # PostgreSQL: serialization failure, deadlock


@dataclass(frozen=True)
class Outcome:
    """What a decision came to: its number (None for a draft), and the status of the item."""

    decision: int | None
    status: str


class Decisions:
    """Takes the decisions of reviewers."""

    def __init__(
        self,
        store: Store,
        *,
        overlap: float = DEFAULT_OVERLAP,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the store, and the share of the messages that two reviewers answer."""
        self.store = store
        self.overlap = overlap
        self._clock = clock

    def submit(
        self,
        reviewer: str,
        turn_id: int,
        label: str,
        entities: Entities = (),
        *,
        group: Mapping[int, Entities] | None = None,
        note: str | None = None,
        suggested: str | None = None,
        model: str | None = None,
        adjudicates: bool = False,
    ) -> Outcome:
        """Annotate a message, and with it the members of its group that are named.

        Members that are not named come up by themselves from now on. Messages of the group with
        the very text of the item, or of a named member, go with it.

        Args:
            reviewer: who decides.
            turn_id: the item.
            label: a full label.
            entities: its entities as Rasa writes them, with `start`, `end` and `entity`.
            group: the entities of the members by their ids.
            note: what the reviewer wants to tell colleagues.
            suggested: the label that was shown as the machine's.
            model: the model that suggested it.
            adjudicates: this annotation counts, whatever others said; the item must be disputed.

        Raises:
            Gone: the message is not there any more.
            Conflict: a member is not in the group, or there is nothing to adjudicate.
        """
        said = {turn_id: entities, **(group or {})}

        def change(turn: Turn, source: int) -> Change:
            return Change(
                status=SUBMITTED,
                label=label,
                entities=json.dumps(list(said[source]), ensure_ascii=False),
                note=note or None,
                suggested=suggested,
                model=model,
                adjudicates=int(adjudicates),
            )

        action = "adjudicate" if adjudicates else "submit"
        return self._decide(reviewer, action, turn_id, list(group or ()), change)

    def discard(
        self,
        reviewer: str,
        turn_id: int,
        *,
        group: Sequence[int] = (),
        note: str | None = None,
        adjudicates: bool = False,
    ) -> Outcome:
        """Say that messages are useless for training.

        Raises:
            Gone: the message is not there any more.
            Conflict: a member is not in the group, or there is nothing to adjudicate.
        """
        change = Change(DISCARDED, None, "[]", note or None, None, None, int(adjudicates))
        action = "adjudicate" if adjudicates else "discard"
        return self._decide(reviewer, action, turn_id, group, lambda turn, source: change)

    def skip(self, reviewer: str, turn_id: int, *, note: str | None = None) -> Outcome:
        """Leave a message for later, or for somebody else; what was drafted is kept.

        Raises:
            Gone: the message is not there any more.
            Conflict: the reviewer has decided about it.
        """

        def change(turn: Turn, source: int) -> Change:
            own = self._undecided(turn, reviewer)
            return own.replaced(status=SKIPPED, note=note or own.note)

        return self._decide(reviewer, "skip", turn_id, None, change)

    def note(self, reviewer: str, turn_id: int, note: str) -> Outcome:
        """Keep a note about a message; whatever else was decided about it stays.

        Raises:
            Gone: the message is not there any more.
        """

        def change(turn: Turn, source: int) -> Change:
            return (turn.own(reviewer) or Change(DRAFT)).replaced(note=note or None)

        return self._decide(reviewer, "note", turn_id, None, change)

    def draft(
        self,
        reviewer: str,
        turn_id: int,
        *,
        label: str | None = None,
        entities: Entities = (),
        note: str | None = None,
    ) -> Outcome:
        """Keep what is not decided yet; this is no step that `undo` would take back.

        Raises:
            Gone: the message is not there any more.
            Conflict: the reviewer has decided about it.
        """
        written = json.dumps(list(entities), ensure_ascii=False)

        def work(db: Connection) -> Outcome:
            item = locked(db, turn_id)[0]
            own = self._undecided(item, reviewer)
            change = own.replaced(status=DRAFT, label=label, entities=written, note=note or None)
            if change != item.own(reviewer):
                apply(self.store, db, {item.id: (item, change)}, reviewer, self._clock())
            return Outcome(None, item.status)

        return self._alone(reviewer, work)

    def adjudicate(
        self, reviewer: str, turn_id: int, label: str, entities: Entities = (), **more: Any
    ) -> Outcome:
        """Decide a disputed message; takes, and raises, what `submit` does."""
        return self.submit(reviewer, turn_id, label, entities, adjudicates=True, **more)

    def undo(self, reviewer: str, decision: int | None = None) -> Undone | None:
        """Take back a reviewer's last decision as a whole; None where there is none.

        Args:
            reviewer: whose decision.
            decision: which one it has to be; by default whichever is the last.

        Raises:
            Conflict: a colleague has built on it, or it is not the last one.
        """

        def work(db: Connection) -> Undone | None:
            return undo_last(self.store, db, reviewer, decision, self.overlap, self._clock())

        return self._alone(reviewer, work)

    def _undecided(self, turn: Turn, reviewer: str) -> Change:
        own = turn.own(reviewer)
        if own and own.status in ANSWERS:
            raise Conflict(f"You have decided about message {turn.id} already. Undo that first.")
        return own or Change(DRAFT)

    def _decide(
        self,
        reviewer: str,
        action: str,
        turn_id: int,
        group: Sequence[int] | None,
        change: Callable[[Turn, int], Change],
    ) -> Outcome:
        """Make one decision about an item, and with `group` about members of its group.

        `change` takes a turn, and the id of the one with the same text that the reviewer saw.
        """

        def work(db: Connection) -> Outcome:
            turns = locked(db, turn_id)
            if action == "adjudicate":
                may_adjudicate(turns, {turn_id, *(group or ())}, reviewer)
            targets = targets_of(turns, group, reviewer)
            changes = {turn.id: (turn, change(turn, source)) for turn, source in targets}
            left_out = [] if group is None else [x for x in turns[1:] if x.id not in changes]
            return self._keep(db, reviewer, action, turns[0], changes, left_out)

        return self._alone(reviewer, work)

    def _keep(
        self,
        db: Connection,
        reviewer: str,
        action: str,
        item: Turn,
        changes: dict[int, tuple[Turn, Change]],
        left_out: list[Turn],
    ) -> Outcome:
        left_out = [turn for turn in left_out if turn.is_hidden]
        if not left_out and all(turn.own(reviewer) == made for turn, made in changes.values()):
            return Outcome(last_decision(db, reviewer, item.id), item.status)  # sent twice
        now = self._clock()
        added = sa.insert(t.decisions).values(reviewer=reviewer, action=action, made_at=now)
        decision = int(db.execute(added).inserted_primary_key[0])
        settles = self.overlap if action in SETTLING else None
        statuses = apply(self.store, db, changes, reviewer, now, overlap=settles)
        if statuses.get(item.id, OPEN) != OPEN:
            # Nobody would see a member that is still open behind a decided head.
            left_out += [x for x, _ in changes.values() if x.is_hidden and statuses[x.id] == OPEN]
        released = {turn.id for turn in left_out}
        release(db, sorted(released))
        touched = {turn.id: turn for turn in [*(x for x, _ in changes.values()), *left_out]}
        db.execute(
            sa.insert(t.decided),
            [
                {
                    "decision_id": decision,
                    "turn_id": number,
                    "before": turn.before(
                        reviewer, is_item=number == item.id, is_released=number in released
                    ),
                }
                for number, turn in touched.items()
            ],
        )
        if action != "note":
            db.execute(sa.delete(t.leases).where(t.leases.c.turn_id == item.id))
        return Outcome(decision, statuses.get(item.id, item.status))

    def _alone(self, reviewer: str, work: Callable[[Connection], Result]) -> Result:
        """Do something in a transaction of its own, again where the database asks for that."""
        for attempt in range(_ATTEMPTS):
            try:
                with self.store.write() as db:
                    if not self.store.is_sqlite:
                        # One reviewer's decisions are made and undone one after the other.
                        lock = sa.text("SELECT pg_advisory_xact_lock(hashtext(:who))")
                        db.execute(lock, {"who": f"reviewer\x1f{reviewer}"})
                    return work(db)
            except BotError as error:
                code = getattr(getattr(error.__cause__, "orig", None), "pgcode", None)
                if code not in _TRY_AGAIN or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.02 * 2**attempt)
        raise AssertionError("unreachable")
