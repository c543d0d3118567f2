"""Attacks on a running server, none of which may come through."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import websockets
from conftest import Serve
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from serving import ROOT, Server
from visitors import SITE, Rest, connect, new_id, opened, sender_of, texts

SECRET = "the secret of these tests, long enough to be one"
LOGIN_KEY = "the key that the site signs with, long enough too"
SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
INVISIBLE = ["\x00", "\ufeff", "\u200b", "\u2060", "\u00ad", "\u180e", "\x1b", "\x7f", "\u202e"]


@pytest.fixture(scope="module")
def site(serve_for_all: Serve) -> Server:
    """A server that ties sessions to a site's login."""
    environment = {"BOT_WEB_SECRET": SECRET, "BOT_LOGIN_KEY": LOGIN_KEY}
    return serve_for_all(login="optional", environment=environment)


def login(person: str, **claims: Any) -> str:
    return jwt.encode({"sub": person, "exp": time.time() + 600, **claims}, LOGIN_KEY, "HS256")


def forgeries(session: str) -> dict[str, str]:
    """Give sessions that somebody could try to come in with as another."""
    head, body, signature = session.split(".")
    claims = jwt.decode(session, options={"verify_signature": False})
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "not signed": jwt.encode(claims, None, "none"),
        "signature removed": f"{head}.{body}.",
        "another key": jwt.encode(claims, "x" * 48, "HS256"),
        "no key": jwt.encode(claims, "\x00" * 32, "HS256"),
        "the secret itself": jwt.encode(claims, SECRET, "HS256"),
        "another algorithm": jwt.encode(claims, SECRET * 2, "HS512"),
        "asymmetric": jwt.encode(claims, pem, "RS256"),
        "key in the header": jwt.encode(
            claims, pem, "RS256", headers={"jku": "http://127.0.0.1:1/", "kid": "../../x"}
        ),
        "signature changed": f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "the sender id": claims["sub"],
        "nonsense": "a.b.c",
        "half a pair": "\ud800",
        "long": "x" * 4096,
    }


async def test_no_forged_session_opens_another_conversation(site: Server) -> None:
    async with opened(site) as victim:
        await victim.say("hello")
        for name, forged in forgeries(victim.session).items():
            async with opened(site, forged) as thief:
                welcome = thief.frames[0]
                if name == "half a pair":
                    assert welcome["code"] == "bad_frame"
                    continue
                assert welcome["new"] is True, name
                assert welcome["history"] == [], name
                assert thief.sender != victim.sender, name
            if name == "half a pair":
                continue
            with Rest(site, forged) as rest:
                for method, path in (("GET", "history"), ("POST", "messages"), ("POST", "restart")):
                    response = rest.raw(method, path, json={"id": new_id(), "text": "hello"})
                    assert response.status_code == 401, name
                    assert response.json()["code"] == "bad_session"
                    assert response.headers["WWW-Authenticate"] == "Bearer"
                fresh = rest.call("POST", "sessions", {}, 201)
                assert fresh["new"] is True and fresh["history"] == []
        assert len(site.said(victim.sender)) == 1


def test_a_session_cannot_be_chosen(site: Server) -> None:
    with Rest(site, "") as rest:
        for body in ({"session": "mine"}, {"sender": "web-me"}, {"sub": "web-me"}):
            assert rest.call("POST", "sessions", body, 422)["code"] == "bad_frame"
        senders = {sender_of(rest.call("POST", "sessions", {}, 201)["session"]) for _ in range(20)}
        assert len(senders) == 20
        assert all(len(sender) >= 30 for sender in senders)
        for query in ("?session=x", "?token=x"):
            assert rest.raw("GET", f"history{query}").status_code == 401


async def test_a_person_keeps_the_conversation_and_nobody_else_has_it(site: Server) -> None:
    async with opened(site, login=login("ann")) as ann:
        await ann.say("hello")
        assert "ann" not in ann.sender
        session, sender = ann.session, ann.sender
    # On another machine, without the session, by the login alone.
    async with opened(site, login=login("ann")) as again:
        assert again.sender == sender
        assert len(again.frames[0]["history"]) == 1
    # The session without the login is nothing, and with another's login neither.
    async with opened(site, session) as thief:
        assert thief.sender != sender
        assert thief.frames[0]["history"] == []
    async with opened(site, session, login=login("bob")) as bob:
        assert bob.sender != sender
        assert bob.frames[0]["history"] == []
    with Rest(site, session) as rest:
        assert rest.raw("GET", "history").status_code == 401
        theirs = {"X-Login": login("bob")}
        assert rest.raw("GET", "history", headers=theirs).status_code == 401
        answer = rest.raw("GET", "history", headers={"X-Login": login("ann")})
        assert answer.status_code == 200
        assert len(answer.json()["history"]) == 1
    # A visitor who logs in gets the person's conversation, not the visitor's.
    async with opened(site) as visitor:
        await visitor.say("bye")
        async with opened(site, visitor.session, login=login("ann")) as ann:
            assert ann.sender == sender


