"""Puts the queue of the feedback store in order, in bounded memory and in small transactions.

All open messages are read twice: once to know how needy each is and which belong together
(`bot.feedback.queue_groups`), once to write what changed. Whatever reviewers decide meanwhile wins:
each batch looks at what it writes over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection
from tqdm import tqdm

from bot.feedback import queue_rows, ranking
from bot.feedback import tables as t
from bot.feedback.queue_groups import Groups, Read, answered_before, grouped, read_open
from bot.feedback.ranking import Floats
from bot.feedback.signals import BITS, Message, Next, Reason, of_another, reasons, weightiest_first
from bot.feedback.store import Store
from bot.feedback.vectors import of_words

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
_CHUNK = 400
_NEXT = [Next(bits) for bits in range(2 * max(Next))]  # calling Next costs more than all else
_LAST = "ranked_with"  # the models of the last ranking, as a fact about the store
_MOST = 6  # reasons that are kept a message
_NEW = 0.5  # cosine below which an example is not like a message
_FEW = 5  # messages like it from which on a reviewer is told


@dataclass
class Ranked:
    """What a ranking did; times in seconds, that of the encoder among them."""

    messages: int = 0
    groups: int = 0
    changed: int = 0
    encoder_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)


def rerank(
    store: Store,
    *,
    model: str | None = None,
    other: str | None = None,
    embed: Embed | None = None,
    known: NDArray[np.float32] | None = None,
    out_of_scope: str = "out_of_scope",
    show_progress: bool = False,
) -> Ranked:
    """Give each message that waits for review its priority, reasons and group.

    Calling it again with nothing new writes nothing. What it was called with is remembered, for
    those who want the same order again after something else has changed.

    Args:
        store: the feedback store.
        model: whose suggestions count; where it has none, the live model's.
        other: a second model to compare with; by default the live one.
        embed: gives vectors of length 1; by default the words of the texts do.
        known: the vectors of the training data, to tell what is new: (n_examples, dimensions)
        out_of_scope: the label of messages that the assistant is not there for.
        show_progress: draw bars.
    """
    done, began = Ranked(), time.monotonic()

    def lap(name: str) -> None:
        nonlocal began
        now = time.monotonic()
        done.seconds[name], began = now - began, now

    read = read_open(store, model, other, out_of_scope, show_progress)
    done.messages = len(read.ids)
    lap("reading")
    groups, needs, tolds = grouped(read, answered_before(store))
    done.groups = len(groups.heads)
    lap("grouping")
    done.encoder_s = _order(store, groups, needs, tolds, embed, known)
    lap("ordering")
    query = queue_rows.select(model, other)
    done.changed = _write(store, query, read, groups, out_of_scope, show_progress)
    _free_members(store)
    _remember(store, model, other)
    lap("writing")
    return done


def last_models(store: Store) -> tuple[str | None, str | None]:
    """Give `model` and `other` of the last ranking; None for both where there was none."""
    with store.read() as db:
        model, other = json.loads(store.get(db, _LAST) or "[null, null]")
    return model, other


def _remember(store: Store, model: str | None, other: str | None) -> None:
    if last_models(store) != (model, other):
        with store.write() as db:
            store.put(db, _LAST, json.dumps([model, other]))


def _order(
    store: Store,
    groups: Groups,
    needs: Floats,
    tolds: Floats,
    embed: Embed | None,
    known: NDArray[np.float32] | None,
) -> float:
    """Set the priorities of the groups; give how long the encoder took."""
    values = ranking.value_of(needs, groups.sizes)
    chosen = ranking.candidates(values, groups.heads)
    if not len(chosen):
        return 0.0
    texts = _texts(store, groups.heads[chosen].tolist())
    began = time.monotonic()
    vectors = (embed or of_words)(texts)
    took = time.monotonic() - began if embed else 0.0
    order = ranking.in_order(values[chosen], tolds[chosen], vectors)
    groups.priorities = ranking.priorities(values, chosen, order)
    groups.stands_for[chosen[order.picked]] = order.stands_for
    if embed is not None and known is not None and len(known):
        groups.new[chosen] = (vectors @ known.T).max(axis=1) < _NEW
    return took


def _texts(store: Store, numbers: list[int]) -> list[str]:
    found: dict[int, str] = {}
    with store.read() as db:
        for some in _chunks(numbers):
            wanted = sa.select(t.turns.c.id, t.turns.c.text).where(t.turns.c.id.in_(some))
            found.update(dict(db.execute(wanted).all()))
    return [found.get(number, "") for number in numbers]


def _write(
    store: Store,
    query: Any,
    read: Read,
    groups: Groups,
    out_of_scope: str,
    show_progress: bool,
) -> int:
    """Write what changed, one transaction a batch, heads before those that stand behind them."""
    changed, last = 0, -1
    own = t.turns.c.id == sa.bindparam("own_id")
    names = ("priority", "reasons", "group_id", "head")
    update = t.turns.update().where(own).values({name: sa.bindparam(name) for name in names})
    with tqdm(
        total=len(read.ids), desc="writing", unit=" messages", disable=not show_progress
    ) as bar:
        while True:
            with store.write() as db:
                rows = queue_rows.page(db, query, last)
                if not rows:
                    return changed
                wanted = _rows(db, rows, read, groups, out_of_scope)
                if wanted:
                    db.execute(update, wanted)
            changed, last = changed + len(wanted), rows[-1].id
            bar.update(len(rows))


def _rows(
    db: Connection, rows: list[Any], read: Read, groups: Groups, out_of_scope: str
) -> list[dict[str, Any]]:
    """Give the columns of those rows that are to change."""
    known = []
    for row in rows:
        place = int(np.searchsorted(read.ids, row.id))
        if place < len(read.ids) and read.ids[place] == row.id:
            known.append((row, place, int(groups.of[place])))
    heads = {int(groups.heads[group]) for _, _, group in known}
    free = _locked(db, heads | {row.id for row, _, _ in known})
    found = []
    for row, place, group in known:
        if row.id not in free:
            continue  # decided since the page was read
        head, several = int(groups.heads[group]), groups.sizes[group] > 1
        is_head = head == row.id or head not in free
        message = queue_rows.message_of(row, _NEXT[read.following[place]])
        why = reasons(message, out_of_scope)
        if is_head:
            why = _of_group(why, message, groups, group)
        new = {
            "own_id": row.id,
            "priority": float(groups.priorities[group]),
            "reasons": _json(why, message),
            "group_id": head if several and head in free else None,
            "head": int(is_head),
        }
        if any(getattr(row, name) != value for name, value in new.items() if name != "own_id"):
            found.append(new)
    return found


def _of_group(why: list[Reason], message: Message, groups: Groups, group: int) -> list[Reason]:
    """Add to the reasons of a message those that it has as the head of its group."""
    own = {reason.signal for reason in why}
    others = [name for name, bit in BITS.items() if groups.bits[group] & bit and name not in own]
    why = weightiest_first([*why, *filter(None, map(of_another, others))])
    if (size := int(groups.sizes[group])) > 1:
        words = f"{size} messages say nearly the same; one answer is enough."
        why.append(Reason("frequent", round(1 - 1 / size, 3), words))
    if (similar := int(groups.stands_for[group])) >= _FEW:
        words = f"It stands for {similar} others that are about something like it."
        why.append(Reason("typical", round(1 - 1 / (1 + similar), 3), words))
    if groups.new[group]:
        why.append(Reason("new", 1.0, "Nothing in the training data is like this message."))
    if (label := groups.answers.get(group)) is not None:
        said = f"as {label}" if label else "as useless"
        words = f"A message that says the same was answered before, {said}."
        why.insert(0, Reason("answered", 1.0, words))
    return why


def _json(why: list[Reason], message: Message) -> str:
    if not why:
        name = f": {message.label}" if message.label else ""
        why = [Reason("routine", 0.0, f"Nothing stands out; the model is sure{name}.")]
    rows = [{"signal": x.signal, "score": x.score, "words": x.words} for x in why[:_MOST]]
    return json.dumps(rows, ensure_ascii=False)


def _locked(db: Connection, numbers: set[int]) -> set[int]:
    """Give those of the turns that still wait, locked, in the order in which decisions lock."""
    found: set[int] = set()
    for some in _chunks(sorted(numbers)):
        wanted = sa.select(t.turns.c.id).where(t.turns.c.id.in_(some), queue_rows.FREE)
        held = wanted.order_by(t.turns.c.id).with_for_update(of=t.turns)
        found.update(db.execute(held).scalars())
    return found


def _free_members(store: Store) -> None:
    """Let those stand for themselves whose head was decided while they were put behind it."""
    head = t.turns.alias("head")
    columns = t.turns.c
    waits = sa.exists().where(
        head.c.id == columns.group_id, head.c.status == "open", head.c.head == 1
    )
    orphaned = sa.and_(columns.status == "open", columns.head == 0, ~waits)
    with store.write() as db:
        db.execute(t.turns.update().where(orphaned).values(head=1, group_id=None))


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(numbers), _CHUNK):
        yield numbers[begin : begin + _CHUNK]
