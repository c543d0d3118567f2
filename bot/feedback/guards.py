"""What the machine notices while a reviewer decides, so that no mistake slips into the data.

Warnings never block: the person decides. The texts are looked up in indices of near-duplicates;
those of the files are built again when a file changes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.errors import BotError, did_you_mean
from bot.feedback import tables as t
from bot.feedback.deciding import as_annotation
from bot.feedback.project import DATA, HELD_OUT, Project
from bot.feedback.settling import SUBMITTED, Annotation
from bot.feedback.similar import Near, NearIndex, normal
from bot.feedback.store import Store
from bot.feedback.training_files import TrainingExample, yaml_files

NEAR = 0.9
_LOOK_AGAIN_S = 1.0  # how often the files are looked at
_LOOKED_UP = 20  # near texts whose annotations are read
_LATE = 1_000  # ids of annotations that may be written out of order
_SHOWN = 60  # characters of an example in a warning
TEST_FOLDERS = (HELD_OUT, Path("tests/nlu"), Path("tests/jargon"))


@dataclass(frozen=True)
class Notice:
    """A warning in words.

    `code` is `conflict`, `colleague`, `held_out`, `duplicate` or `unknown_intent`.
    """

    code: str
    message: str


@dataclass(frozen=True)
class _Known:
    """The examples of the files at one moment."""

    stamp: tuple[Any, ...]
    training: NearIndex[TrainingExample]
    tests: NearIndex[TrainingExample]


class Guards:
    """Checks a decision against training data, test data and what colleagues decided."""

    def __init__(
        self,
        store: Store,
        project: Project,
        *,
        labels: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the store and the project; `labels` gives those that are known beside its own."""
        self._store = store
        self._project = project
        self._labels = labels
        self._clock = clock
        self._known: _Known | None = None
        self._looked = float("-inf")
        self._lock = threading.Lock()
        self._colleagues = Colleagues(store)

    def check(
        self, reviewer: str, text: str, label: str, turn_id: int | None = None
    ) -> list[Notice]:
        """Give the warnings about a label for a text, the weightiest first.

        Args:
            reviewer: who decides.
            text: the message.
            label: the full label that is being chosen.
            turn_id: the message's id: what was said about it, and its group, stays hidden.
        """
        known = self._files()
        found = [*self._unknown(label), *_conflicts(known.training.find(text), text, label)]
        found += self._colleagues.check(reviewer, text, label, turn_id)
        found += _held_out(known.tests.find(text, limit=1))
        return found

    def build(self) -> None:
        """Read the files now, so that the first check does not wait for it."""
        self._files()

    def _unknown(self, label: str) -> Iterator[Notice]:
        labels = {*self._project.intents, *self._labels()}
        if label not in labels:
            hint = did_you_mean(label, labels)
            yield Notice(
                "unknown_intent", f"The domain has no intent '{label}'.{hint} Propose it first."
            )

    def _files(self) -> _Known:
        """Give the indices of the files, built again where a file changed."""
        with self._lock:
            now = self._clock()
            if self._known is not None and now - self._looked < _LOOK_AGAIN_S:
                return self._known
            self._looked = now
            root = self._project.root
            stamp = _stamp([root / DATA, *(root / folder for folder in TEST_FOLDERS)])
            if self._known is None or self._known.stamp != stamp:
                self._known = self._read(stamp)
            return self._known

    def _read(self, stamp: tuple[Any, ...]) -> _Known:
        root = self._project.root
        tests: list[TrainingExample] = []
        try:
            training = Project.examples_below(root / DATA, root)
            for folder in TEST_FOLDERS:
                tests += Project.examples_below(root / folder, root)
        except BotError:
            # Somebody is in the middle of editing a file: what was known is better than nothing.
            if self._known is not None:
                return self._known
            training = self._project.examples
        return _Known(stamp, _index(training), _index(tests))


