"""What a client may not do, what it is told then, and what a failing store leads to."""

from __future__ import annotations

import asyncio
import json
import os
import socket as sockets
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import websockets
from conftest import Serve
from serving import Server
from visitors import Frame, Rest, connect, new_id, opened, texts


@pytest.fixture(scope="module")
def strict(serve_for_all: Serve) -> Server:
    """A server with small limits."""
    return serve_for_all(
        messages_per_minute=30,
        address_messages_per_minute=100_000,
        connections_per_session=3,
        connections_per_address=5,
        message_characters=50,
        history_turns=3,
    )


async def test_a_message_too_long(strict: Server) -> None:
    async with opened(strict) as client:
        assert client.frames[0]["limits"] == {"message_characters": 50}
        assert (await client.say("ä" * 50))["type"] == "turn"
        for over in (await client.say("ä" * 51), await client.press("x" * 51)):
            assert over["code"] == "too_long"
            assert over["retry"] is False
            assert "50" in over["message"] and "51" in over["message"]
    with Rest(strict) as rest:
        assert rest.say("x" * 51, status=422)["code"] == "too_long"


async def test_a_frame_too_large(server: Server) -> None:
    async with opened(server) as client:
        await client.send(json.dumps({"type": "ping"}) + " " * 100_000)
        await client.kind("pong")
        await client.send(json.dumps({"type": "ping"}) + " " * 140_000)
        assert await client.closed() == 1009


def test_a_body_too_large(rest: Rest) -> None:
    body = json.dumps({"id": new_id(), "text": "hello"}).encode()
    assert rest.raw("POST", "messages", data=body + b" " * 100_000).status_code == 200
    for size in (140_000, 5_000_000):
        response = rest.raw("POST", "messages", data=body + b" " * size)
        assert response.status_code == 413
        assert response.json()["code"] == "too_large"
    chunks = rest.raw("POST", "messages", data=_chunks(body))
    assert chunks.status_code == 413


def _chunks(body: bytes) -> Iterator[bytes]:
    yield body
    for _ in range(200):
        yield b" " * 10_000


async def test_too_fast(strict: Server) -> None:
    async with opened(strict) as client:
        ids = [new_id() for _ in range(12)]
        for identity in ids:
            await client.send({"type": "message", "id": identity, "text": "hello"})
        answers = [await client.about(identity) for identity in ids]
        assert [frame["type"] for frame in answers] == ["turn"] * 10 + ["error"] * 2
        refused = answers[-1]
        assert refused["code"] == "too_fast"
        assert refused["retry"] is True
        assert 0 < refused["retry_after"] <= 2
        await asyncio.sleep(refused["retry_after"])
        assert (await client.say("hello", ids[-2]))["type"] == "turn"
    with Rest(strict) as rest:
        for _ in range(10):
            rest.say("hello")
        response = rest.raw("POST", "messages", json={"id": new_id(), "text": "hello"})
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) >= response.json()["retry_after"] - 1


async def test_connections_of_a_session(strict: Server) -> None:
    async with (
        opened(strict) as client,
        opened(strict, client.session),
        opened(strict, client.session) as third,
    ):
        assert third.frames[0]["type"] == "welcome"
        fourth = await connect(strict)
        assert (await fourth.hello(session=client.session))["code"] == "too_fast"
        assert await fourth.closed() == 4429
    async with opened(strict, client.session) as again:
        assert again.frames[0]["type"] == "welcome"


async def test_connections_of_an_address(strict: Server) -> None:
    place = ("127.77.77.77", 0)
    clients = [await connect(strict, local_addr=place) for _ in range(5)]
    over = await connect(strict, local_addr=place)
    assert (await over.kind("error"))["code"] == "too_fast"
    assert await over.closed() == 4429
    assert (await clients[0].hello())["type"] == "welcome"
    for client in (*clients, over):
        await client.close()
    async with opened(strict, local_addr=place) as again:
        assert again.frames[0]["type"] == "welcome"


async def test_history_is_bounded(strict: Server) -> None:
    async with opened(strict) as client:
        turns = [await client.say(f"hello {place}") for place in range(5)]
        async with opened(strict, client.session) as again:
            assert again.frames[0]["history"] == turns[-3:]


