"""Errors written for the person who must fix them.

Every message says what failed, what was found and what to do. The command line prints the
message alone; `bot.components.edge` turns it into an exception of Rasa's own kind.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class BotError(Exception):
    """The base of all errors that a user can mend."""


class OptionError(BotError):
    """An option in `config.yml` is unknown or has a value that cannot be used."""


class EncoderError(BotError):
    """The pretrained encoder is missing, damaged or of a kind that cannot be used."""


class TrainingDataError(BotError):
    """The training data cannot be learned from."""


class CheckpointError(BotError):
    """A persisted model lost a file, or a file of it was changed."""


class ProjectError(BotError):
    """A file of the project, or the machine, must be mended before Rasa is called.

    Attributes:
        found: what is wrong, in one or two sentences.
        remedy: what to do about it.
        file: the file to open, relative to the project where it lies inside.
        line: the line in it, counted from 1.
    """

    def __init__(
        self, found: str, remedy: str = "", *, file: Path | None = None, line: int | None = None
    ) -> None:
        self.found = found
        self.remedy = remedy
        self.file = file
        self.line = line
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(f"{where}{found} {remedy}".rstrip())


class VocabularyError(BotError):
    """The vocabulary cannot be used; everything that is wrong with it is named at once.

    Attributes:
        problems: what must be mended, in the order of files and lines.
    """

    def __init__(self, problems: Iterable[ProjectError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Give ` Did you mean 'x'?` where a known word is close, else nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
