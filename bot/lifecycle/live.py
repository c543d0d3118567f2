"""Lets a running server follow the live pointer: the new model replaces the old one in place.

In `credentials.yml`, so that Rasa starts it in every worker:

    bot.lifecycle.live.LiveModel:

Each worker looks at `models/live.json` once a second. A new model is verified and loaded in a
thread, beside the old one; then it takes over between two messages. Tracker store, locks and
connections stay, and messages in flight are finished by the model that they began with.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.core.processor import MessageProcessor
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from bot.errors import BotError, did_you_mean
from bot.lifecycle.live_model import PINNED
from bot.lifecycle.registry import MODELS, Registry
from bot.settings import signing_key

POLL_S = 1.0
_OPTIONS = ("models",)

logger = logging.getLogger(__name__)


class LiveModel(InputChannel):  # type: ignore[misc]  # Rasa is not read by mypy
    """No channel to talk on: it is how Rasa lets code run in each of its workers."""

    def __init__(self, registry: Registry, *, pinned: bool = False) -> None:
        self._registry = registry
        self._pinned = pinned
        self._app: Sanic | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def name(cls) -> str:
        """The name in the address."""
        return "live"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> LiveModel:
        """Make it from its part of `credentials.yml` and the environment."""
        options = credentials or {}
        for option in options:
            if option not in _OPTIONS:
                hint = did_you_mean(option, _OPTIONS)
                raise RasaException(f"LiveModel has no option {option!r}.{hint}")
        try:
            key = signing_key()
        except BotError as error:
            raise RasaException(str(error)) from error
        pinned = bool(os.environ.get(PINNED))
        return cls(Registry(Path(options.get("models", MODELS)), key), pinned=pinned)

    def blueprint(self, _on_new_message: Any) -> Blueprint:
        """Give the address that says which model answers, and start watching with the server."""
        blueprint = Blueprint("live")

        async def start(app: Sanic, _loop: Any) -> None:
            self._app = app
            if not self._pinned:
                self._task = asyncio.create_task(Watcher(self._registry, self._agent).watch())

        async def end(_app: Sanic, _loop: Any) -> None:
            if self._task is not None:
                self._task.cancel()
                with suppress(asyncio.CancelledError):
                    await self._task

        async def which(_request: Request) -> HTTPResponse:
            agent = self._agent()
            return json({"model": agent.model_name if agent else None, "worker": os.getpid()})

        blueprint.listener(start, "after_server_start")
        blueprint.listener(end, "before_server_stop")
        blueprint.add_route(which, "/", methods=["GET"], name="which")
        return blueprint

    def _agent(self) -> Agent | None:
        return getattr(self._app.ctx, "agent", None) if self._app else None


class Watcher:
    """Watches the live pointer for one worker."""

    def __init__(self, registry: Registry, agent: Callable[[], Agent | None]) -> None:
        self._registry = registry
        self._agent = agent
        self._seen: tuple[int, int, int] | None = None
        self._read = b""

    async def watch(self) -> None:
        """Look again and again, until cancelled; no mistake ends it."""
        with ThreadPoolExecutor(1, "live-model") as thread:
            while True:
                try:
                    await self.look(thread)
                except Exception:
                    logger.exception("The live model cannot be followed; it is tried again.")
                await asyncio.sleep(POLL_S)

    async def look(self, thread: ThreadPoolExecutor) -> bool:
        """Swap the model if the pointer names another one; say whether it was swapped.

        A model that cannot be used is named in the log once, and the old one stays.
        """
        agent = self._agent()
        if agent is None or not self._is_new():
            return False
        try:
            archive = self._registry.live()
            if archive is None or archive.name == agent.model_name:
                return False
            logger.info("Loading '%s' beside the live model.", archive)
            loop = asyncio.get_running_loop()
            processor = await loop.run_in_executor(
                thread, load_beside, agent, archive, self._registry
            )
        except Exception as error:  # whatever Rasa or a component throws: the old model answers
            logger.error("The new live model is not used, the old one stays: %s", error)
            return False
        swap(agent, processor)
        logger.info("'%s' answers from now on.", archive)
        return True

    def _is_new(self) -> bool:
        """Say whether the pointer's content differs from what was seen last."""
        try:
            state = self._registry.pointer_file.stat()
            seen = (state.st_mtime_ns, state.st_ino, state.st_size)
            if seen == self._seen:
                return False
            content = self._registry.pointer_file.read_bytes()
        except OSError:
            return False  # none yet, or just being replaced
        is_new = content != self._read
        self._seen, self._read = seen, content
        return is_new


def load_beside(agent: Agent, archive: Path, registry: Registry) -> MessageProcessor:
    """Verify an archive and load it with the stores of the agent, which goes on answering.

    Raises:
        ProjectError: it must not be opened.
        Exception: whatever Rasa throws where it cannot be loaded.
    """
    registry.verify(archive)
    processor = MessageProcessor(
        model_path=archive,
        tracker_store=agent.tracker_store,
        lock_store=agent.lock_store,
        action_endpoint=agent.action_endpoint,
        generator=agent.nlg,
        http_interpreter=agent.http_interpreter,
    )
    if isinstance(agent.nlg, TemplatedNaturalLanguageGenerator):
        # Its own answers: those of the old model are still needed by messages in flight.
        processor.nlg = TemplatedNaturalLanguageGenerator(processor.domain.responses)
    return processor


def swap(agent: Agent, processor: MessageProcessor) -> None:
    """Let a loaded model answer, as `Agent.load_model` does; between two steps of the event loop.

    Whoever holds the old processor finishes with it, and with its domain and answers.
    """
    agent.nlg = processor.nlg
    agent.domain = processor.domain
    agent.tracker_store.domain = processor.domain
    agent.processor = processor
    agent._set_fingerprint()
