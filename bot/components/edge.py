"""The border between our packages and Rasa's graph: errors, fingerprints, messages."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from rasa.shared.constants import UTTER_PREFIX
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_CONFIDENCE,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_GROUP,
    ENTITY_ATTRIBUTE_ROLE,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT,
    INTENT_RESPONSE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.errors import BotError, OptionError, did_you_mean
from bot.types import INTENT_SEPARATOR, Example, Reading, Span

PACKAGE = Path(__file__).parent.parent
READING_KEY = "joint_reading"  # private: the vocabulary components write it


class BotConfigException(InvalidConfigException):
    """One of our errors about the configuration, as Rasa reports them: without a stack trace."""


class BotRasaException(RasaException):
    """Any other of our errors, as Rasa reports them."""


@contextmanager
def as_rasa_errors() -> Iterator[None]:
    """Raise our errors with the same words as a kind that Rasa's graph passes on."""
    try:
        yield
    except OptionError as error:
        raise BotConfigException(str(error)) from error
    except BotError as error:
        raise BotRasaException(str(error)) from error


def refuse_unknown_options(config: dict[str, Any], known: Collection[str], owner: str) -> None:
    """Refuse keys of a component's configuration that it would silently ignore."""
    for key in config:
        if key not in known:
            hint = did_you_mean(key, known)
            choice = f"Known: {', '.join(sorted(known))}." if known else "It has no options."
            raise BotConfigException(
                f"Unknown option '{key}' for {owner} in config.yml.{hint} {choice}"
            )


def source_digest(*packages: str) -> str:
    """Give a digest of the source of modules or packages below `bot/`, for fingerprints.

    Rasa's cache looks at a component's own class only; without this a change in a helper would
    serve the old model. A package stands for its own modules; a package inside it is named by
    itself (`ml/dialogue`), so that a change there trains nothing else anew.
    """
    return _source_digest(packages)


@lru_cache(maxsize=32)
def _source_digest(packages: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for package in packages:
        path = PACKAGE / package
        files = sorted(path.glob("*.py")) if path.is_dir() else [path]
        for file in files:
            digest.update(file.relative_to(PACKAGE).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def examples_of(training_data: TrainingData) -> list[Example]:
    """Read the labelled messages of Rasa's training data."""
    return [
        Example(
            message.get(TEXT),
            message.get(INTENT_RESPONSE_KEY) or message.get(INTENT),
            tuple(_span(entity) for entity in message.get(ENTITIES, [])),
            reading_of(message),
        )
        for message in training_data.nlu_examples
        if message.get(TEXT) is not None
    ]


def reading_of(message: Message) -> Reading:
    """Give what the vocabulary components wrote about how a message is read."""
    reading = message.get(READING_KEY)
    return reading if isinstance(reading, Reading) else Reading()


def answers_of(training_data: TrainingData) -> dict[str, tuple[str, ...]]:
    """Read the answers of retrieval intents: their texts, none where one shows a picture."""
    return {
        key.removeprefix(UTTER_PREFIX): tuple(
            variation[TEXT] for variation in variations if variation.get(TEXT)
        )
        for key, variations in training_data.responses.items()
        if key.startswith(UTTER_PREFIX) and INTENT_SEPARATOR in key
    }


def entity_of(message: Message, span: Span, extractor: str) -> dict[str, Any]:
    """Write a span as Rasa's entity, with plain Python numbers: trackers are stored as JSON."""
    entity: dict[str, Any] = {
        ENTITY_ATTRIBUTE_TYPE: span.entity,
        ENTITY_ATTRIBUTE_START: span.start,
        ENTITY_ATTRIBUTE_END: span.end,
        ENTITY_ATTRIBUTE_CONFIDENCE: span.confidence,
        ENTITY_ATTRIBUTE_VALUE: message.get(TEXT)[span.start : span.end],
        "extractor": extractor,
    }
    if span.role:
        entity[ENTITY_ATTRIBUTE_ROLE] = span.role
    if span.group:
        entity[ENTITY_ATTRIBUTE_GROUP] = span.group
    return entity


def _span(entity: dict[str, Any]) -> Span:
    return Span(
        entity[ENTITY_ATTRIBUTE_START],
        entity[ENTITY_ATTRIBUTE_END],
        entity[ENTITY_ATTRIBUTE_TYPE],
        entity.get(ENTITY_ATTRIBUTE_ROLE),
        entity.get(ENTITY_ATTRIBUTE_GROUP),
    )
