"""Servers that the tests of the web channel share."""

from __future__ import annotations

import asyncio
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what packages say about each other
    from serving import Actions, Forks, Server, train
    from visitors import Rest

SIGNS = ("Traceback", "never retrieved", "ERROR", "coro=<")
# Rasa takes the JSON in a button's payload for a slot to be filled in, and says so; Sanic leaves
# its tasks behind where a client sends more than was read.
NOT_OURS = (
    "rasa.core.nlg.interpolator",
    "coro=<Websocket",
    "Task was destroyed",
    "body not consumed",
)
Serve = Callable[..., Server]


# Rasa and its packages warn of much that nobody here can mend; our own warnings stay errors.
FILTERS = pytest.mark.filterwarnings("ignore", r"error:::(bot|tests?|test_.*)(\..*)?")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(FILTERS)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine."""
    if HERE not in pyfuncitem.path.parents or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Rasa, imported once."""
    forks = Forks()
    yield forks
    forks.end()


@pytest.fixture(scope="session")
def actions() -> Iterator[Actions]:
    """An action server."""
    actions = Actions()
    yield actions
    actions.end()


@pytest.fixture(scope="session")
def project(forks: Forks, actions: Actions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained assistant. Read only."""
    return train(forks, tmp_path_factory.mktemp("channels") / "assistant", actions.url)


@pytest.fixture(scope="session")
def serve_for_all(
    forks: Forks, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serve]:
    """Make servers that last as long as the tests."""
    made: list[Server] = []

    def make(**options: Any) -> Server:
        folder = tmp_path_factory.mktemp("server") / "bot"
        made.append(Server(forks, project, folder, **options))
        return made[-1].start()

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def serve(forks: Forks, project: Path, tmp_path: Path) -> Iterator[Serve]:
    """Make servers of a test's own."""
    made: list[Server] = []

    def make(**options: Any) -> Server:
        made.append(Server(forks, project, tmp_path / f"bot{len(made)}", **options))
        return made[-1].start()

    yield make
    for server in made:
        server.kill()


@pytest.fixture(scope="session")
def shared_server(serve_for_all: Serve) -> Server:
    """The server that most tests talk to. Kill another."""
    return serve_for_all(arguments=("--enable-api",))


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server; fails the test that makes it log an error."""
    before = len(shared_server.log)
    yield shared_server
    assert shared_server.alive(), shared_server.log[-4000:]
    said = shared_server.log[before:].splitlines()
    wrong = [line for line in said if has(line, SIGNS) and not has(line, NOT_OURS)]
    assert not wrong, "\n".join(said)[-4000:]


def has(line: str, signs: tuple[str, ...]) -> bool:
    return any(sign in line for sign in signs)


@pytest.fixture
def rest(server: Server) -> Iterator[Rest]:
    """A visitor over REST."""
    with Rest(server) as visitor:
        yield visitor
