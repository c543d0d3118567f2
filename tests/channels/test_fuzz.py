"""Anything at all is sent to a running server: it stays up, and answers the next client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Server
from visitors import Rest, new_id, opened, strictly, texts

FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
HELLO = json.dumps({"type": "hello", "protocol": 1}).encode()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
KEYS = st.sampled_from(["type", "id", "text", "payload", "reply", "value", "metadata", "comment"])
FRAMES = st.dictionaries(KEYS, JSON) | st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(["message", "feedback", "rating", "restart", "ping", "hello", "turn"]),
    st.dictionaries(KEYS, JSON | st.just("m-12345678")),
)


class Raw:
    """A WebSocket made of bytes, so that it can break every rule."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET /webhooks/web/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                f"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
            ).encode()
        )
        self.head = b""
        while b"\r\n\r\n" not in self.head:
            self.head += self.socket.recv(1)

    def send(self, opcode: int, data: bytes, *, fin: bool = True, reserved: int = 0) -> None:
        """Send a frame, masked as a client's."""
        first = (fin << 7) | (reserved << 4) | opcode
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", first, 128 | size)
        elif size < 65536:
            head = struct.pack("!BBH", first, 128 | 126, size)
        else:
            head = struct.pack("!BBQ", first, 128 | 127, size)
        self.bytes(head + b"\0\0\0\0" + data)

    def bytes(self, data: bytes) -> None:
        """Send bytes; the server may have hung up."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def closed(self) -> int | None:
        """Read to the end; give the code of closing."""
        got = b""
        try:
            while chunk := self.socket.recv(65536):
                got += chunk
        except OSError:
            pass
        self.socket.close()
        at, code = 0, None
        while at + 2 <= len(got):
            opcode, size = got[at] & 15, got[at + 1]
            at += 2
            if size == 126:
                (size,) = struct.unpack("!H", got[at : at + 2])
                at += 2
            if opcode == CLOSE and size >= 2:
                (code,) = struct.unpack("!H", got[at : at + 2])
            at += size
        return code


async def lives(server: Server) -> None:
    """A new client is answered."""
    async with opened(server) as client:
        assert texts(await client.say("hello")) == ["Hello! What would you like?"]


@FEW
@given(data=st.binary(max_size=300), greeted=st.booleans())
def test_any_bytes(server: Server, data: bytes, greeted: bool) -> None:
    raw = Raw(server)
    if greeted:
        raw.send(TEXT, HELLO)
    raw.bytes(data)
    raw.socket.close()
    assert server.alive()


@FEW
@given(
    frames=st.lists(
        st.tuples(
            st.integers(0, 15), st.binary(max_size=140), st.booleans(), st.sampled_from([0, 0, 4])
        ),
        max_size=5,
    )
)
def test_any_frames(server: Server, frames: list[tuple[int, bytes, bool, int]]) -> None:
    raw = Raw(server)
    raw.send(TEXT, HELLO)
    for opcode, data, fin, reserved in frames:
        raw.send(opcode, data, fin=fin, reserved=reserved)
    raw.socket.close()
    assert server.alive()


@settings(FEW, max_examples=25)
@given(frames=st.lists(FRAMES | JSON, min_size=1, max_size=2))
def test_any_json(server: Server, frames: list[Any]) -> None:
    """Over the socket: each is answered by frames that meet the schema, or is no such frame."""
    asyncio.run(_say_all(server, frames))


async def _say_all(server: Server, frames: list[Any]) -> None:
    async with opened(server) as client:
        for frame in frames:
            await client.send(json.dumps(frame))
        await client.send({"type": "ping"})
        await client.kind("pong")


@settings(FEW, max_examples=25)
@given(
    path=st.sampled_from(["messages", "feedback", "rating", "restart", "sessions"]),
    body=st.binary(max_size=50) | FRAMES.map(lambda frame: json.dumps(frame).encode()),
)
def test_any_body(rest: Rest, path: str, body: bytes) -> None:
    response = rest.raw("POST", path, data=body)
    assert response.status_code < 500
    assert response.headers["Content-Type"] == "application/json"
    strictly(response.text)


def test_the_server_lived_through_it(server: Server) -> None:
    asyncio.run(lives(server))


def deep(depth: int, inside: str = "1") -> str:
    return "[" * depth + inside + "]" * depth


@pytest.mark.parametrize(
    "raw",
    [
        deep(100_00),
        deep(900),
        *(
            f'{{"type": "message", "id": "m-12345678", "text": "x", "metadata": {deep(depth)}}}'
            for depth in (10, 300, 500, 700, 800, 850, 900, 950, 990)
        ),
        '{"type": ' + deep(500) + "}",
        '{"a":' * 900 + "1" + "}" * 900,
        '{"type": "rating", "id": "r-12345678", "value": NaN}',
        '{"type": "rating", "id": "r-12345678", "value": Infinity}',
        '{"type": "rating", "id": "r-12345678", "value": 1e999}',
        '{"type": "rating", "id": "r-12345678", "value": -1e999}',
        '{"type": "rating", "id": "r-12345678", "value": ' + "1" * 5000 + "}",
        '{"type": "rating", "id": "r-12345678", "value": ' + "1" * 300 + "}",
        '{"type": "message", "id": "m-12345678", "text": "x", "metadata": {"a": 1e999}}',
        '{"type": "message", "id": "m-12345678\\n", "text": "x"}',
        '{"type": "message", "id": "m-12345678", "text": "\\ud800"}',
        '{"type": "message", "id": "\\ud800\\ud800\\ud800\\ud800", "text": "x"}',
        '{"type": "message", "type": "ping", "id": 1}',
        "\ufeff{}",
        "",
        " ",
        "null",
        "{" + ",".join(f'"k{place}": 1' for place in range(9000)) + "}",
        '{"type": "message", "id": "m-12345678", "text": "x", "metadata": {'
        + ",".join(f'"k {place}": [1]' for place in range(7000))
        + "}}",
    ],
    ids=lambda raw: ascii(raw[:30]),
)
async def test_bad_json(server: Server, raw: str) -> None:
    async with opened(server) as client:
        await client.send(raw)
        refused = await client.kind("error", within=5)
        assert refused["code"] == "bad_frame"
        assert len(refused["message"]) < 400
        await client.send({"type": "ping"})
        await client.kind("pong")
        with Rest(server, client.session) as rest:
            body = raw.replace('"type": "message", ', "").replace('"type": "rating", ', "")
            for path in ("messages", "rating"):
                response = rest.raw("POST", path, data=body.encode("utf-8", "surrogatepass"))
                assert response.status_code == 422
        assert server.said(client.sender) == []


async def test_a_bomb(server: Server) -> None:
    """Compression is not offered, and what is compressed all the same is refused."""
    raw = Raw(server)
    assert b"deflate" not in raw.head.lower()
    raw.send(TEXT, HELLO)
    raw.send(TEXT, zlib.compress(b" " * 50_000_000)[2:-4], reserved=4)
    assert raw.closed() in (1002, None)
    await lives(server)


async def test_a_message_in_endless_parts(server: Server) -> None:
    raw = Raw(server)
    raw.send(TEXT, HELLO)
    raw.send(TEXT, b"{", fin=False)
    for _ in range(200):
        raw.send(MORE, b" " * 1000, fin=False)
    assert raw.closed() == 1009
    await lives(server)


async def test_a_length_that_is_a_lie(server: Server) -> None:
    raw = Raw(server)
    raw.bytes(struct.pack("!BBQ", 0x81, 255, 2**62))
    assert raw.closed() in (1009, 1002)
    await lives(server)


async def test_a_message_in_parts_is_one(server: Server) -> None:
    raw = Raw(server)
    for place, part in enumerate(HELLO):
        raw.send(TEXT if not place else MORE, bytes([part]), fin=place == len(HELLO) - 1)
    got = b""
    while b'"welcome"' not in got:
        got += raw.socket.recv(65536)
    raw.socket.close()


async def test_text_that_is_no_utf8(server: Server) -> None:
    raw = Raw(server)
    raw.send(TEXT, HELLO)
    raw.send(TEXT, b'{"type": "ping", "x": "\xff\xfe\xc0"}')
    assert raw.closed() == 1007
    await lives(server)


async def test_many_pings_of_the_protocol(server: Server) -> None:
    raw = Raw(server)
    raw.send(TEXT, HELLO)
    for _ in range(5000):
        raw.send(PING, b"x" * 125)
    raw.send(CLOSE, struct.pack("!H", 1000))
    assert raw.closed() in (1000, None)
    await lives(server)


async def test_a_frame_that_costs(server: Server) -> None:
    """The dearest frames of the largest size are refused within a moment."""
    loop = asyncio.get_running_loop()
    wide = ",".join(f'"{place}\\n": {{}}' for place in range(8000))
    async with opened(server) as client:
        start = loop.time()
        await client.send(
            f'{{"type": "message", "id": "{new_id()}", "text": "", "metadata": {{{wide}}}}}'
        )
        await client.kind("error")
        assert loop.time() - start < 1
