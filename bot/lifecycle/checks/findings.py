"""What every check of `bot doctor` is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from bot.errors import BotError, ProjectError
from bot.lifecycle.checks.sources import DATA_FOLDER, Source, read_project

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One answer of one check; `remedy` is empty where there is nothing to do."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def from_error(name: str, verdict: Verdict, error: BotError) -> Finding:
    """Turn an error into a finding, its remedy apart."""
    remedy = error.remedy if isinstance(error, ProjectError) else ""
    return Finding(name, verdict, str(error).removesuffix(remedy).rstrip(), remedy)


class Project:
    """The project that is examined; its files are read once, when a check first asks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The files that parse; what is wrong with the others is the preflight's to say."""
        return read_project(self.root)[0]

    @property
    def data(self) -> list[Source]:
        """The files below `data/`."""
        return [source for source in self.sources.values() if source.path.parts[0] == DATA_FOLDER]

    def source(self, name: str) -> Source | None:
        """Give one file, if it is there and parses."""
        return self.sources.get(name)


Check = Callable[[Project], Iterable[Finding]]


def run(name: str, check: Check, project: Project) -> Iterator[Finding]:
    """Run one check; one that fails itself becomes a finding, so that the others still run."""
    try:
        yield from check(project)
    except Exception as error:  # whatever it is: a broken machine is what the doctor is called to
        yield Finding(
            name,
            "problem",
            f"This check could not be made: {type(error).__name__}: {error}",
            "Look at what it names; if that is in order, the check itself needs mending.",
        )
