"""A browser for each module, a server for each test, and a chat that nothing may go wrong in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from .browser import DESKTOP, Chat, launch, watch
from .server import FakeServer

Open = Callable[..., Chat]


# Not for the whole session: while Playwright runs, no other test of the process can use asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose frames, and those it gets, all have to fit the schema."""
    server = FakeServer().start()
    yield server
    server.stop()
    assert server.mistakes == []


@pytest.fixture
def noise() -> list[str]:
    """What a console error may contain in this test: browsers log connections that fail."""
    return ["favicon", "ERR_INTERNET_DISCONNECTED"]


@pytest.fixture
def open_page(browser: Browser, server: FakeServer, noise: list[str]) -> Iterator[Open]:
    """Open a page with the widget, in a fresh profile unless a context is given."""
    contexts = []

    def open_page(url: str = "", context: Any = None, **options: Any) -> Chat:
        if context is None:
            context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
            context.set_default_timeout(10_000)
            contexts.append((context, watch(context)))
        page = context.new_page()
        page.goto(url or server.page("/"))
        page.locator("bot-chat").wait_for(state="attached")
        return Chat(page)

    yield open_page
    for context, _ in contexts:
        context.close()
    problems = [problem for _, found in contexts for problem in found]
    assert [text for text in problems if not any(part in text for part in noise)] == []


@pytest.fixture
def chat(open_page: Open) -> Chat:
    """A chat that is open and connected."""
    return open_page().open()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where a test leaves its screenshots."""
    return tmp_path
