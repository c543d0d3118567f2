from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .browser import MOBILE, Chat, csp_violations
from .conftest import Open
from .server import BASE, FakeServer

STARTERS = """[
  {"path": "/cards*", "text": "About **cards**?",
   "buttons": [{"title": "Freeze", "text": "freeze my card"}, {"title": "Lost"}]},
  {"path": "*#savings", "text": "About savings?"},
  {"path": "*", "text": "Anything?"}
]"""


@pytest.fixture
def site() -> Iterator[FakeServer]:
    """The page's own server, where the chat's is another."""
    site = FakeServer().start()
    yield site
    site.stop()


def labels(chat: Chat) -> list[str]:
    texts: list[str] = chat.page.locator("bot-chat .chip:enabled").all_inner_texts()
    return texts


def test_one_script_tag(open_page: Open, server: FakeServer) -> None:
    script = 'data-title="Larkfield" data-subtitle="Assistant" data-greeting="Hello, **you**."'
    chat = open_page(server.page("/", script=script)).open()
    assert chat.host.count() == 1
    assert chat.panel.get_by_role("heading", name="Larkfield").is_visible()
    assert chat.page.locator("bot-chat .status").inner_text().split() == ["Online", "Assistant"]
    assert chat.bot.locator("strong").inner_text() == "you"
    assert chat.host.get_attribute("title") is None  # it would be a tooltip over everything
    assert csp_violations(chat.page) == []


def test_own_element_is_not_doubled(open_page: Open, server: FakeServer) -> None:
    chat = open_page(server.page("/", '<bot-chat title="Mine" open></bot-chat>')).online()
    assert chat.host.count() == 1
    assert chat.panel.get_by_role("heading", name="Mine").is_visible()


def test_auto_false_adds_nothing(open_page: Open, server: FakeServer, browser: Any) -> None:
    page = browser.new_page()
    page.goto(server.page("/", script='data-auto="false"'))
    assert page.evaluate("Boolean(customElements.get('bot-chat'))")
    assert page.locator("bot-chat").count() == 0
    page.close()


def test_script_from_another_origin(open_page: Open, server: FakeServer, site: FakeServer) -> None:
    site.pages["/"] = (
        '<!doctype html><html lang="en"><head><title>A site</title>'
        f'<script src="{server.url}{BASE}/widget.js" defer></script></head><body></body></html>'
    )
    site.csp = None
    chat = open_page(site.url + "/").open()
    assert "You said" in chat.ask("hello").inner_text()
    assert site.received == []


@pytest.mark.parametrize("suffix", ["", "/", BASE, BASE + "/"])
def test_server_can_be_named(
    open_page: Open, server: FakeServer, site: FakeServer, suffix: str
) -> None:
    chat = open_page(site.page("/", f'<bot-chat server="{server.url}{suffix}"></bot-chat>'))
    chat.open()
    assert len(server.received) == 1


def test_starter_fits_the_page(open_page: Open, server: FakeServer) -> None:
    script = f'<script type="application/json">{STARTERS}</script>'
    body = f"<bot-chat>{script}</bot-chat>"
    chat = open_page(server.page("/cards/mine", body)).open()
    assert chat.bot.inner_text().startswith("About cards?")
    assert labels(chat) == ["Freeze", "Lost"]
    chat.button("Freeze").click()
    chat.bot.get_by_text("You said: freeze my card").wait_for()
    assert labels(chat) == []
    assert csp_violations(chat.page) == []


def test_starter_follows_the_address(open_page: Open, server: FakeServer) -> None:
    body = f"<bot-chat starters='{STARTERS}'></bot-chat>"
    chat = open_page(server.page("/", body)).open()
    assert chat.bot.inner_text() == "Anything?"
    chat.page.evaluate("location.hash = 'savings'")
    chat.bot.get_by_text("About savings?").wait_for()


