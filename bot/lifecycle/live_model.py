"""Which archive is served, once it is known that Rasa may open it."""

from __future__ import annotations

from pathlib import Path

from bot.lifecycle.checks.archives import newest_model
from bot.lifecycle.registry import MODELS, NO_KEY, Registry

PINNED = "BOT_PINNED_MODEL"  # set for a server whose model was named: the pointer moves it not


def model_to_serve(
    model: Path | None, key: bytes | None, models: Path = MODELS
) -> tuple[Path, str]:
    """Give the archive to serve, verified, and a warning that may be empty.

    Args:
        model: the archive that was named; by default the live one, or the newest in the folder
            as long as none was promoted.
        key: with which cards are signed; None where there is none.
        models: the folder.

    Raises:
        ProjectError: there is none, or Rasa must not open it.
    """
    registry = Registry(models, key)
    archive = model or registry.live() or newest_model(models)
    card = registry.verify(archive)
    return archive, NO_KEY if card is not None and key is None else ""
