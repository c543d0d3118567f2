"""Whole conversations in the widget."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect
from serving import Actions, Server
from widget.browser import MOBILE, Chat, axe, csp_violations, screenshot

from .conftest import Visit

DISH = "What shall it be: soup, salad or stew?"


def texts(server: Server) -> list[str]:
    """Give what visitors said, as it was saved."""
    return [str(event["text"]) for _, event in server.rows() if event["event"] == "user"]


def said(chat: Chat, expected: list[str]) -> None:
    """Wait until the chat shows what the visitor said, and nothing else."""
    expect(chat.user).to_have_count(len(expected))
    expect(chat.user).to_contain_text(expected)


def begin_order(chat: Chat) -> None:
    """Talk as far as the middle of the form."""
    chat.open()
    chat.ask("hello")
    chat.button("Order a meal").click()
    chat.bot.get_by_text(DISH).wait_for()
    chat.ask("stew")
    expect(chat.bot.last).to_contain_text("How large?")


def end_order(chat: Chat) -> None:
    """Talk from the middle of the form to its end."""
    chat.button("Large").click()
    chat.bot.get_by_text("A large stew. Is that right?").wait_for()
    chat.button("Yes").click()
    chat.bot.get_by_text("It is on its way.").wait_for()


ORDER = ["hello", "/order", "stew", '/inform{"size": "large"}', "/affirm"]


@pytest.mark.parametrize("options", [{}, {"viewport": MOBILE, "has_touch": True}])
def test_a_form_with_buttons(
    visit: Visit, server: Server, options: dict[str, object], tmp_path: Path
) -> None:
    chat = visit(**options)
    begin_order(chat)
    assert csp_violations(chat.page) == []
    assert axe(chat.page) == []
    end_order(chat)
    assert texts(server) == ORDER
    said(chat, ["hello", "Order a meal", "stew", "Large", "Yes"])
    assert screenshot(chat.page, tmp_path, "order").stat().st_size > 10_000


def test_a_reload_in_the_middle_of_a_form(visit: Visit, server: Server) -> None:
    chat = visit()
    begin_order(chat)
    chat.page.reload()
    chat.online()
    said(chat, ["hello", "Order a meal", "stew"])
    end_order(chat)
    assert texts(server) == ORDER


def test_the_server_is_killed_in_the_middle_of_a_form(visit: Visit, server: Server) -> None:
    chat = visit()
    begin_order(chat)
    server.kill()
    chat.page.locator("bot-chat .root:not([data-status=online])").wait_for(state="attached")
    chat.button("Large").click()  # waits until there is somebody to hear it
    server.start()
    chat.bot.get_by_text("A large stew. Is that right?").wait_for()
    chat.button("Yes").click()
    chat.bot.get_by_text("It is on its way.").wait_for()
    assert texts(server) == ORDER


def test_the_server_is_killed_in_the_middle_of_a_message(
    visit: Visit, server: Server, actions: Actions
) -> None:
    chat = visit().open()
    before = len(actions.calls)
    chat.write("wait 2")
    deadline = time.monotonic() + 10
    while len(actions.calls) == before:  # the message is being processed
        assert time.monotonic() < deadline
        chat.page.wait_for_timeout(20)
    server.kill()
    server.start()
    chat.bot.get_by_text("I waited.").wait_for()
    assert texts(server) == ["wait 2"]
    expect(chat.user).to_have_count(1)
    expect(chat.bot.get_by_text("I waited.")).to_have_count(1)


def test_the_connection_is_cut_in_the_middle_of_a_message(visit: Visit, server: Server) -> None:
    chat = visit().open()
    chat.write("wait 1")
    chat.page.context.set_offline(True)
    chat.page.wait_for_timeout(1500)
    chat.page.context.set_offline(False)
    chat.bot.get_by_text("I waited.").wait_for()
    chat.page.wait_for_timeout(500)
    assert texts(server) == ["wait 1"]
    expect(chat.bot.get_by_text("I waited.")).to_have_count(1)


def test_two_tabs_of_one_session(visit: Visit, server: Server) -> None:
    one = visit().open()
    one.ask("hello")
    two = visit(context=one.page.context)
    if not two.panel.is_visible():
        two.open()
    two.online()
    said(two, ["hello"])
    two.button("Order a meal").click()
    for tab in (one, two):
        tab.bot.get_by_text(DISH).wait_for()
        said(tab, ["hello", "Order a meal"])
    assert len({sender for sender, _ in server.rows()}) == 1


def test_a_thumb_down_is_in_the_tracker(visit: Visit, server: Server) -> None:
    chat = visit().open()
    reply = chat.ask("hello")
    reply.get_by_role("button", name="Not helpful").click()
    deadline = time.monotonic() + 10
    while True:
        found = [event for _, event in server.rows() if event.get("name") == "feedback"]
        if found:
            break
        assert time.monotonic() < deadline
        chat.page.wait_for_timeout(50)
    said = next(event for _, event in server.rows() if event["event"] == "user")
    value = found[-1]["value"]
    assert value["thumb"] == "down"
    assert value["message"] == said["message_id"]
    assert value["model"] == said["metadata"]["model_id"]
    chat.page.reload()
    chat.online()
    down = chat.bot.last.get_by_role("button", name="Not helpful")
    expect(down).to_have_attribute("aria-pressed", "true")


def test_rich_replies_from_a_real_bot(visit: Visit, server: Server) -> None:
    chat = visit().open()
    chat.write("menu")
    chat.page.locator("bot-chat .card").get_by_text("with beans").wait_for()
    expect(chat.bot.get_by_role("link", name="salad")).to_have_attribute(
        "href", "https://example.org/salad"
    )
    chat.button("Order soup").click()
    chat.bot.get_by_text("How large?").wait_for()
    assert texts(server) == ["menu", '/order{"dish": "soup"}']


def test_a_restart_begins_anew(visit: Visit, server: Server) -> None:
    chat = visit().open()
    chat.ask("hello")
    chat.menu("Start again")
    chat.button("Start again").click()
    chat.bot.get_by_text("Let us begin anew.").wait_for()
    expect(chat.user).to_have_count(0)
    chat.page.reload()
    chat.online()
    expect(chat.user).to_have_count(0)
