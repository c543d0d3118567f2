"""Whole conversations with a real server, over WebSocket and over REST."""

from __future__ import annotations

import asyncio
import json
import socket
import time

import requests
from serving import Actions, Server
from visitors import Rest, connect, new_id, opened, texts

CHECK = "A small soup. Is that right?"


async def test_an_order_over_the_socket(server: Server) -> None:
    async with opened(server) as client:
        welcome = client.frames[0]
        assert welcome["new"] is True
        assert welcome["history"] == []
        assert welcome["limits"] == {"message_characters": 2000}
        assert welcome["expires"] > time.time() + 29 * 86400
        turn = await client.say("hello")
        assert texts(turn) == ["Hello! What would you like?"]
        assert turn["text"] == "hello"
        assert turn["replies"][0]["buttons"][0] == {"title": "Order a meal", "payload": "/order"}
        turn = await client.press("/order")
        assert turn["text"] == "Order a meal"
        assert texts(turn) == ["What shall it be: soup, salad or stew?"]
        assert texts(await client.say("soup please")) == ["How large?"]
        turn = await client.press('/inform{"size": "small"}')
        assert (turn["text"], texts(turn)) == ("Small", [CHECK])
        turn = await client.press("/affirm")
        assert (turn["text"], texts(turn)) == ("Yes", ["It is on its way."])


async def test_typing_is_shown_until_the_turn(server: Server) -> None:
    async with opened(server) as client:
        identity = new_id()
        await client.say("hello", identity)
        await client.get(lambda frame: frame == {"type": "typing", "on": False})
        kinds = [frame["type"] for frame in client.frames]
        assert sorted(kinds) == ["turn", "typing", "typing", "welcome"]
        assert client.frames[1] == {"type": "typing", "on": True}


def test_an_order_over_rest(rest: Rest) -> None:
    assert texts(rest.say("order")) == ["What shall it be: soup, salad or stew?"]
    assert texts(rest.say("soup")) == ["How large?"]
    turn = rest.press('/inform{"size": "small"}')
    assert (turn["text"], texts(turn)) == ("Small", [CHECK])
    history = rest.call("GET", "history")
    assert [turn["text"] for turn in history["history"]] == ["order", "soup", "Small"]
    assert history["new"] is False


def test_rich_replies(rest: Rest) -> None:
    first, picture, cards = rest.say("menu")["replies"]
    assert first["quick_replies"] == [
        {"title": "Order", "payload": "/order"},
        {"title": "Goodbye", "payload": "/goodbye"},
    ]
    assert picture["image"] == "https://example.org/soup.png"
    assert "attachment" not in picture
    assert [card["title"] for card in cards["cards"]] == ["Soup", "Stew"]
    assert cards["cards"][0] == {
        "title": "Soup",
        "subtitle": "of the day",
        "image": "https://example.org/soup.png",
        "url": "https://example.org/soup",
        "actions": [
            {"title": "Order soup", "payload": '/order{"dish": "soup"}'},
            {"title": "Recipe", "url": "https://example.org/recipe"},
        ],
    }
    assert cards["custom"] == {"alt": "Soup and stew"}
    assert rest.press('/order{"dish": "soup"}')["text"] == "Order soup"


async def test_the_same_id_is_processed_once(server: Server) -> None:
    async with opened(server) as client:
        identity = new_id()
        first = await client.say("hello", identity)
        again = await client.say("hello", identity)
        other_words = await client.say("bye", identity)
        assert first == again == other_words
        with Rest(server, client.session) as rest:
            assert rest.say("hello", identity) == first
        assert server.said(client.sender) == [(identity, "hello")]


async def test_the_same_id_many_times_at_once_is_processed_once(server: Server) -> None:
    async with opened(server) as one, opened(server, one.session) as two:
        identity = new_id()
        frame = {"type": "message", "id": identity, "text": "hello"}
        for client in (one, two) * 5:
            await client.send(frame)
        with Rest(server, one.session) as rest:
            turns = [await asyncio.to_thread(rest.say, "hello", identity)]
        await one.say("bye")
        await two.say("bye")
        turns += [frame for frame in one.frames + two.frames if frame.get("id") == identity]
        assert len(turns) == 1 + 2 * 11  # each sending is answered, to both
        assert all(turn == turns[0] for turn in turns)
        assert [said for said, _ in server.said(one.sender)].count(identity) == 1


