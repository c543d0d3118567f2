"""Settings from the environment, read once at the edges; secrets come from nowhere else."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli

from bot.errors import OptionError, did_you_mean

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
PROJECT_FILE = Path("bot.toml")


@dataclass(frozen=True)
class FeedbackSettings:
    """The section `[feedback]` of `bot.toml`.

    Attributes:
        held_out_share: share of the conversations whose annotations go to `tests/held_out/`
            instead of training, in [0, 1).
    """

    held_out_share: float = 0.2

    def __post_init__(self) -> None:
        _check_share("feedback", "held_out_share", self.held_out_share)


@dataclass(frozen=True)
class ReviewSettings:
    """The section `[review]` of `bot.toml`.

    Attributes:
        port: where the review page listens.
        overlap: share of the messages that two reviewers answer, in [0, 1), so that agreement
            can be measured.
        out_of_scope: the intent of messages that the assistant is not there for.
    """

    port: int = 5007
    overlap: float = 0.0
    out_of_scope: str = "out_of_scope"

    def __post_init__(self) -> None:
        _check_share("review", "overlap", self.overlap)
        if not 0 < self.port < 65536:
            raise OptionError(f"[review] port is {self.port}; ports go from 1 to 65535.")


@dataclass(frozen=True)
class GateSettings:
    """The section `[gate]` of `bot.toml`: `bot.evaluation.gate_rules` explains each rule."""

    level: float = 0.05
    tie: str = "live"
    intent_margin: float = 0.05
    minimum_examples: int = 5
    minimum_items: int = 100
    minimum_covered: float = 0.5
    entity_margin: float = 0.02
    story_margin: float = 0.02
    calibration_margin: float = 0.03
    fallback_margin: float = 0.03
    latency_p99_ms: float = 200.0
    latency_ratio: float = 2.0
    archive_mb: float = 500.0
    intent_floor: float = 0.8
    entity_floor: float = 0.7
    story_floor: float = 0.8
    calibration_limit: float = 0.15

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name == "tie":
                if value not in ("live", "candidate"):
                    raise OptionError(f"[gate] tie is {value!r}; it takes 'live' or 'candidate'.")
            elif option.name in ("minimum_examples", "minimum_items", "latency_ratio"):
                if not value >= 1:
                    raise OptionError(f"[gate] {option.name} is {value}; it takes 1 or more.")
            elif option.name in ("latency_p99_ms", "archive_mb"):
                if not value > 0:
                    raise OptionError(f"[gate] {option.name} is {value}; it takes more than 0.")
            else:
                _check_share("gate", option.name, value)
        if not self.level > 0:
            raise OptionError("[gate] level is 0; then no candidate could ever be better.")


@dataclass(frozen=True)
class EvaluationSettings:
    """The section `[evaluation]` of `bot.toml`: what mistakes cost, in any unit.

    Attributes:
        wrong_answer: the bot acts on a wrong intent.
        fallback: the bot asks again although its intent was right.
    """

    wrong_answer: float = 5.0
    fallback: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("wrong_answer", self.wrong_answer), ("fallback", self.fallback)):
            if not 0 <= value < float("inf"):
                raise OptionError(f"[evaluation] {name} is {value}; it takes a number from 0.")
        if not self.wrong_answer and not self.fallback:
            raise OptionError("[evaluation] says that no mistake costs anything. Give one a cost.")


@dataclass(frozen=True)
class ProjectSettings:
    """What `bot.toml` says; what it does not say has a default."""

    feedback: FeedbackSettings = field(default_factory=FeedbackSettings)
    review: ReviewSettings = field(default_factory=ReviewSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    gate: GateSettings = field(default_factory=GateSettings)


_SECTIONS: dict[str, Any] = {
    "feedback": FeedbackSettings,
    "review": ReviewSettings,
    "evaluation": EvaluationSettings,
    "gate": GateSettings,
}


def project_settings(path: Path = PROJECT_FILE) -> ProjectSettings:
    """Read `bot.toml`; a project needs none.

    Raises:
        OptionError: the file is no TOML, or an option in it is unknown or has a wrong value.
    """
    if not path.is_file():
        return ProjectSettings()
    try:
        content = tomli.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        raise OptionError(f"{path} cannot be read: {error}.") from error
    sections = {}
    for name, values in content.items():
        if name not in _SECTIONS or not isinstance(values, dict):
            hint = did_you_mean(name, _SECTIONS)
            raise OptionError(f"{path} has an unknown section [{name}].{hint}")
        try:
            sections[name] = _section(_SECTIONS[name], name, values)
        except OptionError as error:
            raise OptionError(f"{path}: {error}") from error
    return ProjectSettings(**sections)


def _section(kind: Any, name: str, values: dict[str, Any]) -> Any:
    known = {option.name: type(option.default) for option in fields(kind)}
    for option, value in values.items():
        wanted = known.get(option)
        if wanted is None:
            raise OptionError(f"[{name}] has no option {option!r}.{did_you_mean(option, known)}")
        if wanted is float and type(value) is int:
            values[option] = float(value)
        elif type(value) is not wanted:
            raise OptionError(f"[{name}] {option} is {value!r}; it takes a {wanted.__name__}.")
    return kind(**values)


def _check_share(section: str, option: str, value: float) -> None:
    if not 0 <= value < 1:
        raise OptionError(f"[{section}] {option} is {value}; it takes a share from 0 to below 1.")


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
