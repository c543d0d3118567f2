"""Entities whose offsets follow the text when parts of it are replaced."""

from __future__ import annotations

from typing import Any


class EntitySpan:
    """An entity whose offsets follow the text."""

    def __init__(self, data: dict[str, Any], text: str) -> None:
        self.data = data
        self.entity = data.get("entity")
        start, end = data.get("start"), data.get("end")
        fits = type(start) is int and type(end) is int and 0 <= start < end <= len(text)
        self.start: int | None = start if fits else None
        self.end: int | None = end if fits else None
        self.masked = False

    def move(self, edits: list[tuple[int, int, int]]) -> None:
        """Follow replacements, given as old start, old end and new length, in order."""
        if self.start is None or self.end is None:
            return
        start, end, shift = self.start, self.end, 0
        new_start, new_end = start, end
        for a, b, length in edits:
            if b <= start:
                new_start += length - (b - a)
                new_end += length - (b - a)
            elif a < end:  # they overlap: the entity grows to the whole of the mask
                self.masked = True
                if a < start:
                    new_start = a + shift
                new_end = (max(end, b)) + shift + length - (b - a)
                end = max(end, b)
            shift += length - (b - a)
        self.start, self.end = new_start, new_end
