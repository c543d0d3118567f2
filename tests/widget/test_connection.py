from __future__ import annotations

import json

from .browser import Chat
from .conftest import Open
from .server import FakeServer


def test_not_connected_until_opened(open_page: Open, server: FakeServer) -> None:
    chat = open_page()
    chat.page.wait_for_timeout(300)
    assert chat.get("chat.status") == "idle"
    assert server.received == []
    chat.open()
    assert chat.get("chat.status") == "online"


def test_answer(chat: Chat, server: FakeServer) -> None:
    assert "You said: hello" in chat.ask("hello").inner_text()
    [frame] = server.sent("message")
    assert frame["metadata"] == {"page": "/", "locale": "en"}
    assert chat.get("JSON.parse(localStorage.getItem(chat.store.prefix + 'outbox'))") is None


def test_reload_keeps_open_state_draft_and_conversation(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    chat.input.fill("half a sen")
    chat.page.reload()
    chat.online()
    assert chat.panel.is_visible()
    assert chat.input.input_value() == "half a sen"
    assert chat.user.count() == chat.bot.count() == 1
    assert server.sent("hello")[1]["session"] in server.sessions
    assert chat.page.title() == "A page"


def test_unread_survives_navigation(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    chat.get("chat.close()")
    server.speak({"text": "One"}, {"text": "Two"})
    badge = chat.page.locator("bot-chat .badge")
    badge.get_by_text("2").wait_for()
    assert "2 unread" in (chat.launcher.get_attribute("aria-label") or "")
    chat.page.goto(server.page("/other"))
    badge.get_by_text("2").wait_for()
    assert chat.page.title() == "A page"
    chat.open()
    assert chat.get("chat.unread") == 0
    assert not badge.is_visible()


def test_message_stays_in_the_outbox_until_its_turn_comes(chat: Chat, server: FakeServer) -> None:
    server.forgetful = True
    chat.write("did you get this?")
    chat.until(lambda: server.sent("message"))
    assert "did you get this?" in chat.get("localStorage.getItem(chat.store.prefix + 'outbox')")
    server.forgetful = False
    chat.page.reload()
    chat.online()
    chat.bot.first.wait_for()
    assert chat.user.count() == 1
    assert chat.bot.count() == 1
    assert len(server.answered) == 1


def test_resent_with_the_same_id_after_a_lost_connection(chat: Chat, server: FakeServer) -> None:
    server.silent = True
    chat.write("first")
    chat.until(lambda: server.sent("message"))
    server.silent = False
    server.drop()
    chat.bot.first.wait_for()
    first, second = server.sent("message")
    assert first["id"] == second["id"]
    assert chat.user.count() == chat.bot.count() == 1


def test_offline_queues_and_sends_in_order(chat: Chat, server: FakeServer) -> None:
    context = chat.page.context
    context.set_offline(True)
    chat.page.locator("bot-chat .root[data-status=offline]").wait_for()
    chat.write("one").write("two")
    assert chat.page.locator("bot-chat .note").all_inner_texts() == ["Waiting to be sent"] * 2
    chat.page.locator("bot-chat .banner [role=status]").get_by_text("Offline").wait_for()
    context.set_offline(False)
    chat.online()
    chat.bot.get_by_text("You said: two").wait_for()
    assert [frame["text"] for frame in server.sent("message")] == ["one", "two"]


def test_reconnects_after_a_restart_of_the_server(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    states = chat.get(
        "{ window.states = []; chat.addEventListener('bot-chat:status', "
        "(event) => window.states.push(event.detail.status)); }"
    )
    assert states is None
    server.drop()
    chat.until(lambda: "online" in chat.page.evaluate("window.states"))
    assert "reconnecting" in chat.page.evaluate("window.states")
    assert chat.bot.count() == 1  # each reply is shown once


def test_missed_replies_come_with_the_welcome(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    chat.page.context.set_offline(True)
    chat.page.locator("bot-chat .root[data-status=offline]").wait_for()
    chat.until(lambda: not any(s.sockets for s in server.sessions.values()))
    server.speak({"text": "While you were away"})
    chat.page.context.set_offline(False)
    chat.host.get_by_role("log").get_by_text("While you were away").wait_for(state="attached")
    assert chat.bot.count() == 2


def test_dead_connection_is_noticed(open_page: Open, server: FakeServer) -> None:
    chat = open_page()
    chat.page.clock.install()
    chat.open()
    server.silent = True
    chat.page.clock.run_for(26_000)
    chat.until(lambda: server.sent("ping"))
    chat.page.clock.run_for(10_500)
    chat.page.locator("bot-chat .root[data-status=reconnecting]").wait_for()


def test_every_tab_shows_everything(chat: Chat, open_page: Open, server: FakeServer) -> None:
    other = open_page(server.url + "/", context=chat.page.context).online()
    chat.ask("from one tab")
    other.bot.get_by_text("You said: from one tab").wait_for()
    assert "from one tab" in other.user.inner_text()
    assert len(server.sent("message")) == 1
    other.get("chat.restart()")
    chat.until(lambda: chat.user.count() == 0)


def test_expired_session_begins_a_new_one(chat: Chat, server: FakeServer) -> None:
    chat.ask("hello")
    server.sessions.clear()
    chat.page.reload()
    chat.online()
    assert chat.user.count() == 0
    chat.ask("again")


def test_too_fast_waits_and_sends_again(chat: Chat, server: FakeServer) -> None:
    refusal = {"code": "too_fast", "message": "Slowly.", "retry": True, "retry_after": 1.0}
    server.refusals.append(refusal)
    chat.ask("hello")
    first, second = server.received_at("message")
    assert 0.9 < second - first < 4


def test_refused_message_can_be_edited_or_removed(chat: Chat) -> None:
    chat.write("/restart")
    chat.host.get_by_text("No slash, please.").wait_for()
    chat.button("Edit").click()
    assert chat.input.input_value() == "/restart"
    assert chat.user.count() == 0
    chat.write("/again")
    chat.host.get_by_text("No slash, please.").wait_for()
    chat.page.reload()
    chat.online()
    chat.button("Remove").click()
    assert chat.user.count() == 0


def test_rest_where_no_socket_gets_through(
    open_page: Open, server: FakeServer, noise: list[str]
) -> None:
    server.sockets_allowed = False
    noise.append("WebSocket")
    chat = open_page()
    chat.page.clock.install()
    chat.launcher.click()
    for _ in range(8):
        chat.page.clock.run_for(3_000)
        chat.page.wait_for_timeout(150)
    chat.online()
    chat.write("over REST").bot.first.wait_for()
    chat.page.locator("bot-chat [data-thumb=up]").click()
    chat.until(lambda: server.sent("feedback"))
    server.sessions[next(iter(server.sessions))].history.append(
        {
            "type": "turn",
            "id": None,
            "replies": [{"id": "b-1.0", "time": 1.0, "text": "A reminder"}],
        }
    )
    chat.page.clock.run_for(26_000)
    chat.bot.get_by_text("A reminder").wait_for()


def test_login_goes_with_the_hello_and_is_renewed(open_page: Open, server: FakeServer) -> None:
    server.login = "fresh"
    chat = open_page()
    chat.get("{ let n = 0; chat.login = async () => (n++ ? 'fresh' : 'stale'); }")
    chat.launcher.click()
    chat.online()
    assert [frame.get("login") for frame in server.sent("hello")] == ["stale", "fresh"]


def test_bad_login_stops_and_says_so(open_page: Open, server: FakeServer) -> None:
    server.login = "fresh"
    chat = open_page()
    chat.get("{ chat.login = 'stale'; }")
    chat.launcher.click()
    chat.host.locator(".banner").get_by_text("Log in again.").wait_for()
    assert len(server.sent("hello")) == 1
    chat.get("{ chat.login = 'fresh'; }")
    chat.online()


def test_works_without_storage(open_page: Open, server: FakeServer) -> None:
    chat = open_page()
    chat.page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, {get() { throw new Error('blocked') }});"
    )
    chat.page.reload()
    chat.open()
    chat.ask("hello")
    chat.ask("hello again")


def test_full_storage_is_no_obstacle(chat: Chat) -> None:
    chat.page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full') } }")
    chat.ask("hello")
    chat.ask("hello again")


def test_metadata_is_made_fit(chat: Chat, server: FakeServer) -> None:
    chat.get(
        "{ chat.metadata = {plan: 'gold', model_id: 1, 'a b': 1, deep: {x: 1},"
        " long: 'x'.repeat(5000)}; }"
    )
    chat.ask("hello")
    [frame] = server.sent("message")
    assert frame["metadata"]["plan"] == "gold"
    assert set(frame["metadata"]) == {"page", "locale", "plan", "long"}
    assert json.dumps(frame["metadata"]).count("x") == 2000
