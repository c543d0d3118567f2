"""The heads of the attributes while they learn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from bot.ml.attributes import AttributeHead

INITIAL_SCALE = 20.0  # as the intents have


class AttributeLayer(nn.Module):
    """One direction for each value of each attribute; A attributes, V values of all together."""

    def __init__(self, values: Mapping[str, tuple[str, ...]], directions: Tensor) -> None:
        """Begin.

        Args:
            values: what each attribute can be; the values of an attribute lie side by side.
            directions: (V, hidden).
        """
        super().__init__()
        self.values = dict(values)
        self.sizes = [len(each) for each in self.values.values()]
        self.directions = nn.Parameter(directions)

    def forward(self, sentence: Tensor) -> Tensor:
        """Give logits (B, V) for sentence vectors (B, hidden) of length 1."""
        logits: Tensor = INITIAL_SCALE * sentence @ F.normalize(self.directions, dim=-1).T
        return logits

    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Give the loss of all attributes, over the number of messages in the batch.

        Not the mean of the labelled ones: often one or two messages of a batch carry an
        attribute, and each shall pull at the encoder about as much as a message with an intent.

        Args:
            logits: (B, V).
            truth: (B, A) the index of each attribute's value, `IGNORED` where there is none.
        """
        total = logits.sum() * 0.0
        for column, part in enumerate(logits.split(self.sizes, dim=-1)):
            total = total + F.cross_entropy(part, truth[:, column], reduction="sum")
        return total / max(1, len(truth))

    def heads(self) -> tuple[AttributeHead, ...]:
        """Give the heads in numpy."""
        directions = F.normalize(self.directions, dim=-1).detach().float().cpu()
        return tuple(
            AttributeHead(name, values, np.asarray(part.numpy()), INITIAL_SCALE)
            for (name, values), part in zip(
                self.values.items(), directions.split(self.sizes), strict=True
            )
        )
