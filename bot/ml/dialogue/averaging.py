"""A moving average of the weights: steadier than the last step, at no cost in serving.

Izmailov et al., 2018, "Averaging Weights Leads to Wider Optima and Better Generalization", as an
exponential average.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """The average of a model's weights over about the last `steps` updates."""

    def __init__(self, model: nn.Module, steps: int) -> None:
        self._model = model
        self._steps = steps
        self._count = 0
        self._average = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the present weights into the average."""
        self._count += 1
        share = 1 / min(self._count, self._steps)
        present = [parameter.detach() for parameter in self._model.parameters()]
        torch._foreach_lerp_(list(self._average.values()), present, share)

    def copy(self) -> dict[str, Tensor]:
        """Give the averaged weights by name."""
        return {name: tensor.clone() for name, tensor in self._average.items()}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the averaged weights for a while."""
        present = {name: p.detach().clone() for name, p in self._model.named_parameters()}
        self._model.load_state_dict(self._average, strict=False)
        try:
            yield
        finally:
            self._model.load_state_dict(present, strict=False)
