"""The review server on a store and a project, as a process of its own that can be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import time
from pathlib import Path

from review.page.talks import KEY

TOKEN = "the-token-of-the-tests-0123456789"
# Imports once what each server needs, and forks from there.
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["bot.review.command", "bot.review.app", "bot.review.desk"])


def serve(url: str, project: str, port: int, overlap: float) -> None:
    """Run the server until somebody kills it."""
    from bot.review.command import review
    from bot.settings import ReviewSettings

    os.environ["BOT_REVIEW_TOKEN"] = TOKEN
    os.chdir(project)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    review(
        key=KEY,
        url=url,
        settings=ReviewSettings(overlap=overlap),
        scorer=None,
        in_terminal=False,
        reviewer=None,
        interface="127.0.0.1",
        port=port,
    )


class Server:
    """A review server; killed and started again it has the same address."""

    def __init__(self, url: str, project: Path, overlap: float = 0.0) -> None:
        self._what = (url, str(project), free_port(), overlap)
        self.url = f"http://127.0.0.1:{self._what[2]}/"
        self.start()

    def start(self, seconds: float = 20) -> None:
        """Start, and wait until it answers."""
        self._process = SPAWN.Process(target=serve, args=self._what, daemon=True)
        self._process.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self._what[2]), 0.2).close()
            except OSError:
                assert self._process.is_alive(), "the server ended"
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        os.kill(self._process.pid or 0, signal.SIGKILL)
        self._process.join()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
