"""Attributes in a training: where their heads start, how sure they are, how good they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bot.ml.answers import readable
from bot.ml.attribute_layer import AttributeLayer
from bot.ml.attributes import AttributeHead
from bot.ml.batching import Item
from bot.ml.calibration import fit_scale
from bot.ml.first_weights import NAME_WEIGHT, embed_items, embed_texts
from bot.ml.joint import IGNORED, Logits
from bot.ml.metrics import macro_f1
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import StartingPoint
from bot.types import Example

Values = Mapping[str, tuple[str, ...]]
FEWEST = 10  # messages that can tell how sure a head may be


def attribute_values(examples: Iterable[Example]) -> dict[str, tuple[str, ...]]:
    """Give the attributes of some messages, each with its values, both in alphabetical order."""
    found: dict[str, set[str]] = {}
    for example in examples:
        for attribute in example.attributes:
            found.setdefault(attribute.name, set()).add(attribute.value)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


@torch.no_grad()
def first_attributes(
    encoder: nn.Module,
    tokenizer: SubwordTokenizer,
    values: Values,
    items: Sequence[Item],
    start: StartingPoint | None,
) -> AttributeLayer | None:
    """Start each value from its messages' mean plus half its name, or from an earlier model.

    Returns:
        The layer; None where there is no attribute.
    """
    if not values:
        return None
    encoder.eval()
    labelled = [item for item in items if item.example.attributes]
    vectors = embed_items(encoder, labelled)
    names = {value: readable(value) for each in values.values() for value in each}
    named = embed_texts(encoder, tokenizer, list(dict.fromkeys(names.values())))
    rows = []
    for column, (attribute, each) in enumerate(values.items()):
        for row, value in enumerate(each):
            known = _earlier(start, attribute, value)
            own = [
                vector
                for item, vector in zip(labelled, vectors, strict=True)
                if item.attributes[column] == row
            ]
            name = torch.from_numpy(named[names[value]])
            mean = F.normalize(torch.stack(own).sum(0), dim=-1) if own else torch.zeros_like(name)
            rows.append(F.normalize(mean + NAME_WEIGHT * name, dim=-1) if known is None else known)
    return AttributeLayer(values, torch.stack(rows))


def calibrated(
    heads: Sequence[AttributeHead], items: Sequence[Item], predicted: Sequence[Logits]
) -> tuple[AttributeHead, ...]:
    """Scale each head so that its confidence means something, on messages kept apart."""
    found = []
    for head, logits, truth in _columns(heads, items, predicted):
        factor = fit_scale(logits.numpy(), truth.numpy()) if len(truth) >= FEWEST else 1.0
        found.append(replace(head, scale=float(head.scale * factor)))
    return tuple(found)


def attribute_f1(
    heads: Sequence[AttributeHead], items: Sequence[Item], predicted: Sequence[Logits]
) -> float | None:
    """Give the macro F1 of the values, averaged over the attributes; None where there is none."""
    scores = [
        macro_f1(truth.tolist(), logits.argmax(-1).tolist())
        for _, logits, truth in _columns(heads, items, predicted)
        if len(truth)
    ]
    return float(np.mean(scores)) if scores else None


def _columns(
    heads: Sequence[AttributeHead], items: Sequence[Item], predicted: Sequence[Logits]
) -> list[tuple[AttributeHead, Tensor, Tensor]]:
    """Give each head with the logits (n, n_values) and the truth (n,) of what is labelled."""
    if not heads:
        return []
    truth = torch.tensor([item.attributes for item in items])  # (n_items, A)
    parts = torch.stack([row.attributes for row in predicted])
    columns = parts.split([len(head.values) for head in heads], dim=-1)
    return [
        (head, part[known], truth[known, column])
        for column, (head, part) in enumerate(zip(heads, columns, strict=True))
        for known in [truth[:, column] != IGNORED]
    ]


def _earlier(start: StartingPoint | None, attribute: str, value: str) -> Tensor | None:
    for head in start.heads.attributes if start else ():
        if head.name == attribute and value in head.values:
            return torch.from_numpy(head.directions[head.values.index(value)].copy())
    return None