async def test_nobody_waits_for_a_hello_for_ever(server: Server) -> None:
    start = time.monotonic()
    client = await connect(server)
    refused = await client.get(lambda frame: frame["type"] == "error", within=15)
    assert refused["code"] == "not_welcomed"
    assert await client.closed() == 4401
    assert 9 < time.monotonic() - start < 13


@pytest.mark.parametrize(
    "first",
    [
        {"type": "message", "id": "m-12345678", "text": "hello"},
        {"type": "ping"},
        {"type": "hello", "protocol": 2},
        {"type": "hello"},
        "hello",
        b"\x00\xff",
    ],
)
async def test_hello_comes_first(server: Server, first: Frame | str | bytes) -> None:
    client = await connect(server)
    await client.send(first)
    assert (await client.kind("error"))["code"] in ("not_welcomed", "bad_frame")
    assert await client.closed() == 4401


async def test_the_third_bad_frame_is_the_last(server: Server) -> None:
    async with opened(server) as client:
        for place, bad in enumerate(("{", '{"type": "hello", "protocol": 1}', b"\x00")):
            start = len(client.frames)
            await client.send(bad)
            assert (await client.kind("error", start))["code"] == "bad_frame"
            assert client.ended is (place == 2) or place == 2
        assert await client.closed() == 4400


async def test_too_many_frames(server: Server) -> None:
    async with opened(server) as client:
        with pytest.raises((websockets.ConnectionClosed, ConnectionError)):
            for _ in range(2000):
                await client.send({"type": "ping"})
            await client.closed()
            raise ConnectionError
        # The code is lost where the client was still sending when the connection was cut.
        assert await client.closed() in (4429, 1006)


async def test_a_client_that_does_not_read_is_let_go(serve: Serve) -> None:
    """Nobody else waits for it."""
    server = serve(message_characters=10_000)
    async with opened(server) as other:
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.bind(("127.88.0.1", 0))
        raw.connect(("127.0.0.1", server.port))
        raw.setblocking(False)
        socket = await websockets.connect(
            server.socket_url, sock=raw, max_queue=1, read_limit=1024, ping_interval=None
        )
        await socket.send(json.dumps({"type": "hello", "protocol": 1, "session": other.session}))
        await socket.recv()
        turn = await other.say("\N{GRINNING FACE}" * 10_000)  # 120 kB as JSON
        with Rest(server, other.session) as rest:
            for _ in range(75):  # what was answered already is told again
                assert await asyncio.to_thread(rest.say, "hello", turn["id"]) == turn
        start = time.monotonic()
        assert texts(await other.say("hello")) == ["Hello! What would you like?"]
        assert time.monotonic() - start < 2
        while _connected(server, raw.getsockname()[1]):
            await asyncio.sleep(0.2)
            assert time.monotonic() - start < 15
        socket.transport.abort()
        socket.transfer_data_task.cancel()
        await asyncio.wait([socket.close_connection_task], timeout=5)
    assert "Traceback" not in server.log


def _connected(server: Server, port: int) -> bool:
    """Say whether the server still holds a connection to a port."""
    for line in Path(f"/proc/{server.pid}/net/tcp").read_text("ascii").splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        here, there = (int(side.split(":")[1], 16) for side in (local, remote))
        if (here, there) == (server.port, port):
            return state == "01"
    return False


async def test_a_message_that_breaks_the_bot(serve: Serve) -> None:
    server = serve()
    async with opened(server) as client:
        await client.say("order")
        broken = await client.say("break down")
        assert broken["code"] == "failed"
        assert broken["retry"] is False
        # Nothing is left of it, and its id can be used again.
        assert texts(await client.say("soup", broken["id"])) == ["How large?"]
        assert [text for _, text in server.said(client.sender)] == ["order", "soup"]
    with Rest(server) as rest:
        assert rest.say("break down", status=500)["code"] == "failed"


def _no_table(server: Server) -> Callable[[], None]:
    with sqlite3.connect(server.database) as database:
        database.execute("alter table events rename to lost")

    def mend() -> None:
        with sqlite3.connect(server.database) as database:
            database.execute("alter table lost rename to events")

    return mend


