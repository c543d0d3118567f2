"""Settings from the environment, read once at the edges; secrets come from nowhere else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bot.errors import OptionError

WEB_SECRET = "BOT_WEB_SECRET"
LOGIN_KEY = "BOT_LOGIN_KEY"
SECRET_FILE = Path(".bot/web-secret")
MINIMUM_LENGTH = 32


def web_secret() -> bytes:
    """Give the secret that signs web sessions, from `BOT_WEB_SECRET`.

    Where it is not set, one is made and kept in `.bot/web-secret`, readable by its owner alone,
    so that sessions outlive the server on one machine.

    Raises:
        OptionError: the secret is too short to be one.
    """
    secret, name = os.environ.get(WEB_SECRET, "").strip(), WEB_SECRET
    if not secret:
        secret, name = _kept_secret(), str(SECRET_FILE)
    if len(secret) < MINIMUM_LENGTH:
        raise OptionError(
            f"{name} has {len(secret)} characters, but needs {MINIMUM_LENGTH}. Make one with "
            f"python -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    return secret.encode()


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


def _kept_secret() -> str:
    try:
        SECRET_FILE.parent.mkdir(parents=True, exist_ok=True)
        scratch = SECRET_FILE.with_name(f"{SECRET_FILE.name}.{os.getpid()}")
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(scratch, SECRET_FILE)  # one of several workers wins, and its file is whole
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
        return SECRET_FILE.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OptionError(
            f"No secret for web sessions: {WEB_SECRET} is not set, and {SECRET_FILE} cannot be "
            f"used ({error.strerror}). Set {WEB_SECRET} to 48 random characters."
        ) from error
