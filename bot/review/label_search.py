"""Labels found by what a reviewer types of them."""

from __future__ import annotations

from rapidfuzz import process

CLOSE = 60  # of 100: a label that is offered for what was typed
SHOWN = 5


def search(wanted: str, labels: list[str]) -> list[str]:
    """Give the labels that what was typed may stand for, best first."""
    lowered = wanted.casefold()
    if exact := [label for label in labels if label.casefold() == lowered]:
        return exact[:1]
    parts = lowered.split()
    within = [label for label in labels if all(part in label.casefold() for part in parts)]
    if within:
        return sorted(within, key=len)[:SHOWN]
    close = process.extract(lowered, labels, score_cutoff=CLOSE, limit=SHOWN)
    return [label for label, *_ in close]
