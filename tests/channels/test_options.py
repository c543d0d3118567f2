"""Options, sessions, rates, secrets."""

from __future__ import annotations

import multiprocessing
import os
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import limits
from bot.channels.limits import Rate
from bot.channels.options import WebOptions
from bot.channels.protocol import Refusal
from bot.channels.sessions import Session, Sessions
from bot.channels.web import WebChannel
from bot.errors import OptionError
from bot.settings import login_key, web_secret

FILE = Path("credentials.yml")
SECRET = b"s" * 48
KEY = "k" * 48


def test_defaults() -> None:
    assert WebOptions.read(None, FILE) == WebOptions.read({}, FILE) == WebOptions()
    assert WebOptions().login == "off"
    assert WebOptions().origins == ()


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        ({"orgins": []}, ["'orgins'", "Did you mean 'origins'?"]),
        ({"zzz": 1}, ["'zzz'", "Known: origins,"]),
        ({"origins": "www.example.org"}, ["'origins'", "https://www.example.org"]),
        ({"origins": ["https://a.example/"]}, ["'origins'"]),
        ({"origins": ["https://a.example", 1]}, ["a list of texts"]),
        ({"origins": ["https://"]}, ["'origins'"]),
        ({"origins": ["ftp://a.example"]}, ["'origins'"]),
        ({"origins": ["null"]}, ["'origins'"]),
        ({"origins": ["https://A.example"]}, ["'origins'", "small letters"]),
        ({"origins": ["https://a.example:443"]}, ["'origins'"]),
        ({"origins": ["http://a.example:80"]}, ["'origins'"]),
        ({"origins": ["https://*.example"]}, ["'origins'"]),
        ({"payloads": ["greet"]}, ["'payloads'", "slash"]),
        ({"session_days": 0}, ["'session_days'", "above 0"]),
        ({"session_days": "30"}, ["'30'", "a number"]),
        ({"session_days": float("inf")}, ["'session_days'"]),
        ({"session_days": float("nan")}, ["'session_days'"]),
        ({"session_days": 1e9}, ["'session_days'"]),
        ({"message_characters": 2.5}, ["a whole number"]),
        ({"message_characters": True}, ["a whole number"]),
        ({"message_characters": -1}, ["above 0"]),
        ({"messages_per_minute": 0}, ["above 0"]),
        ({"proxies": -1}, ["0 or more"]),
        ({"demo": "yes"}, ["true or false"]),
        ({"login": "on"}, ["off, optional, required"]),
        ({"login": True}, ["'login'", "text"]),
        ({"login_algorithm": "none"}, ["HS256, RS256"]),
        ({"login_algorithm": ["HS256", "none"]}, ["text"]),
    ],
)
def test_mistakes_are_named(credentials: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(OptionError) as error:
        WebOptions.read(credentials, FILE)
    assert all(part in str(error.value) for part in ("credentials.yml", *said)), error.value


def test_readings() -> None:
    options = WebOptions.read(
        {"origins": "https://a.example:8443", "session_days": 7, "login": False, "payloads": "/a"},
        FILE,
    )
    assert options.origins == ("https://a.example:8443",)
    assert options.session_days == 7.0
    assert options.login == "off"
    assert options.payloads == ("/a",)
    assert WebOptions.read({"origins": "*"}, FILE).origins == ("*",)


def sessions(login: str = "off", **options: Any) -> Sessions:
    return Sessions(SECRET, WebOptions(login=login, **options), KEY)


def site_jwt(person: Any, key: Any = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({"sub": person, "exp": time.time() + 60, **claims}, key, algorithm)


def test_a_session_is_issued_and_renewed() -> None:
    issuer = sessions(session_days=2)
    first = issuer.open(None, None)
    again = issuer.open(first.token, None)
    assert first.new and not again.new
    assert first.sender == again.sender == issuer.read(first.token, None).sender
    assert first.expires == pytest.approx(time.time() + 2 * 86400, abs=5)
    assert issuer.open(None, None).sender != first.sender


def test_a_session_ends() -> None:
    issuer = sessions(session_days=0.4 / 86400)
    first = issuer.open(None, None)
    time.sleep(1.1)
    assert issuer.open(first.token, None).new
    with pytest.raises(Refusal, match="too old"):
        issuer.read(first.token, None)


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "é", "\ud800", "x" * 10_000])
def test_no_session(token: str | None) -> None:
    assert sessions().open(token, None).new
    with pytest.raises(Refusal) as refused:
        sessions().read(token, None)
    assert refused.value.code == "bad_session"


def test_another_secret_is_another_world() -> None:
    theirs = Sessions(b"t" * 48, WebOptions(), "")
    assert sessions().open(theirs.open(None, None).token, None).new
    login = site_jwt("ann")
    people = [Sessions(key, WebOptions(login="optional"), KEY) for key in (SECRET, b"t" * 48)]
    assert people[0].open(None, login).sender != people[1].open(None, login).sender


def test_a_login_names_a_person() -> None:
    issuer = sessions("optional")
    ann = issuer.open(None, site_jwt("ann"))
    assert ann.new
    assert issuer.open(None, site_jwt("ann")).sender == ann.sender
    assert issuer.open(None, site_jwt("Ann")).sender != ann.sender
    assert "ann" not in ann.sender
    kept = issuer.open(ann.token, site_jwt("ann"))
    assert not kept.new
    assert issuer.open(ann.token, None).sender != ann.sender
    assert issuer.open(ann.token, site_jwt("bob")).sender != ann.sender
    for login in (None, site_jwt("bob")):
        with pytest.raises(Refusal, match="session"):
            issuer.read(ann.token, login)


