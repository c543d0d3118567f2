"""The room that WebSocket and REST share: sessions, open connections, and what is said."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from bot.channels.connections import Connections
from bot.channels.delivery import Delivery
from bot.channels.options import WebOptions
from bot.channels.protocol import VERSION, Frame, Refusal, parse_json
from bot.channels.sessions import Session, Sessions
from bot.errors import OptionError

logger = logging.getLogger(__name__)

MOST_WAITING = 20


class Room:
    """Takes checked frames of sessions, and tells every connection what came of them."""

    def __init__(self, delivery: Delivery, sessions: Sessions, options: WebOptions) -> None:
        self.sessions = sessions
        self.connections = Connections()
        self.options = options
        self._delivery = delivery
        self._metadata = _metadata_validator(options.metadata_schema)
        self._waiting: Counter[str] = Counter()
        self._pushes: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Future[Frame]] = set()
        delivery.speaks = self.push_soon

    async def welcome(self, session: Session) -> Frame:
        """Give the frame that begins a connection."""
        history: list[Frame] = []
        rating = None
        if not session.new or session.of_person:
            history, rating = await self._delivery.history(session.sender)
        frame: Frame = {
            "type": "welcome",
            "protocol": VERSION,
            "session": session.token,
            "expires": session.expires,
            "new": session.new,
            "history": history,
            "limits": {"message_characters": self.options.message_characters},
        }
        if rating is not None:
            frame["rating"] = rating
        return frame

    async def message(self, sender: str, frame: Frame) -> Frame:
        """Process a message; every connection of the session gets the turn.

        Raises:
            Refusal: nothing was saved.
        """
        self._check_metadata(frame)
        return await self._to_the_end(self._message(sender, frame), frame["id"])

    async def _message(self, sender: str, frame: Frame) -> Frame:
        if self._waiting[sender] >= MOST_WAITING:
            raise Refusal(
                "too_fast",
                f"{MOST_WAITING} messages are waiting for their answers already.",
                about=frame["id"],
                retry_after=2.0,
            )
        self._waiting[sender] += 1
        self.connections.tell(sender, {"type": "typing", "on": True})
        try:
            turn = await self._delivery.message(sender, frame)
        finally:
            self._waiting[sender] -= 1
            if not self._waiting[sender]:
                del self._waiting[sender]
                self.connections.tell(sender, {"type": "typing", "on": False})
        self.connections.tell(sender, turn)
        return turn

    async def feedback(self, sender: str, frame: Frame) -> Frame:
        """Keep a thumb."""
        return await self._to_the_end(self._feedback(sender, frame), frame["id"])

    async def _feedback(self, sender: str, frame: Frame) -> Frame:
        await self._delivery.feedback(sender, frame)
        return {"type": "saved", "id": frame["id"], "of": "feedback"}

    async def rating(self, sender: str, frame: Frame) -> Frame:
        """Keep the rating of a conversation."""
        return await self._to_the_end(self._rating(sender, frame), frame["id"])

    async def _rating(self, sender: str, frame: Frame) -> Frame:
        await self._delivery.rating(sender, frame)
        return {"type": "saved", "id": frame["id"], "of": "rating"}

    async def restart(self, sender: str, frame: Frame) -> Frame:
        """Begin a conversation anew; every connection of the session hears of it."""
        return await self._to_the_end(self._restart(sender, frame), frame["id"])

    async def _restart(self, sender: str, frame: Frame) -> Frame:
        turns = await self._delivery.restart(sender, frame)
        saved = {"type": "saved", "id": frame["id"], "of": "restart"}
        self.connections.tell(sender, saved)
        for turn in turns:
            self.connections.tell(sender, turn)
        return saved

    def push_soon(self, sender: str) -> None:
        """Tell a session's connections what the bot said by itself, once it is saved."""
        if sender not in self._pushes and self.connections.of_session(sender):
            task = asyncio.ensure_future(self._push(sender))
            self._pushes[sender] = task
            task.add_done_callback(lambda _: self._pushes.pop(sender, None))

    async def _push(self, sender: str) -> None:
        try:
            latest = await self._delivery.latest(sender)
        except Refusal as refusal:
            logger.warning("What the bot said by itself waits for a reload: %s", refusal)
            return
        if latest:
            self.connections.tell(sender, latest)

    async def _to_the_end(self, work: Coroutine[Any, Any, Frame], about: str) -> Frame:
        """Finish what was begun, though the one who asked for it may leave meanwhile.

        An action may have moved money by then: its message is saved, so that it is not repeated.
        """
        task = asyncio.ensure_future(_answered(work, about))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def _check_metadata(self, frame: Frame) -> None:
        if self._metadata is None:
            return
        problem = best_match(self._metadata.iter_errors(frame.get("metadata", {})))
        if problem is not None:
            place = ".".join(["metadata", *(str(part) for part in problem.absolute_path)])
            raise Refusal("bad_frame", f"In {place}: {problem.message[:200]}.", about=frame["id"])


async def _answered(work: Coroutine[Any, Any, Frame], about: str) -> Frame:
    """Leave no client without an answer, whatever breaks here."""
    try:
        return await work
    except Refusal:
        raise
    except Exception as error:
        logger.exception("The web channel broke.")
        raise Refusal(
            "unavailable", "The answer cannot be given now; send it again.", about=about
        ) from error


def _metadata_validator(path: str) -> Draft202012Validator | None:
    if not path:
        return None
    try:
        schema = parse_json(Path(path).read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
    except (OSError, Refusal, SchemaError) as error:
        raise OptionError(
            f"The metadata schema '{path}' cannot be used: {error}. Correct the file, or "
            f"'metadata_schema' of the web channel in credentials.yml."
        ) from error
    return Draft202012Validator(schema)