@pytest.mark.parametrize(
    "forged",
    [
        "nonsense",
        jwt.encode({"sub": "ann", "exp": time.time() + 600}, None, "none"),
        jwt.encode({"sub": "ann", "exp": time.time() + 600}, "y" * 48, "HS256"),
        jwt.encode({"sub": "ann", "exp": time.time() + 600}, LOGIN_KEY, "HS384"),
        jwt.encode({"sub": "ann", "exp": time.time() - 600}, LOGIN_KEY, "HS256"),
        jwt.encode({"sub": "ann"}, LOGIN_KEY, "HS256"),
        jwt.encode({"exp": time.time() + 600}, LOGIN_KEY, "HS256"),
        jwt.encode({"sub": "ann", "exp": time.time() + 600, "aud": "x"}, LOGIN_KEY, "HS256"),
        jwt.encode({"sub": "ann", "exp": time.time() + 600, "nbf": 4e9}, LOGIN_KEY, "HS256"),
        jwt.encode({"sub": "ann", "exp": 1e400}, LOGIN_KEY, "HS256"),
    ],
    ids=range(10),  # the tokens hold the time, and would have another name in each process
)
async def test_no_forged_login(site: Server, forged: str) -> None:
    client = await connect(site)
    assert (await client.hello(login=forged))["code"] == "bad_login"
    assert await client.closed() == 4401
    with Rest(site, "") as rest:
        assert rest.call("POST", "sessions", {"login": forged}, 401)["code"] == "bad_login"
    assert "Traceback" not in site.log


ORIGINS = [
    "https://evil.example",
    "null",
    "",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "https://shop.example:444",
    "http://shop.example",
    "HTTPS://SHOP.EXAMPLE",
    "https://shop.example/",
    "https://shop.example@evil.example",
    "https://evil.example#https://shop.example",
    "https://shop.example, https://evil.example",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://x@{host}",
    "ftp://{host}",
    "//{host}",
    "{host}",
    "http://[",
    "http://\xe9.example",
    "*",
]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_no_other_site_comes_in(server: Server, origin: str) -> None:
    origin = origin.format(host=f"127.0.0.1:{server.port}")
    with Rest(server) as rest:
        headers = {"Origin": origin.encode("latin-1")}
        for method, path in (("POST", "sessions"), ("GET", "history"), ("POST", "messages")):
            body = {"id": new_id(), "text": "hello"} if path == "messages" else {}
            response = rest.raw(method, path, json=body, headers=headers)
            assert response.status_code == 403, path
            assert response.json()["code"] == "origin_refused"
            assert "Access-Control-Allow-Origin" not in response.headers
        response = rest.raw("OPTIONS", "messages", headers=headers)
        assert "Access-Control-Allow-Origin" not in response.headers
        assert server.said(rest.sender) == []
    socket = await websockets.connect(
        server.socket_url, extra_headers=[("Origin", origin.encode("latin-1").decode("latin-1"))]
    )
    try:
        assert json.loads(await socket.recv())["code"] == "origin_refused"
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 4403
    finally:
        await socket.close()


