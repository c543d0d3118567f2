"""The action server behind `bot chat` and `bot serve`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bot.errors import ProjectError
from bot.lifecycle.processes import stop

ENDPOINTS = Path("endpoints.yml")
LOG = Path(".bot/actions.log")
START_TIMEOUT_S = 60.0
_LOOPBACK = ("localhost", "127.0.0.1", "0.0.0.0")
_TAIL = 12  # lines of the log


@contextmanager
def action_server(environment: dict[str, str]) -> Iterator[None]:
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
        stop(server, lambda number: os.killpg(server.pid, number))


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
