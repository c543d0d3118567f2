"""The recipe of docs/how-to/canary.md: nginx takes it, visitors stay where they are, SQL runs."""

from __future__ import annotations

import http.client
import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "canary.md"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PATH = "/webhooks/web/"
PATIENCE_S = 20.0


def fence(language: str, holding: str) -> str:
    """Give the block of the page in a language that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    (found,) = [block for block in blocks if holding in block]
    return str(found)


@contextmanager
def upstream(name: str) -> Iterator[int]:
    """Serve a page that says who served it; give the port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@contextmanager
def proxy(folder: Path, recipe: str) -> Iterator[int]:
    """Run nginx with the recipe; give its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    recipe = recipe.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{scratch}{recipe}\n}}\n"
    )
    command = [str(NGINX), "-e", str(folder / "error.log"), "-c", str(file)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and running.poll() is None:
            with closing(socket.socket()) as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        assert running.poll() is None, running.communicate()[1].decode()
        yield port
    finally:
        running.terminate()
        running.communicate(timeout=PATIENCE_S)


def ask(port: int, cookie: str = "") -> tuple[str, str]:
    """Give who answered, and the cookie that came with it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with closing(connection):
        connection.request("GET", PATH, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        return answer.read().decode(), cookie


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_a_visitor_stays_with_one_model(tmp_path: Path) -> None:
    recipe = fence("nginx", "split_clients").replace("5% ", "30% ")
    assert "30% " in recipe
    with upstream("live") as live, upstream("canary") as canary:
        recipe = recipe.replace(":5005;", f":{live};").replace(":5006;", f":{canary};")
        with proxy(tmp_path, recipe) as port:
            visitors = [ask(port) for _ in range(100)]
            again = [ask(port, cookie)[0] for _, cookie in visitors for _ in range(2)]
    assert {name for name, _ in visitors} == {"live", "canary"}
    assert again == [name for name, _ in visitors for _ in range(2)]
    assert len({cookie for _, cookie in visitors}) == 100


def test_the_query_compares_models(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/feedback.sqlite", b"the key of the tests, no secret.")
    query = re.search(r'"\s*(SELECT .*)"', fence("sh", "sqlite3"), re.S)
    assert query is not None
    columns = dict.fromkeys(("actions", "replies"), "[]") | {"kind": "message", "text": "hi"}
    numbers = {"position": 0, "complete": 1, "priority": 0.0, "rephrase": 0}
    with store.write() as db:
        db.execute(t.conversations.insert().values(id=1, sender="s", n_turns=4, state="{}"))
        for number, (model, fallback, thumb, age_days) in enumerate(
            [
                ("a", "nlu", None, 1),
                ("a", "", "down", 1),
                ("b", "", "up", 1),
                ("b", "nlu", "down", 9),
            ]
        ):
            said = {"model": model, "fallback": fallback, "thumb": thumb, "thumbs": "{}"}
            place = {"conversation_id": 1, "key": str(number), "status": "open"}
            row = {**columns, **numbers, **said, **place}
            db.execute(t.turns.insert().values(time=time.time() - age_days * 86_400, **row))
    with store.read() as db:
        found = {row.model: tuple(row)[1:] for row in db.execute(sa.text(query[1]))}
    store.close()
    assert found == {"a": (2, 1, 0.5, 0.0, 1.0), "b": (1, 1, 0.0, 0.0, 0.0)}
