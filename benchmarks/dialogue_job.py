"""One training and its test in a process: `python -m benchmarks.dialogue_job JOB OUT`."""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import yaml

from benchmarks.dialogue_data import convert
from bot.ml.metrics import accuracy, weighted_f1

LISTEN = "action_listen"
DEMO = "demo"
TIMED = 300  # predictions whose time is taken


def main() -> None:
    """Run the job described in JSON and leave its numbers."""
    job, out = json.loads(sys.argv[1]), Path(sys.argv[2])
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    np.random.seed(job["seed"])
    random.seed(job["seed"])
    began = time.monotonic()
    result = {**job, **run(job, Path(job["data"]), Path(job["work"])), "versions": _versions()}
    result["wall_s"] = round(time.monotonic() - began, 1)
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_suffix(".part")
    scratch.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    scratch.replace(out)


def run(job: dict[str, Any], data: Path, work: Path) -> dict[str, Any]:
    """Train the policy of a job on its set and test it."""
    import logging

    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.ERROR)
    if job["threads"] and job["policy"] == "ted":
        tf = import_module("tensorflow")  # it has no types
        tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(job["threads"])
    elif job["threads"]:
        import torch

        torch.set_num_threads(job["threads"])
    domain, told, tests, responses = _demo() if job["set"] == DEMO else _multiwoz(job, data, work)
    stories = _share(told, job["share"])
    with tempfile.TemporaryDirectory() as scratch:
        policy, seconds, load_s, mb = _train(job, stories, domain, responses, Path(scratch))
        return {
            "stories": len({t.sender_id for t in stories if not t.is_rule_tracker}),
            "train_s": round(seconds[0], 1),
            "train_cpu_s": round(seconds[1], 1),
            "load_s": round(load_s, 3),
            "model_mb": round(mb, 2),
            **_test(policy, tests, domain),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def _multiwoz(job: dict[str, Any], data: Path, work: Path) -> tuple[Any, list[Any], list[Any], Any]:
    from rasa.shared.core.domain import Domain

    folder = work / job["set"]
    convert(data / "ted_multiwoz" / job["set"], folder)
    domain = Domain.load(str(folder / "domain.yml"))
    return domain, _trackers(folder / "train", domain), _trackers(folder / "test", domain), {}


def _demo() -> tuple[Any, list[Any], list[Any], Any]:
    from rasa.graph_components.providers.domain_for_core_training_provider import (
        DomainForCoreTrainingProvider,
    )
    from rasa.shared.core.domain import Domain

    full = Domain.load(["domain.yml", "data/responses"])
    domain = DomainForCoreTrainingProvider.create_pruned_version(full)
    told = _trackers(Path("data/stories"), domain)
    tests = _trackers(Path("tests/stories"), domain)
    return domain, told, tests, full.responses


def _trackers(folder: Path, domain: Any) -> list[Any]:
    from rasa.shared.core.generator import TrainingDataGenerator
    from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
    from rasa.shared.core.training_data.structures import StoryGraph

    reader = YAMLStoryReader()
    steps = []
    for path in sorted(folder.glob("*.yml")):
        reader.source_name = str(path)  # a test story may name the question behind `faq`
        steps += reader.read_from_parsed_yaml(
            _without_texts(yaml.safe_load(path.read_text("utf-8")))
        )
    generator = TrainingDataGenerator(
        StoryGraph(steps), domain, augmentation_factor=0, remove_duplicates=False
    )
    return list(generator.generate())


def _without_texts(content: dict[str, Any]) -> dict[str, Any]:
    """Leave the dialogue of test stories: what the NLU makes of the texts is measured elsewhere."""
    for story in content["stories"]:
        for step in story["steps"]:
            if "intent" in step:
                step.pop("user", None)
    return content


def _share(trackers: list[Any], share: float) -> list[Any]:
    order = sorted(trackers, key=lambda t: t.sender_id)
    random.Random(0).shuffle(order)
    return order[: max(1, round(len(order) * share))]


def _train(
    job: dict[str, Any], trackers: list[Any], domain: Any, responses: Any, scratch: Path
) -> tuple[Any, tuple[float, float], float, float]:
    from rasa.engine.graph import ExecutionContext, GraphSchema
    from rasa.engine.storage.local_model_storage import LocalModelStorage
    from rasa.engine.storage.resource import Resource

    cls, config, extra = _policy(job, responses)
    storage, resource = LocalModelStorage(scratch), Resource("policy")
    context = ExecutionContext(GraphSchema({}))
    policy = cls.create({**cls.get_default_config(), **config}, storage, resource, context)
    wall, cpu = time.monotonic(), time.process_time()
    policy.train(trackers, domain, **extra)
    seconds = time.monotonic() - wall, time.process_time() - cpu
    size = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
    began = time.monotonic()
    loaded = cls.load({**cls.get_default_config(), **config}, storage, resource, context)
    return loaded, seconds, time.monotonic() - began, size / 2**20


def _policy(job: dict[str, Any], responses: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    config = {"max_history": job["history"], "random_seed": job["seed"], **job["options"]}
    if job["policy"] == "ted":
        from rasa.core.policies.ted_policy import TEDPolicy

        return TEDPolicy, {"epochs": 100, **config}, {}
    from rasa.graph_components.providers.responses_provider import Responses

    from bot.components.story_policy import StoryPolicy

    return StoryPolicy, config, {"responses": Responses(responses)}


def _test(policy: Any, trackers: Sequence[Any], domain: Any) -> dict[str, Any]:
    """Predict every action of every test dialogue, each time after what really came before."""
    from rasa.shared.core.events import ActionExecuted
    from rasa.shared.core.trackers import DialogueStateTracker

    truth: list[str] = []
    found: list[str] = []
    states_ms: list[float] = []
    predict_ms: list[float] = []
    whole = 0
    for tracker in trackers:
        partial = DialogueStateTracker(tracker.sender_id, domain.slots)
        right = True
        for event in tracker.applied_events():
            if isinstance(event, ActionExecuted) and not event.unpredictable:
                if len(predict_ms) < TIMED:
                    began = time.perf_counter()
                    policy._prediction_states(partial, domain)
                    states_ms.append(1000 * (time.perf_counter() - began))
                began = time.perf_counter()
                scores = policy.predict_action_probabilities(partial, domain).probabilities
                predict_ms.append(1000 * (time.perf_counter() - began))
                truth.append(event.action_name)
                found.append(domain.action_names_or_texts[int(np.argmax(scores))])
                right = right and truth[-1] == found[-1]
            partial.update(event)
        whole += right
    said = [i for i, name in enumerate(truth) if name != LISTEN]
    timed = predict_ms[: len(states_ms)]
    above = [after - before for after, before in zip(timed, states_ms, strict=True)]
    return {
        "dialogues": len(trackers),
        "predictions": len(truth),
        "accuracy": accuracy(truth, found),
        "f1": weighted_f1([truth[i] for i in said], [found[i] for i in said]),
        "whole": whole / len(trackers),
        "states_p50_ms": median(states_ms),
        "predict_p50_ms": median(timed),
        "predict_p99_ms": quantiles(timed, n=100)[98],
        "above_p50_ms": median(above),
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("rasa", "torch", "tensorflow", "onnxruntime")}


if __name__ == "__main__":
    main()
