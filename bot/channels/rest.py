"""The REST side of the web channel."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.channels.gate import Gate
from bot.channels.openapi import describe
from bot.channels.protocol import (
    REST_PATHS,
    VERSION,
    Frame,
    Refusal,
    check_frame,
    parse_json,
    schema,
)
from bot.channels.room import Room
from bot.channels.sessions import Session

LARGEST_BODY = 128 * 1024
EVENT_STREAM = "text/event-stream"
UNKEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[Request], Awaitable[HTTPResponse]]


def add_routes(blueprint: Blueprint, room: Room, gate: Gate) -> None:
    """Add the REST routes."""
    calls = _Calls(room, gate)

    def route(path: str, method: str, handler: Handler) -> None:
        name = path.strip("/").replace(".", "_")
        answering = calls.guarded(handler)
        # As a stream, so that a body is not read further than it may be long.
        blueprint.add_route(
            answering, path, methods=[method], name=f"{name}_call", stream=method == "POST"
        )

    route("/sessions", "POST", calls.open_session)
    route("/history", "GET", calls.history)
    for kind, path in REST_PATHS.items():
        route(f"/{path}", "POST", calls.said(kind))
    route("/protocol.json", "GET", calls.protocol)
    route("/openapi.json", "GET", calls.openapi)


class _Calls:
    """The handlers of the routes."""

    def __init__(self, room: Room, gate: Gate) -> None:
        self._room = room
        self._gate = gate

    def guarded(self, handler: Handler) -> Handler:
        """Check the origin, say CORS headers, and turn refusals into answers."""

        @wraps(handler)
        async def answer(request: Request, *_: Any, **__: Any) -> HTTPResponse | None:
            origin = None
            try:
                origin = self._gate.check_origin(request)
                request.ctx.headers = cors(origin)
                response = await handler(request)
            except Refusal as refusal:
                response = as_refusal(refusal)
            if response is not None:
                response.headers.update(cors(origin))
            return response

        return answer

    async def open_session(self, request: Request) -> HTTPResponse:
        """Give a session; an earlier one, sent as Bearer, is renewed."""
        body = await _body(request)
        if not isinstance(body, dict) or set(body) - {"login"}:
            raise Refusal("bad_frame", "Expected a JSON object with at most 'login'.")
        # The same rules as for the frame by which a WebSocket begins.
        hello = check_frame({**body, "protocol": VERSION}, "hello")
        login = hello.get("login") or _login(request)
        session = self._room.sessions.open(_bearer(request), login)
        if session.new:
            self._gate.count_new_session(self._gate.address_of(request))
        return as_json(await self._room.welcome(session), 201)

    async def history(self, request: Request) -> HTTPResponse:
        """Give the conversation so far."""
        return as_json(await self._room.welcome(self._session(request)))

    def said(self, kind: str) -> Handler:
        """Make the handler of something that a session sends."""

        async def handler(request: Request) -> HTTPResponse:
            session = self._session(request)
            frame = check_frame(await _body(request), kind)
            address = self._gate.address_of(request)
            self._gate.count_message(session.sender, address, frame["id"])
            if kind == "message" and EVENT_STREAM in request.headers.get("accept", ""):
                return await self._stream(request, session, frame)
            return as_json(await getattr(self._room, kind)(session.sender, frame))

        return handler

    async def protocol(self, request: Request) -> HTTPResponse:
        """Give the JSON Schema of the frames."""
        return as_json(schema())

    async def openapi(self, request: Request) -> HTTPResponse:
        """Give the description of these calls."""
        prefix = request.path.rsplit("/", 1)[0]
        return as_json(describe(prefix))

    async def _stream(self, request: Request, session: Session, frame: Frame) -> Any:
        """Answer as server-sent events: typing at once, the rest when it is saved."""
        headers = {**request.ctx.headers, **UNKEPT, "X-Accel-Buffering": "no"}
        stream = await request.respond(content_type=EVENT_STREAM, headers=headers)
        await stream.send(_event("typing", {"type": "typing", "on": True}))
        try:
            turn = await self._room.message(session.sender, frame)
        except Refusal as refusal:
            await stream.send(_event("error", refusal.frame))
        else:
            for reply in turn["replies"]:
                await stream.send(_event("reply", reply))
            await stream.send(_event("turn", turn))
        await stream.eof()
        return None

    def _session(self, request: Request) -> Session:
        return self._room.sessions.read(_bearer(request), _login(request))


def as_json(content: Any, status: int = 200) -> HTTPResponse:
    """Answer with JSON that no cache keeps and no browser takes for something else."""
    return HTTPResponse(
        json.dumps(content),
        status=status,
        content_type="application/json",
        headers=UNKEPT,
    )


async def _body(request: Request) -> Any:
    """Read the JSON of a request; nothing at all stands for an empty object."""
    content = b""
    while True:
        chunk = await request.stream.read()
        if not chunk:
            break
        content += chunk
        if len(content) > LARGEST_BODY:
            raise Refusal("too_large", f"Expected a body of at most {LARGEST_BODY} bytes.")
    return parse_json(content) if content else {}


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _login(request: Request) -> str | None:
    login: str | None = request.headers.get("x-login")
    return login


def as_refusal(refusal: Refusal) -> HTTPResponse:
    """Answer with an error frame."""
    response = as_json(refusal.frame, refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after)))
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def cors(origin: str | None) -> dict[str, str]:
    """Give the headers by which a page of that origin may read the answer."""
    if origin is None:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def _event(name: str, content: Frame) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"
