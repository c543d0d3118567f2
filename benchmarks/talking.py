"""Simulated people who talk to a served bot over REST, and the key of what they meant."""

from __future__ import annotations

import json
import random
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.feedback import events
from bot.feedback.project import TrainingExample
from bot.feedback.shapes import MASK
from bot.types import Span

ANGRY = 0.5  # of the wrong answers that get a thumb down
MAX_TURNS = 5
START_S = 300.0


@dataclass
class Talk:
    """What was said: examples by message id, and what the bot made of it."""

    said: dict[str, TrainingExample]
    wrong: int = 0
    thumbs: int = 0


@contextmanager
def served(project: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run `bot serve` in a project; give the address of its web channel."""
    port = free_port()
    command = [sys.executable, "-m", "bot", "serve", "--port", str(port)]
    with (project / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=project, env=dict(environment), stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}/webhooks/web"
    try:
        if not _is_ready(url, server):
            raise SystemExit((project / "serve.log").read_text("utf-8", "replace")[-2000:])
        yield url
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def talk(url: str, log: Path, messages: Sequence[TrainingExample], seed: int) -> Talk:
    """Say everything once, in conversations of one to five turns; some are cross with mistakes."""
    chance, done, number = random.Random(seed), Talk({}), 0
    while number < len(messages):
        session = _post(f"{url}/sessions", {})["session"]
        for example in messages[number : number + chance.randint(1, MAX_TURNS)]:
            key = f"m-{number:08d}"
            answer = _post(f"{url}/messages", {"id": key, "text": example.text}, session)
            done.said[key] = example
            if _understood(log) != example.label:
                done.wrong += 1
                if answer["replies"] and chance.random() < ANGRY:
                    reply = answer["replies"][0]["id"]
                    thumb = {"id": f"f-{number:08d}", "reply": reply, "value": "down"}
                    _post(f"{url}/feedback", thumb, session)
                    done.thumbs += 1
            number += 1
    return done


def _understood(log: Path) -> str | None:
    """Give what the bot took the last message for: the user sees it by the answer."""
    query = "SELECT data FROM events WHERE type_name = 'user' ORDER BY id DESC LIMIT 1"
    with closing(sqlite3.connect(log, timeout=30)) as database:
        (data,) = database.execute(query).fetchone()
    found = events.read(json.loads(data))
    return found.label if isinstance(found, events.Said) and not found.is_fallback else None


def _post(url: str, body: dict[str, Any], session: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {session}"} if session else {}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    for _ in range(100):
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            content = json.load(error)
            if not content.get("retry"):
                raise SystemExit(f"{url} answered {content}.") from error
            time.sleep(float(content.get("retry_after") or 1.0))
    raise SystemExit(f"{url} did not take a message.")


def _is_ready(url: str, server: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/", timeout=2) as answer:
                if json.load(answer)["ready"]:
                    return True
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    return False


def marks(example: TrainingExample, masked: str) -> list[Mapping[str, Any]]:
    """Give the entities of a message with their places in its masked text."""
    shape, kept, position = "", [], 0
    for number, match in enumerate(MASK.finditer(masked)):
        shape += re.escape(masked[position : match.start()]) + f"(?P<m{number}>.+?)"
        kept.append(match.span())
        position = match.end()
    found = re.fullmatch(shape + re.escape(masked[position:]), example.text, re.DOTALL)
    if found is None:
        return []
    edits = [(*found.span(f"m{number}"), *place) for number, place in enumerate(kept)]
    return [_mark(span, masked, edits) for span in example.spans]


def _mark(span: Span, masked: str, edits: Sequence[tuple[int, int, int, int]]) -> dict[str, Any]:
    start, end, shift_start, shift_end = span.start, span.end, 0, 0
    for begin, stop, new_begin, new_stop in edits:
        if stop <= start:
            shift_start = new_stop - stop
        elif begin <= start:  # it begins inside of a mask
            start, shift_start = begin, new_begin - begin
        if stop <= end:
            shift_end = new_stop - stop
        elif begin < end:
            end, shift_end = stop, new_stop - stop
    start, end = start + shift_start, end + shift_end
    mark = {"start": start, "end": end, "entity": span.entity, "value": masked[start:end]}
    return mark | {k: v for k, v in (("role", span.role), ("group", span.group)) if v}
