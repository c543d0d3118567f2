"""No message that tests the assistant is trained on, nor one that is nearly the same.

Held out are `tests/held_out/`, and what tests the assistant otherwise: `tests/nlu/`,
`tests/paraphrases/` and what users say in `tests/stories/`. Three rules keep them apart from the
training data:

- A message to train on that is near a held-out one is not written.
- A new held-out message that is near something trained on is not written either: it would test
  what the model has seen.
- A message that is held out already stays. Where the same is trained on all the same, a person has
  written it into `data/`, and is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml.nodes import MappingNode, Node, SequenceNode

from bot.feedback.project import Project
from bot.feedback.provenance import Origin
from bot.feedback.similar import NearIndex
from bot.feedback.training_files import read_markup, yaml_files
from bot.feedback.yaml_nodes import compose, line_of, mapping, scalar

TOO_LIKE = 0.9
_SHORT = 2  # words
TEST_FOLDERS = (
    Path("tests/nlu"),
    Path("tests/jargon"),
    Path("tests/paraphrases"),
    Path("tests/stories"),
)


@dataclass(frozen=True)
class Place:
    """Where a message lies; `turn` names it where it came from a conversation."""

    file: str
    line: int | None = None
    turn: str = ""

    def __str__(self) -> str:
        """Give what an editor opens."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Guard:
    """Messages of one side, found by what is the same or nearly the same."""

    def __init__(self) -> None:
        self._index: NearIndex[Place] = NearIndex(TOO_LIKE)

    def add(self, text: str, place: Place) -> None:
        """Know a message."""
        self._index.add(text, place)

    def add_origin(self, origin: Origin) -> None:
        """Know what a person said in an exported example or story."""
        for text in texts_of(origin):
            self.add(text, Place("a conversation", turn=origin.turn))

    def near(self, *texts: str) -> tuple[str, Place] | None:
        """Give the known message that is nearest to any of the texts, None where none is near."""
        found = [near for text in texts if text for near in self._index.find(text, limit=1)]
        if not found:
            return None
        best = max(found, key=lambda near: near.similarity)
        return best.text, best.value


def guard_of(messages: Iterable[tuple[str, Place]], origins: Iterable[Origin]) -> Guard:
    """Give a guard that knows messages of files, and what was exported."""
    guard = Guard()
    for text, place in messages:
        guard.add(text, place)
    for origin in origins:
        guard.add_origin(origin)
    return guard


def texts_of(origin: Origin) -> list[str]:
    """Give what a person said in an origin; of a story, only what not everybody says."""
    if not origin.steps:
        return [text for text in (origin.text, origin.masked) if text]
    said = (step.get("text") for step in origin.steps)
    return [text for text in said if isinstance(text, str) and not _is_common(text)]


def _is_common(text: str) -> bool:
    """Say whether anybody would say this: stories are full of `yes` and `thank you`."""
    return len(text.split()) <= _SHORT


def said_in_stories(folder: Path, root: Path) -> Iterator[tuple[str, Place]]:
    """Yield what users say in the stories below a folder, without markup and common words.

    Raises:
        ProjectError: a file is broken.
    """
    for path in yaml_files(folder):
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        content = mapping(compose(path, shown), shown, "The file")
        for name in ("stories", "rules"):
            if name not in content:
                continue
            for written, line in _said(content[name]):
                text, _ = read_markup(written, shown, line)
                if text and not text.startswith("/") and not _is_common(text):
                    yield text, Place(shown.as_posix(), line)


def _said(node: Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _said(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == "user":
                yield scalar(value).strip(), line_of(key)
            else:
                yield from _said(value)


def tests_of(root: Path) -> Iterable[tuple[str, Place]]:
    """Yield what tests the assistant, apart from what the loop itself holds out.

    Raises:
        ProjectError: a file is broken.
    """
    for folder in TEST_FOLDERS:
        for example in Project.examples_below(root / folder, root):
            yield example.text, Place(example.file, example.line)
        yield from said_in_stories(root / folder, root)
