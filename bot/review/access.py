"""Who may use the review page: tokens, signed sessions, and proof against forged requests.

A session is a signed cookie, so a restart of the server signs nobody out and several servers may
share one store. Where each reviewer has a token, a session ends when that token is changed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jwt

AUDIENCE = "bot-review"
SESSION_S = 12 * 3600
NAME = re.compile(r"[^\x00-\x1f\x7f:,]{1,80}")
_SHARED = ""  # the one whose token all reviewers share
_FAILURES = 10  # wrong tokens a minute and address
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Session:
    """A reviewer who is signed in; `csrf` proves that a request comes from the page."""

    reviewer: str
    csrf: str


class Refusal(Exception):
    """A request that is not served, with the status and the code of the API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(message)


SIGNED_OUT = "You are signed out. Open the link that `bot review` printed, or enter your token."


class Access:
    """Opens sessions for tokens, and reads them back from cookies."""

    def __init__(
        self,
        key: bytes,
        tokens: Mapping[str, str],
        shared: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the key of the store, and a token for each reviewer or one that all share."""
        self._key = hmac.digest(key, b"sign review sessions", "sha256")
        self._tokens = dict(tokens)
        self._shared = shared
        self._clock = clock
        self._failures = Failures(clock)
        # Cookies know no ports: two projects on one machine must not sign each other out.
        self.cookie = f"bot_review_{hashlib.sha256(self._key).hexdigest()[:8]}"

    def sign_in(self, token: object, name: object, address: str) -> tuple[str, Session]:
        """Give the cookie and the session for a token.

        Raises:
            Refusal: the token is wrong, the name is missing, or there were too many attempts.
        """
        if wait := self._failures.wait(address):
            message = f"Too many wrong tokens. Try again in {int(wait) + 1} seconds."
            raise Refusal(429, "too_many", message)
        owner = self._owner(token if isinstance(token, str) else "")
        if owner is None:
            self._failures.add(address)
            raise Refusal(401, "signed_out", "This token is wrong. Copy it whole, as it was given.")
        reviewer = owner or (name.strip() if isinstance(name, str) else "")
        if not NAME.fullmatch(reviewer):
            found = "none was given" if not reviewer else "it has signs that cannot be used"
            raise Refusal(400, "bad_request", f"A name is needed to sign in, but {found}.")
        now = int(self._clock())
        claims = {
            "sub": reviewer,
            "own": self._mark(owner),
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + SESSION_S,
            "aud": AUDIENCE,
        }
        cookie = jwt.encode(claims, self._key, algorithm="HS256")
        return cookie, Session(reviewer, self._csrf(str(claims["jti"])))

    def read(self, cookie: str | None) -> Session:
        """Give the session of a cookie.

        Raises:
            Refusal: there is none, or it is too old or forged.
        """
        try:
            claims = jwt.decode(
                cookie or "",
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                options={"require": ["sub", "own", "jti", "exp", "aud"], "verify_exp": False},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Refusal(401, "signed_out", SIGNED_OUT) from error
        reviewer = str(claims["sub"])
        owner = reviewer if self._tokens else _SHARED
        same = hmac.compare_digest(str(claims["own"]), self._mark(owner))
        if not same or float(claims["exp"]) <= self._clock():
            raise Refusal(401, "signed_out", SIGNED_OUT)
        return Session(reviewer, self._csrf(str(claims["jti"])))

    def check_csrf(self, session: Session, given: str | None) -> None:
        """Refuse what the page did not send.

        Raises:
            Refusal: the header is missing or wrong.
        """
        if not hmac.compare_digest(session.csrf.encode(), (given or "").encode()):
            raise Refusal(
                403, "forbidden", "The header X-CSRF-Token is wrong. Load the page again."
            )

    def _owner(self, token: str) -> str | None:
        """Give whose token it is; every one is compared, whichever fits."""
        found, given = None, hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._tokens or ({_SHARED: self._shared} if self._shared else {})
        for name, expected in known.items():
            if hmac.compare_digest(hashlib.sha256(expected.encode()).digest(), given):
                found = name
        return found

    def _mark(self, owner: str) -> str:
        """Give what changes with a reviewer's token; nothing does with a token of one start."""
        token = self._tokens.get(owner, "")
        return hmac.new(self._key, f"own\x1f{owner}\x1f{token}".encode(), "sha256").hexdigest()

    def _csrf(self, jti: str) -> str:
        return hmac.new(self._key, f"csrf\x1f{jti}".encode(), "sha256").hexdigest()


class Failures:
    """Counts wrong tokens of an address within a minute."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Give the seconds until the address may try again, 0 where it may now."""
        now = self._clock()
        times = [when for when in self._times.get(address, []) if when > now - 60]
        return times[-_FAILURES] + 60 - now if len(times) >= _FAILURES else 0.0

    def add(self, address: str) -> None:
        """Remember a wrong token."""
        now = self._clock()
        kept = [when for when in self._times.pop(address, []) if when > now - 60]
        self._times[address] = [*kept, now]
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)
