"""Users for locust: the same questions through each channel, one after another without a pause.

A user keeps one conversation for `TURNS` questions and then begins another, on every channel.
A request is from sending to the first reply.
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from typing import Any

import gevent.event
import socketio
import websocket
from locust import FastHttpUser, User, constant, task

from benchmarks.questions import QUESTIONS

TURNS = 10
TIMEOUT_S = 60


class Asker(User):
    """What all users share."""

    abstract = True
    wait_time = constant(0)
    kind = ""

    def on_start(self) -> None:
        """Begin the first conversation."""
        self.questions = itertools.cycle(QUESTIONS)
        self.left = 0

    @task
    def ask(self) -> None:
        """Ask the next question and count the time to the first reply."""
        if not self.left:
            self.begin()
            self.left = TURNS
        self.left -= 1
        began = time.perf_counter()
        error: Exception | None = None
        try:
            self.exchange(next(self.questions))
        except Exception as problem:
            error = problem
            self.left = 0
        self.environment.events.request.fire(
            request_type=self.kind,
            name="question",
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=error,
            context={},
        )

    def begin(self) -> None:
        """Begin a conversation."""
        raise NotImplementedError

    def exchange(self, text: str) -> None:
        """Send a text and wait for the first reply."""
        raise NotImplementedError


class WebSocketUser(Asker):
    """Ours, over WebSocket; the reply comes when it is saved."""

    kind = "web, WebSocket"

    def begin(self) -> None:
        """Open a socket and get a session."""
        self.socket = websocket.create_connection(
            str(self.host).replace("http", "ws") + "/webhooks/web/ws", timeout=TIMEOUT_S
        )
        self.socket.send(json.dumps({"type": "hello", "protocol": 1}))
        self.wait_for("welcome")

    def exchange(self, text: str) -> None:
        """Send a message and wait for its turn."""
        frame = {"type": "message", "id": uuid.uuid4().hex, "text": text}
        self.socket.send(json.dumps(frame))
        self.wait_for("turn")

    def wait_for(self, kind: str) -> None:
        """Read frames up to one of a kind."""
        while True:
            frame = json.loads(self.socket.recv())
            if frame["type"] == "error":
                raise RuntimeError(frame["message"])
            if frame["type"] == kind:
                return


class Posting(FastHttpUser, Asker):
    """What both REST users share."""

    abstract = True
    wait_time = constant(0)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        """Post JSON and give the JSON of the answer."""
        answer = self.client.post(path, json=body, headers=headers, name="http")
        if answer.status_code not in (200, 201):
            raise RuntimeError(f"status {answer.status_code}")
        return answer.json()


class WebRestUser(Posting):
    """Ours, over REST; the reply comes when it is saved."""

    kind = "web, REST"

    def begin(self) -> None:
        """Get a session."""
        session = self.post("/webhooks/web/sessions", {})["session"]
        self.headers = {"Authorization": f"Bearer {session}"}

    def exchange(self, text: str) -> None:
        """Send a message and read its turn."""
        body = {"id": uuid.uuid4().hex, "text": text}
        if not self.post("/webhooks/web/messages", body, self.headers)["replies"]:
            raise RuntimeError("no reply")


class RasaRestUser(Posting):
    """Rasa's REST channel; the reply comes when it is saved."""

    kind = "Rasa, REST"

    def begin(self) -> None:
        """Choose a sender id."""
        self.sender = uuid.uuid4().hex

    def exchange(self, text: str) -> None:
        """Send a message and read the replies."""
        body = {"sender": self.sender, "message": text}
        if not self.post("/webhooks/rest/webhook", body):
            raise RuntimeError("no reply")


class SocketIOUser(Asker):
    """Rasa's SocketIO channel; the reply comes before it is saved."""

    kind = "Rasa, SocketIO"

    def begin(self) -> None:
        """Connect and choose a session id."""
        self.client = socketio.Client(reconnection=False)
        self.replied = gevent.event.Event()
        self.client.on("bot_uttered", lambda *_: self.replied.set())
        self.client.connect(self.host, transports=["websocket"], wait_timeout=TIMEOUT_S)
        self.session = uuid.uuid4().hex
        self.client.emit("session_request", {"session_id": self.session})

    def exchange(self, text: str) -> None:
        """Send a message and wait for the first reply."""
        self.replied.clear()
        self.client.emit("user_uttered", {"message": text, "session_id": self.session})
        if not self.replied.wait(TIMEOUT_S):
            raise RuntimeError("no reply")
