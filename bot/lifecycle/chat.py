"""`bot chat`: the action server behind, `rasa shell` in front, and both gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import yaml

from bot.errors import ProjectError
from bot.lifecycle.preflight import find_model

ENDPOINTS = Path("endpoints.yml")
LOG = Path(".bot/actions.log")
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
_LOOPBACK = ("localhost", "127.0.0.1", "0.0.0.0")
_TAIL = 12  # lines of the log
# Rasa's dependencies greet with deprecations that its users can do nothing about.
_SILENCE = {
    "PYTHONWARNINGS": "ignore",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def chat(model: Path | None, *, debug: bool) -> int:
    """Talk to a model in this terminal until the person leaves.

    Args:
        model: the archive; the newest in `models/` by default.
        debug: show Rasa's own log and all warnings.

    Returns:
        0 where the person left, else the exit code of `rasa shell`.

    Raises:
        BotError: there is no usable model, or the action server does not start.
    """
    archive = find_model(model)
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", **({} if debug else _SILENCE)}
    with _signals_unwind(), _action_server(environment):
        return _shell(archive, environment, debug=debug)


@contextmanager
def _signals_unwind() -> Iterator[None]:
    """Make SIGTERM and a closed terminal leave through `finally`, where children are stopped."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)  # a second one must not cut the stopping short
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _action_server(environment: dict[str, str]) -> Iterator[None]:
    """Run the action server, unless one runs already or `endpoints.yml` names none of ours."""
    port = _local_action_port(ENDPOINTS)
    if port is None or _is_healthy(port):
        if port:
            print(f"Using the action server that runs on port {port} already.", flush=True)
        yield
        return
    print("Starting the action server ...", flush=True)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(port)]
    with LOG.open("wb") as log:
        server = subprocess.Popen(
            command,
            env={"SANIC_HOST": "127.0.0.1", **environment},  # else the whole network may call it
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the shell; we end this one and its children
        )
    try:
        _wait_until_healthy(server, port)
        yield
    finally:
        _stop(server, lambda number: os.killpg(server.pid, number))


def _local_action_port(endpoints: Path) -> int | None:
    """Give the port that Rasa will call actions on; None where it calls none on this machine."""
    try:
        content = yaml.safe_load(endpoints.read_text(encoding="utf-8")) or {}
        url = os.path.expandvars(str(content.get("action_endpoint", {}).get("url", "")))
        parts = urlsplit(url)
        if not url or parts.hostname not in _LOOPBACK:
            return None
        if parts.port is None:
            raise ValueError(f"'{url}' has no port")
        return parts.port
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise ProjectError(
            f"The action server's address cannot be read ({error}).",
            "It stands under action_endpoint, as url: http://localhost:5055/webhook",
            file=endpoints,
        ) from error


def _is_healthy(port: int) -> bool:
    """Say whether an action server answers; not through a proxy, which would answer for it."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(json.load(answer) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        if _is_healthy(port):
            return
        time.sleep(0.1)
    fate = f"did not answer within {START_TIMEOUT_S:.0f} s"
    if server.returncode is not None:
        fate = f"ended with code {server.returncode} while it started"
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
    raise ProjectError(
        "\n  ".join([f"The action server {fate}. The end of its log, {LOG}:", *lines]),
        f"\nMend what the last lines say. If another program has port {port}, stop it, or change "
        f"the port in {ENDPOINTS}.",
    )


def _shell(archive: Path, environment: dict[str, str], *, debug: bool) -> int:
    """Run `rasa shell` in the foreground; it has the terminal, and Ctrl-C, to itself."""
    print("Loading the model ...", flush=True)
    command = [sys.executable, "-m", "bot.lifecycle.shell", "shell"]
    command += ["--model", str(archive), "--endpoints", str(ENDPOINTS)]
    command += ["--credentials", "credentials.yml", "--debug" if debug else "--quiet"]
    command += ["--interface", "127.0.0.1", "--port", str(_free_port())]
    with _terminal_restored():
        before = signal.signal(signal.SIGINT, lambda *_: None)
        shell = subprocess.Popen(command, env=environment)
        try:
            code = shell.wait()
        finally:
            _stop(shell, shell.send_signal)
            signal.signal(signal.SIGINT, before)
    return 0 if code in (-signal.SIGINT, 128 + signal.SIGINT) else code


def _free_port() -> int:
    """Find a port for the server inside `rasa shell`: its default may be taken by a live bot."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _terminal_restored() -> Iterator[None]:
    """Give the terminal back as it was: a prompt that is killed leaves it without echo."""
    settings = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    try:
        yield
    finally:
        if settings is not None:
            with suppress(termios.error):  # the terminal itself may be gone
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, settings)


def _stop(process: subprocess.Popen[bytes], send: Callable[[int], None]) -> None:
    """Ask a process to end, then make it; Ctrl-C meanwhile changes nothing."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                send(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
    finally:
        signal.signal(signal.SIGINT, before)
