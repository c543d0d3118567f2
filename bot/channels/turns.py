"""Turns: what a person said and what the bot replied, read from a conversation's events.

The tracker store is the one truth. An event is the dictionary that Rasa stores of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.channels.protocol import Frame

Event = dict[str, Any]
FEEDBACK_SLOT = "feedback"
RATING_SLOT = "rating"
_LISTS = ("buttons", "quick_replies")


def turns(events: Sequence[Event]) -> list[Frame]:
    """Give the turns since the last restart, oldest first, with the thumbs that stand."""
    found: list[Frame] = []
    titles: dict[str, str] = {}
    events = since_restart(events)
    thumbs = thumbs_of(events)
    for event in events:
        if event["event"] == "user":
            found.append(_turn(event, titles))
        elif event["event"] == "bot":
            if not found:
                found.append({"type": "turn", "id": None, "replies": []})
            replies = found[-1]["replies"]
            shown = reply(event, reply_id(found[-1]["id"], len(replies)))
            if thumbs.get(shown["id"]):
                shown["feedback"] = thumbs[shown["id"]]
            replies.append(shown)
            titles.update((button["payload"], button["title"]) for button in offers(event))
    return [turn for turn in found if turn["replies"] or turn.get("text")]


def since_restart(events: Sequence[Event]) -> Sequence[Event]:
    """Give the events after the last restart, and what the bot said to it."""
    restarts = [index for index, event in enumerate(events) if event["event"] == "restart"]
    if not restarts:
        return events
    asked = restarts[-1]
    while asked > 0 and events[asked]["event"] != "user":
        asked -= 1
    return [*events[asked + 1 : restarts[-1]], *events[restarts[-1] + 1 :]]


def reply_id(message_id: str | None, place: int) -> str:
    """Name a reply by the message it answers and its place in the answer, from 0."""
    return f"{message_id or 'start'}.{place}"


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


def rating_of(events: Sequence[Event]) -> int | None:
    """Give the rating that stands since the last restart."""
    rating = None
    for event in since_restart(events):
        value = event.get("value")
        if event["event"] == "slot" and event.get("name") == RATING_SLOT:
            rating = value.get("value") if isinstance(value, dict) else None
    return rating


def _turn(event: Event, titles: dict[str, str]) -> Frame:
    text = str(event.get("text") or "")
    return {
        "type": "turn",
        "id": event.get("message_id"),
        "text": titles.get(text, text),
        "time": float(event.get("timestamp") or 0.0),
        "replies": [],
    }


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
