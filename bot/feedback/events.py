"""Rasa's events as JSON, read without Rasa: what the feedback loop wants of each kind.

The shapes are those of `rasa.shared.core.events`. What fits none is a `Misfit` with a reason,
never an exception: one bad event must not stop the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.feedback.values import clean, number, shape_of

MAX_TEXT = 20_000  # characters of a message; nobody reviews a longer one
N_RANKED = 10
FALLBACK_INTENT = "nlu_fallback"
FEEDBACK_SLOT = "feedback"
RATING_SLOT = "rating"

# Kinds that say nothing about what was understood.
_NOTHING = (
    "user_featurization entities rewind reset_slots reminder cancel_reminder undo export followup "
    "pause resume agent form loop_interrupted form_validation action_execution_rejected topic "
    "event"
)
IGNORED = frozenset(_NOTHING.split())
READ = frozenset({"user", "bot", "action", "slot", "active_loop", "session_started", "restart"})


@dataclass(frozen=True)
class Misfit:
    """An event that could not be read: why, and its shape without any of its values."""

    reason: str
    shape: str = ""


@dataclass(frozen=True)
class Event:
    """What all events share; `time` is in seconds since 1970."""

    kind: str
    time: float


@dataclass(frozen=True)
class Said(Event):
    """A user message, with what the model said about it."""

    text: str = ""
    what: str = "message"  # or payload, external, empty
    message_id: str | None = None
    channel: str | None = None
    model: str | None = None
    intent: str | None = None
    label: str | None = None
    confidence: float | None = None
    ranking: tuple[tuple[str, float], ...] = ()
    entities: tuple[dict[str, Any], ...] = ()
    is_fallback: bool = False


@dataclass(frozen=True)
class Acted(Event):
    """An action of the bot."""

    name: str = ""
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Looped(Event):
    """A form began, or with None ended."""

    name: str | None = None


@dataclass(frozen=True)
class Filled(Event):
    """A slot got a value, as the log has it; None emptied it."""

    name: str = ""
    value: Any = None


@dataclass(frozen=True)
class Replied(Event):
    """A message of the bot."""

    text: str = ""
    response: str | None = None
    titles: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thumb(Event):
    """A thumb for a reply; None takes it back."""

    message_id: str = ""
    place: str = "0"
    thumb: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Rating(Event):
    """A rating of the conversation so far."""

    value: int | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Boundary(Event):
    """A session began, or the conversation was restarted."""


@dataclass(frozen=True)
class Nothing(Event):
    """An event that the feedback loop has no use for."""

    ignored: bool = field(default=True)


def read(data: Any) -> Event | Misfit:
    """Read one event from its JSON object."""
    if not isinstance(data, dict):
        return Misfit("not a JSON object", shape_of(data))
    kind, time = data.get("event"), number(data.get("timestamp"))
    if not isinstance(kind, str):
        return Misfit("no event type", shape_of(data))
    if kind in IGNORED:
        return Nothing(kind, time or 0.0)
    if kind not in READ:
        return Misfit(f"unknown event type {kind[:40]!r}", shape_of(data))
    if time is None:
        return Misfit("timestamp is no number", shape_of(data))
    found = _READERS[kind](data, time)
    return Misfit(found, shape_of(data)) if isinstance(found, str) else found


def _said(data: dict[str, Any], time: float) -> Event | str:
    raw = data.get("text")
    parse = data.get("parse_data", {})
    meta = data.get("metadata") or {}
    if raw is not None and not isinstance(raw, str):
        return "text is no string"
    if len(raw or "") > MAX_TEXT:
        return f"text is longer than {MAX_TEXT} characters"
    if not isinstance(parse, dict) or not isinstance(meta, dict):
        return "parse_data or metadata is no object"
    intent = parse.get("intent") or {}
    ranking = parse.get("intent_ranking") or []
    entities = parse.get("entities") or []
    if not isinstance(intent, dict) or not isinstance(ranking, list):
        return "the intent or its ranking has an unknown shape"
    if not isinstance(entities, list) or not all(isinstance(item, dict) for item in entities):
        return "the entities have an unknown shape"
    ranked = [_ranked(item) for item in (ranking or [intent])]
    known = [pair for pair in ranked if pair and pair[0] != FALLBACK_INTENT]
    known.sort(key=lambda pair: -pair[1])
    text = clean(raw or "")
    top = known[0] if known else (None, None)
    label, confidence = _full_label(parse, top[0], top[1])
    return Said(
        "user",
        time,
        text=text,
        what=_what(text, meta),
        message_id=_string(data.get("message_id")),
        channel=_string(data.get("input_channel")),
        model=_string(meta.get("model_id")),
        intent=_string(intent.get("name")),
        label=label,
        confidence=confidence,
        ranking=tuple(known[:N_RANKED]),
        entities=tuple(entities),
        is_fallback=intent.get("name") == FALLBACK_INTENT,
    )


def _what(text: str, meta: dict[str, Any]) -> str:
    """Say whether a person typed a message; Rasa takes whatever begins with a slash as a label."""
    if meta.get("is_external") is True:
        return "external"
    if text.lstrip().startswith("/"):
        return "payload"
    return "message" if text.strip() else "empty"


def _ranked(item: Any) -> tuple[str, float] | None:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return None
    return clean(item["name"]), number(item.get("confidence")) or 0.0


def _full_label(
    parse: dict[str, Any], intent: str | None, confidence: float | None
) -> tuple[str | None, float | None]:
    """Give `faq/opening_hours` for `faq`, with the probability of both together."""
    selectors = parse.get("response_selector")
    for key in (intent, "default"):
        selector = selectors.get(key) if isinstance(selectors, dict) else None
        response = selector.get("response") if isinstance(selector, dict) else None
        if not isinstance(response, dict):
            continue
        name = response.get("intent_response_key")
        if isinstance(name, str) and intent and name.startswith(f"{intent}/"):
            share = number(response.get("confidence"))
            return clean(name), None if confidence is None else confidence * (share or 0.0)
    return intent, confidence


def _acted(data: dict[str, Any], time: float) -> Event | str:
    name = data.get("name")
    if name is None and isinstance(data.get("action_text"), str):
        name = "action_text"  # an end-to-end policy said a text instead of naming an action
    if not isinstance(name, str):
        return "the action has no name"
    policy, confidence = _string(data.get("policy")), number(data.get("confidence"))
    return Acted("action", time, clean(name), policy, confidence)


def _replied(data: dict[str, Any], time: float) -> Event | str:
    text, extra, meta = data.get("text"), data.get("data") or {}, data.get("metadata") or {}
    if text is not None and not isinstance(text, str):
        return "text is no string"
    if not isinstance(extra, dict) or not isinstance(meta, dict):
        return "data or metadata is no object"
    titles, payloads = [], []
    elements = extra.get("elements")
    groups = [extra.get("buttons"), extra.get("quick_replies")]
    groups += [item.get("buttons") for item in _objects(elements)]
    for button in (button for group in groups for button in _objects(group)):
        titles.append(clean(str(button.get("title") or "")))
        if isinstance(button.get("payload"), str):
            payloads.append(clean(button["payload"]).strip())
    return Replied(
        "bot",
        time,
        clean(text or "")[:MAX_TEXT],
        _string(meta.get("utter_action")),
        tuple(titles),
        tuple(payloads),
    )


def _slot(data: dict[str, Any], time: float) -> Event | str:
    name, value = data.get("name"), data.get("value")
    if not isinstance(name, str):
        return "the slot has no name"
    if name not in (FEEDBACK_SLOT, RATING_SLOT):
        return Filled("slot", time, clean(name)[:255], value)
    if value is None:
        return Nothing("slot", time)  # Rasa emptied the slot when a session began
    if not isinstance(value, dict):
        return f"the value of the slot {name} is no object"
    comment = _string(value.get("comment"))
    if name == RATING_SLOT:
        stars = value.get("value")
        if stars is not None and (not isinstance(stars, int) or isinstance(stars, bool)):
            return "the rating is no whole number"
        return Rating("slot", time, stars, comment)
    message, thumb = value.get("message"), value.get("thumb")
    if not isinstance(message, str) or thumb not in ("up", "down", None):
        return "the thumb names no message, or is neither up nor down"
    return Thumb("slot", time, clean(message), str(value.get("place", 0))[:20], thumb, comment)


def _looped(data: dict[str, Any], time: float) -> Event | str:
    name = data.get("name")
    if name is not None and not isinstance(name, str):
        return "the name of the form is no string"
    return Looped("active_loop", time, _string(name) or None)


def _boundary(data: dict[str, Any], time: float) -> Event | str:
    return Boundary(str(data["event"]), time)


_READERS = {
    "user": _said,
    "bot": _replied,
    "action": _acted,
    "slot": _slot,
    "active_loop": _looped,
    "session_started": _boundary,
    "restart": _boundary,
}


def _objects(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _string(value: Any) -> str | None:
    return clean(value)[:255] if isinstance(value, str) else None
