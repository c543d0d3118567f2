"""A promotion reaches every worker of a running server, under load, and loses no message."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import yaml
from serving import Actions, Forks, Server
from visitors import Rest, texts

from bot.lifecycle.promote import promote, rollback
from bot.lifecycle.registry import Pointer, Registry

KEY = "a key of more than thirty-two characters"
OLD, NEW = "Hello! What would you like?", "Good day! What would you like?"
WITHIN_S = 5.0
WORKERS = 2
LOCKS = """
from rasa.core.lock_store import InMemoryLockStore

class WorkerLocks(InMemoryLockStore):
    def __init__(self, endpoint_config):
        super().__init__()
"""


@pytest.fixture(scope="module")
def other_model(forks: Forks, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the same assistant with another greeting."""
    folder = tmp_path_factory.mktemp("live") / "assistant"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("models"))
    domain = (folder / "domain.yml").read_text("utf-8")
    assert OLD in domain
    (folder / "domain.yml").write_text(domain.replace(OLD, NEW), "utf-8")
    assert forks.wait(forks.run(folder, ["train"], folder / "train.txt"), 120.0) == 0
    return next((folder / "models").glob("*.tar.gz"))


@dataclass
class Live:
    """A server of two workers that follow a pointer, and the registry behind it."""

    server: Server
    registry: Registry

    def models(self) -> dict[int, str]:
        """Give which model answers, by the worker's process id."""
        found: dict[int, str] = {}
        for _ in range(60):
            with contextlib.suppress(requests.RequestException):
                url = f"http://127.0.0.1:{self.server.port}/webhooks/live/"
                said = requests.get(url, timeout=10).json()
                found[said["worker"]] = said["model"]
            if len(found) == WORKERS:
                break
        return found

    def all_answer_with(self, model: str, within: float) -> float:
        """Wait until all workers answer with a model; give the seconds."""
        began = time.monotonic()
        while time.monotonic() < began + within:
            found = self.models()
            if len(found) == WORKERS and set(found.values()) == {f"{model}.tar.gz"}:
                return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(f"{found} after {within} s\n{self.server.log[-3000:]}")


@pytest.fixture
def live(forks: Forks, project: Path, other_model: Path, tmp_path: Path) -> Iterator[Live]:
    server = Server(
        forks,
        project,
        tmp_path / "bot",
        environment={"SANIC_WORKERS": str(WORKERS), "BOT_SIGNING_KEY": KEY},
    )
    folder = server.folder
    for name in ("config.yml", "domain.yml"):
        shutil.copy(project / name, folder / name)
    credentials = yaml.safe_load((folder / "credentials.yml").read_text("utf-8"))
    credentials["bot.lifecycle.live.LiveModel"] = {"models": str(folder / "models")}
    (folder / "credentials.yml").write_text(yaml.safe_dump(credentials), "utf-8")
    # Rasa starts one worker where it knows that a lock store is in memory. Here each visitor keeps
    # to one connection, and with it to one worker.
    endpoints = yaml.safe_load((folder / "endpoints.yml").read_text("utf-8"))
    endpoints["lock_store"] = {"type": "worker_locks.WorkerLocks"}
    (folder / "worker_locks.py").write_text(LOCKS, "utf-8")
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints), "utf-8")
    registry = Registry(folder / "models", KEY.encode(), folder)
    registry.candidates.mkdir(parents=True)
    for name, source in (("one", server.model), ("two", other_model)):
        shutil.copy(source, registry.candidates / f"{name}.tar.gz")
    promote(registry, Path("one"), force=True, why="the first")
    server.model = registry.archive("one")
    server.start()
    live = Live(server, registry)
    try:
        live.all_answer_with("one", 20.0)
        yield live
    finally:
        server.stop()


