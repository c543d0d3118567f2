"""Kill the server whenever: each message that was acknowledged is there, once, and in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
from typing import Any

import pytest
import requests
import websockets
from conftest import Serve
from serving import ENVIRONMENT, PYTHON, Server
from visitors import Frame, Rest, connect, new_id, opened, texts

CLIENTS = 20
OVER_REST = 5
AT_ONCE = 3  # messages that a client sends before it waits


class Talker:
    """A client as the protocol wants it: it keeps what has no turn, and sends it again."""

    def __init__(self, number: int, seed: int) -> None:
        self.number = number
        self.random = random.Random(seed * 1000 + number)
        self.session: str | None = None
        self.sent: list[tuple[str, str]] = []
        self.turns: dict[str, list[Frame]] = {}

    @property
    def waiting(self) -> list[tuple[str, str]]:
        return [message for message in self.sent if message[0] not in self.turns]

    def add(self) -> None:
        """Think of more to say."""
        words = ("hello", "menu", "order", "soup", "small", "yes", "no", "bye")
        for _ in range(self.random.randint(1, AT_ONCE)):
            text = f"{self.random.choice(words)} {len(self.sent)}"
            self.sent.append((new_id(f"c{self.number}-"), text))

    def take(self, turn: Frame) -> None:
        self.turns.setdefault(turn["id"], []).append(turn)

    async def talk(self, server: Server, done: asyncio.Event) -> None:
        """Talk until told to stop, then until everything has its turn."""
        while self.waiting or not done.is_set():
            if not self.waiting:
                self.add()
            with contextlib.suppress(
                OSError,
                asyncio.TimeoutError,
                requests.RequestException,
                websockets.WebSocketException,
            ):
                if self.number < OVER_REST:
                    await asyncio.to_thread(self._over_rest, server)
                else:
                    await self._over_socket(server, done)
            await asyncio.sleep(0.05)

    async def _over_socket(self, server: Server, done: asyncio.Event) -> None:
        client = await connect(server)
        try:
            hello = {"session": self.session} if self.session else {}
            welcome = await client.hello(**hello)
            assert self.session is None or not welcome["new"]
            self.session = client.session
            while self.waiting or not done.is_set():
                if not self.waiting:
                    self.add()
                for identity, text in self.waiting:
                    await client.send({"type": "message", "id": identity, "text": text})
                for identity, _ in self.waiting:
                    answer = await client.about(identity)
                    assert answer["type"] == "turn", answer
                    self.take(answer)
        finally:
            await client.close()

    def _over_rest(self, server: Server) -> None:
        with Rest(server, self.session) as rest:
            self.session = rest.session
            for identity, text in self.waiting:
                response = rest.raw("POST", "messages", json={"id": identity, "text": text})
                assert response.status_code == 200, response.text
                self.take(response.json())


async def kill_while_talking(server: Server, kills: int, seed: int) -> list[Talker]:
    """Let many clients talk, and kill the server under them."""
    chance = random.Random(seed)
    done = asyncio.Event()
    talkers = [Talker(number, seed) for number in range(CLIENTS)]
    talks = [asyncio.ensure_future(talker.talk(server, done)) for talker in talkers]
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.05, 0.9))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    done.set()
    await asyncio.wait_for(asyncio.gather(*talks), 120)
    return talkers


async def check(server: Server, talkers: list[Talker]) -> None:
    """Hold the tracker store to what was acknowledged."""
    for talker in talkers:
        with Rest(server, talker.session) as rest:
            assert server.said(rest.sender) == talker.sent  # each once, none more, in order
            history = (await asyncio.to_thread(rest.call, "GET", "history"))["history"]
        shown = {turn["id"]: turn for turn in history}
        assert list(shown) == [identity for identity, _ in talker.sent][-200:]
        for identity, turns in talker.turns.items():
            assert all(turn == shown.get(identity, turns[0]) for turn in turns)
            assert turns[0]["replies"]
    senders = {who for who, _ in server.rows()}
    used = {str(event["message_id"]) for _, event in server.rows() if event["event"] == "user"}
    assert len(senders) == CLIENTS
    assert used == {identity for talker in talkers for identity, _ in talker.sent}


async def test_nothing_is_lost_or_doubled_in_three_kills(serve: Serve) -> None:
    server = serve()
    talkers = await kill_while_talking(server, kills=3, seed=1)
    assert sum(len(talker.sent) for talker in talkers) > CLIENTS
    await check(server, talkers)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_nothing_is_lost_or_doubled_in_a_hundred_kills(serve: Serve) -> None:
    server = serve()
    await check(server, await kill_while_talking(server, kills=100, seed=2))


async def test_a_form_goes_on_after_a_kill(serve: Serve) -> None:
    server = serve()
    async with opened(server) as client:
        first = [await client.say("order"), await client.say("soup")]
        await asyncio.to_thread(server.kill)
        with contextlib.suppress(asyncio.TimeoutError):
            await client.closed(2)
        session = client.session
    await asyncio.to_thread(server.start)
    async with opened(server, session) as client:
        assert client.frames[0]["new"] is False
        assert client.frames[0]["history"] == first
        turn = await client.press('/inform{"size": "large"}')
        assert texts(turn) == ["A large soup. Is that right?"]


async def test_the_real_command(serve: Serve) -> None:
    """`python -m rasa run`, without what the other tests do to start it quickly."""
    server = serve()
    server.kill()
    command = [*PYTHON, "-m", "rasa", "run", "--port", str(server.port), "-i", "127.0.0.1"]
    with server.log_file.open("ab") as log:
        process = subprocess.Popen(
            [*command, "-m", str(server.model)],
            cwd=server.folder,
            env={**os.environ, **ENVIRONMENT},
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(600):
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{server.url}/", timeout=5).json()["ready"]:
                    break
            await asyncio.sleep(0.1)
        async with opened(server) as client:
            turn = await client.say("order")
            assert texts(turn) == ["What shall it be: soup, salad or stew?"]
        assert server.said(client.sender) == [(turn["id"], "order")]
    finally:
        process.kill()
        process.wait()


async def test_stopping_tells_the_clients(serve: Serve) -> None:
    server = serve()
    async with opened(server) as client:
        await client.say("hello")
        stopping = asyncio.ensure_future(asyncio.to_thread(server.stop))
        code = await client.closed()
        assert await stopping == 0
        assert code == 1001
        before = client.frames[-1]
    assert "Traceback" not in server.log
    server.start()
    async with opened(server, client.session) as again:
        turn: dict[str, Any] = again.frames[0]["history"][0]
        assert turn["id"] == before.get("id", turn["id"])
