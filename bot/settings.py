"""Settings from the environment, read once at the edges; secrets come from nowhere else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bot.errors import OptionError
from bot.project_settings import (
    EvaluationSettings,
    FeedbackSettings,
    GateSettings,
    ProjectSettings,
    ReviewSettings,
    project_settings,
)

__all__ = [
    "EvaluationSettings",
    "FeedbackSettings",
    "GateSettings",
    "ProjectSettings",
    "ReviewSettings",
    "project_settings",
]

WEB_SECRET = "BOT_WEB_SECRET"
LOGIN_KEY = "BOT_LOGIN_KEY"
SECRET_FILE = Path(".bot/web-secret")
FEEDBACK_KEY = "BOT_FEEDBACK_KEY"
FEEDBACK_KEY_FILE = Path(".bot/feedback-key")
FEEDBACK_URL = "BOT_FEEDBACK_URL"
SIGNING_KEY = "BOT_SIGNING_KEY"
REVIEW_TOKENS = "BOT_REVIEW_TOKENS"
REVIEW_TOKEN = "BOT_REVIEW_TOKEN"
REVIEW_HOSTS = "BOT_REVIEW_HOSTS"
MINIMUM_TOKEN = 16
MINIMUM_LENGTH = 32


def web_secret() -> bytes:
    """Give the secret that signs web sessions, from `BOT_WEB_SECRET`.

    Where it is not set, one is made and kept in `.bot/web-secret`, readable by its owner alone,
    so that sessions outlive the server on one machine.

    Raises:
        OptionError: the secret is too short to be one.
    """
    return _secret(WEB_SECRET, SECRET_FILE, "web sessions")


def feedback_key() -> bytes:
    """Give the key that the feedback store's pseudonyms are made with, from `BOT_FEEDBACK_KEY`.

    Where it is not set, one is made and kept in `.bot/feedback-key`, readable by its owner alone.

    Raises:
        OptionError: the key is too short to be one.
    """
    return _secret(FEEDBACK_KEY, FEEDBACK_KEY_FILE, "the feedback store")


def signing_key() -> bytes | None:
    """Give the key that model cards are signed with, from `BOT_SIGNING_KEY`; None without one.

    None is made in its place: a key that lies beside the models signs nothing.

    Raises:
        OptionError: the key is too short to be one.
    """
    if not os.environ.get(SIGNING_KEY, "").strip():
        return None
    return _secret(SIGNING_KEY, Path(), "model cards")


def feedback_url() -> str | None:
    """Give the feedback store's URL from `BOT_FEEDBACK_URL`; None for the file in `.bot`."""
    return os.environ.get(FEEDBACK_URL, "").strip() or None


def review_tokens() -> dict[str, str]:
    """Give the token of each reviewer from `BOT_REVIEW_TOKENS`, `ana:token,ben:token`.

    Raises:
        OptionError: it cannot be read, names somebody twice, or has a token that is too short.
    """
    found: dict[str, str] = {}
    for entry in filter(None, map(str.strip, os.environ.get(REVIEW_TOKENS, "").split(","))):
        name, separator, token = (part.strip() for part in entry.partition(":"))
        if not separator or not name or not token:
            raise OptionError(f"{REVIEW_TOKENS} cannot be read. Expected ana:token,ben:token.")
        if name in found or token in found.values():
            raise OptionError(f"{REVIEW_TOKENS} has the name or the token of {name} twice.")
        found[name] = _checked_token(token, f"{REVIEW_TOKENS} has a token for {name} that")
    return found


def review_token() -> str | None:
    """Give the token that all reviewers share, from `BOT_REVIEW_TOKEN`; None for a fresh one.

    Raises:
        OptionError: it is too short to be one.
    """
    token = os.environ.get(REVIEW_TOKEN, "").strip()
    return _checked_token(token, f"{REVIEW_TOKEN}") if token else None


def review_hosts() -> frozenset[str]:
    """Give the names under which a proxy serves the review page, from `BOT_REVIEW_HOSTS`."""
    names = os.environ.get(REVIEW_HOSTS, "").split(",")
    return frozenset(name.strip().lower() for name in names if name.strip())


def _checked_token(token: str, what: str) -> str:
    if len(token) < MINIMUM_TOKEN:
        raise OptionError(
            f"{what} has {len(token)} characters, but needs {MINIMUM_TOKEN}. Make one with "
            f"python -c 'import secrets; print(secrets.token_urlsafe(24))'."
        )
    return token


def login_key() -> str:
    """Give the key that the site's JWTs are checked with, from `BOT_LOGIN_KEY`.

    Raises:
        OptionError: it is not set.
    """
    key = os.environ.get(LOGIN_KEY, "")
    if not key:
        raise OptionError(
            f"The web channel ties sessions to the site's login, but {LOGIN_KEY} is not set. Set "
            f"it to the shared secret, or to the public key in PEM form."
        )
    return key


def _secret(name: str, file: Path, purpose: str) -> bytes:
    secret, origin = os.environ.get(name, "").strip(), name
    if not secret:
        secret, origin = _kept_secret(name, file, purpose), str(file)
    if len(secret) < MINIMUM_LENGTH:
        raise OptionError(
            f"{origin} has {len(secret)} characters, but needs {MINIMUM_LENGTH}. Make one with "
            f"python -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    return secret.encode()


def _kept_secret(name: str, file: Path, purpose: str) -> str:
    try:
        if file.is_file():
            return file.read_text(encoding="utf-8").strip()
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f"{file.name}.{os.getpid()}")
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(secrets.token_urlsafe(48))
        try:
            os.link(scratch, file)  # one of several workers wins, and its file is whole
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OptionError(
            f"No secret for {purpose}: {name} is not set, and {file} cannot be used "
            f"({error.strerror}). Set {name} to 48 random characters."
        ) from error