def test_login_off_and_required() -> None:
    visitor = sessions("off").open(None, site_jwt("ann"))
    assert visitor.sender.startswith("web-") and "person" not in visitor.sender
    person = sessions("optional").open(None, site_jwt("ann"))
    assert sessions("off").open(person.token, None).sender != person.sender
    with pytest.raises(Refusal) as refused:
        sessions("required").open(visitor.token, None)
    assert refused.value.code == "bad_login"
    assert isinstance(sessions("required").open(None, site_jwt("ann")), Session)


def keys() -> tuple[str, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )


def test_a_public_key_cannot_sign() -> None:
    """The public key is known to everybody; it must not pass as the shared secret of HS256."""
    private, public = keys()
    issuer = Sessions(SECRET, WebOptions(login="required", login_algorithm="RS256"), public)
    assert issuer.open(None, site_jwt("ann", private, "RS256")).new
    import base64
    import hashlib
    import hmac
    import json

    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "ann", "exp": time.time() + 60})
    )
    mac = hmac.new(public.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for login in (forged, jwt.encode({"sub": "ann", "exp": time.time() + 60}, None, "none")):
        with pytest.raises(Refusal) as refused:
            issuer.open(None, login)
        assert refused.value.code == "bad_login"


def test_an_audience() -> None:
    issuer = sessions("required", login_audience="chat")
    assert issuer.open(None, site_jwt("ann", aud="chat")).new
    assert issuer.open(None, site_jwt("ann", aud=["chat", "shop"])).new
    for claims in ({}, {"aud": "shop"}):
        with pytest.raises(Refusal):
            issuer.open(None, site_jwt("ann", **claims))
    with pytest.raises(Refusal):
        sessions("required").open(None, site_jwt("ann", aud="shop"))


@pytest.mark.parametrize(
    ("algorithm", "key", "said"),
    [
        ("HS256", "short", "32"),
        ("HS256", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", "PEM"),
        ("RS256", "k" * 48, "PEM"),
        ("ES256", "nothing", "PEM"),
    ],
)
def test_an_unusable_login_key_is_found_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, algorithm: str, key: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_LOGIN_KEY", key)
    with pytest.raises(Exception, match=f"(?s)BOT_LOGIN_KEY.*{said}"):
        WebChannel.from_credentials({"login": "required", "login_algorithm": algorithm})


def test_a_channel_of_good_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_LOGIN_KEY", keys()[1])
    channel = WebChannel.from_credentials({"login": "required", "login_algorithm": "RS256"})
    assert channel.name() == channel.get_output_channel().name() == "web"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    burst=st.integers(1, 20),
    per_minute=st.integers(1, 6000),
    steps=st.lists(st.floats(0, 5), max_size=60),
)
def test_a_rate_is_kept(burst: int, per_minute: int, steps: list[float]) -> None:
    clock = Clock()
    rate = Rate(per_minute, burst, clock)
    begin, passed = clock.now, 0
    for step in steps:
        clock.now += step
        wait = rate.wait("one")
        passed += not wait
        assert wait >= 0
        assert passed <= burst + (clock.now - begin) * per_minute / 60 + 1e-6
        if wait:
            clock.now += wait + 1e-9
            assert rate.wait("one") == 0
            passed += 1
        assert rate.wait(f"another {clock.now}") == 0


def test_a_burst_and_its_refill() -> None:
    clock = Clock()
    rate = Rate(60, 3, clock)
    assert [rate.wait("a") for _ in range(4)] == [0, 0, 0, 1]
    clock.now += 1000
    assert [rate.wait("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_a_rate_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    rate = Rate(1, 1, Clock())
    for key in "abcd":
        assert rate.wait(key) == 0
    assert rate.wait("d") > 0
    assert rate.wait("a") == 0


def test_the_secret_is_made_once_and_kept_close(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOT_WEB_SECRET", raising=False)
    secret = web_secret()
    assert secret == web_secret()
    assert len(secret) >= 48
    file = tmp_path / ".bot/web-secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["web-secret"]


def _ask(folder: Path, results: Any) -> None:
    os.chdir(folder)
    results.put(web_secret())


def test_several_processes_agree_on_the_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BOT_WEB_SECRET", raising=False)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    asking = [context.Process(target=_ask, args=(tmp_path, results)) for _ in range(12)]
    for process in asking:
        process.start()
    secrets = {results.get(timeout=30) for _ in asking}
    for process in asking:
        process.join()
    assert len(secrets) == 1


def test_a_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_WEB_SECRET", "e" * 32)
    assert web_secret() == b"e" * 32
    assert not (tmp_path / ".bot").exists()
    monkeypatch.setenv("BOT_WEB_SECRET", "e" * 31)
    with pytest.raises(OptionError, match="31 characters, but needs 32"):
        web_secret()


def test_a_secret_file_that_is_too_short_or_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOT_WEB_SECRET", raising=False)
    (tmp_path / ".bot").mkdir()
    (tmp_path / ".bot/web-secret").write_text("short", "utf-8")
    with pytest.raises(OptionError, match="web-secret has 5 characters"):
        web_secret()
    (tmp_path / ".bot/web-secret").unlink()
    (tmp_path / ".bot").rmdir()
    (tmp_path / ".bot").write_text("a file", "utf-8")
    with pytest.raises(OptionError, match="BOT_WEB_SECRET is not set"):
        web_secret()


def test_no_login_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOT_LOGIN_KEY", raising=False)
    with pytest.raises(OptionError, match="BOT_LOGIN_KEY is not set"):
        login_key()
