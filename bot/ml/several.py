"""Fine-tune with several processes, as `torchrun` starts them.

The first process leads: it alone reads the project, and it alone writes and prints. The others
follow: they wait until the leader comes to a fine-tuning, take their share of each batch, and end
with it. All hold the same weights at any time: they begin with the leader's, and in each step the
gradients of all shares are added up.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from bot.errors import ProjectError
from bot.ml.added_tokens import NewToken
from bot.ml.joint import ALL, IGNORED, Batch, LossWeights
from bot.ml.options import JointOptions
from bot.ml.trained import StartingPoint
from bot.types import Example

Value = TypeVar("Value")

LEADER = 0
# Between fine-tunings the leader reads data and learns dialogue, which may take long. A process
# that dies is no reason to wait less: `torchrun` ends the others.
LONGEST_WAIT = timedelta(days=7)


@dataclass(frozen=True)
class Job:
    """What a follower must know of a training; see `train_joint`."""

    examples: Sequence[Example]
    options: JointOptions
    start: StartingPoint | None
    new_tokens: Sequence[NewToken]


@dataclass(frozen=True)
class Processes:
    """How many processes train, and which of them this is."""

    rank: int = LEADER
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == LEADER

    def call(self, job: Job) -> None:
        """Let the followers begin the training that this process, the leader, begins."""
        if self.count > 1 and self.leads:
            self.from_leader(job)

    def from_leader(self, value: Value | None) -> Value:
        """Give the leader's value in every process; what the others pass is not looked at."""
        values = [value]
        if self.count > 1:
            dist.broadcast_object_list(values, src=LEADER, device=torch.device("cpu"))
        return values[0]  # type: ignore[return-value]

    def align(self, model: nn.Module) -> None:
        """Begin with the leader's weights, of those that learn."""
        if self.count > 1:
            for weight in _learning(model):
                dist.broadcast(weight.data, src=LEADER)

    def share_of(self, batch: Batch) -> tuple[Batch, LossWeights]:
        """Give this process's messages of a batch, and what their mean losses count for.

        Every `count`-th message, so that long and short ones are shared out evenly. The weighted
        losses of all processes add up to the loss of the whole batch.
        """
        if self.count == 1:
            return batch, ALL
        rows = list(range(self.rank, len(batch.ids), self.count))
        if not rows:  # it must take part in the sum all the same
            return batch.rows([0]), LossWeights(0.0, 0.0, 0.0)
        mine = batch.rows(rows)
        intents = _labelled(mine.intents) / max(1, _labelled(batch.intents))
        tags = _labelled(mine.tags) / max(1, _labelled(batch.tags))
        return mine, LossWeights(intents, tags, len(mine.ids) / len(batch.ids))

    def add_up(self, model: nn.Module, loss: Tensor) -> Tensor:
        """Sum the gradients over all processes, in place, and give the sum of the losses.

        A weight that no share reached keeps having no gradient, as with one process.
        """
        if self.count == 1:
            return loss
        weights = _learning(model)
        reached = torch.tensor([weight.grad is not None for weight in weights], device=loss.device)
        reached = reached.int()
        dist.all_reduce(reached, dist.ReduceOp.MAX)
        total = loss.clone()
        sums = [dist.all_reduce(total, async_op=True)]
        for weight, is_reached in zip(weights, reached.tolist(), strict=True):
            if is_reached:
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
                sums.append(dist.all_reduce(weight.grad, async_op=True))
        for each in sums:
            each.wait()
        return total


def current() -> Processes:
    """Give the processes that train together: one, unless they have joined."""
    if not dist.is_initialized():
        return Processes()
    return Processes(dist.get_rank(), dist.get_world_size())


@contextmanager
def together() -> Iterator[None]:
    """Join the other processes of this `torchrun`, then lead them; a follower ends in here.

    Raises:
        ProjectError: there are fewer GPUs than processes, or the processes are on several machines.
        SystemExit: this was a follower, and the leader needs it no more.
    """
    local, count = int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])
    leads = int(os.environ["RANK"]) == LEADER
    if leads:
        _check(count)
    else:  # it may wait where Python cannot interrupt it, and has nothing to keep
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=LONGEST_WAIT)
    if torch.cuda.is_available():
        torch.cuda.set_device(local)
    if leads:
        yield
        # Only now: followers of a leader that failed are ended by `torchrun`.
        current().from_leader(None)
    else:
        _follow()
    dist.destroy_process_group()
    if not leads:
        raise SystemExit(0)


def _follow() -> None:
    """Take part in the leader's trainings until it has no more."""
    from bot.ml.training import train_joint  # which imports this module

    while (job := _next_job()) is not None:
        with tempfile.TemporaryDirectory() as scratch:
            train_joint(
                job.examples,
                job.options,
                Path(scratch),
                start=job.start,
                new_tokens=job.new_tokens,
                show_progress=False,
            )


def _next_job() -> Job | None:
    try:
        return current().from_leader(None)
    except RuntimeError as error:  # the leader is gone, and has said why
        raise SystemExit(1) from error


def _check(count: int) -> None:
    if int(os.environ.get("LOCAL_WORLD_SIZE", count)) != count:
        raise ProjectError(
            "The processes of this training are on several machines.",
            "Start all of them on one: `torchrun --nproc-per-node N -m bot train`.",
        )
    gpus = torch.cuda.device_count()
    if torch.cuda.is_available() and count > gpus:
        raise ProjectError(
            f"There are {count} processes, but {gpus} GPUs.",
            f"Start as many as there are GPUs: `torchrun --nproc-per-node {gpus} -m bot train`.",
        )


def _learning(model: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in model.parameters() if weight.requires_grad]


def _labelled(labels: Tensor) -> int:
    return int((labels != IGNORED).sum())
