"""Real review servers on filled stores."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "feedback"))

from bot.feedback.store import Store
from review.filled import fill_store, write_project
from review.serving import KEY, Client, ReviewServer

Serve = Callable[..., ReviewServer]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers on a project and a filled store of their own; options are `ReviewServer`'s."""
    started: list[ReviewServer] = []

    def run(
        *,
        name: str = "project",
        rows: list[dict[str, Any]] | None = None,
        start: bool = True,
        **options: Any,
    ) -> ReviewServer:
        folder = write_project(tmp_path / name)
        url = f"sqlite:///{folder}/feedback.sqlite"
        store = Store(url, KEY.encode())
        fill_store(store, rows)
        store.close()
        server = ReviewServer(folder, url, **options)
        started.append(server)
        return server.start() if start else server

    yield run
    for server in started:
        server.stop()


@pytest.fixture
def server(serve: Serve) -> ReviewServer:
    """A server with the filled store of `filled.py`; ana and ben may sign in."""
    return serve()


@pytest.fixture
def ana(server: ReviewServer) -> Client:
    return server.client("ana")


@pytest.fixture
def ben(server: ReviewServer) -> Client:
    return server.client("ben")