def _not_written(server: Server) -> Callable[[], None]:
    """Refuse writing and let reading be: what a full disk does, too."""
    with sqlite3.connect(server.database) as database:
        database.execute(
            "create trigger full before insert on events begin select raise(abort, 'full'); end"
        )

    def mend() -> None:
        with sqlite3.connect(server.database) as database:
            database.execute("drop trigger full")

    return mend


def _half_written(server: Server) -> Callable[[], None]:
    """Refuse what the bot says, after what the person said was taken."""
    with sqlite3.connect(server.database) as database:
        database.execute(
            "create trigger full before insert on events when new.type_name = 'bot' "
            "begin select raise(abort, 'full'); end"
        )

    def mend() -> None:
        with sqlite3.connect(server.database) as database:
            database.execute("drop trigger full")

    return mend


@pytest.mark.parametrize("damage", [_no_table, _not_written, _half_written])
async def test_what_is_not_saved_is_not_acknowledged(
    serve: Serve, damage: Callable[[Server], Callable[[], None]]
) -> None:
    server = serve()
    async with opened(server) as client, opened(server) as fresh:
        first = await client.say("order")
        mend = damage(server)
        ids = [new_id() for _ in range(3)]
        for identity in ids:
            refused = await client.say("soup", identity)
            assert refused["code"] == "unavailable"
            assert refused["retry"] is True
        assert (await fresh.say("hello", "m-of-the-new"))["code"] == "unavailable"
        if damage is not _half_written:
            thumb = {"type": "feedback", "reply": first["replies"][0]["id"], "value": "up"}
            assert (await client.ask(thumb))["code"] == "unavailable"
            assert (await client.ask({"type": "rating", "value": 5}))["code"] == "unavailable"
        assert (await client.ask({"type": "restart"}))["code"] == "unavailable"
        with Rest(server, client.session) as rest:
            assert rest.say("soup", ids[0], status=503)["code"] == "unavailable"
        mend()
        assert texts(await client.say("soup", ids[0])) == ["How large?"]
        assert texts(await fresh.say("hello", "m-of-the-new")) == ["Hello! What would you like?"]
        assert texts(await client.say("small", ids[1])) == ["A small soup. Is that right?"]
        assert server.said(client.sender) == [
            (first["id"], "order"),
            (ids[0], "soup"),
            (ids[1], "small"),
        ]


async def test_a_locked_database(serve: Serve) -> None:
    """Another process writes for longer than SQLite waits."""
    server = serve()
    async with opened(server) as client:
        await client.say("order")
        database = sqlite3.connect(server.database, isolation_level=None)
        database.execute("begin exclusive")
        refused = await client.say("soup")
        assert refused["code"] == "unavailable"
        database.execute("rollback")
        database.close()
        assert texts(await client.say("soup", refused["id"])) == ["How large?"]
        assert len(server.said(client.sender)) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written(serve: Serve) -> None:
    server = serve()
    async with opened(server) as client:
        await client.say("order")
        server.folder.chmod(0o500)
        server.database.chmod(0o400)
        refused = await client.say("soup")
        server.folder.chmod(0o700)
        server.database.chmod(0o600)
        assert refused["code"] == "unavailable"


async def test_no_feedback_on_what_was_not_said(server: Server) -> None:
    async with opened(server) as client, opened(server) as other:
        theirs = await other.say("hello")
        for reply in (theirs["replies"][0]["id"], "m-12345678.0", f"{theirs['id']}.7"):
            thumb = {"type": "feedback", "reply": reply, "value": "up"}
            assert (await client.ask(thumb))["code"] == "unknown_reply"
        assert (await client.ask({"type": "rating", "value": 5}))["code"] == "unknown_reply"
        assert server.rows(client.sender) == []


async def test_no_model_yet(serve: Serve) -> None:
    """Rasa serves without a model; nothing is lost, everything waits."""
    server = serve()
    server.kill()
    server.model = server.folder / "broken.tar.gz"
    server.model.write_bytes(b"no archive")
    with pytest.raises(AssertionError, match="not ready"):
        server.start(patience=3)
    client = await connect(server)
    assert (await client.hello())["new"] is True
    assert (await client.say("hello"))["code"] == "unavailable"
    await client.close()
    again = await connect(server)
    assert (await again.hello(session=client.session))["code"] == "unavailable"
    assert await again.closed() == 1011
