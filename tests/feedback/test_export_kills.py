"""`kill -9` at any moment: files stay whole, and the next export completes them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import exporting as x
import pytest
from test_export_labels import decide

from bot.errors import BotError
from bot.feedback import export_files, provenance
from bot.feedback.annotations import Decisions
from bot.feedback.export_files import changes, write
from bot.feedback.store import Store

N_MESSAGES = 30


@pytest.fixture
def changed(tmp_path: Path, store: Store, read_in: Any) -> tuple[Path, Path, Path]:
    """A project before an export with something for every file to do, after it, and to work in."""
    before, after, work = (tmp_path / name for name in ("before", "after", "work"))
    x.write_project(before)
    chance = random.Random(5)
    people = x.senders(False, 6, store) + x.senders(True, 4, store)
    said = [(chance.choice(people), " ".join(chance.sample(WORDS, 6))) for _ in range(N_MESSAGES)]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    decisions = Decisions(store, overlap=0.0)
    half = N_MESSAGES // 2
    for turn in range(1, half + 1):
        decisions.submit("ana", turn, "balance", [])
    x.run(before, store)
    for turn in range(half + 1, N_MESSAGES + 1):
        decisions.submit("ana", turn, "loan" if turn % 7 == 0 else "transfer", [])
    for turn in range(1, half + 1, 5):
        decisions.discard("ana", turn)
    where = {"file": "data/nlu/nlu.yml", "line": 12}
    decide(
        store,
        "i would like to pay somebody",
        "transfer",
        status="relabelled",
        **where,
        decided="greet",
    )
    shutil.copytree(before, after)
    x.run(after, store, add_intents=True)
    return before, after, work


WORDS = [f"{a}{b}" for a in ("bal", "tor", "min", "gus", "fep") for b in ("a", "ove", "ink", "urd")]


def forked(work: Callable[[], object], *, within: float | None = None) -> int:
    """Run something in a process of its own, and kill that after a time; give its status."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if within is not None:
        time.sleep(within)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def check(before: Path, after: Path, work: Path, store: Store) -> None:
    """Check what a killed export left behind, and that the next one completes it."""
    old, new = x.snapshot(before), x.snapshot(after)
    for name, content in x.snapshot(work).items():
        if not name.endswith((".writing", "provenance.jsonl")):
            assert content in (old.get(name), new.get(name)), f"{name} is neither old nor new"
    for folder in ("data/feedback", "tests/held_out"):
        known = {origin.text for origin in provenance.read(work / folder)}
        written = [m["text"] for m in x.messages(work, folder)]
        assert set(written) <= known, "words without provenance"
        assert len(written) == len(set(written)), "doubled"
    x.run(work, store, add_intents=True)
    assert x.snapshot(work) == new


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_before_each_step_of_the_writing_is_harmless(
    changed: tuple[Path, Path, Path], store: Store, stride: int
) -> None:
    before, after, work = changed
    assert x.snapshot(before) != x.snapshot(after)

    def dying(real: Callable[..., Any], left: Iterator[int]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if next(left) <= 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        return call

    def killed_at(step: int) -> None:
        left = iter(range(step, -1000, -1))
        for name in ("fsync", "replace"):
            setattr(export_files.os, name, dying(getattr(os, name), left))
        x.run(work, store, add_intents=True)

    steps, survived = 0, False
    while not survived:
        steps += stride
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(before, work)
        survived = forked(partial(killed_at, steps)) == 0
        check(before, after, work, store)
    assert steps > 20  # each file is written, synced and renamed


def random_kills(changed: tuple[Path, Path, Path], store: Store, count: int, seed: int) -> int:
    before, after, work = changed
    shutil.copytree(before, work)
    began = time.monotonic()
    assert forked(lambda: x.run(work, store, add_intents=True)) == 0
    takes = time.monotonic() - began
    chance, killed = random.Random(seed), 0
    for _ in range(count):
        shutil.rmtree(work)
        shutil.copytree(before, work)
        status = forked(
            lambda: x.run(work, store, add_intents=True), within=chance.uniform(0, takes)
        )
        if status == -signal.SIGKILL:
            killed += 1
        else:  # it was done before it could be killed: the first run was a slow one
            takes *= 0.7
        check(before, after, work, store)
    return killed


def test_a_kill_at_any_time_is_harmless(changed: tuple[Path, Path, Path], store: Store) -> None:
    assert random_kills(changed, store, 5, seed=11)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_fifty_kills_are_harmless(changed: tuple[Path, Path, Path], store: Store) -> None:
    assert random_kills(changed, store, 50, seed=13) > 30


def test_what_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    (tmp_path / "folder").write_text("a file, where a folder is needed")
    with pytest.raises(BotError, match="Nothing was changed"):
        write(changes({tmp_path / "one": "new"}) | {tmp_path / "folder" / "two": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "one"]
    assert (tmp_path / "one").read_text() == "old"
