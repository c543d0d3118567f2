"""Somebody who reviews in the browser, and has no mouse."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page

from review.page.serve import TOKEN

# The page has shown all that it fetched, and the server has all that was decided.
IDLE = """() => !Object.keys(localStorage).some((key) => /^bot-review:/.test(key))"""


class Reviewer:
    """A page, and the keys that somebody presses on it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.desk = page.locator(".desk")
        self.message = page.locator(".desk .message").first
        self.live = page.locator("#live")
        self.dialog = page.locator("dialog[open]")

    def sign_in(self, name: str = "ana", view: str = "") -> Reviewer:
        """Follow the link that the server prints, and say who one is."""
        self.page.goto(f"{self.url}#token={TOKEN}")
        self.page.locator("#sign-in").wait_for()
        self.page.keyboard.insert_text(name)
        self.press("Enter")
        self.page.locator("#sign-in").wait_for(state="detached")
        if view:
            self.go(view)
        return self

    def go(self, view: str) -> Reviewer:
        """Open a view by its address."""
        self.page.evaluate("(hash) => { location.hash = hash }", f"#/{view}")
        return self

    def reviewing(self, text: str | None = None) -> Reviewer:
        """Wait for a message on the desk."""
        self.message.wait_for()
        if text is not None:
            self.until(lambda: self.text == text, f"{text!r} on the desk")
        return self

    @property
    def text(self) -> str:
        """Give the message on the desk."""
        found: str = self.page.evaluate(
            "document.querySelector('.desk .message')?.textContent ?? ''"
        )
        return found

    def decide(self, *keys: str) -> Reviewer:
        """Press keys until another message is on the desk."""
        before = self.text
        return self.press(*keys).until(lambda: self.text not in ("", before), "the next message")

    @property
    def chosen(self) -> str:
        """Give the label that Enter would save."""
        return self.page.locator(".choice.on").get_attribute("data-label") or ""

    @property
    def focused(self) -> str:
        """Give what has the focus: its id, or its words; nothing where only the page has it."""
        found: str = self.page.evaluate(
            "(one => one === document.body ? '' : one.id || one.textContent)"
            "(document.activeElement)"
        )
        return found

    def press(self, *keys: str) -> Reviewer:
        """Press one key after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> Reviewer:
        """Type into what has the focus."""
        self.page.keyboard.type(text)
        return self

    def saved(self) -> Reviewer:
        """Wait until the server has all decisions."""
        self.page.wait_for_function(IDLE)
        return self

    def tells(self, words: str) -> Reviewer:
        """Wait for words in the live region."""
        self.until(lambda: words in (self.live.text_content() or ""), f"{words!r} told")
        return self

    def sees(self, words: str) -> Locator:
        """Wait for words in the view."""
        found = self.page.locator("#view").get_by_text(words).locator("visible=true").first
        found.wait_for()
        return found

    def count(self, name: str) -> int:
        """Give a number of the header: `left` or `today`."""
        line = self.page.locator("#counts span", has_text=name).first
        return int((line.text_content() or "").split()[0])

    def until(self, true: Callable[[], Any], what: str = "it", seconds: float = 8) -> Reviewer:
        """Wait for what no locator can wait for."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{what} did not come; the desk has {self.text_now()!r}"
            self.page.wait_for_timeout(20)
        return self

    def text_now(self) -> str:
        """Give the view in words, for a message of a failure."""
        return self.page.locator("#view").inner_text()[:300]

    def sees_dialog(self, words: str) -> Reviewer:
        """Wait for words in the open dialog."""
        self.dialog.get_by_text(words).wait_for()
        return self
