"""How the bot speaks without being asked: reminders, and events from outside."""

from __future__ import annotations

from typing import Any

from rasa.core.channels.channel import OutputChannel

from bot.channels.room import Room


class Push(OutputChannel):
    """Rasa sends before it saves, so this only notes that there is something to tell."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @classmethod
    def name(cls) -> str:
        """Rasa's name for the channel."""
        return "web"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Tell the session's connections, once the conversation is saved."""
        self._room.push_soon(recipient_id)
