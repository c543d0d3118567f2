"""Keep examples apart for validation."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from bot.types import Example

MINIMUM = 20
ATTRIBUTE_SHARE = 0.2  # of messages that carry an attribute alone: they are few, and calibrate it


def split_for_validation(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Split by label and by a seeded hash of the text: labels with too few examples give none.

    What was kept apart in an earlier training is kept apart again, even if other examples were
    added, removed or moved: so a training from an earlier model is validated on messages that it
    never learned from.

    Messages that carry an attribute alone are split by its value, and give a fifth at least.

    A label gives the whole number below its share, so that five examples an intent are all
    learned from. Where fewer than `MINIMUM` would be kept apart, none are: so few could
    neither stop nor calibrate anything.

    Returns:
        The examples to learn from and those kept apart, both in their original order.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        by_label[_label(example)].append(index)
    kept: set[int] = set()
    for label in sorted(by_label):
        indices = by_label[label]
        indices.sort(key=lambda index: (_rank(examples[index].text, seed), index))
        alone = examples[indices[0]].attributes and not examples[indices[0]].intent
        part = max(share, ATTRIBUTE_SHARE) if alone and share else share
        kept.update(indices[: int(len(indices) * part + 1e-9)])
    if len(kept) < MINIMUM:
        return list(examples), []
    learn = [example for index, example in enumerate(examples) if index not in kept]
    return learn, [example for index, example in enumerate(examples) if index in kept]


def _label(example: Example) -> str:
    """Give what an example is to be split by: its intent, else its attributes."""
    said = [f"{attribute.name}={attribute.value}" for attribute in example.attributes]
    return example.intent or " ".join(said)


def _rank(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{text}".encode("utf-8", "surrogatepass")).digest()
