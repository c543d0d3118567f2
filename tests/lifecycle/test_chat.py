"""`bot chat` with real processes.

`rasa` and `rasa_sdk` are small modules in the project's folder, which Python finds before the
installed packages: they do what matters here (a prompt, a health answer, refusing to end) at once.
"""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bot.errors import BotError
from bot.lifecycle import action_server as servers
from bot.lifecycle.chat import chat

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
METADATA = {
    "model_id": "a",
    "domain": {},
    "train_schema": {},
    "predict_schema": {},
    "rasa_open_source_version": "3.6.21",
}
SHELL = """
import asyncio, json, os, pathlib, signal, sys, time
from rasa.core.channels import console

def main():
    pathlib.Path("shell.json").write_text(json.dumps({"pid": os.getpid(), "arguments": sys.argv[1:],
        "environment": dict(os.environ)}))
    while True:
        line = asyncio.run(console._get_user_input(None))
        if line is None or line == "/stop":
            break
        if line == "/fail":
            sys.exit(3)
        if line == "/interrupt":
            os.kill(os.getppid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)
"""
CONSOLE = """
async def _get_user_input(previous_response):
    return input()
"""
ACTION_SERVER = """
import json, os, pathlib, signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

if pathlib.Path("stubborn").exists():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
pathlib.Path("server.json").write_text(json.dumps({"pid": os.getpid(), "worker": worker.pid,
    "arguments": sys.argv[1:], "host": os.environ.get("SANIC_HOST")}))

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok"}).encode())

port = int(sys.argv[sys.argv.index("--port") + 1])
HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model archive, endpoints, and stand-ins for Rasa and its action server."""
    for name, source in (("rasa", SHELL), ("rasa_sdk", ACTION_SERVER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "__main__.py").write_text(source)
    console = tmp_path / "rasa" / "core" / "channels" / "console.py"
    console.parent.mkdir(parents=True)
    console.write_text(CONSOLE)
    name_port(tmp_path, port)
    (tmp_path / "models").mkdir()
    write_archive(tmp_path / "models" / "new.tar.gz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def name_port(project: Path, port: int) -> None:
    url = f"http://localhost:{port}/webhook"
    (project / "endpoints.yml").write_text(f"action_endpoint:\n  url: {url}\n")


def write_archive(path: Path) -> None:
    content = json.dumps(METADATA).encode()
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("metadata.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


@pytest.fixture
def start(project: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `bot chat` in a process of its own and end it, should a test fail half-way."""
    started: list[subprocess.Popen[str]] = []

    def _start(*arguments: str, **options: object) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipes: dict[str, object] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "chat", *arguments],
            cwd=project,
            env=environment,
            text=True,
            **{**pipes, **options},  # type: ignore[call-overload]
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()
        for name in ("shell.json", "server.json"):
            if (project / name).exists():
                for pid in pids(project / name):
                    if is_alive(pid):
                        os.kill(pid, signal.SIGKILL)


def wait_for(path: Path) -> dict[str, object]:
    """Read what a stand-in wrote about itself, as soon as it is whole."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            content: dict[str, object] = json.loads(path.read_text())
            return content
        except (OSError, ValueError):
            time.sleep(0.05)
    raise AssertionError(f"{path.name} never appeared")


def pids(path: Path) -> list[int]:
    content = json.loads(path.read_text())
    return [content[key] for key in ("pid", "worker") if key in content]


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a zombie that its new parent has yet to bury does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def assert_nothing_left(project: Path) -> None:
    left = [
        pid
        for name in ("shell.json", "server.json")
        if (project / name).exists()
        for pid in pids(project / name)
    ]
    deadline = time.monotonic() + WAIT_S
    while any(map(is_alive, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in left if is_alive(pid)]


def test_no_model_names_the_remedy(project: Path) -> None:
    (project / "models" / "new.tar.gz").unlink()
    with pytest.raises(BotError, match="make train"):
        chat(None, debug=False)


def test_damaged_archive_is_named_before_anything_starts(project: Path) -> None:
    archive = project / "models" / "new.tar.gz"
    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(BotError, match=r"new\.tar\.gz.*damaged.*make train"):
        chat(None, debug=False)
    assert not (project / "server.json").exists()


def test_archive_without_metadata_is_refused(project: Path) -> None:
    archive = project / "models" / "new.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("something"))
    with pytest.raises(BotError, match=r"new\.tar\.gz.*metadata\.json"):
        chat(None, debug=False)


def test_leaving_stops_everything(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    output, errors = start().communicate("hello\n/stop\n", timeout=WAIT_S)
    assert output.splitlines() == ["Starting the action server ...", "Loading the model ..."]
    assert errors == ""
    server = wait_for(project / "server.json")
    assert server["host"] == "127.0.0.1"
    assert server["arguments"][:2] == ["--actions", "actions"]  # type: ignore[index]
    assert (project / ".bot" / "actions.log").exists()
    assert_nothing_left(project)


def test_shell_gets_newest_model_and_no_warnings(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    os.utime(project / "models" / "new.tar.gz", (2e9, 2e9))
    write_archive(project / "models" / "old.tar.gz")
    assert start().communicate("", timeout=WAIT_S) is not None
    shell = wait_for(project / "shell.json")
    arguments, environment = shell["arguments"], shell["environment"]
    assert isinstance(arguments, list) and isinstance(environment, dict)
    assert arguments[0] == "shell"
    assert "--quiet" in arguments
    assert arguments[arguments.index("--model") + 1] == "models/new.tar.gz"
    assert environment["PYTHONWARNINGS"] == "ignore"
    assert environment["RASA_TELEMETRY_ENABLED"] == "false"


def test_end_of_input_is_a_way_to_leave(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    _, errors = process.communicate("hello\n", timeout=WAIT_S)
    assert process.returncode == 0
    assert errors == ""
    assert_nothing_left(project)


def test_failure_of_the_shell_is_passed_on(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    process.communicate("/fail\n", timeout=WAIT_S)
    assert process.returncode == 3
    assert_nothing_left(project)


def test_interrupt_belongs_to_the_shell_and_ends_quietly(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    _, errors = process.communicate("/interrupt\n", timeout=WAIT_S)
    assert process.returncode == 0
    assert errors == ""
    assert_nothing_left(project)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_everything(
    number: signal.Signals, project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start()
    wait_for(project / "shell.json")
    process.send_signal(number)
    process.send_signal(number)
    process.wait(WAIT_S)
    assert process.returncode == 128 + number
    assert_nothing_left(project)


def test_server_that_refuses_to_end_is_killed(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    (project / "stubborn").touch()
    process = start()
    process.communicate("/stop\n", timeout=WAIT_S)
    assert process.returncode == 0
    assert_nothing_left(project)


def test_server_that_dies_is_reported_with_its_log(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    (project / "rasa_sdk" / "__main__.py").write_text("raise ImportError('no module named bank')")
    process = start()
    _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert "ended with code 1" in errors
    assert "no module named bank" in errors
    assert not (project / "shell.json").exists()


def test_server_that_never_answers_is_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "rasa_sdk" / "__main__.py").write_text("import time; time.sleep(300)")
    monkeypatch.setattr(servers, "START_TIMEOUT_S", 0.5)
    with pytest.raises(BotError, match="did not answer within"):
        chat(None, debug=False)


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, *_: object) -> None:
        pass


def test_server_that_runs_already_is_used_and_left_alone(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        name_port(project, server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        output, _ = start().communicate("/stop\n", timeout=WAIT_S)
        assert servers._is_healthy(server.server_port)
        server.shutdown()
        thread.join()
    assert output.startswith("Using the action server")
    assert not (project / "server.json").exists()


def test_port_taken_by_another_program_is_reported(
    project: Path, port: int, start: Callable[..., subprocess.Popen[str]]
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        process = start()
        _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert f"If another program has port {port}" in errors
    assert_nothing_left(project)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("action_endpoint:\n  url: http://localhost:5056/webhook\n", 5056),
        ("action_endpoint:\n  url: http://127.0.0.1:${ACTION_PORT}/webhook\n", 5057),
        ("action_endpoint:\n  url: https://actions.example.org/webhook\n", None),
        ("tracker_store:\n  type: SQL\n", None),
        ("", None),
    ],
)
def test_port_is_the_one_that_rasa_calls(
    content: str, expected: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTION_PORT", "5057")
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(content)
    assert servers._local_action_port(endpoints) == expected


@pytest.mark.parametrize(
    "content",
    [
        "action_endpoint: [",
        "action_endpoint:\n  url: http://localhost:five/webhook\n",
        "action_endpoint:\n  url: http://localhost/webhook\n",
        "- action_endpoint\n",
        "action_endpoint: http://localhost:5055/webhook\n",
    ],
)
def test_unusable_address_names_the_file(content: str, tmp_path: Path) -> None:
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(content)
    with pytest.raises(BotError, match=r"(?s)endpoints\.yml.*http://localhost:5055/webhook"):
        servers._local_action_port(endpoints)


def test_terminal_is_given_back_with_echo(
    project: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    import termios

    (project / "rasa" / "__main__.py").write_text(
        "import sys, tty\ndef main(): tty.setraw(sys.stdin)"
    )
    ours, theirs = pty.openpty()
    process = start(stdin=theirs)
    process.communicate(timeout=WAIT_S)
    local_flags = termios.tcgetattr(ours)[3]
    os.close(ours)
    os.close(theirs)
    assert local_flags & termios.ECHO
