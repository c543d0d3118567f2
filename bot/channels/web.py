"""The web channel for Rasa: WebSocket and REST for the widget, and for anybody's own client.

In `credentials.yml`:

    bot.channels.web.WebChannel:
      origins: ["https://www.example.org"]

docs/reference/web-protocol.md describes what goes over the wire.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, OutputChannel
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, Sanic
from sanic.request import Request

from bot.channels import files, rest, socket
from bot.channels.delivery import Delivery
from bot.channels.front import stand_in_front
from bot.channels.gate import Gate
from bot.channels.options import WebOptions
from bot.channels.push import Push
from bot.channels.room import Room
from bot.channels.sessions import Sessions, usable_login_key
from bot.errors import BotError
from bot.settings import login_key, web_secret

CREDENTIALS = Path("credentials.yml")
LARGEST_FRAME = 128 * 1024  # bytes; what a message may have in text and metadata, and some more


class WebChannel(InputChannel):
    """Answers websites."""

    def __init__(self, options: WebOptions, sessions: Sessions) -> None:
        self._app: Sanic | None = None
        delivery = Delivery(self._agent, options)
        self._room = Room(delivery, sessions, options)
        self._gate = Gate(options)
        self._demo = options.demo

    @classmethod
    def name(cls) -> str:
        """The name in the address, and of the input channel in the tracker."""
        return "web"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WebChannel:
        """Make the channel from its part of `credentials.yml` and the environment."""
        try:
            options = WebOptions.read(credentials, CREDENTIALS)
            key = ""
            if options.login != "off":
                key = usable_login_key(login_key(), options.login_algorithm)
            return cls(options, Sessions(web_secret(), options, key))
        except BotError as error:
            raise RasaException(str(error)) from error

    def get_output_channel(self) -> OutputChannel:
        """Give the channel by which the bot speaks without being asked, as reminders do."""
        return Push(self._room.push_soon)

    def blueprint(self, on_new_message: Any) -> Blueprint:
        """Give the routes; messages go through Rasa's agent under our own locks."""
        blueprint = _Blueprint("web")

        async def remember(app: Sanic, _loop: Any) -> None:
            self._app = app
            stand_in_front(app, blueprint.address, self._gate)

        async def health(_request: Request) -> Any:
            return rest.as_json({"status": "ok", "ready": self._agent() is not None})

        blueprint.listener(remember, "before_server_start")
        blueprint.add_route(health, "/", methods=["GET"], name="health")

        socket.add_routes(blueprint, self._room, self._gate)
        rest.add_routes(blueprint, self._room, self._gate)
        files.add_routes(blueprint, demo=self._demo)
        return blueprint

    def _agent(self) -> Agent | None:
        """Give the agent that is live now; a model swap replaces it, or what it holds."""
        agent: Agent | None = getattr(self._app.ctx, "agent", None) if self._app else None
        return agent if agent is not None and agent.is_ready() else None


class _Blueprint(Blueprint):
    __slots__ = ("address",)

    def register(self, app: Sanic, options: dict[str, Any]) -> None:
        """Register, and bound frames while the server's settings can still be changed."""
        self.address = options.get("url_prefix") or ""
        app.config.WEBSOCKET_MAX_SIZE = LARGEST_FRAME
        super().register(app, options)
