"""What `bot.toml` says: everything the project decides beside its learning options."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli

from bot.errors import OptionError, did_you_mean

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
