"""`kill -9` before any file operation leaves the old model live, or the new one."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from registered import KEY, archive, candidate, newest

from bot.lifecycle.live_model import model_to_serve
from bot.lifecycle.promote import promote, rollback
from bot.lifecycle.registry import Registry

# What Python reports to its audit hooks before it is done. Opening covers each write: what is
# opened to be written is a new file, so that half of it is as harmless as none.
OPERATIONS = ("open", "os.rename", "os.remove", "os.utime", "os.mkdir", "os.truncate", "os.chmod")
MOST_STEPS = 400


def killed_at(step: int, models: Path, work: Callable[[], object]) -> bool:
    """Run something in a process that is killed before its file operation `step`; say whether."""
    process = os.fork()
    if process == 0:
        left = step

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in OPERATIONS and str(models) in str(arguments[0]):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        status = 1
        try:
            sys.addaudithook(count)
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status in (0, -signal.SIGKILL), "it failed, and was not killed"
    return status != 0


def each_kill(
    before: Path, work: Callable[[Registry], object], check: Callable[[Registry], None]
) -> int:
    """Kill at each operation, check what is left, and give how many there were."""
    models = before.with_name("models")
    for step in range(1, MOST_STEPS):
        shutil.rmtree(models, ignore_errors=True)
        shutil.copytree(before, models)
        registry = Registry(models, KEY, before.parent)
        killed = killed_at(step, models, lambda registry=registry: work(registry))  # type: ignore[misc]
        check(registry)
        if not killed:
            return step - 1
    raise AssertionError("it has no end")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Models with `one` and then `two` live, and a candidate `three` that passed."""
    registry = Registry(tmp_path / "before", KEY, tmp_path)
    promote(registry, candidate(registry, "one"))
    promote(registry, candidate(registry, "two", "one"))
    candidate(registry, "three", "two")
    return registry.models


def test_a_promotion(before: Path) -> None:
    seen = set()

    def check(registry: Registry) -> None:
        served, _ = model_to_serve(None, KEY, registry.models)  # whole, and signed
        pointer = registry.pointer()
        assert (pointer.live, pointer.earlier) in (("two", ("one",)), ("three", ("one", "two")))
        assert served == registry.archive(str(pointer.live))
        if pointer.live == "two":
            assert newest(registry.models) == "two.tar.gz"  # plain Rasa has not got the new one
            assert registry.find(Path("three")).is_file()
            assert promote(registry, Path("three")).model == "three"  # and it goes on
        else:
            assert rollback(registry).model == "two"
            assert rollback(registry, Path("three")).model == "three"
        assert newest(registry.models) == "three.tar.gz"
        assert not list(registry.models.rglob("*.writing"))
        seen.add(pointer.live)

    steps = each_kill(before, lambda registry: promote(registry, Path("three")), check)
    assert seen == {"two", "three"} and steps > 20


def test_a_rollback(before: Path) -> None:
    seen = set()

    def check(registry: Registry) -> None:
        model_to_serve(None, KEY, registry.models)
        pointer = registry.pointer()
        assert (pointer.live, pointer.earlier) in (("two", ("one",)), ("one", ()))
        seen.add(pointer.live)
        if pointer.live == "two":
            rollback(registry)
        else:
            rollback(registry, Path("two"))
            rollback(registry)
        assert newest(registry.models) == "one.tar.gz"

    steps = each_kill(before, rollback, check)
    assert seen == {"one", "two"} and steps > 10


def test_the_first_promotion(tmp_path: Path) -> None:
    """Before it there is no pointer: the newest archive is what is served."""
    before = tmp_path / "before"
    trained = archive(before / "trained.tar.gz")
    os.utime(trained, (2_000_000, 2_000_000))
    candidate(Registry(before, None, tmp_path), "one")
    models = tmp_path / "models"

    def work() -> object:
        return promote(Registry(models, None, tmp_path), Path("one"))

    served = set()
    for step in range(1, MOST_STEPS):
        shutil.rmtree(models, ignore_errors=True)
        shutil.copytree(before, models)
        killed = killed_at(step, models, work)
        served.add(model_to_serve(None, None, models)[0].name)
        if not killed:
            break
    assert served == {"trained.tar.gz", "one.tar.gz"}