@dataclass
class Visitors:
    """People who talk without pause."""

    server: Server
    count: int
    answers: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def talk(self) -> None:
        try:
            with Rest(self.server) as visitor:
                while not self._stop.is_set():
                    began = time.monotonic()
                    said = texts(visitor.say("hello"))
                    self.longest = max(self.longest, time.monotonic() - began)
                    self.answers += said
                    self.sent[visitor.sender] += 1
                    if len(said) != 1:
                        self.problems.append(f"answers {said}")
        except Exception as error:
            self.problems.append(repr(error))

    @contextlib.contextmanager
    def talking(self) -> Iterator[Visitors]:
        threads = [threading.Thread(target=self.talk) for _ in range(self.count)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(60)


def test_promotion_and_rollback_under_load(live: Live) -> None:
    with Visitors(live.server, 4).talking() as visitors:
        time.sleep(0.5)
        promote(live.registry, Path("two"), force=True, why="better")
        took = live.all_answer_with("two", WITHIN_S)
        time.sleep(0.5)
        rollback(live.registry)
        back = live.all_answer_with("one", WITHIN_S)
        time.sleep(0.3)
    print(f"{took:.1f} s, back {back:.1f} s; longest answer {visitors.longest:.2f} s")
    assert visitors.problems == []
    assert set(visitors.answers) == {OLD, NEW}
    saved = {sender: len(live.server.said(sender)) for sender in visitors.sent}
    assert saved == dict(visitors.sent)  # none dropped, none doubled
    events = [event for _, event in live.server.rows() if event["event"] in ("user", "bot")]
    models: dict[str, set[str]] = {}
    for event in events:
        if event["event"] == "bot":
            models.setdefault(event["text"], set()).add(event["metadata"]["model_id"])
    assert {text: len(ids) for text, ids in models.items()} == {OLD: 1, NEW: 1}
    assert models[OLD] != models[NEW]  # no answer is half of one model and half of the other


def test_a_message_in_flight_is_finished_by_the_model_it_began_with(
    live: Live, actions: Actions
) -> None:
    with Rest(live.server) as visitor:
        thread = threading.Thread(target=lambda: visitor.say("wait 4"))
        thread.start()
        time.sleep(0.3)
        promote(live.registry, Path("two"), force=True, why="better")
        live.all_answer_with("two", WITHIN_S)
        assert thread.is_alive(), "it should still be waiting"
        thread.join(30)
        said = [event for _, event in live.server.rows(visitor.sender) if event["event"] == "bot"]
        assert [event["text"] for event in said] == ["I waited."]
        assert texts(visitor.say("hello")) == [NEW]
    ids = [
        event["metadata"]["model_id"]
        for _, event in live.server.rows(visitor.sender)
        if event["event"] in ("user", "bot") and "model_id" in event.get("metadata", {})
    ]
    assert len(set(ids)) == 2 and ids == sorted(ids, key=ids.index)


LONG = pytest.mark.long


@pytest.mark.parametrize(
    "damage",
    [
        "truncated",
        "unsigned",
        pytest.param("exchanged", marks=LONG),
        pytest.param("no pointer", marks=LONG),
    ],
)
def test_what_must_not_be_opened_leaves_the_old_model(live: Live, damage: str) -> None:
    registry = live.registry
    promote(registry, Path("two"), force=True, why="better")
    rollback(registry)
    live.all_answer_with("one", WITHIN_S)
    pointer = registry.pointer_content(Pointer("two", ("one",)))
    two = registry.archive("two")
    if damage == "truncated":
        two.write_bytes(two.read_bytes()[:-100])
    elif damage == "exchanged":
        shutil.copy(registry.archive("one"), two)
    elif damage == "unsigned":
        registry.card_file("two").unlink()
    else:
        pointer = pointer.replace(b'"live": "two"', b'"live": "../two"')
    scratch = registry.pointer_file.with_name(".pointer")
    scratch.write_bytes(pointer)
    scratch.replace(registry.pointer_file)
    until = time.monotonic() + 10
    while live.server.log.count("is not used, the old one stays") < WORKERS:
        assert time.monotonic() < until, live.server.log[-2000:]
        time.sleep(0.1)
    live.all_answer_with("one", WITHIN_S)
    with Rest(live.server) as visitor:
        assert texts(visitor.say("hello")) == [OLD]
    time.sleep(1.5)
    assert live.server.log.count("is not used, the old one stays") == WORKERS  # said once each
