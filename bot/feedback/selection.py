"""Which messages a number of the insights is about: the same filters count them and list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.assembly import UNKNOWN_MODEL

DAY_S = 86_400
EPOCH = date(1970, 1, 1).toordinal()
_THUMBS = ("up", "down")
_FIELDS = {"from": "start", "to": "end"}  # names in addresses that Python keeps for itself

MODEL = sa.func.coalesce(t.turns.c.model, UNKNOWN_MODEL)
# What the bot's own model said at the time; later models' suggestions are beside it.
LIVE = t.suggestions.alias("live")
SAID = LIVE.c.label
# What counts of what people said: nothing for a message that was discarded or is disputed.
COUNTS = t.annotations.alias("counts")
REVIEWED = COUNTS.c.id.isnot(None)
# What a message means, as far as anybody knows.
LABEL = sa.func.coalesce(COUNTS.c.label, SAID)
CORRECTED = sa.and_(REVIEWED, sa.func.coalesce(SAID, "") != sa.func.coalesce(COUNTS.c.label, ""))
FALLBACK = t.turns.c.fallback != ""
THUMB_DOWN = sa.func.coalesce(t.turns.c.thumb, "") == "down"
MESSAGES = t.turns.outerjoin(
    LIVE, sa.and_(LIVE.c.turn_id == t.turns.c.id, LIVE.c.model == MODEL)
).outerjoin(COUNTS, sa.and_(COUNTS.c.id == t.turns.c.annotation_id, t.turns.c.status == "accepted"))


@dataclass(frozen=True)
class Selection:
    """Filters on messages; None lets everything through.

    Attributes:
        start: first time, in seconds since 1970.
        end: the time before which it ends.
        day: a day in UTC, such as `2026-11-20`.
        model: the model that answered.
        channel: where the message came from.
        label: what the message means: what a person decided, else what the model said.
        suggested: what the model said.
        fallback: whether the bot did not understand.
        thumb: `up` or `down`.
        reviewed: whether a person's annotation counts for it.
        corrected: whether that annotation is another label than the model's.
    """

    start: float | None = None
    end: float | None = None
    day: str | None = None
    model: str | None = None
    channel: str | None = None
    label: str | None = None
    suggested: str | None = None
    fallback: bool | None = None
    thumb: str | None = None
    reviewed: bool | None = None
    corrected: bool | None = None

    def where(self, *, any_kind: bool = False) -> list[Any]:
        """Give the conditions, for turns that people typed unless `any_kind`."""
        turns = t.turns.c
        start, end = self._stretch()
        equal = {
            MODEL: self.model,
            turns.channel: self.channel,
            LABEL: self.label,
            SAID: self.suggested,
            turns.thumb: self.thumb,
        }
        found = [] if any_kind else [turns.kind == "message"]
        found += [] if start is None else [turns.time >= start]
        found += [] if end is None else [turns.time < end]
        found += [column == value for column, value in equal.items() if value is not None]
        yes_no = ((FALLBACK, self.fallback), (REVIEWED, self.reviewed), (CORRECTED, self.corrected))
        found += [
            test if wanted else sa.not_(test) for test, wanted in yes_no if wanted is not None
        ]
        return found

    def _stretch(self) -> tuple[float | None, float | None]:
        if self.day is None:
            return self.start, self.end
        began = (date.fromisoformat(self.day).toordinal() - EPOCH) * float(DAY_S)
        start = began if self.start is None else max(began, self.start)
        end = began + DAY_S if self.end is None else min(began + DAY_S, self.end)
        return start, end


def selection(filters: Mapping[str, Any]) -> Selection:
    """Read filters as they come from an address: all strings, where empty means not given.

    Raises:
        BotError: a filter is unknown or has a wrong value.
    """
    found = Selection()
    for name, value in filters.items():
        field = _FIELDS.get(name, name)
        if field not in Selection.__dataclass_fields__:
            names = {field: name for name, field in _FIELDS.items()}
            known = ", ".join(names.get(field, field) for field in Selection.__dataclass_fields__)
            raise BotError(f"Messages have no filter {name!r}. There are: {known}.")
        if value is None or value == "":
            continue
        found = replace(found, **{field: _READERS.get(field, _text)(name, value)})
    return found


def read_cursor(after: str) -> tuple[float, int]:
    """Give time and id of the last message of the page before.

    Raises:
        BotError: it is none that a page gave.
    """
    time, _, own = after.rpartition("_")
    try:
        return float(time), int(own)
    except ValueError:
        raise BotError(f"The cursor {after!r} is none that `next` gave. Begin without.") from None


def _text(name: str, value: Any) -> str:
    return str(value)


def _time(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if not abs(found) < float("inf"):
        raise BotError(f"The filter {name} is {value!r}; it takes seconds since 1970.")
    return found


def _yes_no(name: str, value: Any) -> bool:
    if str(value).lower() not in ("1", "0", "true", "false"):
        raise BotError(f"The filter {name} is {value!r}; it takes 1 or 0.")
    return str(value).lower() in ("1", "true")


def _day(name: str, value: Any) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise BotError(f"The filter day is {value!r}; it takes a day such as 2026-11-20.") from None


def _thumb(name: str, value: Any) -> str:
    if value not in _THUMBS:
        raise BotError(f"The filter thumb is {value!r}; it takes up or down.")
    return str(value)


_READERS: dict[str, Any] = {
    "start": _time,
    "end": _time,
    "day": _day,
    "fallback": _yes_no,
    "reviewed": _yes_no,
    "corrected": _yes_no,
    "thumb": _thumb,
}
