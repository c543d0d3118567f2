from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Locator

from .browser import Chat
from .conftest import Open
from .server import FakeServer, Frame

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
BUTTONS = [{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}]
CARDS = [
    {
        "title": f"Account {number}",
        "subtitle": "No fee",
        "image": PIXEL,
        "url": "https://example.org/",
        "actions": [
            {"title": f"Choose {number}", "payload": f"/choose_{number}"},
            {"title": "Details", "url": "https://example.org/details"},
        ],
    }
    for number in range(3)
]


def says(server: FakeServer, *replies: Frame) -> None:
    server.answer = lambda text: list(replies)


def html(node: Locator) -> str:
    """What was drawn, without the attributes that every link or element has."""
    markup: str = node.evaluate("(node) => node.innerHTML")
    for noise in (' target="_blank"', ' rel="noopener noreferrer nofollow"'):
        markup = markup.replace(noise, "")
    return markup


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain & <b>simple</b>", "<p>plain &amp; &lt;b&gt;simple&lt;/b&gt;</p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("**b** *it* _al_", "<p><strong>b</strong> <em>it</em> <em>al</em></p>"),
        ("`c*d*e`", "<p><code>c*d*e</code></p>"),
        ("**b with *i* inside**", "<p><strong>b with <em>i</em> inside</strong></p>"),
        ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
        (r"\*not\* \[a](b)", "<p>*not* [a](b)</p>"),
        ("- a\n- **b**\n\nend", "<ul><li>a</li><li><strong>b</strong></li></ul><p>end</p>"),
        ("Do:\n3. a\n4. b", '<p>Do:</p><ol start="3"><li>a</li><li>b</li></ol>'),
        ("[x](https://a.org/b)", '<p><a href="https://a.org/b">x</a></p>'),
        ("[m](mailto:a@b.org)", '<p><a href="mailto:a@b.org">m</a></p>'),
        ("[t](tel:+44)", '<p><a href="tel:+44">t</a></p>'),
        ("see https://a.org/b?c=d.", '<p>see <a href="https://a.org/b?c=d">https://a.org/b?c=d</a>.</p>'),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ("[x](/relative) ![i](https://a.org)", '<p>[x](/relative) !<a href="https://a.org/">i</a></p>'),
        ("# no heading", "<p># no heading</p>"),
    ],
)  # fmt: skip
def test_markdown(chat: Chat, server: FakeServer, text: str, expected: str) -> None:
    says(server, {"text": text})
    assert html(chat.ask("go").locator(".bubble")) == expected


def test_markdown_is_quick_on_nonsense(chat: Chat, server: FakeServer) -> None:
    says(server, {"text": "**a _b `c [d](" * 400}, {"text": "*_" * 3000})
    started = time.monotonic()
    chat.ask("go")
    assert time.monotonic() - started < 3


def test_what_the_visitor_writes_is_literal(chat: Chat) -> None:
    chat.ask("**a** https://a.org <b>c</b>")
    assert html(chat.user.locator(".bubble")) == "**a** https://a.org &lt;b&gt;c&lt;/b&gt;"


def test_links_are_safe(chat: Chat, server: FakeServer) -> None:
    says(server, {"text": "[x](https://a.org/)"})
    link = chat.ask("go").get_by_role("link")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    assert link.get_attribute("target") == "_blank"


def test_only_the_last_buttons_work(chat: Chat, server: FakeServer) -> None:
    says(server, {"text": "Shall I?", "buttons": BUTTONS})
    chat.ask("go")
    chat.button("Yes").click()
    chat.bot.nth(1).wait_for()
    assert [f.get("payload") for f in server.sent("message")] == [None, "/affirm"]
    assert chat.user.last.locator(".bubble").inner_text() == "Yes"
    enabled = [chip.is_enabled() for chip in chat.page.locator("bot-chat .chip").all()]
    assert enabled == [False, False, True, True]


def test_quick_replies_go_once_anything_is_said(chat: Chat, server: FakeServer) -> None:
    says(server, {"text": "More?", "quick_replies": BUTTONS})
    chat.ask("go")
    assert chat.page.locator("bot-chat .quick .chip").count() == 2
    says(server, {"text": "Fine."})
    chat.ask("something else")
    assert chat.page.locator("bot-chat .quick").count() == 0


def test_image_attachment_and_alt(chat: Chat, server: FakeServer) -> None:
    says(
        server,
        {"image": PIXEL, "custom": {"alt": "A chart"}},
        {"image": PIXEL},
        {"attachment": "https://example.org/files/statement.pdf?x=1"},
    )
    chat.ask("go")
    chat.bot.nth(2).wait_for()
    assert chat.host.get_by_role("img", name="A chart").count() == 1
    assert chat.host.get_by_role("img", name="Picture from Chat").count() == 1
    assert chat.host.get_by_role("link", name="statement.pdf").count() == 1


