"""`bot chat`: the action server behind, `rasa shell` in front, and both gone afterwards."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.lifecycle.action_server import ENDPOINTS, action_server
from bot.lifecycle.live_model import find_model
from bot.lifecycle.processes import SILENCE, signals_unwind, stop


def chat(model: Path | None, *, debug: bool) -> int:
    """Talk to a model in this terminal until the person leaves.

    Args:
        model: the archive; by default the live one, or the newest in `models/` as long as none was
            promoted.
        debug: show Rasa's own log and all warnings.

    Returns:
        0 where the person left, else the exit code of `rasa shell`.

    Raises:
        BotError: there is no usable model, or the action server does not start.
    """
    archive = find_model(model)
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", **({} if debug else SILENCE)}
    with signals_unwind(), action_server(environment):
        return _shell(archive, environment, debug=debug)


def _shell(archive: Path, environment: dict[str, str], *, debug: bool) -> int:
    """Run `rasa shell` in the foreground; it has the terminal, and Ctrl-C, to itself."""
    print("Loading the model ...", flush=True)
    command = [sys.executable, "-m", "bot.lifecycle.quiet_rasa", "shell"]
    command += ["--model", str(archive), "--endpoints", str(ENDPOINTS)]
    command += ["--credentials", "credentials.yml", "--debug" if debug else "--quiet"]
    command += ["--interface", "127.0.0.1", "--port", str(_free_port())]
    with _terminal_restored():
        before = signal.signal(signal.SIGINT, lambda *_: None)
        shell = subprocess.Popen(command, env=environment)
        try:
            code = shell.wait()
        finally:
            stop(shell, shell.send_signal)
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