class Colleagues:
    """What was decided about texts that are nearly the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index: NearIndex[int] = NearIndex(NEAR)
        self._seen: set[int] = set()
        self._last = 0
        self._lock = threading.Lock()

    def check(
        self, reviewer: str, text: str, label: str, turn_id: int | None = None
    ) -> list[Notice]:
        """Give a warning where the same or nearly the same text got another label."""
        with self._store.read() as db, self._lock:
            self._catch_up(db)
            near = self._index.find(text, limit=_LOOKED_UP)
            said = self._said(db, [found.value for found in near], turn_id)
        for found in near:
            for annotation in said.get(found.value, []):
                if annotation.label != label:
                    who = "You" if annotation.reviewer == reviewer else annotation.reviewer
                    like = "this" if normal(found.text) == normal(text) else _quoted(found.text)
                    words = f"{who} annotated {like} as {annotation.label}."
                    return [Notice("colleague", words)]
        return []

    def _catch_up(self, db: Connection) -> None:
        """Take in what was annotated since; on PostgreSQL a lower id may be written later."""
        said, turns = t.annotations.c, t.turns.c
        query = (
            sa.select(said.id, turns.id.label("turn"), turns.text)
            .select_from(t.annotations.join(t.turns))
            .where(said.id > self._last - _LATE)
            .order_by(said.id)
        )
        for row in db.execute(query):
            self._last = max(self._last, row.id)
            if row.turn not in self._seen:
                self._seen.add(row.turn)
                self._index.add(row.text, row.turn)

    def _said(
        self, db: Connection, turn_ids: Sequence[int], own: int | None
    ) -> dict[int, list[Annotation]]:
        """Give what counts for turns, without those of the group that is being decided."""
        turns, said = t.turns.c, t.annotations.c
        group = None
        if own is not None:
            group = db.execute(sa.select(turns.group_id).where(turns.id == own)).scalar()
        query = (
            sa.select(t.annotations, turns.annotation_id, turns.group_id)
            .select_from(t.annotations.join(t.turns))
            .where(turns.id.in_(list(turn_ids)), turns.id != (own or 0), said.status == SUBMITTED)
            .order_by(said.id)
        )
        found: dict[int, list[Annotation]] = {}
        for row in db.execute(query):
            same_group = group is not None and row.group_id == group
            if not same_group and row.annotation_id in (None, row.id):
                found.setdefault(row.turn_id, []).append(as_annotation(row))
        return found


def _conflicts(near: Sequence[Near[TrainingExample]], text: str, label: str) -> Iterator[Notice]:
    other = next((found for found in near if found.value.label != label), None)
    if other is not None:
        example = other.value
        like = "" if other.similarity == 1.0 else "nearly the same, and "
        yield Notice(
            "conflict",
            f"{_quoted(example.text)} is {like}an example of {example.label} in "
            f"{example.file}:{example.line}.",
        )
    plain = _plain(text)
    for found in near:
        if found.value.label == label and _plain(found.text) == plain:
            place = f"{found.value.file}:{found.value.line}"
            yield Notice("duplicate", f"This very message is in the training data, {place}.")
            return


def _held_out(near: Sequence[Near[TrainingExample]]) -> Iterator[Notice]:
    for found in near:
        example = found.value
        yield Notice(
            "held_out",
            f"{_quoted(example.text)} is kept for tests in {example.file}:{example.line}; "
            f"training on this message would spoil that.",
        )


def _index(examples: Sequence[TrainingExample]) -> NearIndex[TrainingExample]:
    index: NearIndex[TrainingExample] = NearIndex(NEAR)
    for example in examples:
        index.add(example.text, example)
    return index


def _stamp(folders: Sequence[Path]) -> tuple[Any, ...]:
    """Give what changes when a YAML file below the folders is written, added or removed."""
    found = []
    for folder in folders:
        for path in yaml_files(folder):
            try:
                status = path.stat()
            except OSError:
                continue  # removed a moment ago
            found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _quoted(text: str) -> str:
    return f"'{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}'"