def test_cards(chat: Chat, server: FakeServer) -> None:
    says(server, {"text": "Choose", "cards": CARDS})
    chat.ask("go")
    track = chat.page.locator("bot-chat .track")
    assert track.get_by_role("listitem").count() == 3
    before, after = chat.button("Previous"), chat.button("Next")
    assert before.get_attribute("aria-disabled") == "true"
    after.click()
    chat.until(lambda: track.evaluate("(node) => node.scrollLeft > 50"))
    assert before.get_attribute("aria-disabled") == "false"
    assert track.get_by_role("link", name="Details").count() == 3
    chat.button("Choose 1").click()
    chat.bot.nth(1).wait_for()
    assert server.sent("message")[1]["payload"] == "/choose_1"


def test_feedback(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    up, down = chat.button("Helpful"), chat.button("Not helpful")
    up.click()
    assert up.get_attribute("aria-pressed") == "true"
    up.click()
    assert up.get_attribute("aria-pressed") == "false"
    down.click()
    chat.host.get_by_role("dialog").get_by_role("textbox", name="What could be better?").fill(
        "Wrong"
    )
    chat.page.locator("bot-chat .sheet").get_by_role("button", name="Send").click()
    chat.host.get_by_text("Thank you.").wait_for()
    sent = [(frame["value"], frame.get("comment")) for frame in server.sent("feedback")]
    assert sent == [("up", None), (None, None), ("down", None), ("down", "Wrong")]
    chat.page.reload()
    chat.online()
    assert down.get_attribute("aria-pressed") == "true"


def test_rating(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    chat.menu("Rate this chat")
    chat.page.locator("bot-chat .star").nth(3).click()
    chat.page.locator("bot-chat .sheet textarea").fill("Quick")
    chat.page.locator("bot-chat .sheet").get_by_role("button", name="Send").click()
    chat.host.get_by_text("Thank you.").wait_for()
    [frame] = server.sent("rating")
    assert (frame["value"], frame["comment"]) == (4, "Quick")
    chat.menu("Rate this chat")
    assert chat.host.get_by_role("radio", name="4 of 5").is_checked()


def test_end_rates_and_forgets(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    chat.menu("End chat")
    chat.page.locator("bot-chat .star").nth(1).click()
    chat.page.locator("bot-chat .sheet").get_by_role("button", name="End chat").click()
    chat.until(lambda: chat.get("chat.status") == "idle")
    assert [frame["value"] for frame in server.sent("rating")] == [2]
    assert not chat.panel.is_visible()
    chat.open()
    assert chat.user.count() == 0
    assert len(server.sessions) == 2


def test_restart_asks_first(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    chat.menu("Start again")
    chat.button("Cancel").click()
    assert server.sent("restart") == []
    chat.menu("Start again")
    chat.page.locator("bot-chat .sheet").get_by_role("button", name="Start again").click()
    chat.user.first.wait_for(state="detached")
    assert len(server.sent("restart")) == 1


def test_copy_and_download(open_page: Open, server: FakeServer) -> None:
    chat = open_page(permissions=["clipboard-read", "clipboard-write"]).open()
    says(server, {"text": "**Yes**\n\n- a\n- b", "buttons": BUTTONS})
    chat.ask("Is it?")
    chat.menu("Copy conversation")
    chat.host.get_by_text("Copied.").wait_for()
    text = chat.page.evaluate("navigator.clipboard.readText()")
    assert [line.split("] ", 1)[1] for line in text.strip().split("\n")] == [
        "You: Is it?",
        "Chat: Yes a b Yes No",
    ]
    with chat.page.expect_download() as download:
        chat.menu("Download conversation")
    assert download.value.path().read_text("utf-8") == text


def test_typing_is_shown_until_the_answer(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    typing = chat.page.locator("bot-chat .typing")
    assert not typing.is_visible()
    server.push({"type": "typing", "on": True})
    typing.wait_for()
    server.speak({"text": "Here."})
    typing.wait_for(state="hidden")


def test_days_and_times(chat: Chat, server: FakeServer) -> None:
    token = server.preload(2)
    [session] = [s for s in server.sessions.values() if s.token == token]
    session.history[0]["time"] -= 86_400 * 3
    for reply in session.history[0]["replies"]:
        reply["time"] -= 86_400 * 3
    chat.page.evaluate(
        "(token) => localStorage.setItem(document.querySelector('bot-chat').store.prefix +"
        " 'session', JSON.stringify({token, epoch: 'e'}))",
        token,
    )
    chat.page.reload()
    chat.online()
    days = chat.page.locator("bot-chat .day").all_inner_texts()
    assert len(days) == 2
    assert days[1] == "Today"
    assert chat.page.locator("bot-chat .meta time").count() == 4


def test_too_long_is_noticed_before_sending(chat: Chat, server: FakeServer) -> None:
    chat.input.fill("€" * 2003)
    assert chat.host.get_by_text("3 characters too many").is_visible()
    chat.input.press("Enter")
    assert chat.user.count() == 0
    assert server.sent("message") == []


def test_keys_of_the_message_field(chat: Chat, server: FakeServer) -> None:
    chat.input.press_sequentially("a")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("b")
    chat.input.press("Enter")
    chat.bot.first.wait_for()
    assert server.sent("message")[0]["text"] == "a\nb"
    assert chat.input.input_value() == ""


def test_long_conversation_is_quick(chat: Chat, server: FakeServer) -> None:
    token = server.preload(500)
    chat.page.evaluate(
        "(token) => localStorage.setItem(document.querySelector('bot-chat').store.prefix +"
        " 'session', JSON.stringify({token, epoch: 'e'}))",
        token,
    )
    chat.page.reload()
    started = time.monotonic()
    chat.bot.get_by_text("Answer 499 to you.").wait_for()
    assert time.monotonic() - started < 3
    assert chat.bot.count() < 100
    cost: float = chat.get(
        "{ const start = performance.now(); for (let i = 0; i < 50; i++) chat.onTurn({type: 'turn',"
        " id: 'm-quick' + i, text: 'x', time: 1,"
        " replies: [{id: `m-quick${i}.0`, time: 1, text: 'y'}]});"
        " chat.ui.log.getBoundingClientRect(); return performance.now() - start; }"
    )
    assert cost < 1500
    chat.button("Earlier messages").click()
    chat.bot.get_by_text("Answer 0 to you.").wait_for(state="attached")
    assert chat.bot.count() == 550


SCRIPTS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "' onmouseover='alert(1)",
]


@pytest.mark.parametrize("evil", SCRIPTS)
def test_no_field_can_run_code(
    open_page: Open, server: FakeServer, noise: list[str], evil: str
) -> None:
    noise.append("404")  # the avatar, which may be an address relative to the page
    button: dict[str, Any] = {"title": evil, "payload": evil}
    card = {"title": evil, "subtitle": evil, "image": evil, "url": evil}
    reply: Frame = {
        "text": evil,
        "buttons": [button],
        "quick_replies": [button],
        "image": evil,
        "attachment": evil,
        "cards": [{**card, "actions": [button, {"title": evil, "url": evil}]}, card],
        "custom": {"alt": evil, "url": evil},
    }
    says(server, reply, {"image": PIXEL, "custom": {"alt": evil}})
    chat = open_page()
    chat.page.evaluate("() => { window.alert = () => { window.hacked = true } }")
    chat.get(
        "(async () => { chat.setAttribute('title', EVIL); chat.setAttribute('subtitle', EVIL);"
        " chat.setAttribute('greeting', EVIL); chat.setAttribute('avatar', EVIL);"
        " chat.setAttribute('starters', JSON.stringify([{path: '*', text: EVIL,"
        " buttons: [{title: EVIL, text: EVIL}]}])) })()".replace("EVIL", repr(evil))
    )
    chat.open()
    chat.ask(evil)
    chat.bot.last.wait_for()
    chat.page.wait_for_timeout(100)
    found = chat.page.evaluate(
        """() => [...document.querySelector("bot-chat").shadowRoot.querySelectorAll("*")].flatMap(
          (node) => [
            ...(/^(script|iframe|object|embed)$/.test(node.localName) ? [node.localName] : []),
            ...[...node.attributes].filter(({name, value}) => name.startsWith("on") ||
              (["href", "src"].includes(name) && !/^(https?|mailto|tel|data:image)/.test(value)))
              .map(({name, value}) => `${name}=${value}`)])"""
    )
    assert found == []
    assert chat.page.evaluate("window.hacked") is None


def test_reply_of_the_wrong_shape_breaks_nothing(chat: Chat) -> None:
    chat.get(
        "chat.onTurn({type: 'turn', id: null, replies: [null, 'x', {id: 'b-1.0', time: 1, text: 5,"
        " buttons: 'x', cards: [null, {}], image: {}, attachment: 7, quick_replies: [{}]}]})"
    )
    chat.ask("hello")
