"""Train in two processes; `test_several.py` runs this as a program.

    python several_processes.py FOLDER

FOLDER holds folders, of which each has `jobs.pickle`, the trainings for two processes to do one
after the other. What they learned is left beside it in `learned.pickle`, and how both ended in
`ended.json`. In a folder called `leader` or `follower` that process dies after the first epoch.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import socket
import sys
from pathlib import Path

import torch

from bot.ml import devices
from bot.ml.several import Job, together
from bot.ml.trained import EpochRecord, TrainedJoint
from bot.ml.training import train_joint

Learned = dict[str, torch.Tensor]
VICTIMS = {"leader": 0, "follower": 1}  # and their ranks


def in_single_precision(device: torch.device) -> bool:
    """Say that no device has bfloat16, which rounds the sum of shares away from the whole."""
    return False


def learned(trained: TrainedJoint) -> tuple[Learned, list[tuple[float, float | None]]]:
    """Give all weights, and what each epoch left."""
    heads = trained.heads
    weights = {name: value.clone() for name, value in trained.encoder.state_dict().items()}
    for name in ("prototypes", "tag_weight", "tag_bias", "hit_tags", "hit_intents"):
        weights[name] = torch.from_numpy(getattr(heads, name).copy())
    for head in heads.attributes:
        weights[f"attribute {head.name}"] = torch.from_numpy(head.directions.copy())
    return weights, [(each.training_loss, each.validation_loss) for each in trained.curve]


def process(rank: int, folder: Path, port: int) -> None:
    """Be one of the two processes."""
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()})
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    (folder / f"{rank}.pid").write_text(str(os.getpid()))

    def after_epoch(record: EpochRecord, _: int) -> None:
        if folder.name in VICTIMS and record.epoch == 1:
            victim = folder / f"{VICTIMS[folder.name]}.pid"
            os.kill(int(victim.read_text()), signal.SIGKILL)

    jobs: list[Job] = pickle.loads((folder / "jobs.pickle").read_bytes())
    with together():
        results = []
        for number, job in enumerate(jobs):
            workspace = folder / f"workspace-{number}"
            trained = train_joint(
                job.examples,
                job.options,
                workspace,
                start=job.start,
                show_progress=False,
                after_epoch=after_epoch,
            )
            results.append(learned(trained))
    (folder / "learned.pickle").write_bytes(pickle.dumps(results))


def run(folder: Path) -> None:
    """Fork twice, wait for both, and leave how they ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fork = multiprocessing.get_context("fork")
    both = [fork.Process(target=process, args=(rank, folder, port)) for rank in (0, 1)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    (folder / "ended.json").write_text(json.dumps([each.exitcode for each in both]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    devices.has_fast_bfloat16 = in_single_precision
    for each in sorted(Path(sys.argv[1]).iterdir()):
        run(each)
