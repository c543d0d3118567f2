"""Which archive a command uses where none is named, once it is known that Rasa may open it."""

from __future__ import annotations

from pathlib import Path

from bot.lifecycle.card_facts import ENDING
from bot.lifecycle.checks.archives import newest_model
from bot.lifecycle.contents import inspect
from bot.lifecycle.registry import MODELS, NO_KEY, Registry
from bot.settings import signing_key

PINNED = "BOT_PINNED_MODEL"  # set for a server whose model was named: the pointer moves it not


def live_or_newest(registry: Registry) -> Path:
    """Give the live model's archive, or the newest as long as none was promoted; not verified.

    Raises:
        ProjectError: there is none, or the live pointer cannot be read.
    """
    return registry.live() or newest_model(registry.models)


def model_to_serve(
    model: Path | None, key: bytes | None, models: Path = MODELS, project: Path = Path(".")
) -> tuple[Path, str]:
    """Give the archive to serve, verified, and a warning that may be empty.

    Args:
        model: the archive that was named; by default the live one, or the newest in the folder
            as long as none was promoted.
        key: with which cards are signed; None where there is none.
        models: the folder.
        project: the folder whose `config.yml` and `domain.yml` may name further classes.

    Raises:
        ProjectError: there is none, or Rasa must not open it.
    """
    registry = Registry(models, key, project)
    archive = model or live_or_newest(registry)
    card = registry.verify(archive)
    return archive, NO_KEY if card is not None and key is None else ""


def find_model(model: Path | None, models: Path = MODELS, project: Path = Path(".")) -> Path:
    """Give the archive that a command works with, verified.

    By default it is what `bot serve` would serve, under the same conditions. One that is named
    needs no card, even where cards are signed: a candidate has none before it was evaluated. If
    it has one it must be genuine, and it never imports strange classes.

    Args:
        model: the archive that was named; None for the live one.
        models: the folder.
        project: the folder whose `config.yml` and `domain.yml` may name further classes.

    Raises:
        ProjectError: there is none, or Rasa must not open it.
    """
    key = signing_key()
    if model is None:
        return model_to_serve(None, key, models, project)[0]
    registry = Registry(models, key, project)
    if registry.card(model.name.removesuffix(ENDING)) is None:
        inspect(model, project)
    else:
        registry.verify(model)
    return model
