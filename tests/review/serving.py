"""The review server as people run it: a process of its own, killed and started again."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import requests

from bot.feedback.store import Store

ROOT = Path(__file__).parents[2]
KEY = "the key of the tests, no secret."
TOKENS = {"ana": "token-of-ana-0123456789", "ben": "token-of-ben-0123456789"}
PRELOADED = ["bot.review.command", "bot.review.app", "bot.review.desk", "bot.review.access"]
# A process with everything imported, which forks the servers: they start in no time.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(PRELOADED)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def run(folder: str, log: str, environment: dict[str, str], options: dict[str, Any]) -> None:
    """Be a server: in its folder, with its environment, all that it prints in a file."""
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("BOT_REVIEW")]:
        del os.environ[name]
    os.environ.update(environment)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.path.insert(0, str(Path(__file__).parent))
    from scorers import by_name

    from bot.errors import BotError
    from bot.review.command import review
    from bot.settings import ReviewSettings

    settings = ReviewSettings(overlap=options["overlap"])
    try:
        status = review(
            key=KEY.encode(),
            url=options["url"],
            settings=settings,
            scorer=by_name(options["scorer"]),
            in_terminal=False,
            reviewer=None,
            interface=options["interface"],
            port=options["port"],
        )
    except BotError as error:
        print(error, flush=True)
        status = 2
    sys.exit(status)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ReviewServer:
    """`bot review` in the folder of a project, on a port that it keeps."""

    def __init__(
        self,
        project: Path,
        url: str,
        *,
        tokens: dict[str, str] | None = None,
        overlap: float = 0.0,
        scorer: str = "",
        interface: str = "127.0.0.1",
        **environment: str,
    ) -> None:
        self.project = project
        self.store_url = url
        self.port = free_port()
        self.tokens = TOKENS if tokens is None else tokens
        self.log_file = project / f"server-{self.port}.txt"
        self._overlap, self._scorer, self._interface = overlap, scorer, interface
        self._environment = environment
        self._process: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace")

    @property
    def link(self) -> str:
        """The link that it printed; with a shared token it signs in."""
        found = re.findall(r"Review at (\S+)", self.log)
        return str(found[-1])

    def start(self, patience: float = 30.0) -> ReviewServer:
        """Start it, and wait until it answers."""
        tokens = ",".join(f"{name}:{token}" for name, token in self.tokens.items())
        environment = {"BOT_REVIEW_TOKENS": tokens, **self._environment}
        options = {
            "url": self.store_url,
            "overlap": self._overlap,
            "scorer": self._scorer,
            "interface": self._interface,
            "port": self.port,
        }
        self._process = FORKS.Process(
            target=run,
            args=(str(self.project), str(self.log_file), environment, options),
            daemon=True,
        )
        self._process.start()
        until = time.monotonic() + patience
        while time.monotonic() < until:
            with contextlib.suppress(requests.RequestException):
                requests.get(f"{self.url}/api/project", timeout=5)
                return self
            assert self._process.exitcode is None, self.log
            time.sleep(0.02)
        raise AssertionError(f"not ready: {self.log}")

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """End it as Ctrl-C does; give the status."""
        return self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        assert process.pid
        if process.exitcode is None:
            os.kill(process.pid, number)
        process.join(20)
        if process.exitcode is None:
            process.kill()
            process.join(20)
        return process.exitcode

    def client(self, reviewer: str = "ana") -> Client:
        """Give a client that is signed in."""
        client = Client(self)
        client.sign_in(reviewer)
        return client

    def store(self) -> Store:
        """Open the store beside the server; who opens it closes it."""
        return Store(self.store_url, KEY.encode())


class Client:
    """What the page does, by HTTP."""

    def __init__(self, server: ReviewServer) -> None:
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False
        self.csrf = ""
        self.timeout = 30.0

    def sign_in(self, reviewer: str) -> None:
        body = {"token": self.server.tokens.get(reviewer, ""), "reviewer": reviewer}
        answer = self.http.post(f"{self.server.url}/api/session", json=body, timeout=self.timeout)
        assert answer.status_code == 200, answer.text
        self.csrf = answer.json()["csrf"]

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        headers = {"X-CSRF-Token": self.csrf, **options.pop("headers", {})}
        return self.http.request(
            method,
            f"{self.server.url}/api/{path}",
            json=body,
            headers=headers,
            timeout=self.timeout,
            **options,
        )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Give status and code of an error."""
        answer = self.call(method, path, body, **options)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert error["message"].endswith("."), error
        return answer.status_code, error["code"]
