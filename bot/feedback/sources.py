"""Where events come from: Rasa's SQL tracker store, or lines of JSON.

A source gives batches: records in the order of the source, and the position to go on from. The
position is written in the transaction that keeps the records, so whatever stops the ingest, it
goes on where it was. Each position carries an anchor, a digest of the last record before it: where
the record is gone or another (a file was replaced, a table emptied, SQLite gave a deleted row's
id to a new one) the source is read from its beginning again, which costs time and nothing else,
because reading an event twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.errors import BotError
from bot.feedback.databases import parse_url

BATCH = 1000  # records a batch: a fraction of a second and a few megabytes
MAX_LINE = 4 * 1024 * 1024  # bytes
_ANCHOR = 256  # bytes before the position

Position = dict[str, Any]
Digest = Callable[..., str]


@dataclass(frozen=True)
class Record:
    """One event as it was written; `place` says where (a row id, a byte offset).

    `sender` is None where the record itself must tell; `broken` says why it cannot be read.
    """

    place: str
    raw: str
    sender: str | None = None
    broken: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some records, and the position after them."""

    records: list[Record]
    position: Position


class Source(Protocol):
    """Something that events can be read from."""

    name: str

    def resume(self, position: Position | None) -> Position:
        """Give the position to go on from: the one that was kept, where it still holds."""

    def remaining(self, position: Position) -> int | None:
        """Estimate how many records are left; None where that is not known."""

    def batches(self, position: Position) -> Iterator[Batch]:
        """Yield what lies after a position and was there when the call began."""

    def close(self) -> None:
        """Let go of files and connections."""


def open_source(where: str, digest: Digest) -> Source:
    """Open a tracker store by its URL or file, or lines of JSON by their file.

    Raises:
        BotError: there is no such source.
    """
    from bot.feedback.tracker_source import TrackerSource

    if "://" in where:
        return TrackerSource(parse_url(where, "the tracker store"), digest)
    path = Path(where)
    if not path.is_file():
        raise BotError(
            f"There is nothing to read at {where}. Name the file of the tracker store, a file "
            f"that `rasa export` or the file broker wrote, or a URL such as "
            f"postgresql://user:password@host:5432/database."
        )
    with path.open("rb") as file:
        is_sqlite = file.read(16) == b"SQLite format 3\x00"
    if is_sqlite:
        return TrackerSource(parse_url(f"sqlite:///{path}", "the tracker store"), digest)
    return LinesSource(path, digest)


class LinesSource:
    """Lines of JSON, as the file broker and `rasa export` write them: an event and its sender.

    The file may grow while it is read. A last line without its end is left for the next time,
    unless it is a whole object already. The file broker writes each line twice after the model
    was swapped; the second one changes nothing.
    """

    def __init__(self, path: Path, digest: Digest) -> None:
        """Name the source after the file's full path."""
        self.path = path
        self.name = f"lines:{path.resolve()}"
        self._digest = digest

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""

    def resume(self, position: Position | None) -> Position:
        """Go on after the last line, or from the beginning where the file is another."""
        if position is not None and self._anchor(position["offset"]) == position["anchor"]:
            return position
        return {"offset": 0, "anchor": self._anchor(0)}

    def remaining(self, position: Position) -> int | None:
        """Give nothing: lines are not counted before they are read."""
        return None

    def batches(self, position: Position) -> Iterator[Batch]:
        """Yield lines up to the present end of the file."""
        offset = int(position["offset"])
        end = self.path.stat().st_size
        while offset < end:
            records: list[Record] = []
            with self.path.open("rb") as file:
                file.seek(offset)
                n_bytes = 0
                while len(records) < BATCH and offset < end and n_bytes < MAX_LINE:
                    line = self._line(file, offset)
                    if line is None:
                        end = offset
                        break
                    record, length = line
                    offset, n_bytes = offset + length, n_bytes + length
                    if record is not None:
                        records.append(record)
            if records or offset > position["offset"]:
                yield Batch(records, {"offset": offset, "anchor": self._anchor(offset)})

    def _line(self, file: Any, offset: int) -> tuple[Record | None, int] | None:
        """Read a line and its length in bytes; None where its end is not written yet."""
        raw = file.readline(MAX_LINE)
        if len(raw) == MAX_LINE and not raw.endswith(b"\n"):
            return self._too_long(file, offset, len(raw))
        if not raw.endswith(b"\n") and not _is_whole(raw):
            return None
        if not raw.strip():
            return None, len(raw)
        try:
            return Record(str(offset), raw.decode("utf-8")), len(raw)
        except UnicodeDecodeError:
            return Record(str(offset), "", broken="not UTF-8"), len(raw)

    def _too_long(self, file: Any, offset: int, length: int) -> tuple[Record, int] | None:
        while more := file.readline(MAX_LINE):
            length += len(more)
            if more.endswith(b"\n"):
                reason = f"longer than {MAX_LINE} bytes"
                return Record(str(offset), "", broken=reason), length
        return None

    def _anchor(self, offset: int) -> str:
        with self.path.open("rb") as file:
            begin = max(0, offset - _ANCHOR)
            file.seek(begin)
            before = file.read(offset - begin)
        return self._digest("anchor", str(len(before)), before.hex())


def _is_whole(raw: bytes) -> bool:
    """Say whether a line without its end is an object already: no part of one ever is."""
    try:
        return isinstance(json.loads(raw), dict)
    except ValueError:
        return False
