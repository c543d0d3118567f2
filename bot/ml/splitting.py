"""Keep examples apart for validation."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from bot.types import Example

MINIMUM = 20


def split_for_validation(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Split by label and by a seeded hash of the text: labels with too few examples give none.

    What was kept apart in an earlier training is kept apart again, even if other examples were
    added, removed or moved: so a training from an earlier model is validated on messages that it
    never learned from.

    A label gives the whole number below its share, so that five examples an intent are all
    learned from. Where fewer than `MINIMUM` would be kept apart, none are: so few could
    neither stop nor calibrate anything.

    Returns:
        The examples to learn from and those kept apart, both in their original order.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        by_label[example.intent or ""].append(index)
    kept: set[int] = set()
    for label in sorted(by_label):
        indices = by_label[label]
        indices.sort(key=lambda index: (_rank(examples[index].text, seed), index))
        kept.update(indices[: int(len(indices) * share + 1e-9)])
    if len(kept) < MINIMUM:
        return list(examples), []
    learn = [example for index, example in enumerate(examples) if index not in kept]
    return learn, [example for index, example in enumerate(examples) if index in kept]


def _rank(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{text}".encode("utf-8", "surrogatepass")).digest()
