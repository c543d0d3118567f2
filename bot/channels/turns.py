"""Turns: what a person said and what the bot replied, read from a conversation's events.

The tracker store is the one truth. An event is the dictionary that Rasa stores of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.channels.protocol import Frame

Event = dict[str, Any]
FEEDBACK_SLOT = "feedback"
RATING_SLOT = "rating"
_LISTS = ("buttons", "quick_replies")


def turns(events: Iterable[Event], *, whole: bool = False) -> list[Frame]:
    """Give the turns since the last restart, oldest first, with the thumbs that stand.

    With `whole` also what came before restarts.
    """
    events = list(events)
    found: list[Frame] = []
    titles: dict[str, str] = {}
    thumbs = thumbs_of(events)
    for name, event in named(events):
        if event["event"] == "user":
            found.append(_turn(event, titles))
        elif event["event"] == "bot":
            if not found:
                found.append(_by_itself(event))
            shown = reply(event, name)
            if thumbs.get(name):
                shown["feedback"] = thumbs[name]
            found[-1]["replies"].append(shown)
            titles.update((offer["payload"].strip(), offer["title"]) for offer in offers(event))
        elif not whole:
            found = [unasked(turn) for turn in found[-1:]]
    return [turn for turn in found if turn["replies"] or turn.get("text")]


def said(events: Iterable[Event], message_id: str) -> Frame:
    """Give the turn of a message, wherever in the conversation it is."""
    shown = (turn for turn in turns(events, whole=True) if turn["id"] == message_id)
    return next(shown, {"type": "turn", "id": message_id, "text": "", "replies": []})


def unasked(turn: Frame) -> Frame:
    """Give a turn as something that the bot said by itself."""
    return {key: value for key, value in turn.items() if key != "text"} | {"id": None}


def named(events: Iterable[Event]) -> Iterator[tuple[str, Event]]:
    """Yield what is seen of a conversation, each with its name; of a bot event its reply id.

    A reply is named after the message that it answers and its place in the answer, from 0; what
    nobody asked for, after the time.
    """
    turn, place = "", 0
    for event in events:
        if event["event"] == "user":
            turn, place = event.get("message_id") or _by_time(event), 0
            yield turn, event
        elif event["event"] == "bot":
            turn = turn or _by_time(event)
            yield f"{turn}.{place}", event
            place += 1
        elif event["event"] == "restart":
            yield "", event


def reply(event: Event, name: str) -> Frame:
    """Give a bot event as the protocol's reply."""
    data = event.get("data") or {}
    shown: Frame = {"id": name, "time": float(event.get("timestamp") or 0.0)}
    if event.get("text"):
        shown["text"] = str(event["text"])
    for key in _LISTS:
        buttons = list(_buttons(data.get(key)))
        if buttons:
            shown[key] = buttons
    for key in ("image", "attachment"):
        if isinstance(data.get(key), str):
            shown[key] = data[key]
    if shown.get("attachment") == shown.get("image"):
        shown.pop("attachment", None)  # Rasa says an image as an attachment too
    cards = [_card(element) for element in data.get("elements") or [] if isinstance(element, dict)]
    if cards:
        shown["cards"] = cards
    if data.get("custom"):
        shown["custom"] = data["custom"]
    return shown


def offers(event: Event) -> Iterator[dict[str, str]]:
    """Yield every button, quick reply and card action of a bot event that carries a payload."""
    data = event.get("data") or {}
    for key in _LISTS:
        yield from _buttons(data.get(key))
    for element in data.get("elements") or []:
        if isinstance(element, dict):
            yield from _buttons(element.get("buttons"))


def thumbs_of(events: Iterable[Event]) -> dict[str, str | None]:
    """Give the thumb that stands for each reply id; the last word counts."""
    thumbs: dict[str, str | None] = {}
    for event in events:
        value = event.get("value")
        named = event["event"] == "slot" and event.get("name") == FEEDBACK_SLOT
        if named and isinstance(value, dict) and isinstance(value.get("reply"), str):
            thumbs[value["reply"]] = value.get("thumb")
    return thumbs


def rating_of(events: Iterable[Event]) -> int | None:
    """Give the rating that stands since the last restart."""
    rating = None
    for event in events:
        value = event.get("value")
        if event["event"] == "restart":
            rating = None
        elif event["event"] == "slot" and event.get("name") == RATING_SLOT:
            rating = value.get("value") if isinstance(value, dict) else None
    return rating


def _turn(event: Event, titles: dict[str, str]) -> Frame:
    if (event.get("metadata") or {}).get("is_external"):
        return _by_itself(event)  # a reminder, or a call from outside: nobody said this
    text = str(event.get("text") or "")
    return {
        "type": "turn",
        "id": event.get("message_id"),
        "text": titles.get(text, text),
        "time": float(event.get("timestamp") or 0.0),
        "replies": [],
    }


def _by_itself(event: Event) -> Frame:
    time = float(event.get("timestamp") or 0.0)
    return {"type": "turn", "id": None, "time": time, "replies": []}


def _by_time(event: Event) -> str:
    return f"bot-{float(event.get('timestamp') or 0.0) * 1e6:.0f}"


def _buttons(items: Any) -> Iterator[dict[str, str]]:
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and isinstance(item.get("payload"), str):
            yield {"title": str(item.get("title") or item["payload"]), "payload": item["payload"]}


def _card(element: dict[str, Any]) -> Frame:
    """Turn one of Rasa's elements, which look like Messenger's, into a card."""
    card: Frame = {"title": str(element.get("title") or "")}
    if element.get("subtitle"):
        card["subtitle"] = str(element["subtitle"])
    image = element.get("image_url") or element.get("image")
    if isinstance(image, str):
        card["image"] = image
    default = element.get("default_action")
    url = element.get("url") or (default.get("url") if isinstance(default, dict) else None)
    if isinstance(url, str):
        card["url"] = url
    actions = [_action(item) for item in element.get("buttons") or [] if isinstance(item, dict)]
    if actions:
        card["actions"] = actions
    return card


def _action(item: dict[str, Any]) -> Frame:
    action: Frame = {"title": str(item.get("title") or item.get("payload") or item.get("url"))}
    for key in ("payload", "url"):
        if isinstance(item.get(key), str):
            action[key] = item[key]
    return action
