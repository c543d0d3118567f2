"""A chat server for tests of the widget: the real protocol, every frame checked, any state at will.

It runs in a thread of the test process, so that a test can tell it what to do next. It knows no
Rasa; whole conversations with the real channel are tested elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import WSMsgType, web
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
WIDGET = ROOT / "bot" / "widget"
SCHEMA = json.loads((ROOT / "bot" / "channels" / "protocol.schema.json").read_text("utf-8"))
BASE = "/webhooks/web"
FILES = {
    f"{BASE}/widget.js": "widget.js",
    f"{BASE}/widget.css": "widget.css",
    f"{BASE}/demo": "demo.html",
    f"{BASE}/demo.css": "demo.css",
    f"{BASE}/demo.js": "demo.js",
}
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self' ws: wss:; img-src 'self' data: https:"
)
LIMIT = 2000

Frame = dict[str, Any]
T = TypeVar("T")


def validator(definition: str) -> Draft202012Validator:
    """Check frames of one direction."""
    reference = {"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]}
    return Draft202012Validator(reference)


FROM_CLIENT, FROM_SERVER = validator("fromClient"), validator("fromServer")


@dataclass
class Session:
    """One conversation, and who is connected to it."""

    token: str
    history: list[Frame] = field(default_factory=list)
    done: dict[str, Frame] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    rating: int | None = None


def echo(text: str) -> list[Frame]:
    """Answer with what was said."""
    return [{"text": f"You said: {text}"}]


class FakeServer:
    """Serves pages, the widget and the protocol; tests set its attributes."""

    def __init__(self) -> None:
        self.answer: Callable[[str], list[Frame]] = echo
        self.pages: dict[str, str] = {}
        self.sessions: dict[str, Session] = {}
        self.received: list[Frame] = []
        self.times: list[float] = []  # when each of them came
        self.answered: list[str] = []  # what messages were processed, once each
        self.mistakes: list[str] = []
        self.refusals: list[Frame] = []  # answers to the next messages, instead of turns
        self.sockets_allowed = True
        self.up = True
        self.silent = False  # takes messages and never answers, nor pings
        self.forgetful = False  # saves messages and never sends their turns
        self.login: str | None = None  # the only login that is taken
        self.csp: str | None = CSP
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    # What tests use ----------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> FakeServer:
        """Listen on a free port."""
        self._thread.start()
        self.call(self._start())
        return self

    def stop(self) -> None:
        """Close everything."""
        self.drop()
        assert self._runner is not None
        self.call(self._runner.cleanup())
        self.call(asyncio.sleep(0.05))  # transports close themselves a moment later
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def page(self, path: str, body: str = "", script: str = "", lang: str = "en") -> str:
        """Serve a page with the widget's script tag; give its address."""
        self.pages[path] = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>A page</title>'
            f'<script src="{BASE}/widget.js" defer {script}></script></head>'
            f'<body><main><h1>A page</h1><p><a href="/other">Elsewhere</a></p></main>{body}</body>'
            "</html>"
        )
        return self.url + path

    def push(self, frame: Frame) -> None:
        """Send a frame to everybody."""
        for session in self.sessions.values():
            self.call(self._broadcast(session, frame))

    def speak(self, *replies: Frame) -> None:
        """Let the bot say something by itself."""
        for session in self.sessions.values():
            self.call(self._speak(session, list(replies)))

    def drop(self) -> None:
        """Close all sockets, as a server that restarts."""
        for session in self.sessions.values():
            self.call(self._drop(session))

    def sent(self, kind: str) -> list[Frame]:
        """What clients sent, of one type."""
        return [frame for frame in self.received if frame["type"] == kind]

    def received_at(self, kind: str) -> list[float]:
        """Give the times at which frames of one type came."""
        return [t for t, f in zip(self.times, self.received, strict=True) if f["type"] == kind]

    def preload(self, turns: int, last: list[Frame] | None = None) -> str:
        """Make a session with a long history; give its token."""
        session = Session(f"preloaded-{len(self.sessions)}")
        start = time.time() - turns * 60
        for number in range(turns):
            replies: list[Frame] = [{"text": f"Answer **{number}** to you."}]
            if last and number == turns - 1:
                replies = last
            frame = {"id": f"m-old{number:05}", "text": f"Question {number}"}
            session.history.append(self._turn(session, frame, replies, start + number * 60))
        self.sessions[session.token] = session
        return session.token

    # Frames ------------------------------------------------------------------------------

    def _check(self, schema: Draft202012Validator, frame: Frame) -> None:
        for error in schema.iter_errors(frame):
            self.mistakes.append(f"{error.message[:200]}: {json.dumps(frame)[:300]}")

    def _receive(self, frame: Frame) -> None:
        self.received.append(frame)
        self.times.append(time.monotonic())
        self._check(FROM_CLIENT, frame)

    def _welcome(self, token: str | None) -> tuple[Session, Frame]:
        session = self.sessions.get(token or "")
        new = session is None
        if session is None:
            session = Session(f"session-{len(self.sessions)}-{time.time_ns()}")
            self.sessions[session.token] = session
        frame: Frame = {
            "type": "welcome",
            "protocol": 1,
            "session": session.token,
            "expires": time.time() + 86400,
            "new": new,
            "history": list(session.history),
            "limits": {"message_characters": LIMIT},
        }
        if session.rating:
            frame["rating"] = session.rating
        self._check(FROM_SERVER, frame)
        return session, frame

    def _turn(
        self, session: Session, message: Frame, replies: list[Frame], now: float | None = None
    ) -> Frame:
        now = now or time.time()
        identity = message["id"] or f"bot-{len(session.history)}-{time.time_ns()}"
        numbered = [
            {"id": f"{identity}.{place}", "time": now, **reply}
            for place, reply in enumerate(replies)
        ]
        for reply in numbered:
            cards = [
                action for card in reply.get("cards", []) for action in card.get("actions", [])
            ]
            for button in [*reply.get("buttons", []), *reply.get("quick_replies", []), *cards]:
                if "payload" in button:
                    session.offered[button["payload"]] = button["title"]
        turn: Frame = {"type": "turn", "id": message["id"], "time": now, "replies": numbered}
        if "text" in message or "payload" in message:
            turn["text"] = message.get("text") or session.offered[message["payload"]]
        self._check(FROM_SERVER, turn)
        return turn

    def _handle(self, session: Session, frame: Frame) -> Frame:
        """Give the answer to what is not a hello."""
        identity = frame.get("id", "")
        if identity in session.done:
            return session.done[identity]
        if frame["type"] == "message":
            return self._message(session, frame)
        if frame["type"] == "restart":
            session.history.clear()
        if frame["type"] == "rating":
            session.rating = frame["value"]
        if frame["type"] == "feedback":
            for reply in (reply for turn in session.history for reply in turn["replies"]):
                if reply["id"] == frame["reply"]:
                    reply["feedback"] = frame["value"]
                    if not frame["value"]:
                        del reply["feedback"]
        session.done[identity] = {"type": "saved", "id": identity, "of": frame["type"]}
        return session.done[identity]

    def _message(self, session: Session, frame: Frame) -> Frame:
        error = self._refusal(session, frame)
        if error:
            return {"type": "error", "id": frame["id"], **error}
        text = frame.get("text") or frame["payload"]
        self.answered.append(text)
        turn = self._turn(session, frame, self.answer(text))
        session.history.append(turn)
        session.done[frame["id"]] = turn
        return turn

    def _refusal(self, session: Session, frame: Frame) -> Frame | None:
        if self.refusals:
            return self.refusals.pop(0)
        text, payload = frame.get("text", ""), frame.get("payload")
        if text.startswith("/"):
            return {"code": "slash_not_allowed", "message": "No slash, please.", "retry": False}
        if len(text) > LIMIT:
            return {"code": "too_long", "message": "Too long.", "retry": False}
        if payload is not None and payload not in session.offered:
            return {"code": "payload_not_offered", "message": "Not offered.", "retry": False}
        return None

    # WebSocket ---------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not (self.up and self.sockets_allowed):
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session: Session | None = None
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            self._receive(frame)
            if self.silent:
                continue
            if frame["type"] == "hello":
                if self.login and frame.get("login") != self.login:
                    await self._send(socket, self._bad_login())
                    await socket.close(code=4401)
                    break
                session, welcome = self._welcome(frame.get("session"))
                session.sockets.append(socket)
                await self._send(socket, welcome)
            elif frame["type"] == "ping":
                await self._send(socket, {"type": "pong"})
            elif session is not None:
                await self._serve(session, socket, frame)
        if session is not None and socket in session.sockets:
            session.sockets.remove(socket)
        return socket

    async def _serve(self, session: Session, socket: web.WebSocketResponse, frame: Frame) -> None:
        answer = self._handle(session, frame)
        if answer["type"] != "turn":
            await self._send(socket, answer)
        elif not self.forgetful:
            await self._send(socket, {"type": "typing", "on": True})
            await self._broadcast(session, answer)

    def _bad_login(self) -> Frame:
        return {"type": "error", "code": "bad_login", "message": "Log in again.", "retry": False}

    async def _send(self, socket: web.WebSocketResponse, frame: Frame) -> None:
        self._check(FROM_SERVER, frame)
        await socket.send_json(frame)

    async def _broadcast(self, session: Session, frame: Frame) -> None:
        for socket in list(session.sockets):
            await self._send(socket, frame)

    async def _speak(self, session: Session, replies: list[Frame]) -> None:
        turn = self._turn(session, {"id": None}, replies)
        session.history.append(turn)
        await self._broadcast(session, turn)

    async def _drop(self, session: Session) -> None:
        for socket in list(session.sockets):
            await socket.close(code=1001)
        session.sockets.clear()

    # HTTP --------------------------------------------------------------------------------

    async def _start(self) -> None:
        app = web.Application(middlewares=[_cross_origin])
        app.router.add_get(f"{BASE}/ws", self._socket)
        app.router.add_route(
            "*", BASE + "/{call:sessions|history|messages|feedback|rating|restart}", self._rest
        )
        app.router.add_get("/{path:.*}", self._file)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response()
        if not self.up:
            return web.Response(status=502, text="<html>Bad gateway</html>")
        call = request.match_info["call"]
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if call == "sessions":
            return web.json_response(self._welcome(None)[1], status=201)
        session = self.sessions.get(token)
        if session is None:
            error = {"type": "error", "code": "bad_session", "message": "None.", "retry": False}
            return web.json_response(error, status=401)
        if call == "history":
            return web.json_response(self._welcome(token)[1])
        kind = "message" if call == "messages" else call
        frame = {"type": kind, **json.loads(await request.text())}
        self._receive(frame)
        answer = self._handle(session, frame)
        self._check(FROM_SERVER, answer)
        return web.json_response(answer, status=422 if answer["type"] == "error" else 200)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Security-Policy": self.csp} if self.csp else {}
        if request.path in self.pages:
            return web.Response(
                text=self.pages[request.path], content_type="text/html", headers=headers
            )
        if request.path not in FILES:
            return web.Response(status=404)
        path = WIDGET / FILES[request.path]
        return web.Response(
            text=path.read_text("utf-8"), content_type=TYPES[path.suffix], headers=headers
        )


@web.middleware
async def _cross_origin(
    request: web.Request, handler: Callable[[web.Request], Any]
) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, X-Login"
    return response
