"""Which models there are, which one is live, and whether an archive may be opened.

    models/x.tar.gz              live, or was: Rasa loads the newest at this level
    models/live.json             the live pointer: written last, in one step
    models/candidates/y.tar.gz   not live yet
    models/registry/x.json, .md  model cards

The pointer decides. All else that a promotion writes lies ready before it, so that a kill at any
moment leaves the old model live, or the new one.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.errors import ProjectError
from bot.evaluation.outcome import Evaluation
from bot.evaluation.verdict import Verdict
from bot.feedback.export_files import write
from bot.lifecycle.card_facts import ENDING, describe
from bot.lifecycle.cards import (
    FORMAT,
    Card,
    check_digest,
    read_card,
    read_signed,
    signed,
    to_markdown,
    write_card,
)
from bot.lifecycle.contents import check_classes, inspect

MODELS = Path("models")
NO_KEY = "BOT_SIGNING_KEY is not set: only digests are checked, which whoever can write can forge."


@dataclass(frozen=True)
class Pointer:
    """What `models/live.json` says.

    Attributes:
        live: name of the live model; None before the first promotion.
        earlier: those that were live before, the latest last.
        since: when it went live, UTC, ISO 8601.
    """

    live: str | None = None
    earlier: tuple[str, ...] = ()
    since: str = ""


class Registry:
    """The models of a project.

    Args:
        models: the folder.
        key: with which cards and pointer are signed; None where there is none.
        project: the folder whose `config.yml` and `domain.yml` may name further classes.
    """

    def __init__(
        self, models: Path = MODELS, key: bytes | None = None, project: Path = Path(".")
    ) -> None:
        self.models = models
        self.key = key
        self.project = project

    @property
    def candidates(self) -> Path:
        """The folder of models that are not live yet."""
        return self.models / "candidates"

    @property
    def pointer_file(self) -> Path:
        """The live pointer."""
        return self.models / "live.json"

    def archive(self, model: str) -> Path:
        """Give where the archive of a model that is live, or was, lies."""
        return self.models / f"{model}{ENDING}"

    def card_file(self, model: str) -> Path:
        """Give where the card of a model lies."""
        return self.models / "registry" / f"{model}.json"

    def pointer(self) -> Pointer:
        """Read the live pointer.

        Raises:
            ProjectError: it cannot be read, or is not genuine.
        """
        if not self.pointer_file.exists():
            return Pointer()
        content = read_signed(self.pointer_file, self.key)
        live, earlier = content.get("live"), content.get("earlier", [])
        names = [live, *earlier] if isinstance(earlier, list) else [None]
        known = [name for name in names if isinstance(name, str) and Path(name).name == name]
        if len(known) < len(names):
            raise ProjectError("It names no model.", "Promote one.", file=self.pointer_file)
        return Pointer(known[0], tuple(known[1:]), str(content.get("since", "")))

    def live(self) -> Path | None:
        """Give the archive of the live model, not yet verified; None before a promotion.

        Raises:
            ProjectError: the pointer cannot be read, or the archive is gone.
        """
        model = self.pointer().live
        if model is None:
            return None
        if not self.archive(model).is_file():
            raise ProjectError(
                f"The live model '{self.archive(model)}' is gone.",
                "Restore the archive, or go back by 'bot rollback'.",
            )
        return self.archive(model)

    def card(self, model: str) -> Card | None:
        """Read a card; None where there is none.

        Raises:
            ProjectError: it cannot be read, is not genuine, or is another model's.
        """
        file = self.card_file(model)
        if not file.exists():
            return None
        card = read_card(file, self.key)
        if card.model != model:
            raise ProjectError(f"It is the card of {card.model}.", "Delete it.", file=file)
        return card

    def find(self, model: Path) -> Path:
        """Give the archive that somebody named: a path, or a name among candidates and models.

        Raises:
            ProjectError: there is none.
        """
        name = model.name.removesuffix(ENDING) + ENDING
        for path in (model, self.candidates / name, self.models / name):
            if path.is_file():
                return path
        raise ProjectError(f"There is no model '{model}'.", "'bot models' lists what there is.")

    def verify(self, archive: Path) -> Card | None:
        """Check an archive before Rasa opens it: card, signature, digest, classes.

        Returns:
            Its card; None where it has none, which is refused where a key is set.

        Raises:
            ProjectError: it must not be opened.
        """
        card = self.card(archive.name.removesuffix(ENDING))
        if card is None and self.key is not None:
            raise ProjectError(
                f"The model archive '{archive}' has no card, so nobody signed it, but "
                f"BOT_SIGNING_KEY is set.",
                "If you trust it, sign it by 'bot promote MODEL --force --why TEXT'.",
            )
        if card is not None:
            if not archive.is_file():
                raise ProjectError(f"There is no model archive '{archive}'.")
            check_digest(card, archive)
            check_classes(archive, tuple(card.manifest["classes"]), self.project)
        if card is None or self.key is None:  # nobody vouches for what it holds
            inspect(archive, self.project)
        return card

    def register(
        self,
        archive: Path,
        *,
        command: str,
        when: str,
        evaluation: Evaluation | None = None,
        verdict: Verdict | None = None,
    ) -> Card:
        """Write the card of a candidate, with its scores and the verdict.

        Args:
            archive: the candidate.
            command: by which command it was made, such as `bot improve`.
            when: UTC, ISO 8601.
            evaluation: its figures.
            verdict: the gate's.

        Raises:
            ProjectError: the archive must not be opened, or the verdict is another model's.
        """
        if verdict is not None and verdict.candidate != archive.name.removesuffix(ENDING):
            raise ProjectError(f"The verdict is about {verdict.candidate}, not about '{archive}'.")
        contents = inspect(archive, self.project)
        card = describe(
            archive, contents, evaluation=evaluation, verdict=verdict, project=self.project
        )
        with self.sole_writer():
            before = self.card(card.model)
            if before is not None:
                check_digest(before, archive)
                card = replace(card, history=before.history)
            card = noted(card, when=when, command=command, what="registered")
            write(self.card_files(card))
        return card

    def card_files(self, card: Card) -> dict[Path, bytes | None]:
        """Give the files of a card: the Markdown first, since the JSON is what counts."""
        file = self.card_file(card.model)
        return {
            file.with_suffix(".md"): to_markdown(card).encode(),
            file: write_card(card, self.key),
        }

    def pointer_content(self, pointer: Pointer) -> bytes:
        """Give the live pointer as the bytes of its file."""
        content: dict[str, Any] = {"format": FORMAT, "live": pointer.live, "since": pointer.since}
        return signed({**content, "earlier": list(pointer.earlier)}, self.key)

    @contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Be the only one who changes what is live; the lock goes with its process.

        Raises:
            ProjectError: somebody else is at it.
        """
        self.models.mkdir(parents=True, exist_ok=True)
        with (self.models / ".lock").open("a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ProjectError(
                    f"Another command is changing '{self.models}'.", "Wait for it."
                ) from error
            yield


def noted(card: Card, *, when: str, command: str, what: str, why: str = "") -> Card:
    """Give the card with one more entry in its history."""
    entry = {"when": when, "command": command, "what": what}
    return replace(card, history=(*card.history, {**entry, "why": why} if why else entry))
