"""The WebSocket side of the web channel."""

from __future__ import annotations

import asyncio
from typing import Any

from sanic import Blueprint
from sanic.exceptions import WebsocketClosed
from sanic.request import Request
from websockets.exceptions import ConnectionClosed

from bot.channels.connections import Connection
from bot.channels.gate import Gate
from bot.channels.limits import Rate
from bot.channels.protocol import VERSION, Frame, Refusal, read_frame
from bot.channels.room import Room

HELLO_WITHIN_S = 10.0
BAD_FRAMES = 3
FRAMES_PER_MINUTE = 600
FRAMES_BURST = 120
CLOSE_SERVER_STOPS = 1001
CLOSE_NO_TEXT = 1007
CLOSE_BAD_FRAMES = 4400
CLOSE_NOT_WELCOMED = 4401
CLOSE_ORIGIN = 4403
CLOSE_TOO_MANY = 4429


def add_routes(blueprint: Blueprint, room: Room, gate: Gate) -> None:
    """Add the WebSocket route."""

    async def talk(request: Request, socket: Any) -> None:
        _close_on_broken_text(socket)
        await Visit(request, socket, room, gate).run()

    blueprint.add_websocket_route(talk, "/ws")


def _close_on_broken_text(socket: Any) -> None:
    """Close as the standard wants where a text is no UTF-8; Sanic only logs a stack trace."""
    process = socket.process_events

    async def process_events(events: Any) -> None:
        try:
            await process(events)
        except UnicodeDecodeError:
            socket.fail_connection(CLOSE_NO_TEXT, "no UTF-8")

    socket.process_events = process_events


class Visit:
    """One WebSocket from its opening to its end."""

    def __init__(self, request: Request, socket: Any, room: Room, gate: Gate) -> None:
        self._request = request
        self._socket = socket
        self._room = room
        self._gate = gate
        self._address = gate.address_of(request)
        self._connection = Connection(socket, self._address)
        self._frames = Rate(FRAMES_PER_MINUTE, FRAMES_BURST)
        self._bad = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Welcome, then take frames until the connection ends.

        Messages that were taken are processed to their end, whatever becomes of the connection.
        """
        connections = self._room.connections
        connections.add(self._connection)
        try:
            sender = await self._welcomed()
            if sender:
                while await self._take(sender, await self._socket.recv()):
                    pass
        except (ConnectionClosed, WebsocketClosed):
            pass
        except asyncio.CancelledError:
            self._socket.end_connection(CLOSE_SERVER_STOPS, "the server stops")
            raise
        finally:
            connections.remove(self._connection)
            self._connection.stop()

    async def _welcomed(self) -> str | None:
        """Check the page, read `hello`, answer `welcome`; give the sender id, or None."""
        connections = self._room.connections
        code = CLOSE_ORIGIN
        try:
            self._gate.check_origin(self._request)
            code = CLOSE_TOO_MANY
            if connections.of_address(self._address) > self._room.options.connections_per_address:
                raise Refusal("too_fast", "Too many connections from this address.")
            code = CLOSE_NOT_WELCOMED
            hello = await self._hello()
            session = self._room.sessions.open(hello.get("session"), hello.get("login"))
            code = CLOSE_TOO_MANY
            if session.new:
                self._gate.count_new_session(self._address)
            if connections.of_session(session.sender) >= self._room.options.connections_per_session:
                raise Refusal("too_fast", "Too many connections of this session; close a tab.")
            code = 1011
            connections.join(self._connection, session.sender)
            self._connection.welcome(await self._room.welcome(session))
        except Refusal as refusal:
            await self._refuse(refusal, code)
            return None
        return session.sender

    async def _hello(self) -> Frame:
        raw = await self._socket.recv(HELLO_WITHIN_S)
        if raw is None:
            raise Refusal("not_welcomed", f"Expected 'hello' within {HELLO_WITHIN_S:.0f} s.")
        frame = read_frame(raw)
        if frame["type"] != "hello" or frame["protocol"] != VERSION:
            raise Refusal("not_welcomed", "Expected 'hello' as the first frame.")
        return frame

    async def _refuse(self, refusal: Refusal, code: int) -> None:
        self._connection.send(refusal.frame)
        self._connection.close(code, refusal.code)
        await self._connection.finished()

    async def _take(self, sender: str, raw: str | bytes | None) -> bool:
        """Take one frame; say whether to go on."""
        if raw is None:
            return False
        if self._frames.wait("all"):
            self._connection.cut(CLOSE_TOO_MANY, "too many frames")
            return False
        try:
            frame = read_frame(raw)
            if frame["type"] == "ping":
                self._connection.send({"type": "pong"})
                return True
            if frame["type"] == "hello":
                raise Refusal("bad_frame", "Expected 'hello' once only.")
            self._gate.count_message(sender, self._address, frame["id"])
        except Refusal as refusal:
            self._bad += refusal.code == "bad_frame"
            if self._bad >= BAD_FRAMES:
                await self._refuse(refusal, CLOSE_BAD_FRAMES)
                return False
            self._connection.send(refusal.frame)
            return True
        # A task each, so that pings are answered meanwhile; the locks keep the order.
        task = asyncio.ensure_future(self._answer(sender, frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer(self, sender: str, frame: Frame) -> None:
        try:
            done = await getattr(self._room, frame["type"])(sender, frame)
        except Refusal as refusal:
            self._connection.send(refusal.frame)
            return
        if frame["type"] in ("feedback", "rating"):
            self._connection.send(done)  # the others are told to the whole session
