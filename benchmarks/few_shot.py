"""The published few-shot lists of BANKING77, CLINC150 and HWU64."""

from __future__ import annotations

from pathlib import Path

from bot.types import Example


def few_shot(folder: Path) -> list[Example]:
    """Read one of the lists: a message a line, and its label on the same line of another file."""
    texts = (folder / "seq.in").read_text("utf-8").splitlines()
    labels = (folder / "label").read_text("utf-8").splitlines()
    return [Example(text, label) for text, label in zip(texts, labels, strict=True)]
