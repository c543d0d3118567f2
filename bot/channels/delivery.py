"""From a client's message to the saved answer: each message once, in order, whatever breaks.

A message is processed under two locks: one of this process, in order of arrival, and Rasa's, which
other workers respect too. Inside them the tracker store is asked whether it holds the message's id
already; afterwards it is asked whether it now does. Only what it holds is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import LockError
from rasa.shared.core.events import SlotSet

from bot.channels import turns
from bot.channels.event_log import EventLog
from bot.channels.options import WebOptions
from bot.channels.protocol import Frame, Refusal
from bot.channels.push import Push
from bot.channels.turns import FEEDBACK_SLOT, RATING_SLOT

logger = logging.getLogger(__name__)

LOCK_POLL_S = 0.05
RESTART = "/restart"


class Delivery:
    """Processes what clients send, one thing at a time for each session."""

    def __init__(self, agent: Callable[[], Agent | None], options: WebOptions) -> None:
        self._agent = agent
        self._options = options
        self._queues: dict[str, tuple[asyncio.Lock, int]] = {}
        # Called with a sender id when the bot speaks later, as by a reminder that was set.
        self.speaks: Callable[[str], None] = _nobody_listens

    async def message(self, sender: str, frame: Frame) -> Frame:
        """Process a message, or find what an earlier sending of it left; give its turn.

        Raises:
            Refusal: nothing was saved; see the protocol.
        """
        async with self._alone(sender, frame["id"]) as (agent, log):
            if await log.turn(sender, frame["id"]):
                return turns.said(await log.events(sender), frame["id"])
            text = await self._allowed_text(log, sender, frame)
            title = await log.title_of(sender, text) if "payload" in frame else None
            saved = await self._process(
                agent, log, sender, text, frame["id"], frame.get("metadata")
            )
        turn = turns.said(saved, frame["id"])
        return {**turn, "text": title} if title else turn

    async def restart(self, sender: str, frame: Frame) -> list[Frame]:
        """Begin the conversation anew; give the turns that there are then."""
        async with self._alone(sender, frame["id"]) as (agent, log):
            if not await log.turn(sender, frame["id"]):
                await self._process(agent, log, sender, RESTART, frame["id"], None)
            return turns.turns(await log.events(sender))

    async def history(self, sender: str) -> tuple[list[Frame], int | None]:
        """Give the conversation so far, and the rating that stands."""
        async with self._alone(sender) as (_, log):
            events = await log.events(sender)
        return turns.turns(events)[-self._options.history_turns :], turns.rating_of(events)

    async def feedback(self, sender: str, frame: Frame) -> None:
        """Keep a thumb, tied to message, reply and model.

        Raises:
            Refusal: `unknown_reply`, where the bot said no such thing in this conversation.
        """
        message_id, _, place = frame["reply"].rpartition(".")
        async with self._alone(sender, frame["id"]) as (agent, log):
            events = await log.events(sender)
            known = dict(turns.named(events))
            if frame["reply"] not in known:
                raise Refusal(
                    "unknown_reply",
                    "Expected the id of a reply in this conversation.",
                    about=frame["id"],
                )
            value = {
                "reply": frame["reply"],
                "message": message_id,
                "place": int(place),
                "thumb": frame["value"],
                "comment": frame.get("comment"),
                "model": _model_of(known, message_id, frame["reply"]),
            }
            await self._set_slot(agent, log, sender, FEEDBACK_SLOT, value, frame["id"])

    async def rating(self, sender: str, frame: Frame) -> None:
        """Keep the rating of the conversation."""
        value = {"value": frame["value"], "comment": frame.get("comment")}
        async with self._alone(sender, frame["id"]) as (agent, log):
            await self._set_slot(agent, log, sender, RATING_SLOT, value, frame["id"])

    async def latest(self, sender: str) -> Frame | None:
        """Give the newest turn, as something that the bot said by itself."""
        async with self._alone(sender) as (_, log):
            found = turns.turns(await log.events(sender))
        return turns.unasked(found[-1]) if found else None

    async def _process(
        self,
        agent: Agent,
        log: EventLog,
        sender: str,
        text: str,
        message_id: str,
        metadata: dict[str, Any] | None,
    ) -> list[turns.Event]:
        channel = Push(self.speaks, quiet=True)
        message = UserMessage(
            text,
            channel,
            sender,
            input_channel=channel.name(),
            message_id=message_id,
            metadata=metadata or {},
        )
        try:
            if agent.processor is None:
                raise _unavailable("No model is loaded.", message_id)
            await agent.processor.handle_message(message)
        except Refusal:
            raise
        except Exception as error:
            logger.exception("A message of the web channel could not be processed.")
            raise Refusal(
                "failed", "The bot broke on this message; nothing was saved.", about=message_id
            ) from error
        finally:
            channel.quiet = False  # reminders keep the channel, and speak through it later
        saved = await log.turn(sender, message_id)
        if not saved:
            raise _unavailable("The conversation could not be saved.", message_id)
        return saved

    async def _allowed_text(self, log: EventLog, sender: str, frame: Frame) -> str:
        """Give what Rasa is to read: Rasa takes what begins with a slash for a command."""
        text = str(frame.get("text", frame.get("payload", "")))
        if len(text) > self._options.message_characters:
            raise Refusal(
                "too_long",
                f"Expected at most {self._options.message_characters} characters, got {len(text)}.",
                about=frame["id"],
            )
        if not text.strip().startswith("/"):
            return text
        if "text" in frame:
            raise Refusal(
                "slash_not_allowed",
                "Expected text that does not begin with a slash.",
                about=frame["id"],
            )
        if text not in self._options.payloads and not await log.title_of(sender, text):
            raise Refusal(
                "payload_not_offered",
                "Expected the payload of a button that the bot offered in this conversation.",
                about=frame["id"],
            )
        return text

    async def _set_slot(
        self, agent: Agent, log: EventLog, sender: str, slot: str, value: Any, about: str
    ) -> None:
        store = agent.tracker_store
        if slot not in {known.name for known in store.domain.slots}:
            raise Refusal(
                "not_supported",
                f"The assistant's domain has no slot '{slot}', so that this cannot be kept.",
                about=about,
            )
        if not await log.events(sender):
            raise Refusal("unknown_reply", "Nothing was said in this conversation.", about=about)
        tracker = await store.retrieve(sender)
        if tracker is None:
            raise _unavailable("The conversation could not be read.", about)
        tracker.update(SlotSet(slot, value), store.domain)
        await store.save(tracker)
        last = [event for event in await log.events(sender) if event.get("name") == slot][-1:]
        if not last or last[0].get("value") != value:
            raise _unavailable("The conversation could not be saved.", about)

    @asynccontextmanager
    async def _alone(
        self, sender: str, about: str | None = None
    ) -> AsyncIterator[tuple[Agent, EventLog]]:
        """Hold the session's locks; whatever the stores throw means: try again later."""
        agent = self._agent()
        if agent is None or agent.tracker_store is None or agent.processor is None:
            raise _unavailable("No model is loaded.", about)
        async with self._in_order(sender):
            try:
                async with agent.lock_store.lock(sender, wait_time_in_seconds=LOCK_POLL_S):
                    yield agent, EventLog(agent.tracker_store)
            except (Refusal, asyncio.CancelledError):
                raise
            except LockError as error:
                raise _unavailable("The conversation is busy.", about) from error
            except Exception as error:
                logger.exception("The web channel could not use the tracker store.")
                raise _unavailable("Conversations cannot be read or saved.", about) from error

    @asynccontextmanager
    async def _in_order(self, sender: str) -> AsyncIterator[None]:
        """Let one after another in, first come, first served; Rasa's own lock only polls."""
        lock, waiting = self._queues.get(sender, (asyncio.Lock(), 0))
        self._queues[sender] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._queues[sender]
            if waiting > 1:
                self._queues[sender] = lock, waiting - 1
            else:
                del self._queues[sender]


def _model_of(known: dict[str, turns.Event], message_id: str, reply: str) -> str | None:
    """Give the id of the model that understood a message, or that spoke by itself."""
    for name in (message_id, reply):
        found = (known.get(name, {}).get("metadata") or {}).get("model_id")
        if found:
            return str(found)
    return None


def _nobody_listens(_sender: str) -> None:
    """Ignore what the bot says by itself."""


def _unavailable(message: str, about: str | None) -> Refusal:
    return Refusal("unavailable", f"{message} Nothing was saved; send it again.", about=about)
