"""What browser tests share: Chromium, pages that report every violation, axe, screenshots."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP = {"width": 1280, "height": 900}
MOBILE = {"width": 390, "height": 780}
# What is below these is either no rule for a part of a page, or a matter of the page around it.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""

SETTLED = """() => Promise.all(
  [document, document.querySelector("bot-chat")?.shadowRoot]
    .flatMap((root) => root?.getAnimations() ?? [])
    .filter((animation) => animation.effect.getTiming().iterations !== Infinity)
    .map((animation) => animation.finished.catch(() => null)))
"""


def find_chromium() -> str:
    """Give the path of an installed Chromium, or say how to get one."""
    named = os.environ.get("BOT_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found and (named is None or Path(named).is_file()):
        return found
    raise RuntimeError(
        "The browser tests need Chromium. Install it (Debian: apt-get install chromium; "
        "macOS: brew install --cask chromium) or set BOT_CHROMIUM to its path."
    )


def require_chromium() -> None:
    """Skip where there is no Chromium; on CI, which installs one, fail."""
    try:
        find_chromium()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@contextmanager
def launch() -> Iterator[Browser]:
    """Run Chromium without a window."""
    require_chromium()
    executable = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def watch(context: BrowserContext) -> list[str]:
    """Collect what pages of a context report: exceptions, console errors, CSP violations."""
    problems: list[str] = []
    context.add_init_script(WATCH)
    context.on("weberror", lambda error: problems.append(f"exception: {error.error}"))
    context.on(
        "console",
        lambda message: (
            problems.append(f"{message.text} {message.location['url']}")
            if message.type == "error"
            else None
        ),
    )
    return problems


def csp_violations(page: Page) -> list[str]:
    """Give the violations of the content security policy since the page was loaded."""
    found: list[str] = page.evaluate("window.violations")
    return found


def axe(page: Page) -> list[str]:
    """Give what axe finds in the whole page, one line for each node."""
    source = resources.files("axe_playwright_python") / "axe.min.js"
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(source.read_text("utf-8"))  # past the page's own CSP
    page.evaluate(SETTLED)  # colours in the middle of an animation are nobody's choice
    result: dict[str, Any] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", AXE_TAGS
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def screenshot(page: Page, folder: Path, name: str) -> Path:
    """Take a picture of what is in view."""
    path = folder / f"{name}.png"
    page.screenshot(path=str(path))
    return path


class Chat:
    """The widget on a page, as somebody sees it who uses it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.host = page.locator("bot-chat")
        self.launcher = page.locator("bot-chat .launcher")
        self.panel = page.locator("bot-chat .panel")
        self.input = page.locator("bot-chat .composer textarea")
        self.bot = page.locator("bot-chat .message.bot")
        self.user = page.locator("bot-chat .message.user")

    def open(self) -> Chat:
        """Open the window and wait for the connection."""
        self.launcher.click()
        return self.online()

    def online(self) -> Chat:
        """Wait until the server has welcomed the chat."""
        self.page.locator("bot-chat .root[data-status=online]").wait_for(state="attached")
        return self

    def write(self, text: str) -> Chat:
        """Write something and send it."""
        self.input.fill(text)
        self.input.press("Enter")
        return self

    def ask(self, text: str) -> Locator:
        """Write something and wait for the answer to it."""
        before = self.bot.count()
        self.write(text)
        self.bot.nth(before).wait_for()
        return self.bot.last

    def button(self, name: str) -> Locator:
        """Give the button with exactly this name."""
        return self.host.get_by_role("button", name=name, exact=True)

    def until(self, condition: Callable[[], object], seconds: float = 10) -> None:
        """Wait for what no locator can wait for."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come"
            self.page.wait_for_timeout(50)

    def settle(self) -> None:
        """Wait until nothing moves any more."""
        self.page.evaluate(SETTLED)

    def menu(self, item: str) -> None:
        """Choose from the menu."""
        self.button("Menu").click()
        self.button(item).click()

    def get(self, expression: str) -> Any:
        """Evaluate JavaScript on the element, named `chat` there."""
        return self.host.evaluate(f"(chat) => {expression}")
