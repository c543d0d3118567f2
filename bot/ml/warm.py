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


@contextmanager
def warm_start(model_folder: Path) -> Iterator[None]:
    """Let trainings in this context start from the model in `model_folder`.

    Raises:
        CheckpointError: the folder is no whole model.
    """
    checkpoint.verify(model_folder)
    token = _folder.set(model_folder)
    try:
        yield
    finally:
        _folder.reset(token)


def folder() -> Path | None:
    """Give the folder of the model to start from, None for a cold training."""
    return _folder.get()


def digest() -> str | None:
    """Give the digest of the model to start from, for fingerprints."""
    current = _folder.get()
    return checkpoint.verify(current) if current else None
