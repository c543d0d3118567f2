"""A browser for each module; a store, a project and a server for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from widget.browser import DESKTOP, csp_violations, launch, watch

from bot.feedback.store import Store
from review.page import talks
from review.page.reviewer import Reviewer
from review.page.serve import Server

Open = Callable[..., Reviewer]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a queue of messages, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    store = Store(f"sqlite:///{folder}/feedback.sqlite", talks.KEY)
    talks.fill(store, folder)
    store.close()
    return folder / "feedback.sqlite"


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(filled, tmp_path)
    opened = Store(f"sqlite:///{tmp_path}/feedback.sqlite", talks.KEY)
    yield opened
    opened.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return talks.project(tmp_path / "project")


@pytest.fixture
def overlap() -> float:
    """The share of the messages that two reviewers answer."""
    return 0.0


@pytest.fixture
def server(store: Store, project: Path, tmp_path: Path, overlap: float) -> Iterator[Server]:
    started = Server(f"sqlite:///{tmp_path}/feedback.sqlite", project, overlap)
    yield started
    started.kill()


@pytest.fixture
def noise() -> list[str]:
    """What a console error may contain in this test."""
    return ["401 (Unauthorized)"]  # who is not signed in yet


@pytest.fixture
def open_page(browser: Browser, server: Server, noise: list[str]) -> Iterator[Open]:
    """Open the page in a browser that nobody used before."""
    opened = []

    def open_page(**options: Any) -> Reviewer:
        context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
        context.set_default_timeout(8000)
        problems = watch(context)
        page = context.new_page()
        opened.append((context, page, problems))
        return Reviewer(page, server.url)

    yield open_page
    found: list[str] = []
    for context, page, problems in opened:
        found += [] if page.is_closed() else csp_violations(page)
        found += problems
        assert page.is_closed() or not page.evaluate("window.hacked"), "markup was run"
        context.close()
    assert [text for text in found if not any(part in text for part in noise)] == []


@pytest.fixture
def ana(open_page: Open) -> Reviewer:
    """A reviewer with the first message of the queue on the desk."""
    return open_page().sign_in().reviewing()
