"""Which person's words went into which file.

Whoever writes feedback into `data/feedback/` or `tests/held_out/` writes one line of JSON for each
example into `provenance.jsonl` beside it; Rasa does not read that file. This module is the whole
agreement: `line` writes such a line, `find` reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "provenance.jsonl"
FOLDERS = (Path("data/feedback"), Path("tests/held_out"))


@dataclass(frozen=True)
class Origin:
    """One exported example: the file beside `provenance.jsonl`, and whose words it has.

    `sender` is the pseudonym of the store, `turn` the key of the turn.
    """

    file: str
    sender: str
    turn: str
    text: str


def line(origin: Origin) -> str:
    """Give an origin as a line of the file."""
    return json.dumps(asdict(origin), ensure_ascii=False, sort_keys=True) + "\n"


def find(sender: str, folders: Iterable[Path] = FOLDERS) -> Iterator[tuple[Path, Origin]]:
    """Yield what one person said, with the path of the file that it lies in."""
    for folder in folders:
        path = folder / FILE
        if not path.is_file():
            continue
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                found = Origin(**json.loads(text))
            except (ValueError, TypeError):
                continue  # the exporter's own check tells of broken lines
            if found.sender == sender:
                yield folder / found.file, found
