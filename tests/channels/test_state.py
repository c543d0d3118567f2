"""What the channel holds in memory: nothing is left of who is gone."""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

import pytest
from multidict import CIMultiDict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Rasa's packages say about each other
    from bot.channels.connections import WAITING_FRAMES, Connection, Connections
    from bot.channels.delivery import Delivery
    from bot.channels.gate import Gate
    from bot.channels.options import WebOptions
    from bot.channels.protocol import Refusal
    from bot.channels.room import MOST_WAITING, Room
    from bot.channels.sessions import Sessions


class Wire:
    """A socket that keeps what is written to it, and can stop reading."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.closed: list[int] = []

    async def send(self, text: str) -> None:
        await self.reads.wait()
        self.sent.append(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        self.closed.append(code)

    def fail_connection(self, code: int, reason: str) -> bool:
        self.closed.append(code)
        return False


async def test_nothing_is_said_before_the_welcome() -> None:
    wire = Wire()
    connection = Connection(wire, "a")
    connection.tell({"n": 1})
    connection.tell({"n": 2})
    await asyncio.sleep(0.01)
    assert wire.sent == []
    connection.welcome({"n": 0})
    connection.tell({"n": 3})
    connection.close(1000, "")
    await connection.finished()
    assert [frame["n"] for frame in wire.sent] == [0, 1, 2, 3]
    assert wire.closed == [1000]


async def test_too_much_before_the_welcome_or_after() -> None:
    for welcomed in (False, True):
        wire = Wire()
        wire.reads.clear()
        connection = Connection(wire, "a")
        if welcomed:
            connection.welcome({})
        for _ in range(WAITING_FRAMES + 3):
            connection.tell({})
        assert wire.closed[0] == 4408
        await connection.finished()
        connection.stop()


async def test_connections_are_forgotten() -> None:
    connections = Connections()
    made = [Connection(Wire(), f"address {place % 3}") for place in range(9)]
    for place, connection in enumerate(made):
        connections.add(connection)
        if place % 2:
            connections.join(connection, f"session {place % 4}")
    assert len(connections) == 9
    assert connections.of_address("address 0") == 3
    for connection in (*made, *made):
        connections.remove(connection)
        connection.stop()
    assert len(connections) == 0
    assert not connections._of_address and not connections._of_session
    assert connections.of_session("session 1") == 0
    connections.tell("session 1", {})
    assert not connections._of_session


class Slow(Delivery):
    """Takes its time; nothing else is replaced."""

    def __init__(self) -> None:
        super().__init__(lambda: None, WebOptions())
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.done: list[str] = []

    async def message(self, sender: str, frame: dict[str, Any]) -> dict[str, Any]:
        async with self._in_order(sender):
            self.begun.set()
            await self.go.wait()
            self.done.append(frame["id"])
        return {"type": "turn", "id": frame["id"], "replies": []}


def room_of(delivery: Delivery) -> Room:
    options = WebOptions()
    return Room(delivery, Sessions(b"s" * 48, options), options)


async def test_messages_wait_in_order_and_leave_nothing() -> None:
    slow = Slow()
    room = room_of(slow)
    waiting = [
        asyncio.ensure_future(room.message("me", {"id": str(place)}))
        for place in range(MOST_WAITING)
    ]
    await slow.begun.wait()
    with pytest.raises(Refusal) as refused:
        await room.message("me", {"id": "over"})
    assert refused.value.code == "too_fast"
    waiting[3].cancel()  # who asked has left; it is done all the same
    await asyncio.sleep(0)
    slow.go.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    while room._tasks:
        await asyncio.sleep(0.001)
    assert slow.done == [str(place) for place in range(MOST_WAITING)]
    assert not slow._queues and not room._waiting and not room._tasks


async def test_who_gives_up_waiting_does_not_block_the_others() -> None:
    delivery = Delivery(lambda: None, WebOptions())

    async def enter(number: int) -> int:
        async with delivery._in_order("me"):
            await asyncio.sleep(0.01)
        return number

    tasks = [asyncio.ensure_future(enter(number)) for number in range(5)]
    await asyncio.sleep(0)
    for task in tasks[1:3]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [number for number in found if isinstance(number, int)] == [0, 3, 4]
    assert not delivery._queues


async def test_no_model_is_no_loss() -> None:
    room = room_of(Delivery(lambda: None, WebOptions()))
    for work in (
        room.message("me", {"id": "m-12345678", "text": "x"}),
        room.rating("me", {"id": "m-12345678", "value": 1}),
        room.feedback("me", {"id": "m-12345678", "value": "up", "reply": "m-12345678.0"}),
        room.restart("me", {"id": "m-12345678"}),
    ):
        with pytest.raises(Refusal) as refused:
            await work
        assert refused.value.code == "unavailable"
        assert refused.value.frame["retry"] is True


async def test_whatever_breaks_there_is_an_answer() -> None:
    class Broken(Delivery):
        async def message(self, sender: str, frame: dict[str, Any]) -> dict[str, Any]:
            raise KeyError("unforeseen")

    room = room_of(Broken(lambda: None, WebOptions()))
    with pytest.raises(Refusal) as refused:
        await room.message("me", {"id": "m-12345678", "text": "x"})
    assert refused.value.frame["id"] == "m-12345678"
    assert refused.value.code == "unavailable"
    assert not room._waiting and not room._tasks


class Asking:
    def __init__(self, ip: str, *forwarded: str) -> None:
        self.ip = ip
        self.headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])


@pytest.mark.parametrize(
    ("ip", "forwarded", "proxies", "counted"),
    [
        ("1.2.3.4", ["9.9.9.9"], 0, "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9"], 1, "9.9.9.9"),
        ("1.2.3.4", ["8.8.8.8, 9.9.9.9"], 1, "9.9.9.9"),
        ("1.2.3.4", ["8.8.8.8", "9.9.9.9"], 1, "9.9.9.9"),
        ("1.2.3.4", ["7.7.7.7, 8.8.8.8, 9.9.9.9"], 2, "8.8.8.8"),
        ("1.2.3.4", ["9.9.9.9"], 2, "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9:4321"], 1, "9.9.9.9"),
        ("1.2.3.4", ["[2001:db8::1]:80"], 1, "2001:db8::/64"),
        ("2001:db8:0:0:1:2:3:4", [], 0, "2001:db8::/64"),
        ("2001:db8::ffff", [], 0, "2001:db8::/64"),
        ("fe80::1%eth0", [], 0, "fe80::/64"),
        ("::ffff:1.2.3.4", [], 0, "1.2.3.4"),
        ("", [], 0, ""),
        ("1.2.3.4", ["unknown"], 1, "unknown"),
        ("1.2.3.4", ["x" * 9999], 1, "x" * 64),
    ],
)
def test_addresses(ip: str, forwarded: list[str], proxies: int, counted: str) -> None:
    gate = Gate(WebOptions(proxies=proxies))
    assert gate.address_of(Asking(ip, *forwarded)) == counted
