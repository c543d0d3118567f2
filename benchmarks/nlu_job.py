"""One training by Rasa and its test: `python -m benchmarks.nlu_job JOB OUT`.

The training is `rasa train nlu` in a process of its own, the test another one, so that times and
memory are those of each. The messages go through the whole pipeline one by one, as from a channel.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from benchmarks.nlu_data import Split, as_rasa, load

ROOT = Path(__file__).parents[1]
PEER = "bot/evaluation/diet.yml"
PACKAGES = ("rasa", "torch", "transformers", "onnxruntime", "tensorflow")


def main() -> None:
    """Run the job described in JSON and leave its numbers."""
    job, out = json.loads(sys.argv[1]), Path(sys.argv[2]).resolve()
    result = {**job, **run(job), **_machine()}
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_suffix(".part")
    scratch.write_text(json.dumps(result) + "\n", "utf-8")
    scratch.replace(out)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Train the pipeline of a job on its data and test it."""
    split = load(job["set"], job["shots"], Path(job["data"]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = configuration(job["pipeline"], job["seed"], job["options"])
        (folder / "config.yml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
        (folder / "nlu.json").write_text(json.dumps(as_rasa(split.train)), "utf-8")
        training = _train(folder)
        if job.get("only_train"):
            return training
        return {**training, **_test(folder, split, job.get("keep"))}


def configuration(pipeline: str, seed: int, options: dict[str, Any]) -> dict[str, Any]:
    """Give the `config.yml` of a pipeline: `ours`, `frozen` (the same, its encoder left as it is),
    `diet`.

    The FallbackClassifier is left out: `rasa test` undoes what it does.
    """
    path = ROOT / (PEER if pipeline == "diet" else "config.yml")
    config: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    steps = [step for step in config["pipeline"] if step["name"] != "FallbackClassifier"]
    for step in steps:
        name = step["name"].rsplit(".", 1)[-1]
        if name in ("JointFeaturizer", "DIETClassifier"):
            step.update({"random_seed": seed, **options})
        if name == "JointFeaturizer" and pipeline == "frozen":
            step["fine_tune"] = "frozen"
    return {"recipe": "default.v1", "assistant_id": "benchmark", "language": "en",
            "pipeline": steps, "policies": [{"name": "RulePolicy"}]}  # fmt: skip


def _train(folder: Path) -> dict[str, Any]:
    """Run `rasa train nlu` with an empty cache; seconds of the clock and of the processor, MB."""
    began, before = time.monotonic(), _cpu_of_children()
    _run(
        ["-m", "rasa", "train", "nlu", "--nlu", "nlu.json", "--out", "models"]
        + ["--fixed-model-name", "nlu"],
        folder,
    )
    archive = folder / "models" / "nlu.tar.gz"
    return {
        "train_s": round(time.monotonic() - began, 1),
        "train_cpu_s": round(_cpu_of_children() - before, 1),
        "train_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "file_mb": round(archive.stat().st_size / 2**20, 1),
    }


def _test(folder: Path, split: Split, keep: str | None) -> dict[str, Any]:
    asked = {"test": as_rasa(split.test), "outside": as_rasa(split.outside)}
    (folder / "asked.json").write_text(json.dumps(asked), "utf-8")
    _run(["-m", "benchmarks.nlu_answers", "models/nlu.tar.gz", "asked.json", "found.json"], folder)
    found: dict[str, Any] = json.loads((folder / "found.json").read_text("utf-8"))
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "models" / "nlu.tar.gz", keep)
    return found


def _run(arguments: list[str], folder: Path) -> None:
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg"}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **quiet, "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _machine() -> dict[str, Any]:
    return {
        "versions": {name: version(name) for name in PACKAGES},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "when": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    main()