async def test_twenty_at_once_are_answered_in_order(server: Server) -> None:
    async with opened(server) as client:
        ids = [new_id() for _ in range(20)]
        for place, identity in enumerate(ids):
            await client.send({"type": "message", "id": identity, "text": f"hello {place}"})
        await client.about(ids[-1])
        answered = [frame["id"] for frame in client.frames if frame["type"] == "turn"]
        assert answered == ids
        assert server.said(client.sender) == [(name, f"hello {i}") for i, name in enumerate(ids)]


async def test_every_tab_gets_every_turn(server: Server) -> None:
    async with opened(server) as one, opened(server, one.session) as two:
        assert two.frames[0]["new"] is False
        said = await one.say("hello")
        assert await two.about(said["id"]) == said
        with Rest(server, one.session) as rest:
            answered = await asyncio.to_thread(rest.say, "bye")
        assert await one.about(answered["id"]) == answered
        assert await two.about(answered["id"]) == answered
        async with opened(server) as stranger:
            await two.say("hello")
            await stranger.send({"type": "ping"})
            await stranger.kind("pong")
            assert [frame["type"] for frame in stranger.frames] == ["welcome", "pong"]


async def test_history_is_what_was_said(server: Server) -> None:
    async with opened(server) as client:
        turns = [await client.say("hello"), await client.press("/show"), await client.say("bye")]
        session = client.session
    async with opened(server, session) as again:
        assert again.frames[0]["history"] == turns
        assert turns[1]["text"] == "Show me the menu"
        assert again.frames[0]["new"] is False


async def test_feedback_and_rating_are_kept_with_the_model(server: Server) -> None:
    async with opened(server) as client:
        turn = await client.say("hello")
        reply = turn["replies"][0]["id"]
        thumb = {"type": "feedback", "reply": reply, "value": "down", "comment": "no <b>!"}
        saved = await client.ask(thumb)
        assert saved == {"type": "saved", "id": saved["id"], "of": "feedback"}
        saved = await client.ask({"type": "rating", "value": 4, "comment": "quick"})
        assert saved["of"] == "rating"
        slots = [
            event
            for _, event in server.rows(client.sender)
            if event["event"] == "slot" and event["name"] in ("feedback", "rating")
        ]
        model = slots[0]["value"].pop("model")
        assert slots[0]["value"] == {
            "reply": reply,
            "message": turn["id"],
            "place": 0,
            "thumb": "down",
            "comment": "no <b>!",
        }
        assert model
        user = next(event for _, event in server.rows(client.sender) if event["event"] == "user")
        assert model == user["metadata"]["model_id"]
        assert slots[1]["value"] == {"value": 4, "comment": "quick"}
        async with opened(server, client.session) as again:
            assert again.frames[0]["rating"] == 4
            assert again.frames[0]["history"][0]["replies"][0]["feedback"] == "down"
        await client.ask({"type": "feedback", "reply": reply, "value": None})
        async with opened(server, client.session) as again:
            assert "feedback" not in again.frames[0]["history"][0]["replies"][0]


async def test_a_message_sent_again_comes_back_with_its_thumb(server: Server) -> None:
    async with opened(server) as client:
        turn = await client.say("hello")
        await client.ask({"type": "feedback", "reply": turn["replies"][0]["id"], "value": "up"})
        again = await client.say("hello", turn["id"])
        assert again["replies"][0]["feedback"] == "up"


async def test_restart(server: Server) -> None:
    async with opened(server) as one, opened(server, one.session) as two:
        await one.say("order")
        await one.ask({"type": "rating", "value": 2})
        saved = await one.ask({"type": "restart"})
        assert saved == {"type": "saved", "id": saved["id"], "of": "restart"}
        assert await two.about(saved["id"]) == saved
        greeting = await two.get(lambda frame: frame["type"] == "turn" and frame["id"] is None)
        assert texts(greeting) == ["Let us begin anew."]
        async with opened(server, one.session) as again:
            assert [texts(turn) for turn in again.frames[0]["history"]] == [["Let us begin anew."]]
            assert "rating" not in again.frames[0]
        # The form is left: soup alone is not understood any more.
        assert texts(await one.say("soup")) == ["I did not understand that."]
        # The same restart again changes nothing.
        await one.ask({"type": "restart", "id": saved["id"]})
        async with opened(server, one.session) as again:
            assert len(again.frames[0]["history"]) == 2
        kinds = [event["event"] for _, event in server.rows(one.sender)]
        assert kinds.count("restart") == 1


