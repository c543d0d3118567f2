"""`torchrun` on the project's own command: one archive, and the cache is used as ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rasa_project import ROOT, load_agent, parse, tiny_project

from bot.types import Example

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")


def train(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*TORCHRUN, "-m", "bot", "train"],
        cwd=folder,
        env=environment,
        timeout=300,
        text=True,
        capture_output=True,
    )


@pytest.mark.long
def test_two_processes_train_one_model_and_a_refusal_is_said_once(
    tmp_path: Path, tiny_encoder: Path, tiny_examples: tuple[Example, ...]
) -> None:
    project = tiny_project(tmp_path, tiny_encoder, tiny_examples)
    first = train(tmp_path)
    assert first.returncode == 0, first.stderr
    assert "Fine-tuning" in first.stderr
    (model,) = (tmp_path / "models").glob("*.tar.gz")
    assert parse(load_agent(model), "from berlin to oslo")["intent"]["name"] == "book_flight"

    again = train(tmp_path)  # nothing changed: the follower is not needed, and does not wait
    assert again.returncode == 0, again.stderr
    assert "Fine-tuning" not in again.stderr
    assert len(list((tmp_path / "models").glob("*.tar.gz"))) == 2

    project.configure("bot.components.featurizer.JointFeaturizer", epoch=3)
    refused = train(tmp_path)
    assert refused.returncode != 0
    assert refused.stderr.count("Unknown option 'epoch'") == 1
    assert "[rank" not in refused.stderr  # no stack trace of the follower