def test_the_listed_site_comes_in(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    for origin in (SITE, own):
        with Rest(server, origin=origin) as rest:
            response = rest.raw("GET", "history")
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert response.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in response.headers
            response = rest.raw("OPTIONS", "messages", headers={"Authorization": ""})
            assert response.status_code == 204
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert "x-login" in response.headers["Access-Control-Allow-Headers"]


def test_rasas_own_cors_is_not_ours(serve: Serve) -> None:
    """`rasa run --cors "*"` opens Rasa's API to every page, but not the chat."""
    server = serve(arguments=("--cors", "*"))
    evil = {"Origin": "https://evil.example"}
    with Rest(server) as rest:
        for method, path in (("OPTIONS", "messages"), ("GET", "history"), ("POST", "sessions")):
            response = rest.raw(method, path, headers=evil)
            assert response.status_code == 403
            assert "Access-Control-Allow-Origin" not in response.headers
        response = rest.raw("GET", "history", headers={"Origin": SITE})
        assert response.headers["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_everybody_where_a_star_says_so(serve: Serve) -> None:
    server = serve(origins=["*"])
    with Rest(server, origin="https://any.example") as rest:
        response = rest.raw("GET", "history")
        assert response.headers["Access-Control-Allow-Origin"] == "https://any.example"
        assert "Access-Control-Allow-Credentials" not in response.headers
    async with opened(server, origin="https://any.example") as client:
        assert client.frames[0]["type"] == "welcome"


async def test_typed_text_is_never_a_command(server: Server) -> None:
    """Whatever stands before the slash: it is refused, or it is text and understood as such."""
    async with opened(server) as client:
        for before in ["", *SPACES, *INVISIBLE, "  \t\n"]:
            for command in ("/order", "/restart"):
                answer = await client.say(before + command)
                if answer["type"] == "error":
                    assert answer["code"] == "slash_not_allowed"
                else:
                    assert before in INVISIBLE, repr(before)
        for command in ("EXTERNAL: wake", "EXTERNAL:wake", "\\/order", "／order", "⁄order"):
            await client.say(command)
        found = [event for _, event in server.rows(client.sender)]
        kinds = {event["event"] for event in found}
        assert "restart" not in kinds
        for event in found:
            if event["event"] == "user" and event["parse_data"]["intent"]["name"]:
                # The keyword "order" is found in the text; a command would carry no text at all.
                assert event["parse_data"]["intent"]["name"] == "order"
                assert not event["text"].strip().startswith("/")


async def test_only_offered_payloads(server: Server) -> None:
    async with opened(server) as client, opened(server) as other:
        await other.say("order soup")
        await other.say("soup")  # the other session was offered the sizes
        offered = '/inform{"size": "small"}'
        for payload in (
            offered,
            "/order",
            "/restart",
            "/session_start",
            "/back",
            "/affirm",
            "/EXTERNAL: wake",
            " /order",
            "\x1c/order",
            "/",
            "//",
            "/greet@0.5",
            "/greet ",
            "/Greet",
            '/greet{"dish": "soup"}',
        ):
            refused = await client.press(payload)
            assert refused.get("code") == "payload_not_offered", payload
        assert server.said(client.sender) == []
        assert (await client.press("/greet"))["type"] == "turn"  # credentials.yml lists it
        assert (await client.press("/order"))["type"] == "turn"  # the greeting offers it
        for payload in (
            '/inform{"size": "huge"}',
            '/inform{"size":"small"}',
            '/inform{"size": "small"} ',
            '/inform{"size": "small", "dish": "soup"}',
            '/inform{"size": "%"}',
            "/inform%",
            "/inform",
        ):
            assert (await other.press(payload))["code"] == "payload_not_offered", payload
        assert (await other.press(offered))["text"] == "Small"


async def test_the_same_id_in_two_sessions(server: Server) -> None:
    async with opened(server) as one, opened(server) as two:
        identity = new_id()
        first, second = await one.say("hello", identity), await two.say("bye", identity)
        assert (first["text"], second["text"]) == ("hello", "bye")
        assert first["replies"] != second["replies"]
        assert server.said(one.sender) == [(identity, "hello")]
        assert server.said(two.sender) == [(identity, "bye")]


async def test_ids_that_differ_in_case_are_two(server: Server) -> None:
    async with opened(server) as client:
        await client.say("hello", "m-aaaaaaaa")
        await client.say("bye", "M-AAAAAAAA")
        assert [text for _, text in server.said(client.sender)] == ["hello", "bye"]
        assert (await client.say("x", "M-AAAAAAAA"))["text"] == "bye"


async def test_metadata_cannot_pass_for_anything_else(server: Server) -> None:
    async with opened(server) as client:
        for metadata in (
            {"model_id": "x"},
            {"is_external": True},
            {"assistant_id": "x"},
            {"a": {"b": 1}},
            {"a": [1]},
            {"": 1},
            {"a b": 1},
            {"a\n": 1},
            {"x" * 65: 1},
            {"a": "x" * 2001},
            {str(place): 1 for place in range(21)},
            [],
            "x",
        ):
            async with opened(server, client.session) as sender:
                refused = await sender.say("hello", metadata=metadata)
                assert refused["code"] == "bad_frame", metadata
                assert "metadata" in refused["message"]
        early = new_id()
        good = {
            "message_id": early,
            "sender_id": "web-other",
            "text": f'"message_id": "{early}"',
            "page": "</script><script>",
            "number": -1.5e300,
            "yes": True,
            "nothing": None,
            "event": "restart",
        }
        assert (await client.say(f'"message_id": "{early}"', metadata=good))["type"] == "turn"
        assert (await client.say("bye", early))["text"] == "bye"
        users = [event for _, event in server.rows(client.sender) if event["event"] == "user"]
        assert users[0]["metadata"] == {
            **good,
            **{name: users[0]["metadata"][name] for name in ("model_id", "assistant_id")},
        }
        assert users[0]["metadata"]["model_id"] == users[1]["metadata"]["model_id"] != "x"
        assert {who for who, _ in server.rows()} >= {client.sender}
        assert "web-other" not in {who for who, _ in server.rows()}


async def test_metadata_as_the_operator_wants_it(serve: Serve, tmp_path: Path) -> None:
    rules = {"type": "object", "properties": {"page": {"pattern": "^/"}}, "required": ["page"]}
    (tmp_path / "metadata.json").write_text(json.dumps(rules), "utf-8")
    server = serve(metadata_schema=str(tmp_path / "metadata.json"))
    async with opened(server) as client:
        for metadata in ({}, {"page": "x"}):
            refused = await client.say("hello", metadata=metadata)
            assert refused["code"] == "bad_frame"
            assert "metadata" in refused["message"]
        assert (await client.say("hello"))["code"] == "bad_frame"
        assert (await client.say("hello", metadata={"page": "/"}))["type"] == "turn"


SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u2028\u2029."


def test_markup_comes_back_as_json_only(rest: Rest) -> None:
    """In answers, in errors, and in what the server says of an address that it does not know."""
    assert rest.say(SCRIPT)["text"] == SCRIPT
    responses = [
        rest.raw("POST", "messages", json={"id": new_id(), "text": SCRIPT}),
        rest.raw("POST", "messages", json={"id": SCRIPT, "text": "x"}),
        rest.raw("POST", "messages", json={"id": new_id(), "text": "x", SCRIPT: 1}),
        rest.raw("POST", "messages", data=SCRIPT.encode()),
        rest.raw("GET", "history"),
        rest.raw("GET", "protocol.json"),
        rest.raw("GET", "openapi.json"),
        rest.raw("GET", "/"),
    ]
    for response in responses:
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "<script>" not in response.text or json.loads(response.text)
    for response in (
        rest.raw("GET", SCRIPT),
        rest.raw("PUT", "messages"),
        rest.raw("GET", "messages", headers={"Accept": "text/html"}),
        rest.raw("GET", f"x{SCRIPT}", headers={"Accept": "text/html"}),
    ):
        assert response.status_code in (404, 405)
        assert "<script>alert" not in response.text


@pytest.mark.parametrize(
    "path",
    [
        "../../settings.py",
        "..%2f..%2fsettings.py",
        "%2e%2e/%2e%2e/settings.py",
        "widget.js/../../settings.py",
        "widget.js%00.py",
        "....//settings.py",
        "..\\..\\settings.py",
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
        "demo.html",
        "widget.js.map",
        "protocol.schema.json",
    ],
)
def test_no_path_reaches_the_disk(server: Server, path: str) -> None:
    answer = raw_request(server, f"GET /webhooks/web/{path} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.split(b" ")[1] in (b"404", b"400")
    assert b"BOT_WEB_SECRET" not in answer
    assert b"root:" not in answer


def test_the_widget_is_served(server: Server) -> None:
    for name, kind in (("widget.js", "text/javascript"), ("demo", "text/html")):
        response = requests.get(f"{server.url}/{name}", timeout=10)
        assert response.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        file = ROOT / "bot/widget" / (name if "." in name else f"{name}.html")
        assert response.content == file.read_bytes()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def raw_request(server: Server, head: str, body: bytes = b"") -> bytes:
    """Send bytes that no client would, and give what comes back."""
    import socket

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as caller:
        caller.sendall(head.encode("latin-1") + body)
        caller.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := caller.recv(65536):
            answer += chunk
    return answer


@pytest.mark.parametrize(
    "header",
    [
        "Origin: https://shop.example\r\n X-Injected: 1",
        "Origin: https://shop.example\rX-Injected: 1",
        "Origin: https://shop.example\nX-Injected: 1",
        "Origin: null",
        "Origin: ",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAA",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin: http://x\r\nHost: x",
        "Origin: https://shop.example\r\nOrigin: https://evil.example",
        "Origin: https://evil.example\r\nOrigin: https://shop.example",
        "Authorization: Bearer",
        "Authorization: Bearer \x00\xff",
        "Authorization: " + "x" * 3000,
        "X-Login: \xff\xfe",
        "Content-Length: -1",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Upgrade: websocket\r\nConnection: Upgrade",
    ],
)
def test_strange_headers(server: Server, header: str) -> None:
    """None is said back in a header, and none breaks the server."""
    for path, host in (("history", "Host: y\r\n"), ("ws", "Host: y\r\n"), ("history", "")):
        answer = raw_request(server, f"GET /webhooks/web/{path} HTTP/1.1\r\n{host}{header}\r\n\r\n")
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"\r\nx-injected" not in head
        assert b"evil" not in head
        if b"access-control-allow-origin" in head:
            allowed = (b"https://shop.example", b"http://x")
            found = head.partition(b"access-control-allow-origin: ")[2].partition(b"\r\n")[0]
            assert found in allowed
            assert "Host: x" in header or header.count("Origin") == 1
    assert requests.get(f"{server.url}/", timeout=5).json()["ready"]


def test_no_host_is_no_own_page(server: Server) -> None:
    """A page without an origin of its own is not ours where the request names no host."""
    for version in ("1.0", "1.1"):
        answer = raw_request(
            server, f"GET /webhooks/web/history HTTP/{version}\r\nOrigin: null\r\n\r\n"
        )
        assert b"allow-origin" not in answer.lower()
        assert b"bad_session" not in answer


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_addresses_cannot_be_made_up(serve: Serve, proxies: int) -> None:
    """What a client itself writes into X-Forwarded-For does not give it more."""
    server = serve(proxies=proxies, messages_per_minute=6000, address_messages_per_minute=100)
    trusted = ", 203.0.113.9, 10.0.0.1" if proxies == 2 else ", 203.0.113.9"
    codes = []
    with Rest(server) as rest:
        for place in range(25):
            forwarded = f"198.51.100.{place}{trusted}"
            response = rest.raw(
                "POST",
                "messages",
                json={"id": new_id(), "text": "hello"},
                headers={"X-Forwarded-For": forwarded},
            )
            codes.append(response.status_code)
        assert codes[:9] == [200] * 9
        assert 429 in codes
        if proxies:  # somebody else behind the same proxy has an allowance of their own
            other = {"X-Forwarded-For": trusted.replace("203.0.113.9", "203.0.113.10")[2:]}
            body = {"id": new_id(), "text": "hello"}
            assert rest.raw("POST", "messages", json=body, headers=other).status_code == 200


async def test_feedback_on_another_session(server: Server) -> None:
    async with opened(server) as victim, opened(server) as thief:
        turn = await victim.say("hello")
        await thief.say("hello")
        thumb = {"type": "feedback", "reply": turn["replies"][0]["id"], "value": "down"}
        assert (await thief.ask(thumb))["code"] == "unknown_reply"
        async with opened(server, victim.session) as again:
            assert "feedback" not in again.frames[0]["history"][0]["replies"][0]


async def test_frames_of_another_session_are_not_heard(server: Server) -> None:
    async with opened(server) as victim, opened(server) as listener:
        turn = await victim.say("hello")
        for frame in (
            {"type": "hello", "protocol": 1, "session": victim.session},
            {"type": "message", "id": turn["id"], "text": "x", "session": victim.session},
        ):
            await listener.send(frame)
        await victim.say("bye")
        await listener.send({"type": "ping"})
        await listener.kind("pong")
        kinds = {frame["type"] for frame in listener.frames}
        assert kinds == {"welcome", "error", "pong"}


async def test_very_many_sessions_leave_nothing_behind(server: Server) -> None:
    async def visit() -> None:
        async with opened(server) as client:
            await client.send({"type": "ping"})
            await client.kind("pong")

    async def wave(count: int) -> int:
        for _ in range(count // 20):
            await asyncio.gather(*(visit() for _ in range(20)))
        return server.memory()

    before = await wave(100)
    # Sanic keeps a closed connection for 30 s; ours are gone, see test_state.py.
    assert await wave(500) - before < 500 * 50_000
    async with opened(server) as client:
        assert texts(await client.say("hello")) == ["Hello! What would you like?"]