async def test_what_is_said_after_a_restart_has_new_reply_ids(server: Server) -> None:
    async with opened(server) as client:
        greetings = []
        for _ in range(2):
            await client.say("hello")
            start = len(client.frames)
            await client.ask({"type": "restart"})
            greetings.append(await client.kind("turn", start))
        first, second = (turn["replies"][0]["id"] for turn in greetings)
        assert first != second


def test_server_sent_events(rest: Rest) -> None:
    body = {"id": new_id(), "text": "menu\ndata: {}\n\nevent: turn"}
    response = rest.raw("POST", "messages", json=body, headers={"Accept": "text/event-stream"})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    events = parsed(response.text)
    assert [name for name, _ in events] == ["typing", "reply", "reply", "reply", "turn"]
    turn = events[-1][1]
    assert [content for name, content in events if name == "reply"] == turn["replies"]
    assert turn["text"] == body["text"]
    assert rest.call("POST", "messages", body) == turn


def test_a_refusal_as_an_event(rest: Rest) -> None:
    body = {"id": new_id(), "text": "/greet"}
    response = rest.raw("POST", "messages", json=body, headers={"Accept": "text/event-stream"})
    events = parsed(response.text)
    assert events[-1][0] == "error"
    assert events[-1][1]["code"] == "slash_not_allowed"


def parsed(stream: str) -> list[tuple[str, dict[str, object]]]:
    """Parse server-sent events, and accept nothing that the standard would ignore."""
    assert stream.endswith("\n\n")
    events = []
    for block in stream.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        assert list(fields) == ["event", "data"]
        events.append((fields["event"], json.loads(fields["data"])))
    return events


async def test_rest_and_socket_share_a_session(server: Server) -> None:
    with Rest(server) as rest:
        asked = await asyncio.to_thread(rest.say, "order")
        async with opened(server, rest.session) as client:
            assert client.frames[0]["history"] == [asked]
            assert texts(await client.say("stew")) == ["How large?"]
            turn = await asyncio.to_thread(rest.say, "large")
            assert texts(turn) == ["A large stew. Is that right?"]


async def test_the_bot_speaks_by_itself(server: Server) -> None:
    """Through Rasa's HTTP API: two times, and what it says has an id of its own each time."""
    async with opened(server) as client:
        await client.say("hello")
        seen: set[str] = set()
        for _ in range(2):
            start = len(client.frames)
            await asyncio.to_thread(trigger, server, client.sender)
            turn = await client.kind("turn", start)
            assert turn["id"] is None
            assert "text" not in turn
            assert texts(turn) == ["Wake up!", "Really!"]
            ids = {reply["id"] for reply in turn["replies"]}
            assert len(ids) == 2
            assert not ids & seen
            seen |= ids
        thumb = {"type": "feedback", "reply": turn["replies"][1]["id"], "value": "up"}
        assert (await client.ask(thumb))["type"] == "saved"
        kept = [event for _, event in server.rows(client.sender) if event.get("name") == "feedback"]
        assert kept[-1]["value"]["model"]
        async with opened(server, client.session) as again:
            history = again.frames[0]["history"]
            assert [turn["id"] is None for turn in history] == [False, True, True]
            assert "EXTERNAL" not in str(history)
            assert history[2]["replies"][1]["feedback"] == "up"
            assert {reply["id"] for turn in history[1:] for reply in turn["replies"]} == seen
        # Its buttons can be pressed.
        assert (await client.press("/deny"))["text"] == "I am awake"


