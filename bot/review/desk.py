"""All that a reviewer works with, put together once for the server."""

from __future__ import annotations

import string
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.errors import BotError, did_you_mean
from bot.feedback import provenance
from bot.feedback.annotations import Decisions
from bot.feedback.guards import Guards
from bot.feedback.memory import FILE
from bot.feedback.neighbours import Neighbours
from bot.feedback.project import Project
from bot.feedback.proposals import proposed
from bot.feedback.queueing import Queue
from bot.feedback.scoring import Scorer
from bot.feedback.store import Store
from bot.review.items import Items
from bot.settings import ReviewSettings


class Desk:
    """The store, the project and the model, with everything that is made of them."""

    def __init__(
        self, store: Store, project: Project, settings: ReviewSettings, scorer: Scorer | None = None
    ) -> None:
        self.store = store
        self.project = project
        self.settings = settings
        self.decisions = Decisions(store, overlap=settings.overlap)
        self.queue = Queue(store)
        self.neighbours = Neighbours(project.examples, scorer, project.root / FILE)
        self.model = None if scorer is None else scorer.model
        self.items = Items(store, project, self.neighbours, self.model)
        self.guards = Guards(store, project, labels=self.more_labels)
        self._exported: tuple[tuple[Any, ...], dict[str, str | None]] = ((), {})
        self._about: dict[str, Any] = {}

    def start(self) -> None:
        """Make in the background what the first reviewer would have to wait for."""
        self.neighbours.start()
        threading.Thread(target=self._build_guards, name="guards", daemon=True).start()

    def stop(self) -> None:
        """Give up what is still being made."""
        self.neighbours.stop()

    def more_labels(self) -> list[str]:
        """Give the labels that reviewers may choose beside those of the domain."""
        return [self.settings.out_of_scope, *proposed(self.store)]

    def labels(self) -> list[str]:
        """Give all labels that reviewers may choose."""
        return list(dict.fromkeys([*self.project.intents, *self.more_labels()]))

    def known_label(self, label: str) -> str:
        """Give a label back where there is such an intent.

        Raises:
            BotError: there is none.
        """
        if label in self.project.intents or label in (more := self.more_labels()):
            return label
        hint = did_you_mean(label, [*self.project.intents, *more])
        raise BotError(f"There is no intent {label!r}.{hint} Propose it first.")

    def about(self) -> dict[str, Any]:
        """Give what the page needs of the project."""
        if not self._about:
            self._about = self._describe()
        names = {intent["name"] for intent in self._about["intents"]}
        new = [
            {"name": name, "description": words, "examples": 0, "proposed": True, "hint": words}
            for name, words in proposed(self.store).items()
            if name not in names
        ]
        return {**self._about, "intents": [*self._about["intents"], *new]}

    def exported(self) -> Mapping[str, str | None]:
        """Give the labels that the data files have by the keys of their turns."""
        folders = [self.project.root / folder for folder in provenance.FOLDERS]
        files = [folder / provenance.FILE for folder in folders]
        stamp = tuple(_stamp(path) for path in files)
        if stamp != self._exported[0]:
            origins = [o for folder in folders for o in provenance.read(folder)]
            self._exported = (stamp, {origin.turn: origin.label for origin in origins})
        return self._exported[1]

    def _build_guards(self) -> None:
        self.guards.build()

    def _describe(self) -> dict[str, Any]:
        project, counts = self.project, self.project.counts()
        hints: dict[str, str] = {}
        for example in project.examples:
            known = hints.get(example.label)
            # A typical example says more than the first one: neither a word nor a story.
            if known is None or abs(len(example.text) - _TYPICAL) < abs(len(known) - _TYPICAL):
                hints[example.label] = example.text
        labels = dict.fromkeys([*project.intents, self.settings.out_of_scope])
        return {
            "intents": [
                {
                    "name": name,
                    "description": "",
                    "examples": counts[name],
                    "proposed": False,
                    "hint": hints.get(name, ""),
                }
                for name in labels
            ],
            "entities": _entities(project),
            "actions": list(project.actions),
            "slots": [
                {
                    "name": slot.name,
                    "type": slot.type,
                    "values": list(slot.values),
                    "influences": slot.influences,
                }
                for slot in project.slots
            ],
            "forms": list(project.forms),
            "out_of_scope": self.settings.out_of_scope,
            "model": self.model,
        }


_TYPICAL = 30  # characters of an example that says well what an intent is


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _entities(project: Project) -> list[dict[str, Any]]:
    """Give the entities, each with a letter of its own as its key as long as there are any."""
    free = dict.fromkeys(string.ascii_lowercase)
    found = []
    for entity in project.entities:
        letters = [*entity.name.lower(), *free]
        key = next((letter for letter in letters if letter in free), None)
        free.pop(key or "", None)
        found.append(
            {
                "name": entity.name,
                "roles": list(entity.roles),
                "groups": list(entity.groups),
                "key": key,
            }
        )
    return found
