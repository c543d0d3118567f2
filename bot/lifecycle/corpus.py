"""Read messages without labels: plain text, CSV, JSON lines, and Rasa's NLU files."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ProjectError, VocabularyError, did_you_mean
from bot.vocabulary.training_data import read_nlu

COLUMN = "text"
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Corpus:
    """Messages, each once, in the order of the files.

    Attributes:
        texts: the messages, without white space around them.
        empty: how many held nothing.
        repeated: how many were there already, whatever their case and spaces.
    """

    texts: tuple[str, ...]
    empty: int
    repeated: int


def read_corpus(files: Sequence[Path]) -> Corpus:
    """Read the messages of all files; labels, where there are some, are not looked at.

    Raises:
        ProjectError: a file cannot be read or is of an unknown kind, or a line of it is wrong.
    """
    kept: dict[str, str] = {}
    empty = repeated = 0
    for path in files:
        for raw in _reader_of(path)(path):
            text = " ".join(raw.split())
            key = _key_of(text)
            if not text:
                empty += 1
            elif key in kept:
                repeated += 1
            else:
                kept[key] = text
    return Corpus(tuple(kept.values()), empty, repeated)


def _key_of(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _reader_of(path: Path) -> Callable[[Path], Iterator[str]]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ProjectError(
            f"The ending '{path.suffix}' is of no kind of file that is read here."
            f"{did_you_mean(path.suffix.lower(), _READERS)}",
            f"Known: {', '.join(_READERS)}.",
            file=path,
        )
    return reader


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProjectError(
            "The line is not in UTF-8.", "Save the file in UTF-8.", file=path, line=line
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProjectError(
            f"The file cannot be read: {reason}.", "Name another one.", file=path
        ) from error


def _read_txt(path: Path) -> Iterator[str]:
    for number, line in enumerate(_LINE_END.split(_text_of(path).rstrip("\r\n")), start=1):
        if "\0" in line:
            raise ProjectError(
                "The line holds a NUL character: this is no text.",
                "Save the file as plain text in UTF-8.",
                file=path,
                line=number,
            )
        yield line


def _read_csv(path: Path) -> Iterator[str]:
    text = _text_of(path)
    begins = 1  # where the row begins, which may go over several lines
    try:
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [name.strip().lower() for name in next(rows, [])]
        column = _column_in(header, path)
        begins = rows.line_num + 1
        for row in rows:
            if row and len(row) != len(header):
                raise ProjectError(
                    f"The row has {len(row)} cells, but the header names {len(header)} columns.",
                    "Put quotes around a text that holds commas or line ends.",
                    file=path,
                    line=begins,
                )
            yield row[column] if row else ""
            begins = rows.line_num + 1
    except csv.Error as error:
        raise ProjectError(
            f"This is no CSV: {error}.",
            'Look at the quotes of this row; a quote inside quotes is written "".',
            file=path,
            line=begins,
        ) from error


def _column_in(header: Sequence[str], path: Path) -> int:
    if header.count(COLUMN) != 1:
        raise ProjectError(
            f"The header has {header.count(COLUMN) or 'no'} columns '{COLUMN}'.",
            f"Name the column with the messages '{COLUMN}', and no other one.",
            file=path,
            line=1,
        )
    return header.index(COLUMN)


def _read_json_lines(path: Path) -> Iterator[str]:
    for number, line in enumerate(_LINE_END.split(_text_of(path)), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ProjectError(
                f"This is no JSON: {error}.",
                "Write one object a line.",
                file=path,
                line=number,
            ) from error
        text = row.get(COLUMN) if isinstance(row, dict) else None
        if not isinstance(text, str):
            raise ProjectError(
                f"The line has no text under '{COLUMN}'.",
                f'Write it as {{"{COLUMN}": "a message"}}.',
                file=path,
                line=number,
            )
        yield text


def _read_nlu(path: Path) -> Iterator[str]:
    try:
        messages = read_nlu(path).messages
    except VocabularyError as error:
        raise error.problems[0] from error
    if not messages:
        raise ProjectError(
            "There are no examples of intents in this file.",
            "Give files of Rasa's NLU format, such as those under data/nlu/.",
            file=path,
        )
    for message in messages:
        yield message.text


_READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".txt": _read_txt,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".yml": _read_nlu,
    ".yaml": _read_nlu,
}
