from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .browser import DESKTOP, MOBILE, Chat, axe, screenshot
from .conftest import Open
from .server import BASE, FakeServer, Frame
from .test_conversation import BUTTONS, CARDS, PIXEL

EVERYTHING: list[Frame] = [
    {"text": "**Bold**, a [link](https://example.org/)\n\n- one\n- two", "buttons": BUTTONS},
    {"image": PIXEL, "custom": {"alt": "A chart"}, "attachment": "https://example.org/a.pdf"},
    {"text": "Choose:", "cards": CARDS},
    {"text": "More?", "quick_replies": BUTTONS},
]


def closed(chat: Chat, server: FakeServer) -> None:
    """Nothing was done yet."""


def empty(chat: Chat, server: FakeServer) -> None:
    chat.open()


def talk(chat: Chat, server: FakeServer) -> None:
    chat.open()
    chat.ask("What can you show me?")
    chat.bot.nth(3).wait_for()


def history(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    chat.ask("And again?")
    chat.page.reload()
    chat.online()


def unread(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    chat.get("chat.close()")
    server.speak({"text": "Hello?"})
    chat.page.locator("bot-chat .badge").wait_for()


def typing(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    server.push({"type": "typing", "on": True})
    chat.page.locator("bot-chat .typing").wait_for()


def offline(chat: Chat, server: FakeServer) -> None:
    chat.open()
    chat.page.context.set_offline(True)
    chat.write("Are you there?")
    chat.host.get_by_text("Waiting to be sent").wait_for()
    chat.button("Try again").wait_for()


def error(chat: Chat, server: FakeServer) -> None:
    chat.open()
    chat.write("/slash")
    chat.button("Remove").wait_for()


def comment(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    chat.button("Not helpful").last.click()


def rating(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    chat.menu("Rate this chat")
    chat.page.locator("bot-chat .star").nth(3).click()


def menu(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    chat.button("Menu").click()


def restart(chat: Chat, server: FakeServer) -> None:
    talk(chat, server)
    chat.menu("Start again")


STATES: list[Callable[[Chat, FakeServer], None]] = [
    closed, empty, talk, history, unread, typing, offline, error, comment, rating, menu, restart
]  # fmt: skip
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "mobile": {"viewport": MOBILE, "has_touch": True, "is_mobile": True},
    "narrow": {"viewport": {"width": 320, "height": 480}},
    "forced": {"viewport": DESKTOP, "forced_colors": "active"},
}


SELDOM = ("narrow", "forced")


@pytest.fixture(autouse=True)
def playwright_and_axe_style_the_page(noise: list[str]) -> None:
    """Both put styles of their own into the page, which its policy then refuses."""
    noise.append("Applying inline style")


@pytest.mark.parametrize(
    "look",
    [pytest.param(look, marks=pytest.mark.long if look in SELDOM else ()) for look in LOOKS],
)
def test_axe_finds_nothing(open_page: Open, server: FakeServer, pictures: Path, look: str) -> None:
    server.answer = lambda text: EVERYTHING
    found = {}
    for state in STATES:
        page = server.page(f"/{state.__name__}", script='data-greeting="Hello!"')
        chat = open_page(page, **LOOKS[look])
        state(chat, server)
        found[state.__name__] = axe(chat.page)
        screenshot(chat.page, pictures, f"{look}-{state.__name__}")
        width = chat.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{state.__name__} scrolls sideways"
        chat.page.close()
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("lang", ["ar", "de"])
def test_axe_finds_nothing_in_other_languages(
    open_page: Open, server: FakeServer, lang: str
) -> None:
    server.answer = lambda text: EVERYTHING
    chat = open_page(server.page("/", lang=lang))
    talk(chat, server)
    assert axe(chat.page) == []
    chat.page.locator("bot-chat .header .icon-button").first.click()
    assert axe(chat.page) == []


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_the_demo_page(
    open_page: Open, server: FakeServer, pictures: Path, look: str
) -> None:
    chat = open_page(f"{server.url}{BASE}/demo", **LOOKS[look])
    screenshot(chat.page, pictures, f"{look}-demo")
    assert axe(chat.page) == []
    assert chat.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_axe_can_find_something(chat: Chat) -> None:
    chat.input.evaluate("(node) => { node.ariaLabel = ''; node.placeholder = '' }")
    assert [line.split(":")[0] for line in axe(chat.page)] == ["label"]


def focused(chat: Chat) -> str:
    name: str = chat.get("chat.shadowRoot.activeElement?.className ?? ''")
    return name


def test_focus_goes_in_and_comes_back(open_page: Open) -> None:
    chat = open_page()
    chat.launcher.focus()
    chat.page.keyboard.press("Enter")
    assert focused(chat) == "input"
    assert chat.launcher.get_attribute("aria-expanded") == "true"
    assert chat.panel.get_attribute("aria-modal") == "false"
    chat.page.keyboard.press("Escape")
    assert focused(chat) == "launcher"
    assert chat.launcher.get_attribute("aria-expanded") == "false"


def test_restored_window_takes_no_focus(chat: Chat) -> None:
    chat.page.reload()
    chat.online()
    assert focused(chat) == ""


def test_sheet_keeps_the_focus_and_gives_it_back(chat: Chat) -> None:
    chat.button("Menu").focus()
    chat.page.keyboard.press("Enter")
    for _ in range(9):
        chat.page.keyboard.press("Tab")
        assert chat.get("Boolean(chat.shadowRoot.activeElement.closest('.sheet'))")
    chat.page.keyboard.press("Escape")
    assert chat.panel.is_visible()
    assert chat.get("chat.shadowRoot.activeElement.ariaLabel") == "Menu"


def test_only_new_replies_are_read_out(chat: Chat, server: FakeServer) -> None:
    log = chat.host.get_by_role("log")
    assert log.get_attribute("aria-live") == "polite"
    server.answer = lambda text: [{"text": "It is **5**.", "buttons": BUTTONS}]
    chat.ask("how much?")
    assert log.inner_text().split("\n") == ["Chat: It is 5. Yes No"]
    chat.page.reload()
    chat.online()
    chat.bot.first.wait_for()
    assert log.text_content() == ""


def test_states_are_announced(chat: Chat, server: FakeServer) -> None:
    status = chat.page.locator("bot-chat .banner [role=status]")
    assert status.text_content() == "Online"
    chat.page.context.set_offline(True)
    chat.page.locator("bot-chat .root[data-status=offline]").wait_for()
    assert status.text_content() == "Offline"


def test_targets_are_large_enough(open_page: Open, server: FakeServer) -> None:
    server.answer = lambda text: EVERYTHING
    for look, least in (("light", 24), ("mobile", 44)):
        chat = open_page(server.page("/"), **LOOKS[look])
        talk(chat, server)
        chat.settle()
        for button in chat.page.locator("bot-chat button:visible").all():
            box = button.bounding_box()
            assert box and round(min(box["width"], box["height"])) >= least, button.inner_text()


def test_nothing_moves_for_whom_motion_is_reduced(open_page: Open, server: FakeServer) -> None:
    chat = open_page(reduced_motion="reduce").open()
    server.push({"type": "typing", "on": True})
    chat.page.locator("bot-chat .typing").wait_for()
    assert chat.get("chat.shadowRoot.getAnimations().length") == 0
