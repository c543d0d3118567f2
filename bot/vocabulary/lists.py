"""Long lists: CSV with a header, and plain text with one term a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from bot.errors import did_you_mean
from bot.vocabulary.entries import Entry, Reading, check_entity, term_of
from bot.vocabulary.terms import Term

COLUMNS = ("term", "aliases", "entity", "value", "definition", "case_sensitive", "language")
BETWEEN_ALIASES = "|"
_ENTITY_LINE = re.compile(r"#\s*entity\s*:\s*(.*)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_SWITCH = {"": None, "true": True, "false": False}


def read_csv(text: str, reading: Reading) -> list[Term]:
    """Read a file whose header names its columns; `term` is the only one that it needs."""
    rows = _rows(text, reading)
    line, header = next(rows, (1, []))
    columns = [cell.strip().lower() for cell in header]
    if not columns or not _header_is_known(columns, line, reading):
        return []
    found = []
    for line, row in rows:
        if len(row) > len(columns):
            reading.problem(
                line,
                f"The row has {len(row)} cells, but the header names {len(columns)} columns.",
                'Put quotes around a text that holds commas: "Borrow, then repay".',
            )
            continue
        term = term_of(_entry(dict(zip(columns, row, strict=False)), line, reading), reading)
        if term is not None:
            found.append(term)
    return found


def read_txt(text: str, reading: Reading) -> list[Term]:
    """Read one term a line; a first line `# entity: merchant` gives all of them their entity."""
    found = []
    entity: str | None = None
    seen = False
    for number, line in enumerate(_LINE_END.split(text), start=1):
        words = line.strip()
        if not words:
            continue
        if words.startswith("#"):
            named = _ENTITY_LINE.fullmatch(words)
            if named and seen:
                reading.problem(
                    number, "'# entity:' stands below other lines.", "Move it to the top."
                )
            elif named:
                entity = named[1].strip() or None
                if not check_entity(entity, number, reading):
                    return []
        else:
            term = term_of(Entry(line=number, name=words, entity=entity), reading)
            if term is not None:
                found.append(term)
        seen = True
    return found


def _rows(text: str, reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """Walk over the rows that hold something, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reading.problem(
                line,
                f"This is no CSV: {error}.",
                'Look at the quotes of this row; a quote inside quotes is written "".',
            )
            return
        if any(cell.strip() for cell in row):
            yield line, row
        line = reader.line_num + 1


def _header_is_known(columns: list[str], line: int, reading: Reading) -> bool:
    before = len(reading.problems)
    for place, column in enumerate(columns):
        if column in columns[:place]:
            reading.problem(line, f"The header has '{column}' twice.", "Remove one column.")
        elif column not in COLUMNS:
            hint = did_you_mean(column, COLUMNS)
            remedy = f"Known are {', '.join(COLUMNS)}, with commas between them."
            reading.problem(line, f"The header has the unknown column '{column}'.{hint}", remedy)
    if "term" not in columns and len(reading.problems) == before:
        reading.problem(line, "The header has no column 'term'.", "Name the column of the terms.")
    return len(reading.problems) == before


def _entry(cells: dict[str, str], line: int, reading: Reading) -> Entry:
    sensitive = cells.get("case_sensitive", "").strip().lower()
    if sensitive not in _SWITCH:
        reading.problem(line, f"'case_sensitive' is '{sensitive}'.", "Write 'true' or 'false'.")
    aliases = cells.get("aliases", "")
    return Entry(
        line=line,
        name=cells.get("term", ""),
        aliases=[(text, line, None) for text in aliases.split(BETWEEN_ALIASES)]
        if aliases.strip()
        else (),
        entity=cells.get("entity", "").strip() or None,
        value=cells.get("value") or None,
        definition=cells.get("definition", ""),
        case_sensitive=_SWITCH.get(sensitive) or False,
        language=cells.get("language", "").strip() or None,
    )