async def test_the_bot_speaks_first(server: Server) -> None:
    """A session in which nobody said anything yet."""
    async with opened(server) as client:
        button = {"title": "Order a meal", "payload": "/order"}
        event = {"event": "bot", "text": "Welcome!", "data": {"buttons": [button]}}
        address = api(server, client.sender, "tracker/events")
        await asyncio.to_thread(post, f"{address}&execute_side_effects=true", event)
        turn = await client.kind("turn")
        assert turn["id"] is None
        assert texts(turn) == ["Welcome!"]
        assert (await client.press("/order"))["text"] == "Order a meal"
        async with opened(server, client.session) as again:
            assert again.frames[0]["history"][0]["replies"] == turn["replies"]


async def test_the_bot_adds_to_its_answer(server: Server) -> None:
    """What it says more, without an event of its own, belongs to the turn before."""
    async with opened(server) as client:
        turn = await client.say("hello")
        start = len(client.frames)
        address = api(server, client.sender, "execute")
        await asyncio.to_thread(post, address, {"name": "utter_done"})
        more = await client.kind("turn", start)
        assert more["id"] is None
        assert "text" not in more
        assert [reply["id"] for reply in more["replies"]] == [f"{turn['id']}.{i}" for i in (0, 1)]
        async with opened(server, client.session) as again:
            assert again.frames[0]["history"] == [{**turn, "replies": more["replies"]}]


def trigger(server: Server, sender: str) -> None:
    """Let the bot speak as a reminder does."""
    post(api(server, sender, "trigger_intent"), {"name": "wake"})


def api(server: Server, sender: str, path: str) -> str:
    """Give an address of Rasa's HTTP API."""
    return f"http://127.0.0.1:{server.port}/conversations/{sender}/{path}?output_channel=web"


def post(address: str, body: object) -> None:
    """Call Rasa's HTTP API."""
    response = requests.post(address, json=body, timeout=20)
    assert response.status_code == 200, response.text


async def test_a_reminder_reaches_the_socket(server: Server) -> None:
    async with opened(server) as client:
        assert texts(await client.say("remind me")) == ["I will."]
        turn = await client.get(lambda frame: frame["type"] == "turn" and frame["id"] is None)
        assert texts(turn) == ["Wake up!", "Really!"]


async def test_others_do_not_wait(server: Server) -> None:
    """While an action takes its time, other sessions are answered, and so is a ping."""
    async with opened(server) as slow, opened(server) as quick:
        identity = new_id()
        await slow.send({"type": "message", "id": identity, "text": "wait 2"})
        await slow.send({"type": "ping"})
        await slow.kind("pong", within=1.0)
        start = time.monotonic()
        await quick.say("hello")
        assert time.monotonic() - start < 1.5
        assert texts(await slow.about(identity)) == ["I waited."]


async def test_what_was_taken_is_done_though_the_client_leaves(
    server: Server, actions: Actions
) -> None:
    """An action that was begun is not run a second time because a connection broke."""
    for over in ("socket", "rest"):
        identity, text = new_id(), f"wait for {over} {time.time()} 1"
        async with opened(server) as client:
            session, sender = client.session, client.sender
            if over == "socket":
                await client.send({"type": "message", "id": identity, "text": text})
                await client.get(lambda frame: frame["type"] == "typing")
            else:
                await asyncio.to_thread(leave, server, session, identity, text)
            while text not in [said for _, said in actions.calls]:
                await asyncio.sleep(0.02)
        with Rest(server, session) as rest:
            turn = await asyncio.to_thread(rest.say, text, identity)
        assert texts(turn) == ["I waited."]
        assert [said for _, said in actions.calls].count(text) == 1
        assert server.said(sender) == [(identity, text)]


def leave(server: Server, session: str, identity: str, text: str) -> None:
    """Send a message over REST, and hang up before the answer."""
    body = json.dumps({"id": identity, "text": text}).encode()
    head = (
        f"POST /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {session}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as caller:
        caller.sendall(head.encode() + body)
        time.sleep(0.3)


async def test_hello_is_needed_first(server: Server) -> None:
    client = await connect(server)
    await client.send({"type": "message", "id": new_id(), "text": "hello"})
    refused = await client.kind("error")
    assert refused["code"] == "not_welcomed"
    assert await client.closed() == 4401
