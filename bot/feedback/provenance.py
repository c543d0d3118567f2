"""Which person's words went into which file, and how they came to be there.

Whoever writes feedback into `data/feedback/` or `tests/held_out/` writes one line of JSON for each
example into `provenance.jsonl` beside it; Rasa does not read that file. The YAML files follow from
these lines and from nothing else, so an example outlives its turn in the store, and one person's
examples can be taken out without the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bot.errors import ProjectError

FILE = "provenance.jsonl"
FOLDERS = (Path("data/feedback"), Path("tests/held_out"))
NLU = "nlu.yml"
RELABELLED = "label-check:"  # begins the turn of an example that came from no conversation
_ALWAYS = ("file", "sender", "turn", "text", "time", "model", "suggested", "label", "reviewer")


@dataclass(frozen=True)
class Origin:
    """One exported example: the file beside `provenance.jsonl`, and whose words it has.

    Attributes:
        file: the file that holds it; several origins may share one example there.
        sender: the conversation, as the pseudonym of the store; empty for an example that a
            label check moved here.
        turn: the key of the turn, or what names the story or the label check.
        text: what stands in the file, without markup; the name of a story.
        time: when it was said, in seconds since 1970.
        model: the model that answered.
        suggested: the label that was shown as the machine's.
        label: what a person decided.
        reviewer: who decided.
        masked: the text as it was reviewed, where it had masks.
        entities: the entities in the text.
        steps: the steps of a story.
    """

    file: str
    sender: str
    turn: str
    text: str
    time: float | None = None
    model: str | None = None
    suggested: str | None = None
    label: str | None = None
    reviewer: str | None = None
    masked: str = ""
    entities: tuple[dict[str, Any], ...] = ()
    steps: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Name what was decided about, whichever file it is in."""
        return self.sender, self.turn


_KNOWN = frozenset(option.name for option in fields(Origin))


def line(origin: Origin) -> str:
    """Give an origin as a line of the file."""
    data = {key: value for key, value in asdict(origin).items() if value or key in _ALWAYS}
    return json.dumps(data, ensure_ascii=False, sort_keys=True) + "\n"


def parse(text: str) -> Origin | None:
    """Read a line of the file; None where it is broken."""
    try:
        data = json.loads(text)
        # What a later version adds is no reason to lose the example.
        known = {key: value for key, value in data.items() if key in _KNOWN}
        lists = {name: tuple(known.get(name, ())) for name in ("entities", "steps")}
        origin = Origin(**{**known, **lists})
    except (ValueError, TypeError, AttributeError):
        return None
    whole = (origin.file, origin.sender, origin.turn, origin.text)
    return origin if all(isinstance(value, str) for value in whole) else None


def read(folder: Path) -> list[Origin]:
    """Read all origins of a folder.

    Raises:
        ProjectError: a line is broken, so that its example would be lost.
    """
    path, found = folder / FILE, []
    for number, text in _lines(path):
        origin = parse(text)
        if origin is None:
            raise ProjectError(
                "The line cannot be read, and an export without it would lose its example.",
                "Solve the merge conflict, or take the file back from git, and export again.",
                file=path,
                line=number,
            )
        found.append(origin)
    return found


def broken(folder: Path) -> list[int]:
    """Give the numbers of the lines that cannot be read."""
    return [number for number, text in _lines(folder / FILE) if parse(text) is None]


def without(folder: Path, sender: str) -> tuple[list[Origin], str]:
    """Give the origins and the file's text without one person; broken lines stay as they are."""
    origins, kept = [], []
    for _, text in _lines(folder / FILE):
        origin = parse(text)
        if origin is not None and origin.sender == sender:
            continue
        if origin is None and sender in text:
            continue
        kept.append(text + "\n")
        origins += [] if origin is None else [origin]
    return origins, "".join(kept)


def find(sender: str, folders: Iterable[Path] = FOLDERS) -> Iterator[tuple[Path, Origin]]:
    """Yield what one person said, with the path of the file that it lies in."""
    for folder in folders:
        for _, text in _lines(folder / FILE):
            origin = parse(text)
            if origin is not None and origin.sender == sender:
                yield folder / (origin.file or FILE), origin


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        return
    # Not splitlines: what people typed may hold characters that it takes for the end of a line.
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if text.strip():
            yield number, text
