"""Keep examples apart for validation."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from bot.types import Example

MINIMUM = 20


def split_for_validation(
    examples: Sequence[Example], share: float, order: random.Random
) -> tuple[list[Example], list[Example]]:
    """Split by label, seeded: labels with too few examples give none.

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
        kept.update(order.sample(indices, int(len(indices) * share + 1e-9)))
    if len(kept) < MINIMUM:
        return list(examples), []
    learn = [example for index, example in enumerate(examples) if index not in kept]
    return learn, [example for index, example in enumerate(examples) if index in kept]
