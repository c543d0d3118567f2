"""Sessions: named and signed by the server, so that nobody reads or joins another's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import jwt

from bot.channels.options import WebOptions
from bot.channels.protocol import Refusal
from bot.errors import OptionError

AUDIENCE = "bot-web-session"
LEEWAY_S = 30
SHORTEST_KEY = 32
_PERSON = "web-person-"
_VISITOR = "web-"


def usable_login_key(key: str, algorithm: str) -> str:
    """Give the key back where logins can be checked with it.

    Raises:
        OptionError: it is of the wrong kind, or too short to be a secret.
    """
    pem = "-----BEGIN" in key
    problem = ""
    if algorithm == "HS256":
        if pem:
            problem = "is a key in PEM form, which is no shared secret"
        elif len(key) < SHORTEST_KEY:
            problem = f"has {len(key)} characters, but a shared secret needs {SHORTEST_KEY}"
    else:
        try:
            jwt.get_algorithm_by_name(algorithm).prepare_key(key)
        except Exception as error:  # what the library throws depends on the kind of key
            problem = f"is no public key in PEM form for {algorithm} ({error})"
    if problem:
        raise OptionError(
            f"BOT_LOGIN_KEY {problem}. Set the right one, or 'login_algorithm' of the web channel "
            f"in credentials.yml, which is {algorithm}."
        )
    return key


@dataclass(frozen=True)
class Session:
    """One visitor's session.

    Attributes:
        sender: Rasa's sender id; never shown to a client in the clear but in its own token.
        token: what the client keeps and sends.
        expires: seconds since 1970.
        new: the client had none, or none that is valid.
    """

    sender: str
    token: str
    expires: float
    new: bool

    @property
    def of_person(self) -> bool:
        """Say whether the site's login names the visitor: then an earlier device knows them."""
        return self.sender.startswith(_PERSON)


class Sessions:
    """Issues sessions and reads them back."""

    def __init__(self, secret: bytes, options: WebOptions, login_key: str = "") -> None:
        self._signing_key = hmac.digest(secret, b"sign sessions", "sha256")
        self._person_key = hmac.digest(secret, b"name people", "sha256")
        self._options = options
        self._login_key = login_key

    def open(self, token: str | None, login: str | None) -> Session:
        """Continue the session of a token, or begin one.

        Raises:
            Refusal: `bad_login`, where the site's login is needed or not valid.
        """
        person = self._person(login)
        known = self._sender(token)
        if person:
            return self._sign(person, new=known != person)
        if known and not known.startswith(_PERSON):
            return self._sign(known, new=False)
        return self._sign(_VISITOR + secrets.token_urlsafe(24), new=True)

    def read(self, token: str | None, login: str | None) -> Session:
        """Continue the session of a token.

        Raises:
            Refusal: `bad_session`, or `bad_login`.
        """
        session = self.open(token, login)
        if session.new:
            raise Refusal(
                "bad_session",
                "The session is missing, too old or not valid. POST to sessions for a new one.",
            )
        return session

    def _sender(self, token: str | None) -> str | None:
        if not token:
            return None
        try:
            claims = jwt.decode(
                token,
                self._signing_key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                options={"require": ["exp", "iat", "sub"]},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return str(claims["sub"])

    def _sign(self, sender: str, *, new: bool) -> Session:
        now = time.time()
        expires = now + self._options.session_days * 86400
        claims = {"sub": sender, "iat": int(now), "exp": int(expires), "aud": AUDIENCE}
        token = jwt.encode(claims, self._signing_key, algorithm="HS256")
        return Session(sender, token, float(int(expires)), new)

    def _person(self, login: str | None) -> str | None:
        """Give the sender id of the person that the site's JWT names."""
        if self._options.login == "off":
            return None
        if not login:
            if self._options.login == "required":
                raise Refusal("bad_login", "Expected the site's login; send its JWT as 'login'.")
            return None
        try:
            claims = jwt.decode(
                login,
                self._login_key,
                algorithms=[self._options.login_algorithm],
                audience=self._options.login_audience or None,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, OverflowError) as error:
            raise Refusal("bad_login", f"The site's login is not valid: {error}.") from error
        digest = hmac.new(self._person_key, str(claims["sub"]).encode(), hashlib.sha256).digest()
        return _PERSON + base64.urlsafe_b64encode(digest[:24]).decode()
