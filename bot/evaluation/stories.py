"""Test stories as data: which went right to the end, and where the others first went wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StoryOutcome:
    """One test story with one model.

    Attributes:
        name: as it stands in the file.
        file: where it stands; empty where nobody knows.
        right: whether every turn was.
        turn: which turn of the story was the first wrong one, counted from 1; None where all was
            right.
        said: what the person had said before it, or its intent.
        expected: what the story has there.
        predicted: what the model did instead.
    """

    name: str
    file: str
    right: bool
    turn: int | None = None
    said: str = ""
    expected: str = ""
    predicted: str = ""
