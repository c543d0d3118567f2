"""The widget in Chromium on the demo page, against a real server that can be killed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from widget.browser import DESKTOP, Chat, launch, watch

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "channels")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what packages say about each other
    from serving import Actions, Forks, Server, train

Visit = Callable[..., Chat]
# Browsers log every connection that fails, and these tests make them fail.
EXPECTED = (
    "WebSocket connection",
    "ERR_CONNECTION_REFUSED",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_NAME_NOT_RESOLVED",  # pictures of example.org
    "Applying inline style",  # Playwright's own, for axe and screenshots
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Rasa, imported once."""
    forks = Forks()
    yield forks
    forks.end()


@pytest.fixture(scope="session")
def actions() -> Iterator[Actions]:
    """An action server that can take its time."""
    actions = Actions()
    yield actions
    actions.end()


@pytest.fixture(scope="session")
def project(forks: Forks, actions: Actions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained assistant of the channel's tests. Read only."""
    return train(forks, tmp_path_factory.mktemp("e2e") / "assistant", actions.url)


@pytest.fixture
def server(forks: Forks, project: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own."""
    server = Server(forks, project, tmp_path / "bot").start()
    yield server
    server.kill()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Open the demo page, in a fresh profile unless a context is given."""
    contexts: list[tuple[BrowserContext, list[str]]] = []

    def visit(context: BrowserContext | None = None, **options: Any) -> Chat:
        if context is None:
            context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
            context.set_default_timeout(15_000)
            contexts.append((context, watch(context)))
        page = context.new_page()
        page.goto(f"{server.url}/demo")
        page.locator("bot-chat").wait_for(state="attached")
        return Chat(page)

    yield visit
    for context, _ in contexts:
        context.close()
    problems = [problem for _, found in contexts for problem in found]
    assert [text for text in problems if not any(part in text for part in EXPECTED)] == []