def test_api_and_events(open_page: Open, server: FakeServer) -> None:
    names = ["ready", "open", "close", "message", "reply", "feedback", "rating", "error", "status"]
    chat = open_page()
    chat.page.evaluate(
        """(names) => { window.seen = []; for (const name of names) document.addEventListener(
          `bot-chat:${name}`, (event) => window.seen.push([name, event.detail])) }""",
        names,
    )
    server.answer = lambda text: [{"text": text, "buttons": [{"title": "Yes", "payload": "/yes"}]}]
    chat.get("chat.open()")
    chat.online()
    identity = chat.get("chat.send('  hello ')")
    chat.bot.first.wait_for()
    assert chat.get("chat.send('   ')") == ""
    chat.get("chat.sendPayload('/yes', 'Yes')")
    chat.bot.nth(1).wait_for()
    assert "Yes" in chat.user.nth(1).inner_text()
    chat.page.locator("bot-chat [data-thumb=up]").last.click()
    chat.get("chat.sendPayload('/never')")
    chat.host.get_by_text("Not offered.").wait_for()
    chat.get("chat.restart()")
    chat.user.first.wait_for(state="detached")
    chat.get("chat.toggle()")
    seen = chat.page.evaluate("window.seen")
    assert {name for name, _ in seen} == set(names) - {"ready", "rating"}
    assert ["message", {"id": identity, "text": "hello", "title": ""}] in seen
    assert [detail["text"] for name, detail in seen if name == "reply"] == ["hello", "/yes"]
    assert [d["value"] for name, d in seen if name == "feedback"] == ["up"]
    assert chat.get("chat.open.length + chat.unread") == 0


def test_properties_set_before_the_script_came(open_page: Open, server: FakeServer) -> None:
    server.login = "jwt"
    chat = open_page()
    chat.get("chat.remove()")
    chat.page.evaluate(
        """() => { const chat = new (customElements.get('bot-chat'))();
          Object.defineProperty(chat, 'login', {value: 'jwt', configurable: true, writable: true});
          document.body.append(chat); }"""
    )
    chat.open()
    assert server.sent("hello")[0]["login"] == "jwt"


def test_strings_and_languages(open_page: Open, server: FakeServer) -> None:
    chat = open_page(server.page("/", lang="de-AT")).open()
    assert chat.input.get_attribute("placeholder") == "Nachricht schreiben …"
    chat.get("{ chat.strings = {send: 'Ab die Post'}; }")
    assert chat.button("Ab die Post").count() == 1
    chat.get("chat.setAttribute('lang', 'ar')")
    assert chat.page.locator("bot-chat .root").get_attribute("dir") == "rtl"
    box = chat.panel.bounding_box()
    assert box and box["x"] < 100


def test_position_and_scheme(open_page: Open, server: FakeServer) -> None:
    chat = open_page(server.page("/", script='data-position="start" data-color-scheme="dark"'))
    box = chat.launcher.bounding_box()
    assert box and box["x"] < 100
    root = chat.page.locator("bot-chat .root")
    assert root.evaluate("(node) => getComputedStyle(node).colorScheme") == "dark"


def test_page_styles_stay_outside_and_variables_get_in(open_page: Open, server: FakeServer) -> None:
    chat = open_page()
    chat.page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
          sheet.replaceSync(`* { color: red !important; font-size: 40px !important }
            bot-chat { --bot-chat-accent: rgb(1, 2, 3) }
            bot-chat::part(launcher) { border-radius: 7px }`);
          document.adoptedStyleSheets.push(sheet); }"""
    )
    style = chat.launcher.evaluate(
        "(n) => { const s = getComputedStyle(n); return [s.backgroundColor, s.borderRadius] }"
    )
    assert style == ["rgb(1, 2, 3)", "7px"]
    chat.open()
    color = chat.input.evaluate("(node) => getComputedStyle(node).color")
    assert color != "rgb(255, 0, 0)"


def test_rating_and_feedback_can_be_off(open_page: Open, server: FakeServer) -> None:
    chat = open_page(server.page("/", script='data-rating="off" data-feedback="off"')).open()
    chat.ask("hello")
    assert chat.page.locator("bot-chat [data-thumb]:visible").count() == 0
    chat.button("Menu").click()
    assert chat.button("End chat").count() == 1
    assert chat.button("Rate this chat").count() == 0


def test_phone_fills_the_screen_and_keeps_the_focus(open_page: Open) -> None:
    chat = open_page(viewport=MOBILE).open()
    chat.settle()
    assert chat.panel.bounding_box() == {"x": 0, "y": 0, **MOBILE}
    assert chat.panel.get_attribute("aria-modal") == "true"
    for _ in range(12):
        chat.page.keyboard.press("Tab")
        assert chat.page.evaluate("document.activeElement.localName") == "bot-chat"
    chat.page.keyboard.press("Escape")
    assert not chat.panel.is_visible()
    chat.open()
    chat.page.reload()
    assert not chat.panel.is_visible()  # it would hide the page


def test_demo_page_has_no_violations(open_page: Open, server: FakeServer) -> None:
    chat = open_page(f"{server.url}{BASE}/demo").open()
    assert re.search("digital assistant", chat.bot.inner_text())
    chat.page.get_by_role("link", name="Cards", exact=True).click()
    chat.button("Freeze my card").click()
    chat.bot.get_by_text("You said: freeze my card").wait_for()
    assert csp_violations(chat.page) == []
