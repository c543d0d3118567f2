"""Real servers for the tests: started, killed and started again in a second."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ASSISTANT = HERE / "assistant"
CHANNEL = "bot.channels.web.WebChannel"
QUICK: dict[str, Any] = {"messages_per_minute": 60_000, "address_messages_per_minute": 600_000}
PYTHON = (sys.executable, "-W", "ignore")
ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "ignore",
}


class Forks:
    """The process that imported Rasa and forks what runs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*PYTHON, str(HERE / "fork_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **ENVIRONMENT},
        )
        self._lock = threading.Lock()
        assert self._answer() == {"ready": True}

    def run(self, folder: Path, arguments: list[str], log: Path, **environment: str) -> int:
        """Start `rasa` with arguments, in a folder; give the process id."""
        command = {
            "run": arguments,
            "folder": str(folder),
            "log": str(log),
            "environment": environment,
        }
        return int(self._ask(command)["pid"])

    def wait(self, pid: int, within: float = 60.0) -> int | None:
        """Wait for the end; give the status, or None where it still runs."""
        status = self._ask({"wait": pid, "within": within})["status"]
        return None if status is None else int(status)

    def end(self) -> None:
        """End it and all that it forked."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class Server:
    """`rasa run` in a folder of its own, on a port that it keeps."""

    def __init__(
        self,
        forks: Forks,
        project: Path,
        folder: Path,
        *,
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.port = free_port()
        self.log_file = folder / "log.txt"
        self.database = folder / "trackers.sqlite"
        self._forks = forks
        self._arguments = arguments
        self._environment = environment or {}
        self._pid: int | None = None
        self.model = next((project / "models").glob("*.tar.gz"))
        for name in ("endpoints.yml", "tricks.py"):
            shutil.copy(project / name, folder / name)
        self.configure(**options)

    def configure(self, **options: Any) -> None:
        """Write `credentials.yml` with options of the channel."""
        content = yaml.safe_load((ASSISTANT / "credentials.yml").read_text("utf-8"))
        content[CHANNEL].update({**QUICK, **options})
        (self.folder / "credentials.yml").write_text(yaml.safe_dump(content), "utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/web"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/webhooks/web/ws"

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace")

    @property
    def pid(self) -> int:
        assert self._pid
        return self._pid

    def start(self, patience: float = 60) -> Server:
        """Start, and wait until a model is loaded."""
        arguments = ["run", "--port", str(self.port), "-i", "127.0.0.1", "-m", str(self.model)]
        self._pid = self._forks.run(
            self.folder,
            [*arguments, "--endpoints", "endpoints.yml", *self._arguments],
            self.log_file,
            **self._environment,
        )
        until = time.monotonic() + patience
        while time.monotonic() < until:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/", timeout=5).json()["ready"]:
                    return self
            assert self.alive(), self.log
            time.sleep(0.02)
        raise AssertionError(f"not ready: {self.log}")

    def alive(self) -> bool:
        """Say whether the process runs."""
        if self._pid is None:
            return False
        if self._forks.wait(self._pid, 0.0) is None:
            return True
        self._pid = None
        return False

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """End it as an administrator would; give the status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int | None:
        if self._pid is None:
            return None
        os.kill(self._pid, number)
        status = self._forks.wait(self._pid, 30.0)
        if status is None:
            os.kill(self._pid, signal.SIGKILL)
            self._forks.wait(self._pid)
        self._pid = None
        return status

    def rows(self, sender: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        """Give sender and content of every event in the tracker store, in order."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database:
            found = database.execute("select sender_id, data from events order by id").fetchall()
        return [(who, json.loads(data)) for who, data in found if sender in (None, who)]

    def said(self, sender: str) -> list[tuple[str, str]]:
        """Give id and text of every message of a session, as they were saved."""
        return [
            (str(event["message_id"]), str(event["text"]))
            for _, event in self.rows(sender)
            if event["event"] == "user"
        ]

    def memory(self) -> int:
        """Give the resident memory in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


class Actions:
    """An action server: waits, counts, and sets reminders."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        actions = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                content = json.dumps(actions.answer(call)).encode()
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhook"

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """Answer as Rasa's action server does."""
        text = str(call["tracker"]["latest_message"].get("text"))
        self.calls.append((call["next_action"], text))
        if call["next_action"] == "action_wait":
            time.sleep(float(text.split()[-1]))
            return {"events": [], "responses": [{"text": "I waited."}]}
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 1))
        reminder = {
            "event": "reminder",
            "intent": "wake",
            "entities": [],
            "date_time": f"{when}.000000",
            "name": f"r-{time.time()}",
            "kill_on_user_msg": False,
        }
        return {"events": [reminder], "responses": [{"text": "I will."}]}

    def end(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def train(forks: Forks, folder: Path, action_server: str) -> Path:
    """Train the assistant of these tests; give its folder."""
    shutil.copytree(ASSISTANT, folder, ignore=shutil.ignore_patterns("models", ".rasa"))
    endpoints = yaml.safe_load((folder / "endpoints.yml").read_text("utf-8"))
    endpoints["action_endpoint"] = {"url": action_server}
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints), "utf-8")
    pid = forks.run(folder, ["train"], folder / "train.txt")
    assert forks.wait(pid, 120.0) == 0, (folder / "train.txt").read_text("utf-8")
    return folder
