"""The earlier model that a warm training starts from.

It is set around one training in one process and is no option of `config.yml`: plain trainings
and cross-validation stay cold, so that they are reproducible and free of leaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from bot.ml import checkpoint

_folder: ContextVar[Path | None] = ContextVar("warm_start", default=None)
_dialogue: ContextVar[Path | None] = ContextVar("warm_start_of_dialogue", default=None)


@contextmanager
def warm_start(model_folder: Path, dialogue_folder: Path | None = None) -> Iterator[None]:
    """Let trainings in this context start from the model in `model_folder`.

    Args:
        model_folder: the joint model of intents and entities.
        dialogue_folder: the dialogue model, if there is one; without it dialogue starts cold.

    Raises:
        CheckpointError: a folder is no whole model.
    """
    checkpoint.verify(model_folder)
    if dialogue_folder:
        checkpoint.verify(dialogue_folder)
    token = _folder.set(model_folder)
    dialogue_token = _dialogue.set(dialogue_folder)
    try:
        yield
    finally:
        _folder.reset(token)
        _dialogue.reset(dialogue_token)


def folder() -> Path | None:
    """Give the folder of the model to start from, None for a cold training."""
    return _folder.get()


def digest() -> str | None:
    """Give the digest of the model to start from, for fingerprints."""
    current = _folder.get()
    return checkpoint.verify(current) if current else None


def dialogue_folder() -> Path | None:
    """Give the folder of the dialogue model to start from, None for a cold training."""
    return _dialogue.get()


def dialogue_digest() -> str | None:
    """Give the digest of the dialogue model to start from, for fingerprints."""
    current = _dialogue.get()
    return checkpoint.verify(current) if current else None
