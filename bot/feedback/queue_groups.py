"""What the ranking must know of all open messages at once: their need, and who belongs together.

Some numbers a message and one string a different message: a million take about 300 MB.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from tqdm import tqdm

from bot.feedback import queue_rows, ranking
from bot.feedback import tables as t
from bot.feedback.grouping import Numbers, join, key_of
from bot.feedback.ranking import Floats
from bot.feedback.signals import BITS, reasons
from bot.feedback.store import Store


@dataclass
class Read:
    """What the first pass leaves of each message, in the order of the ids."""

    ids: Numbers
    keys: Numbers
    needs: Floats
    tolds: Floats
    bits: Numbers
    following: Numbers
    names: list[str]


@dataclass
class Groups:
    """The groups: `of` gives the group of each message, all else is by group.

    `stands_for` counts candidates that are about the same as the head, `answers` holds what was
    decided before, `new` says that the training data has nothing like it.
    """

    of: Numbers
    heads: Numbers
    sizes: Numbers
    bits: Numbers
    priorities: Floats
    stands_for: Numbers
    answers: dict[int, str]
    new: NDArray[np.bool_]


def read_open(
    store: Store, model: str | None, other: str | None, out_of_scope: str, show_progress: bool
) -> Read:
    """Read each open message once; a bar shows how far that is."""
    ids, keys, bits, following = array("q"), array("q"), array("q"), array("q")
    needs, tolds = array("d"), array("d")
    numbers: dict[str, int] = {}
    rows = queue_rows.with_following(store, model, other)
    for row, after in tqdm(rows, "reading", unit=" messages", disable=not show_progress):
        found = reasons(queue_rows.message_of(row, after), out_of_scope)
        ids.append(row.id)
        keys.append(numbers.setdefault(key_of(row.text), len(numbers)))
        needs.append(ranking.need(found))
        tolds.append(ranking.told(found))
        bits.append(sum({BITS[reason.signal] for reason in found}))  # a signal may speak twice
        following.append(int(after))
    order = np.argsort(np.array(ids, np.int64))
    return Read(
        np.array(ids, np.int64)[order],
        np.array(keys, np.int64)[order],
        np.array(needs, np.float64)[order],
        np.array(tolds, np.float64)[order],
        np.array(bits, np.int64)[order],
        np.array(following, np.int64)[order],
        list(numbers),
    )


def answered_before(store: Store) -> dict[str, str]:
    """Give what messages were decided to mean, by the words that carry their meaning."""
    turns, found = t.turns.c, {}
    wanted = (
        sa.select(turns.text, t.annotations.c.label)
        .select_from(t.turns.outerjoin(t.annotations, t.annotations.c.id == turns.annotation_id))
        .where(turns.status.in_(("accepted", "discarded")), turns.kind == "message")
    )
    with store.read() as db:
        for text, label in db.execute(wanted):
            found[key_of(text)] = label or ""
    return found


def grouped(read: Read, answered: dict[str, str]) -> tuple[Groups, Floats, Floats]:
    """Put messages together; give the groups, and what each needs and was told by people.

    Args:
        read: all open messages.
        answered: what earlier messages were decided to mean, by the words that carry it.
    """
    n_keys = len(read.names)
    first = np.full(n_keys, len(read.ids), np.int64)
    np.minimum.at(first, read.keys, np.arange(len(read.ids)))
    order = np.argsort(first, kind="stable")  # keys by their first message
    roots = join([read.names[key] for key in order])
    heads, group_of_key = np.unique(roots, return_inverse=True)
    of_key = np.empty(n_keys, np.int64)
    of_key[order] = group_of_key
    of = of_key[read.keys]
    n = len(heads)
    needs, tolds, bits = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    np.maximum.at(needs, of, read.needs)
    np.maximum.at(tolds, of, read.tolds)
    np.bitwise_or.at(bits, of, read.bits)
    answers = {
        int(of_key[key]): answered[name] for key, name in enumerate(read.names) if name in answered
    }
    known = np.array(sorted(answers), np.int64)
    needs[known] *= ranking.ANSWERED
    tolds[known] *= ranking.ANSWERED
    sizes = np.bincount(of, minlength=n)
    head_ids = read.ids[first[order[heads]]] if n else np.zeros(0, np.int64)
    nothing = np.zeros(n, np.int64)
    groups = Groups(of, head_ids, sizes, bits, np.zeros(n), nothing, answers, np.zeros(n, bool))
    return groups, needs, tolds
