"""`bot serve`: the assistant on its channels, the action server behind, a demo page in front."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from bot.errors import ProjectError
from bot.lifecycle.action_server import ENDPOINTS, action_server
from bot.lifecycle.live_model import PINNED, model_to_serve
from bot.lifecycle.processes import SILENCE, signals_unwind, stop
from bot.settings import signing_key

CREDENTIALS = Path("credentials.yml")
WEB_CHANNEL = "bot.channels.web.WebChannel"
START_TIMEOUT_S = 300.0


def serve(model: Path | None, *, interface: str, port: int, debug: bool) -> int:
    """Serve a model until the person stops it.

    Args:
        model: the archive; by default the live one, or the newest in `models/` as long as none
            was promoted.
        interface: the address to listen on.
        port: the port to listen on.
        debug: show Rasa's own log and all warnings.

    Returns:
        0 where the person stopped it, else the exit code of `rasa run`.

    Raises:
        BotError: there is no usable model, the port is taken, or a server does not start.
    """
    archive, warning = model_to_serve(model, signing_key())
    if warning:
        print(f"Warning: {warning}", file=sys.stderr, flush=True)
    web = _web_channel()
    _check_port(interface, port)
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", **({} if debug else SILENCE)}
    environment |= {PINNED: "1"} if model else {}
    with signals_unwind(), action_server(environment):
        print("Loading the model ...", flush=True)
        command = [sys.executable, "-m", "bot.lifecycle.quiet_rasa", "run", "--model", str(archive)]
        command += ["--endpoints", str(ENDPOINTS), "--credentials", str(CREDENTIALS)]
        command += ["--interface", interface, "--port", str(port)]
        command += ["--debug"] if debug else ["--quiet"]
        # In a session of its own, so that Ctrl-C reaches it once, through us.
        server = subprocess.Popen(command, env=environment, start_new_session=True)
        try:
            _wait_until_ready(server, port)
            _say_where(interface, port, web)
            return server.wait()
        except KeyboardInterrupt:
            print("\nStopping ...", flush=True)
            return 0
        finally:
            stop(server, lambda number: os.killpg(server.pid, number))


def _web_channel() -> dict[str, Any] | None:
    """Give the web channel's options in `credentials.yml`; None where it is not used."""
    try:
        content = yaml.safe_load(CREDENTIALS.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ProjectError(
            f"The channels cannot be read ({error}).", "Correct the file.", file=CREDENTIALS
        ) from error
    return dict(content[WEB_CHANNEL] or {}) if WEB_CHANNEL in content else None


def _check_port(interface: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((interface, port))
        except OSError as error:
            raise ProjectError(
                f"Port {port} on {interface} cannot be used ({error.strerror}).",
                "Stop the program that has it, or choose another by --port.",
            ) from error


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the model is loaded; Rasa listens before that."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None:
        try:
            with direct.open(f"http://127.0.0.1:{port}/webhooks/web/", timeout=2) as answer:
                if json.load(answer).get("ready"):
                    return
        except urllib.error.HTTPError:
            return  # another project's channels: it listens, and that is all that can be asked
        except (OSError, ValueError):
            pass
        if time.monotonic() > deadline:
            raise ProjectError(f"The server did not get ready within {START_TIMEOUT_S:.0f} s.")
        time.sleep(0.2)


def _say_where(interface: str, port: int, web: dict[str, Any] | None) -> None:
    host = "localhost" if interface in ("127.0.0.1", "0.0.0.0") else interface
    address = f"http://{host}:{port}"
    if web is None:
        print(f"The assistant answers on {address}. Ctrl-C stops it.", flush=True)
    elif web.get("demo"):
        print(f"Open {address}/webhooks/web/demo and talk. Ctrl-C stops it.", flush=True)
    else:
        print(
            f'The assistant answers. On your page: <script src="{address}/webhooks/web/widget.js" '
            "defer></script>. Ctrl-C stops it.",
            flush=True,
        )
