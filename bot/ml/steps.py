"""The steps of a fine-tuning: loss, gradients, and what the optimizer makes of them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from bot.ml import fine_tuning, several
from bot.ml.devices import fastest_precision
from bot.ml.joint import Batch, JointModel, hide_hits
from bot.ml.options import JointOptions

MAX_GRADIENT_NORM = 1.0


class Steps:
    """Takes the steps of one training, alone or with other processes."""

    def __init__(self, model: JointModel, options: JointOptions, count: int) -> None:
        """Begin.

        Args:
            model: what learns; which weights of it do is chosen already.
            options: the learning rate, and what learns.
            count: how many steps there will be at most, for the learning rate to fall over.
        """
        self._model = model
        self._processes = several.current()
        self._processes.align(model)
        groups = fine_tuning.parameter_groups(model, options)
        self._optimizer = torch.optim.AdamW(groups, fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, fine_tuning.warm_up_then_cosine(count)
        )

    def take(self, batch: Batch) -> float:
        """Learn from a batch, of which every process has the whole; give its loss."""
        # Hidden before the batch is shared out, so that chance is the same for all.
        hidden = replace(batch, hits=hide_hits(batch.hits))
        share, weights = self._processes.share_of(hidden)
        with fastest_precision(batch.ids.device):
            loss = self._model.loss(share, weights)
        loss.backward()
        total = self._processes.add_up(self._model, loss.detach())
        nn.utils.clip_grad_norm_(self._model.parameters(), MAX_GRADIENT_NORM)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(total)
