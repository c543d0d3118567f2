"""The web protocol: frames, their check against the schema, and errors.

`protocol.schema.json` is the one description of the frames; docs/reference/web-protocol.md
explains them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("protocol.schema.json")
CLIENT_FRAMES = ("hello", "message", "feedback", "rating", "restart", "ping")
Frame = dict[str, Any]
# Where each frame goes over REST, below the address of the channel.
REST_PATHS = {
    "message": "messages",
    "feedback": "feedback",
    "rating": "rating",
    "restart": "restart",
}
MOST_ERRORS = 20

# HTTP status of each error, for the REST calls.
STATUS = {
    "bad_frame": 422,
    "not_welcomed": 401,
    "bad_session": 401,
    "bad_login": 401,
    "origin_refused": 403,
    "too_long": 422,
    "too_large": 413,
    "too_fast": 429,
    "payload_not_offered": 403,
    "slash_not_allowed": 422,
    "unknown_reply": 404,
    "not_supported": 422,
    "failed": 500,
    "unavailable": 503,
}
MAY_RETRY = {"too_fast", "unavailable"}


class Refusal(Exception):
    """Something a client sent, and cannot have; `frame` tells it why."""

    def __init__(
        self, code: str, message: str, *, about: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.about = about
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status that says the same."""
        return STATUS[self.code]

    @property
    def frame(self) -> Frame:
        """The error frame."""
        frame: Frame = {
            "type": "error",
            "code": self.code,
            "message": self.message,
            "retry": self.code in MAY_RETRY,
        }
        if self.about is not None:
            frame["id"] = self.about
        if self.retry_after is not None:
            frame["retry_after"] = math.ceil(self.retry_after * 10) / 10
        return frame


@cache
def schema() -> dict[str, Any]:
    """Give the JSON Schema of all frames."""
    content: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return content


def _pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Take `$` for the very end, as JSON Schema does; Python lets a line break follow."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _pattern})


@cache
def _validator(name: str) -> Draft202012Validator:
    return _Validator({"$defs": schema()["$defs"], "$ref": f"#/$defs/{name}"})


def read_frame(raw: str | bytes | None) -> Frame:
    """Parse and check one frame of a client.

    Raises:
        Refusal: it is no JSON object, or not one of the frames; names the place.
    """
    if not isinstance(raw, str):
        raise Refusal("bad_frame", "Expected a text frame with one JSON object.")
    return check_frame(parse_json(raw))


def parse_json(raw: str | bytes) -> Any:
    """Parse JSON as the standard has it: no NaN, no infinity, no depth that breaks the parser.

    Raises:
        Refusal: it is no JSON.
    """
    try:
        content = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise Refusal("bad_frame", f"Expected JSON: {str(error)[:200]}.") from error
    return content


def check_frame(frame: Any, kind: str | None = None) -> Frame:
    """Check a client's frame; with `kind`, a REST body that stands for that frame.

    Raises:
        Refusal: it does not meet the schema; names the place.
    """
    if not isinstance(frame, dict):
        raise Refusal("bad_frame", "Expected a JSON object.")
    if kind:
        if "type" in frame:
            raise Refusal("bad_frame", "Expected no 'type': the address says what it is.")
        frame = {**frame, "type": kind}
    name = frame.get("type")
    if name not in CLIENT_FRAMES:
        raise Refusal("bad_frame", f"Expected a 'type' of {', '.join(CLIENT_FRAMES)}.")
    about = frame.get("id") if isinstance(frame.get("id"), str) else None
    checked: Frame = frame
    try:
        # The worst of some errors: a frame could have tens of thousands.
        problem = best_match(islice(_validator(str(name)).iter_errors(checked), MOST_ERRORS))
    except RecursionError as error:
        raise Refusal("bad_frame", "Expected less depth.") from error
    if problem is not None:
        raise Refusal("bad_frame", _in_words(problem), about=about and about[:64])
    return checked


def meets_schema(frame: Frame, name: str) -> bool:
    """Say whether a frame meets a definition of the schema; tests hold the server to it."""
    return bool(_validator(name).is_valid(frame))


def _in_words(problem: ValidationError) -> str:
    place = ".".join(str(part) for part in problem.absolute_path) or "the frame"
    expected = problem.message if len(problem.message) <= 200 else f"not {problem.validator}"
    return f"In {place}: {expected}. The frames are described at protocol.json."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number
