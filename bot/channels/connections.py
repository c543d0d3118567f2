"""Open WebSockets: which session they belong to, and what waits to be written to each."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any

from bot.channels.protocol import Frame

WAITING_FRAMES = 100
WRITE_TIMEOUT_S = 20.0
TOO_SLOW = 4408


class Connection:
    """One WebSocket with a bounded queue: a client that does not read is let go."""

    def __init__(self, socket: Any, address: str) -> None:
        self.address = address
        self.sender: str | None = None
        self._socket = socket
        # What is said in the session before this client was welcomed.
        self._early: list[Frame] | None = []
        self._queue: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue(WAITING_FRAMES)
        self._over = False
        self._writer = asyncio.ensure_future(self._write())

    def send(self, frame: Frame) -> None:
        """Queue a frame; where the queue is full, close instead."""
        try:
            self._queue.put_nowait(json.dumps(frame))
        except asyncio.QueueFull:
            self.cut(TOO_SLOW, "reads too slowly")

    def tell(self, frame: Frame) -> None:
        """Send what concerns the whole session, but not before the welcome."""
        if self._early is None:
            self.send(frame)
        elif len(self._early) < WAITING_FRAMES:
            self._early.append(frame)
        else:
            self.cut(TOO_SLOW, "more was said than can wait for the welcome")

    def welcome(self, frame: Frame) -> None:
        """Send the welcome, and then what was said since the connection joined."""
        early, self._early = self._early or [], None
        for item in (frame, *early):
            self.send(item)

    def close(self, code: int, reason: str) -> None:
        """Close once everything queued is written."""
        try:
            self._queue.put_nowait((code, reason))
        except asyncio.QueueFull:
            self.cut(code, reason)

    def cut(self, code: int, reason: str) -> None:
        """Close now; what is queued is not sent."""
        self.stop()
        self._socket.fail_connection(code, reason)

    async def finished(self) -> None:
        """Wait until the writer is done, after a `close`."""
        await asyncio.wait([self._writer], timeout=WRITE_TIMEOUT_S)

    def stop(self) -> None:
        """Stop writing: the socket is gone."""
        self._over = True  # Python's wait_for loses a cancellation that comes with the result
        self._writer.cancel()

    async def _write(self) -> None:
        while not self._over:
            item = await self._queue.get()
            if isinstance(item, tuple):
                await self._socket.close(*item)
                return
            try:
                await asyncio.wait_for(self._socket.send(item), WRITE_TIMEOUT_S)
            except asyncio.TimeoutError:
                self._socket.fail_connection(TOO_SLOW, "reads too slowly")
                return
            except Exception:  # the socket is closed; the reading side ends by itself
                return


class Connections:
    """All open WebSockets of this worker."""

    def __init__(self) -> None:
        self._of_session: defaultdict[str, set[Connection]] = defaultdict(set)
        self._of_address: defaultdict[str, set[Connection]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(len(group) for group in self._of_address.values())

    def add(self, connection: Connection) -> None:
        """Remember a connection that was just opened."""
        self._of_address[connection.address].add(connection)

    def join(self, connection: Connection, sender: str) -> None:
        """Let a connection hear what is said in a session."""
        connection.sender = sender
        self._of_session[sender].add(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        for groups, key in (
            (self._of_address, connection.address),
            (self._of_session, connection.sender),
        ):
            if key is not None and key in groups:
                groups[key].discard(connection)
                if not groups[key]:
                    del groups[key]

    def of_session(self, sender: str) -> int:
        """Count the connections of a session."""
        return len(self._of_session.get(sender, ()))

    def of_address(self, address: str) -> int:
        """Count the connections from an address."""
        return len(self._of_address.get(address, ()))

    def tell(self, sender: str, frame: Frame) -> None:
        """Send a frame to every connection of a session."""
        for connection in list(self._of_session.get(sender, ())):
            connection.tell(frame)
