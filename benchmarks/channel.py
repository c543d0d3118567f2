"""How fast people are answered: our web channel beside Rasa's own, on the same bot in one run.

One `rasa run` serves all channels from the newest model in `models/`, with the SQLite tracker store
of the project. locust asks questions that need no action server.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import yaml
from websockets.legacy.client import connect

from benchmarks import browser
from bot.lifecycle.preflight import find_model

USERS = ("WebSocketUser", "WebRestUser", "RasaRestUser", "SocketIOUser")
NAMES = ("web, WebSocket", "web, REST", "Rasa, REST", "Rasa, SocketIO")
CREDENTIALS = {
    "bot.channels.web.WebChannel": {
        "messages_per_minute": 1_000_000,
        "address_messages_per_minute": 1_000_000,
        "connections_per_address": 10_000,
        "demo": True,
    },
    "rest": {},
    "socketio": {
        "user_message_evt": "user_uttered",
        "bot_message_evt": "bot_uttered",
        "session_persistence": True,
    },
}
ENDPOINTS = {"tracker_store": {"type": "SQL", "dialect": "sqlite", "db": "trackers.sqlite"}}


@dataclass(frozen=True)
class Load:
    """What one channel did under a number of users; latencies in ms."""

    channel: str
    users: int
    per_second: float
    p50_ms: float
    p95_ms: float
    failures: int


@dataclass(frozen=True)
class Idle:
    """What open WebSockets cost; memory in MB."""

    connections: int
    before_mb: float
    after_mb: float

    @property
    def kb_each(self) -> float:
        """Memory of one connection in kB."""
        return (self.after_mb - self.before_mb) * 1024 / self.connections


def run(users: Sequence[int], seconds: int, connections: int, out: Path | None) -> None:
    """Measure and print the tables."""
    loads: list[Load] = []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (url, server):
        _locust(url, "WebSocketUser", NAMES[0], 1, 5, Path(folder))  # warms up
        for count in users:
            for kind, name in zip(USERS, NAMES, strict=True):
                loads.append(_locust(url, kind, name, count, seconds, Path(folder)))
                print(loads[-1], flush=True)
        waiting = browser.measure(url)
        idle = asyncio.run(_open_many(url, connections, server))
    print("| channel | users | messages/s | p50 ms | p95 ms | failed |\n|---|---|---|---|---|---|")
    for load in loads:
        figures = f"{load.per_second:.1f} | {load.p50_ms:.0f} | {load.p95_ms:.0f}"
        print(f"| {load.channel} | {load.users} | {figures} | {load.failures} |")
    print(
        f"\nIn the browser, from sending to a painted reply: {waiting.p50_ms:.0f} ms (median of "
        f"{waiting.messages}), 95 % within {waiting.p95_ms:.0f} ms."
    )
    print(
        f"{idle.connections} open WebSockets: {idle.before_mb:.0f} MB before, "
        f"{idle.after_mb:.0f} MB with them, {idle.kb_each:.0f} kB each."
    )
    if out:
        content = {
            "loads": [asdict(load) for load in loads],
            "idle": asdict(idle),
            "browser": asdict(waiting),
        }
        out.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Serve the newest model from a folder of its own; give address and process."""
    archive = folder / "model.tar.gz"
    shutil.copyfile(find_model(None), archive)
    (folder / "credentials.yml").write_text(yaml.safe_dump(CREDENTIALS), "utf-8")
    (folder / "endpoints.yml").write_text(yaml.safe_dump(ENDPOINTS), "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bot.lifecycle.quiet_rasa", "run", "--quiet"]
    command += ["--model", str(archive), "--interface", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "PYTHONPATH": str(Path.cwd())}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(url, server)
        yield url, psutil.Process(server.pid)
    finally:
        server.kill()
        server.wait()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/webhooks/web/", timeout=2) as answer:
                if json.load(answer)["ready"]:
                    return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise SystemExit("The server did not get ready.")


def _locust(url: str, kind: str, name: str, users: int, seconds: int, folder: Path) -> Load:
    prefix = folder / f"{kind}-{users}"
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("load.py"))]
    command += ["--headless", "--host", url, "--users", str(users), "--spawn-rate", str(users)]
    command += ["--run-time", f"{seconds}s", "--csv", str(prefix), "--only-summary", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    path = Path(f"{prefix}_stats.csv")
    if not path.is_file():
        raise SystemExit(f"locust failed:\n{done.stderr[-2000:]}")
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["Name"] == "question"]
    return Load(
        name,
        users,
        float(row["Requests/s"]),
        float(row["50%"]),
        float(row["95%"]),
        int(row["Failure Count"]),
    )


async def _open_many(url: str, count: int, server: psutil.Process) -> Idle:
    address = url.replace("http", "ws") + "/webhooks/web/ws"
    before = _resident_mb(server)
    opened = []
    for _ in range(count):
        for _ in range(100):
            client = await connect(address)
            await client.send(json.dumps({"type": "hello", "protocol": 1}))
            answer = json.loads(await client.recv())
            if answer["type"] == "welcome":
                break
            await client.close()
            await asyncio.sleep(answer["retry_after"])
        opened.append(client)
    await asyncio.sleep(2)
    after = _resident_mb(server)
    for client in opened:
        await client.close()
    return Idle(count, before, after)


def _resident_mb(server: psutil.Process) -> float:
    return float(statistics.median(server.memory_info().rss for _ in range(5))) / 2**20
