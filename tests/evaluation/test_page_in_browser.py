"""The page in Chromium, opened as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made import NASTY, full_report
from playwright.sync_api import Browser, Page, expect
from widget.browser import DESKTOP, MOBILE, axe, csp_violations, launch, watch

from bot.evaluation.page import as_page

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(as_page(full_report()), encoding="utf-8")
    return path


@pytest.fixture
def open_page(browser: Browser, file: Path) -> Iterator[Open]:
    """Open the report; nothing may be requested, and no message may run."""
    opened = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        problems, requests = watch(context), []  # type: ignore[var-annotated]
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        opened.append((context, page, problems, requests))
        return page

    yield open_page
    for context, page, problems, requests in opened:
        assert problems == [] and csp_violations(page) == []
        assert requests == [file.as_uri()]
        assert page.evaluate("window.hacked") is None
        context.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"color_scheme": "dark"},
        {"viewport": MOBILE},
        {"viewport": MOBILE, "color_scheme": "dark"},
    ],
)
def test_it_is_accessible_and_never_wider_than_the_screen(
    open_page: Open, options: dict[str, Any]
) -> None:
    page = open_page(**options)
    for folded in page.locator("details").all():
        folded.evaluate("element => { element.open = true }")
    assert axe(page) == []
    width = options.get("viewport", DESKTOP)["width"]
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_cell_of_the_confusion_matrix_leads_to_its_messages(open_page: Open) -> None:
    page = open_page()
    page.locator(".matrix a").first.focus()
    page.keyboard.press("Enter")
    listed = page.locator("#pair-0")
    expect(listed).to_have_attribute("open", "")
    expect(listed.locator(".said")).to_have_text([NASTY])
    expect(listed.locator("summary")).to_be_focused()
    listed.locator("summary").click()  # closed again
    page.locator(".matrix a").first.click()
    expect(listed).to_have_attribute("open", "")


def test_a_table_is_sorted_by_the_keyboard(open_page: Open) -> None:
    page = open_page()
    head = page.locator("#intents thead th").nth(3)
    recalls = page.locator("#intents tbody tr td:nth-child(4)")
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(recalls).to_have_text(["66.7 %", "100.0 %", "100.0 %", "100.0 %"])
    head.get_by_role("button").press("Enter")
    expect(recalls).to_have_text(["100.0 %", "100.0 %", "100.0 %", "66.7 %"])


def test_messages_are_filtered_and_shown_as_text(open_page: Open) -> None:
    page = open_page()
    found = page.locator("#f-list li")
    expect(found).to_have_count(6)
    page.get_by_label("Show").select_option("intent wrong")
    expect(found.locator(".said")).to_have_text([NASTY])
    page.get_by_label("Show").select_option("all")
    page.get_by_label("Text").fill("BERLIN")
    expect(found).to_have_count(1)
    expect(found.locator("mark")).to_have_text("Berlin")
    expect(page.get_by_role("status")).to_have_text("1 message")
    page.locator("#intents").get_by_role("link", name="greet").click()
    expect(found).to_have_count(3)


def test_what_changed_stands_message_by_message(open_page: Open) -> None:
    page = open_page()
    page.locator("#better summary").click()
    first = page.locator("#better .messages li").first
    expect(first).to_contain_text("to Berlin")
    expect(first).to_contain_text("live entities: city from: Berlin")


def test_without_javascript_everything_but_the_search_is_there(open_page: Open) -> None:
    page = open_page(java_script_enabled=True)
    text = page.locator("main").inner_text()
    for part in ("Summary", "What changed", "Test stories", "Training data", "order <b>soup</b>"):
        assert part in text
    plain = page.context.browser.new_context(java_script_enabled=False).new_page()  # type: ignore[union-attr]
    plain.goto(page.url)
    expect(plain.locator("#intents tbody tr")).to_have_count(4)
    expect(plain.locator("#f-text")).to_be_hidden()
    plain.context.close()
