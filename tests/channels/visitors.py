"""Clients of the web channel; every frame that they get is held to the schema."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
import websockets
from jsonschema import Draft202012Validator
from requests.adapters import HTTPAdapter

Frame = dict[str, Any]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "bot/channels/protocol.schema.json").read_text("utf-8")
)
FROM_SERVER = ("welcome", "turn", "saved", "typing", "pong", "error")
SITE = "https://shop.example"
PATIENCE_S = 20.0
_places = itertools.count(secrets.randbelow(200) + 2)


def new_id(prefix: str = "m-") -> str:
    return prefix + secrets.token_hex(8)


def new_address() -> str:
    """Give one of the many addresses of this machine; limits are kept for each."""
    place = next(_places)
    return f"127.{place >> 16 & 127 | 1}.{place >> 8 & 255}.{place & 255 or 1}"


def checked(frame: Frame) -> Frame:
    """Hold a frame of the server to the schema."""
    assert frame.get("type") in FROM_SERVER, frame
    rules = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{frame['type']}"}
    Draft202012Validator(rules).validate(frame)
    return frame


def sender_of(session: str) -> str:
    """Read the sender id in a session."""
    body = session.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"])


class Client:
    """One WebSocket; what it gets is collected in `frames`."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self.session = ""
        self._news = asyncio.Condition()
        self._reader = asyncio.ensure_future(self._read())
        self.ended = False

    @property
    def sender(self) -> str:
        return sender_of(self.session)

    @property
    def close_code(self) -> int | None:
        code: int | None = self.socket.close_code
        return code

    async def send(self, frame: Frame | str | bytes) -> None:
        content = json.dumps(frame) if isinstance(frame, dict) else frame
        await self.socket.send(content)

    async def get(
        self, wanted: Callable[[Frame], bool], start: int = 0, within: float = PATIENCE_S
    ) -> Frame:
        """Wait for a frame, in what came already or what comes."""

        async def look() -> Frame:
            position = start
            async with self._news:
                while True:
                    for frame in self.frames[position:]:
                        if wanted(frame):
                            return frame
                    position = max(position, len(self.frames))
                    if self.ended:
                        raise ConnectionError(f"closed: {self.close_code}, {self.frames[-3:]}")
                    await self._news.wait()

        return await asyncio.wait_for(look(), within)

    async def kind(self, kind: str, start: int = 0, within: float = PATIENCE_S) -> Frame:
        return await self.get(lambda frame: frame["type"] == kind, start, within)

    async def about(self, identity: str, start: int = 0, within: float = PATIENCE_S) -> Frame:
        """Wait for whatever answers something that was sent."""
        return await self.get(lambda frame: frame.get("id") == identity, start, within)

    async def hello(self, **hello: Any) -> Frame:
        await self.send({"type": "hello", "protocol": 1, **hello})
        welcome = await self.get(lambda frame: frame["type"] in ("welcome", "error"))
        self.session = welcome.get("session", "")
        return welcome

    async def say(self, text: str, identity: str | None = None, **more: Any) -> Frame:
        """Send a text and wait for its turn, or its refusal."""
        return await self.ask({"type": "message", "text": text, "id": identity, **more})

    async def press(self, payload: str, identity: str | None = None) -> Frame:
        return await self.ask({"type": "message", "payload": payload, "id": identity})

    async def ask(self, frame: Frame) -> Frame:
        """Send a frame, with a new id where it has none, and wait for what answers it."""
        frame = {**frame, "id": frame.get("id") or new_id()}
        start = len(self.frames)
        await self.send(frame)
        return await self.about(frame["id"], start)

    async def closed(self, within: float = PATIENCE_S) -> int | None:
        await asyncio.wait_for(self.socket.wait_closed(), within)
        await asyncio.wait([self._reader])
        return self.close_code

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.wait([self._reader])
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.socket.close(), 5)

    async def _read(self) -> None:
        try:
            async for raw in self.socket:
                frame = checked(strictly(raw))
                async with self._news:
                    self.frames.append(frame)
                    self._news.notify_all()
        except (websockets.ConnectionClosed, OSError):
            pass
        finally:
            self.ended = True
            with contextlib.suppress(asyncio.CancelledError):
                async with self._news:
                    self._news.notify_all()


def strictly(raw: Any) -> Frame:
    """Parse what the server sent as a browser would."""
    assert isinstance(raw, str)
    frame: Frame = json.loads(raw, parse_constant=_no_constant)
    return frame


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


async def connect(server: Any, origin: str | None = SITE, **options: Any) -> Client:
    """Open a socket and say nothing yet."""
    options.setdefault("local_addr", (new_address(), 0))
    socket = await websockets.connect(
        server.socket_url, origin=origin, max_size=None, open_timeout=PATIENCE_S, **options
    )
    return Client(socket)


@asynccontextmanager
async def opened(server: Any, session: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """Open a socket and be welcomed."""
    login = options.pop("login", None)
    client = await connect(server, **options)
    try:
        hello = {"session": session, "login": login}
        await client.hello(**{key: value for key, value in hello.items() if value})
        yield client
    finally:
        await client.close()


class Rest:
    """One visitor over REST, from an address of its own."""

    def __init__(
        self, server: Any, session: str | None = None, *, origin: str | None = None
    ) -> None:
        self.server = server
        self.http = requests.Session()
        self.http.mount("http://", _From(new_address()))
        if origin:
            self.http.headers["Origin"] = origin
        self.session = session
        if session is None:
            self.session = self.call("POST", "sessions", {}, 201)["session"]

    @property
    def sender(self) -> str:
        return sender_of(str(self.session))

    def __enter__(self) -> Rest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def raw(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call, and give the response as it is."""
        headers = options.pop("headers", {})
        if self.session:
            headers = {"Authorization": f"Bearer {self.session}", **headers}
        return self.http.request(
            method, f"{self.server.url}/{path}", headers=headers, timeout=PATIENCE_S, **options
        )

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Frame:
        """Call, hold the answer to the schema, and give it."""
        response = self.raw(method, path, json=body)
        assert response.status_code == status, (response.status_code, response.text)
        assert response.headers["Content-Type"] == "application/json"
        return checked(strictly(response.text))

    def say(self, text: str, identity: str | None = None, status: int = 200) -> Frame:
        return self.call("POST", "messages", {"id": identity or new_id(), "text": text}, status)

    def press(self, payload: str, status: int = 200) -> Frame:
        return self.call("POST", "messages", {"id": new_id(), "payload": payload}, status)


class _From(HTTPAdapter):
    """Calls from one of the addresses of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        options["source_address"] = (self._address, 0)
        super().init_poolmanager(*arguments, **options)


def texts(turn: Frame) -> list[str]:
    """Give the texts that the bot replied."""
    return [reply["text"] for reply in turn["replies"] if "text" in reply]
