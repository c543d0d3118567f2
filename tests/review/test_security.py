"""Whatever others send: forged cookies, foreign sites, rubbish, too much of it."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import BotError, OptionError
from bot.feedback.store import Store
from bot.review.access import Access, Refusal
from bot.review.app import ROUTES
from bot.review.command import is_loopback, review
from bot.settings import ReviewSettings, review_hosts, review_tokens
from review.conftest import Serve
from review.filled import fill_store, write_project
from review.serving import KEY, TOKENS, Client, ReviewServer

CHANGING = sorted({(method, path) for method, path, _ in ROUTES if method != "GET"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewServer]:
    """One server for the tests that change nothing."""
    folder = write_project(tmp_path_factory.mktemp("security"))
    url = f"sqlite:///{folder}/feedback.sqlite"
    store = Store(url, KEY.encode())
    fill_store(store)
    store.close()
    running = ReviewServer(folder, url).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ana(server: ReviewServer) -> Client:
    return server.client("ana")


def address(path: str) -> str:
    return path.replace("/api/", "").replace("<id>", "1")


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _ in ROUTES])
def test_every_route_needs_a_session(server: ReviewServer, method: str, path: str) -> None:
    stranger = Client(server)
    assert stranger.refused(method, address(path), {}) == (401, "signed_out")


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_whatever_changes_something_needs_the_header(ana: Client, method: str, path: str) -> None:
    for wrong in ("", "0" * 64, "é"):
        headers = {"X-CSRF-Token": wrong.encode().decode("latin-1")}
        refused = ana.refused(method, address(path), {"id": 1, "label": "greet"}, headers=headers)
        assert refused == (403, "forbidden")
    assert ana.get("items/1")["item"]["status"] == "open"


def test_other_sites_are_refused_whatever_they_know(ana: Client, server: ReviewServer) -> None:
    body = {"id": 1, "label": "greet"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{server.port + 1}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert ana.refused("POST", "submit", body, headers=headers) == (403, "forbidden")
        token = {"token": TOKENS["ana"]}
        assert ana.refused("POST", "session", token, headers=headers) == (403, "forbidden")
    same = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert ana.call("POST", "check", {}, headers=same).status_code == 200
    plain = ana.http.post(
        f"{server.url}/api/submit",
        data=json.dumps(body),
        headers={"X-CSRF-Token": ana.csrf, "Content-Type": "text/plain"},
        timeout=30,
    )
    assert plain.status_code == 400, "a form of another site can send this"
    assert "Access-Control-Allow-Origin" not in plain.headers


def test_another_name_for_this_machine_leads_nowhere(ana: Client, server: ReviewServer) -> None:
    for path in ("/", "/api/project", "/api/session"):
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "["):
            answer = requests.get(server.url + path, headers={"Host": host}, timeout=30)
            assert answer.status_code in (400, 403), (path, host)
            assert "transfer_money" not in answer.text
    for host in ("localhost", "localhost:9999", "[::1]:5007"):
        headers = {"Host": host, "Cookie": cookie_of(ana)}
        assert ana.call("GET", "project", headers=headers).status_code == 200


def cookie_of(client: Client) -> str:
    """Give the cookie as a header: the client would not send it to another name."""
    cookie = next(iter(client.http.cookies))
    return f"{cookie.name}={cookie.value}"


def forged() -> list[str]:
    key = b"another key, of somebody else, long enough"
    claims: dict[str, Any] = {
        "sub": "ana",
        "own": "0" * 64,
        "jti": "x",
        "exp": int(time.time()) + 999,
        "aud": "bot-review",
    }
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return [
        "",
        "x",
        "a.b.c",
        f"{header}.{payload}.",
        jwt.encode(claims, key, algorithm="HS256"),
        jwt.encode(claims, KEY, algorithm="HS256"),
        "é" * 10,
        "." * 5000,
    ]


@pytest.mark.parametrize("number", range(len(forged())))
def test_forged_cookies_are_none(server: ReviewServer, ana: Client, number: int) -> None:
    name = next(iter(ana.http.cookies)).name
    value = forged()[number].encode().decode("latin-1")
    headers = {"Cookie": f"{name}={value}"}
    answer = requests.get(f"{server.url}/api/project", headers=headers, timeout=30)
    assert answer.status_code == 401


def test_a_cookie_that_was_changed_by_one_letter_is_none(server: ReviewServer, ana: Client) -> None:
    cookie = next(iter(ana.http.cookies))
    value = str(cookie.value)
    for place in (3, len(value) // 2, len(value) - 10):
        other = "A" if value[place] != "A" else "B"
        changed = value[:place] + other + value[place + 1 :]
        headers = {"Cookie": f"{cookie.name}={changed}"}
        answer = requests.get(f"{server.url}/api/project", headers=headers, timeout=30)
        assert answer.status_code == 401


def test_the_cookie_stays_away_from_scripts_and_other_sites(server: ReviewServer) -> None:
    for headers, secure in (({}, False), ({"X-Forwarded-Proto": "https"}, True)):
        answer = requests.post(
            f"{server.url}/api/session", json={"token": TOKENS["ana"]}, headers=headers, timeout=30
        )
        cookie = answer.headers["Set-Cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert ("secure" in cookie.replace("; ", ";").split(";")) == secure
        assert TOKENS["ana"].lower() not in cookie


def test_every_answer_forbids_what_the_page_does_not_need(
    server: ReviewServer, ana: Client
) -> None:
    answers = [
        ana.call("GET", "project"),
        ana.call("GET", "nowhere"),
        requests.get(f"{server.url}/api/project", timeout=30),
        requests.get(f"{server.url}/", timeout=30),
        requests.get(f"{server.url}/", headers={"Host": "evil.example"}, timeout=30),
        ana.http.post(f"{server.url}/api/check", data="x" * 1_500_000, timeout=30),
    ]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[-1].status_code == 413


def test_no_path_leads_out_of_the_page(server: ReviewServer) -> None:
    for path in (
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/%2e%2e/%2e%2e/bot.toml",
        "/page//etc/passwd",
        "/app.py",
        "/page/",
        "/feedback.sqlite",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            raw.sendall(request.encode())
            answer = b"".join(iter(lambda: raw.recv(65536), b""))
        assert answer.split(b"\r\n")[0].split()[1] in (b"404", b"400"), (path, answer[:200])
        assert b"import " not in answer


def test_rubbish_instead_of_http_does_not_hurt(server: ReviewServer, ana: Client) -> None:
    for rubbish in (
        b"\x00\xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/submit HTTP/1.1\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            raw.sendall(rubbish)
    assert ana.get("project")["reviewer"] == "ana"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["greet", "amount", "\ud800", "\x00", "submitted", "story"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "start", "end", "entity", "role", "value", "action", "intent"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELDS = [
    *("id", "label", "entities", "group", "note", "suggested", "text", "decision", "name"),
    *("description", "conversation", "kind", "first", "last", "steps", "status", "token"),
]
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON | st.integers(1, 25), max_size=6)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=st.sampled_from(CHANGING), body=BODIES | JSON)
def test_no_body_breaks_the_server(ana: Client, call: tuple[str, str], body: Any) -> None:
    content = json.dumps(body).encode()
    answer = ana.http.request(
        call[0],
        f"{ana.server.url}/api/{address(call[1])}",
        data=content,
        headers={"X-CSRF-Token": ana.csrf, "Content-Type": "application/json"},
        timeout=30,
    )
    assert answer.status_code < 500, (call, body, answer.text)
    answer.json()


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"id": 1e999}']
)
def test_bodies_that_are_no_objects_are_refused(ana: Client, content: bytes) -> None:
    for path in ("submit", "session"):
        answer = ana.http.post(
            f"{ana.server.url}/api/{path}",
            data=content,
            headers={"X-CSRF-Token": ana.csrf, "Content-Type": "application/json"},
            timeout=30,
        )
        assert answer.status_code in (400, 401)
        assert answer.json()["error"]["code"] in ("bad_request", "signed_out")


def test_names_and_notes_are_kept_as_they_are(serve: Serve) -> None:
    server = serve(tokens={}, BOT_REVIEW_TOKEN="one-token-for-all-of-us")
    client = Client(server)
    name = "<img src=x onerror=alert(1)>"
    body = {"token": "one-token-for-all-of-us", "reviewer": name}
    answer = client.http.post(f"{server.url}/api/session", json=body, timeout=30)
    client.csrf = answer.json()["csrf"]
    client.post("submit", id=1, label="greet", note=name)
    done = client.call("GET", "done")
    assert done.headers["Content-Type"] == "application/json"
    assert done.json()["items"][0]["reviewer"] == name


def test_signing_out_and_a_restart(serve: Serve) -> None:
    server = serve()
    ana = server.client("ana")
    server.kill()
    server.start()
    assert ana.get("project")["reviewer"] == "ana", "a restart signs nobody out"
    server.stop()
    server.tokens = {**TOKENS, "ana": "another-token-for-ana-1"}
    server.start()
    assert ana.refused("GET", "project") == (401, "signed_out"), "a new token does"
    ben = server.client("ben")
    assert ben.call("DELETE", "session").status_code == 200
    assert ben.refused("GET", "project") == (401, "signed_out")


def test_a_fresh_token_is_in_the_link_and_a_name_is_needed(serve: Serve) -> None:
    server = serve(tokens={})
    token = server.link.partition("#token=")[2]
    assert len(token) >= 32
    client = Client(server)
    assert client.refused("POST", "session", {"token": token}) == (400, "bad_request")
    wrong = {"token": token, "reviewer": "a\nb"}
    assert client.refused("POST", "session", wrong) == (400, "bad_request")
    right = {"token": token, "reviewer": " Ana B. "}
    assert client.post("session", **right)["reviewer"] == "Ana B."
    assert serve(name="again", tokens={}).link.partition("#token=")[2] != token


def test_the_token_says_who_it_is(server: ReviewServer) -> None:
    body = {"token": TOKENS["ana"], "reviewer": "ben"}
    answer = requests.post(f"{server.url}/api/session", json=body, timeout=30)
    assert answer.json()["reviewer"] == "ana"
    assert "#token" not in server.link


def test_tokens_cannot_be_tried_without_end() -> None:
    now = [1_000_000.0]
    access = Access(KEY.encode(), TOKENS, clock=lambda: now[0])
    for number in range(10):
        with pytest.raises(Refusal) as wrong:
            access.sign_in(f"guess-{number}", "ana", "10.0.0.1")
        assert wrong.value.status == 401
        now[0] += 1
    with pytest.raises(Refusal) as stopped:
        access.sign_in(TOKENS["ana"], "ana", "10.0.0.1")
    assert stopped.value.status == 429
    assert access.sign_in(TOKENS["ana"], "ana", "10.0.0.2")[1].reviewer == "ana"
    now[0] += 60
    cookie, session = access.sign_in(TOKENS["ana"], "ana", "10.0.0.1")
    assert access.read(cookie) == session
    now[0] += 12 * 3600
    with pytest.raises(Refusal):
        access.read(cookie)


def test_a_person_without_a_token_any_more_is_signed_out() -> None:
    cookie, _ = Access(KEY.encode(), TOKENS).sign_in(TOKENS["ana"], "", "a")
    assert Access(KEY.encode(), TOKENS).read(cookie).reviewer == "ana"
    for tokens in ({"ben": TOKENS["ben"]}, {"ana": "changed-0123456789"}):
        with pytest.raises(Refusal):
            Access(KEY.encode(), tokens).read(cookie)
    with pytest.raises(Refusal):
        Access(b"another key of another store....", TOKENS).read(cookie)


@pytest.mark.parametrize("interface", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_other_machines_need_tokens_of_their_own(
    interface: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_project(tmp_path))
    monkeypatch.delenv("BOT_REVIEW_TOKENS", raising=False)
    monkeypatch.setenv("BOT_REVIEW_TOKEN", "one-token-for-all-of-us")
    assert not is_loopback(interface)
    with pytest.raises(BotError, match="BOT_REVIEW_TOKENS"):
        start(tmp_path, interface, 0)


def test_a_port_that_is_taken_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_project(tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BotError, match=f"127.0.0.1:{port} .*--port"):
            start(tmp_path, "127.0.0.1", port)


def start(folder: Path, interface: str, port: int) -> int:
    return review(
        key=KEY.encode(),
        url=f"sqlite:///{folder}/feedback.sqlite",
        settings=ReviewSettings(),
        scorer=None,
        in_terminal=False,
        reviewer=None,
        interface=interface,
        port=port,
    )


@pytest.mark.parametrize(
    "value", ["ana", "ana:", ":tok", "ana:short", "ana:token-0123456789ab,ana:other-0123456789ab"]
)
def test_tokens_that_cannot_be_used_are_said(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_REVIEW_TOKENS", value)
    with pytest.raises(OptionError, match="BOT_REVIEW_TOKENS"):
        review_tokens()


def test_tokens_and_hosts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_REVIEW_TOKENS", " ana:token-0123456789ab , ben:b:token-0123456789 ,")
    assert review_tokens() == {"ana": "token-0123456789ab", "ben": "b:token-0123456789"}
    monkeypatch.setenv("BOT_REVIEW_HOSTS", "Review.Example, other")
    assert review_hosts() == {"review.example", "other"}


def test_a_proxy_may_use_the_name_that_was_allowed(serve: Serve) -> None:
    server = serve(BOT_REVIEW_HOSTS="review.example")
    ana = server.client()
    own = {"Cookie": cookie_of(ana)}
    headers = {"Host": "review.example", "Origin": "https://review.example", **own}
    assert ana.call("POST", "check", {}, headers=headers).status_code == 200
    headers = {"Host": "other.example", **own}
    assert ana.call("GET", "project", headers=headers).status_code == 403


def test_ctrl_c_ends_it(serve: Serve) -> None:
    server = serve()
    server.client().get("next")
    assert server.stop() == 0
    assert "Traceback" not in server.log
