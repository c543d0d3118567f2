"""Is what is learned from what was meant, and is the model as new as its data?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bot.errors import BotError
from bot.lifecycle.checks.archives import check_archive
from bot.lifecycle.checks.examples import blocks
from bot.lifecycle.checks.findings import Finding, Project, from_error
from bot.lifecycle.checks.sources import data_files, line_of
from bot.lifecycle.checks.space import MODELS
from bot.lifecycle.live_model import find_model
from bot.lifecycle.preflight import problems
from bot.lifecycle.registry import Registry

SHOWN_PROBLEMS = 10
DENIED = "out_of_scope"  # TwoStageFallbackAction reads this intent as "none of these"


def check_files(project: Project) -> Iterator[Finding]:
    """Report what would stop a training."""
    found = problems(project.root)
    for error in found[:SHOWN_PROBLEMS]:
        yield from_error("project files", "problem", error)
    if len(found) > SHOWN_PROBLEMS:
        rest = len(found) - SHOWN_PROBLEMS
        yield Finding("project files", "problem", f"{rest} more of the kind.", "Mend these first.")
    if not found:
        yield Finding("project files", "ok", f"{len(project.sources)} files are sound")


def check_denial(project: Project) -> Iterator[Finding]:
    """Inside the two-stage fallback the intent `out_of_scope` has a meaning of its own."""
    for source in project.data:
        for block in blocks(source):
            if block.kind == "intent" and block.name == DENIED and any(block.lines()):
                yield Finding(
                    "out_of_scope",
                    "warning",
                    f"{source.path}:{line_of(block.node)}: examples for '{DENIED}', which the "
                    f"two-stage fallback reads as 'none of the offered meanings was right'.",
                    "Give messages beyond the bot's subject an intent of another name.",
                )


def check_test_files(project: Project) -> Iterator[Finding]:
    """Rasa trains on every YAML file below `data/`, whatever it is called."""
    for path in data_files(project.root):
        if path.name.startswith("test_"):
            yield Finding(
                "test files",
                "problem",
                f"{path.relative_to(project.root)} lies under data/, so that the model is trained "
                f"on its own test.",
                "Move it to tests/stories/ or tests/nlu/.",
            )


def check_model(project: Project) -> Iterator[Finding]:
    """Is there a model to serve, is it whole, and has nothing changed since?"""
    registry = Registry(project.root / MODELS, project=project.root)
    if not registry.pointer_file.exists() and not any(registry.models.glob("*.tar.gz")):
        yield Finding("model", "warning", f"'{MODELS}' holds no model.", "Train one: 'make train'.")
        return
    try:
        model = find_model(None, registry.models, project.root)
        check_archive(model)  # a card vouches for the bytes, not for the version of Rasa
    except BotError as error:
        yield from_error("model", "problem", error)
        return
    newer = _newest_input(project.root)
    if newer is not None and newer.stat().st_mtime > model.stat().st_mtime:
        yield Finding(
            "model",
            "warning",
            f"{model.name} is older than {newer.relative_to(project.root)}, changed "
            f"{datetime.fromtimestamp(newer.stat().st_mtime):%Y-%m-%d %H:%M}.",
            "Train a candidate and promote it: 'bot improve'."
            if registry.pointer_file.exists()
            else "Train again with 'make train'.",
        )
    else:
        yield Finding("model", "ok", f"{model.name} is whole and newer than all it learned from")


def _newest_input(root: Path) -> Path | None:
    inputs = [root / "config.yml", root / "domain.yml", *data_files(root)]
    existing = [path for path in inputs if path.is_file()]
    return max(existing, key=lambda path: path.stat().st_mtime) if existing else None
