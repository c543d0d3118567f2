"""How the bot speaks without being asked: reminders, and events from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rasa.core.channels.channel import OutputChannel


class Push(OutputChannel):
    """Rasa sends before it saves, so this only notes that there is something to tell.

    Attributes:
        quiet: nothing needs to be noted, as while a message is answered: its turn tells all.
    """

    def __init__(self, note: Callable[[str], None], *, quiet: bool = False) -> None:
        self._note = note
        self.quiet = quiet

    @classmethod
    def name(cls) -> str:
        """Rasa's name for the channel."""
        return "web"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Tell the session's connections, once the conversation is saved."""
        if not self.quiet:
            self._note(recipient_id)
