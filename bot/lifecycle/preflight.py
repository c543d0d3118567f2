"""What is looked at before Rasa is called, so that its mistakes come as sentences and at once.

Rasa needs ten seconds to start, skips much of what it cannot read with a warning that scrolls
by, and says the rest in a stack trace. None of this imports Rasa: it takes well under a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.errors import BotError, ProjectError
from bot.lifecycle.checks.archives import check_archive, newest_model
from bot.lifecycle.checks.examples import check_examples
from bot.lifecycle.checks.names import check_names, declared_in
from bot.lifecycle.checks.pipeline import check_pipeline, check_vocabulary
from bot.lifecycle.checks.sources import (
    DATA_FOLDER,
    REQUIRED_FILES,
    data_files,
    read_project,
)
from bot.lifecycle.checks.space import check_space
from bot.lifecycle.live_model import find_model

__all__ = ["check_archive", "check_project", "find_model", "newest_model", "problems"]

TRAINING_KEYS = ("nlu:", "stories:", "rules:")


def check_project(root: Path = Path(".")) -> None:
    """Check everything that a training needs.

    Raises:
        BotError: the first thing that must be mended.
    """
    for error in _find(root):
        raise error


def problems(root: Path = Path(".")) -> list[BotError]:
    """Give everything that must be mended, in the order in which to mend it."""
    return list(_find(root))


def _find(root: Path) -> Iterator[BotError]:
    """Walk over the problems; what builds on a broken file is not looked at."""
    yield from _missing(root)
    sources, errors = read_project(root)
    yield from errors
    config = sources.get("config.yml")
    domain = sources.get("domain.yml")
    data = [source for source in sources.values() if source.path.parts[0] == DATA_FOLDER]
    for source in data:
        yield from check_examples(source)
    if domain is not None:
        yield from check_names(domain, data)
    if config is not None:
        yield from check_pipeline(config, root)
        known = None if domain is None else frozenset(declared_in(domain, []).entities)
        yield from check_vocabulary(config, root, known)
    yield from check_space(root)


def _missing(root: Path) -> Iterator[ProjectError]:
    for name in REQUIRED_FILES:
        if not (root / name).is_file():
            yield ProjectError(
                f"There is no '{name}' in '{root.resolve()}'.",
                "Call this from the project's folder.",
            )
    folder = root / DATA_FOLDER
    if not folder.is_dir():
        yield ProjectError(
            f"There is no folder '{DATA_FOLDER}' in '{root.resolve()}'.",
            "Call this from the project's folder; training examples belong into data/nlu/.",
        )
    elif not any(_is_training_file(path) for path in data_files(root)):
        yield ProjectError(
            f"The folder '{folder}' holds nothing to learn from: no YAML file in it has one of "
            f"the keys {', '.join(TRAINING_KEYS)}.",
            "Put training examples into data/nlu/, rules into data/rules/.",
        )


def _is_training_file(path: Path) -> bool:
    """Decide as Rasa does: by the beginnings of lines, at any depth."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    return any(line.lstrip().startswith(TRAINING_KEYS) for line in text.splitlines())
