"""Two processes learn what one would, write once, and end together."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bot.errors import ProjectError
from bot.ml import checkpoint, devices
from bot.ml.batching import collate, prepare
from bot.ml.joint import IGNORED, Batch, JointModel, load_encoder
from bot.ml.options import JointOptions
from bot.ml.several import Job, Processes, current, together
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.ml.training import train_joint
from bot.types import Attribute, Example, Hit, Reading

from .several_processes import Learned, in_single_precision, learned

PROGRAM = Path(__file__).with_name("several_processes.py")
ROOT = PROGRAM.parents[2]
HANGS_S = 120
Examples = tuple[Example, ...]


def with_hits_and_moods(examples: Examples) -> Examples:
    moods = [(Attribute("mood", "angry"),), (), (Attribute("mood", "calm"),), (), ()]
    return tuple(
        replace(
            example,
            reading=Reading(hits=tuple(Hit(s.start, s.end, s.entity) for s in example.spans)),
            attributes=moods[number % len(moods)],
        )
        for number, example in enumerate(examples)
    )


def build(folder: Path, examples: Examples) -> tuple[JointModel, Batch]:
    """Give a model, and one batch of all examples in which a label and tags are missing."""
    tokenizer = SubwordTokenizer.load(folder / "tokenizer.json", 64)
    labels = {label: i for i, label in enumerate(sorted({e.intent or "" for e in examples}))}
    tags = TagSet.of(span for example in examples for span in example.spans)
    batch = collate(prepare(examples, tokenizer, labels, tags), 0)
    batch.intents[::3] = IGNORED
    batch.tags[1::2] = IGNORED
    torch.manual_seed(0)
    return JointModel(load_encoder(folder, "tiny"), torch.randn(len(labels), 32), len(tags)), batch


def gradients(model: JointModel) -> dict[str, Tensor]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("count", [2, 3, 7])
def test_weighted_shares_add_up_to_the_whole_batch(
    count: int, tiny_encoder: Path, tiny_examples: Examples
) -> None:
    model, batch = build(tiny_encoder, tiny_examples[:5])  # of seven processes two have nothing
    whole = model.loss(batch)
    whole.backward()
    expected = gradients(model)
    model.zero_grad()
    parts = 0.0
    for rank in range(count):
        loss = model.loss(*Processes(rank, count).share_of(batch))
        loss.backward()
        parts += loss.item()
    assert parts == pytest.approx(whole.item(), rel=1e-5)
    summed = gradients(model)
    assert summed.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(summed[name], gradient, rtol=1e-4, atol=1e-6)


def test_every_message_is_in_one_share(tiny_encoder: Path, tiny_examples: Examples) -> None:
    _, batch = build(tiny_encoder, tiny_examples[:11])
    shares = [Processes(rank, 3).share_of(batch)[0] for rank in range(3)]
    rows = sorted(row for share in shares for row in share.ids.tolist())
    assert rows == sorted(batch.ids.tolist())
    assert max(len(share.ids) for share in shares) == 4


def test_one_process_has_the_whole_batch_and_waits_for_nobody(
    tiny_encoder: Path, tiny_examples: Examples
) -> None:
    model, batch = build(tiny_encoder, tiny_examples[:4])
    alone = current()
    assert alone == Processes(0, 1)
    share, weights = alone.share_of(batch)
    assert share is batch
    assert weights == (1.0, 1.0, 1.0)
    loss = model.loss(batch)
    assert alone.add_up(model, loss) is loss
    assert alone.from_leader("a record") == "a record"


def assert_same(one: Learned, two: Learned, first: Learned) -> None:
    """Compare weights, by how far they moved since `first`."""
    assert one.keys() == two.keys()
    apart = sum(float((one[name] - two[name]).square().sum()) for name in one) ** 0.5
    moved = sum(float((one[name] - first[name]).square().sum()) for name in first) ** 0.5
    assert moved > 0.1
    assert apart / moved < 1e-3


@pytest.fixture(scope="module")
def jobs(
    tiny_examples: Examples, tiny_options: JointOptions, trained_tiny: Path
) -> dict[str, list[Job]]:
    """Hits of which chance hides some, batches that cannot be halved, validation, a warm start."""
    options = replace(tiny_options, epochs=3, batch_size=7, validation_split=0.4, patience=1)
    lora = replace(options, fine_tune="lora", learning_rate=1e-3)
    nameless = [replace(example, spans=()) for example in tiny_examples]
    endless = Job(tiny_examples, replace(tiny_options, epochs=10_000), None, ())
    return {
        "both": [
            Job(with_hits_and_moods(tiny_examples), options, None, ()),
            Job(tiny_examples, lora, checkpoint.load_starting_point(trained_tiny), ()),
            Job(nameless[:29], replace(options, validation_split=0.0), None, ()),  # one is left
        ],
        "leader": [endless],
        "follower": [endless],
    }


@pytest.fixture(scope="module")
def trained_by_two(jobs: dict[str, list[Job]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders that two processes left, in which both lived, the leader died, the follower."""
    folder = tmp_path_factory.mktemp("several")
    for name, each in jobs.items():
        (folder / name).mkdir()
        (folder / name / "jobs.pickle").write_bytes(pickle.dumps(each))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, str(PROGRAM), str(folder)], env=environment, timeout=HANGS_S, check=True
    )
    return folder


def test_two_processes_learn_what_one_learns(
    trained_by_two: Path,
    jobs: dict[str, list[Job]],
    tiny_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "has_fast_bfloat16", in_single_precision)
    assert json.loads((trained_by_two / "both" / "ended.json").read_text()) == [0, 0]
    together = pickle.loads((trained_by_two / "both" / "learned.pickle").read_bytes())
    for number, job in enumerate(jobs["both"]):
        alone = train_joint(
            job.examples, job.options, tmp_path, start=job.start, show_progress=False
        )
        weights, curve = learned(alone)
        two_weights, two_curve = together[number]
        began = load_encoder(job.start.encoder_folder if job.start else tiny_encoder, "tiny")
        assert_same(weights, two_weights, began.state_dict())
        assert len(curve) == len(two_curve)
        for one, two in zip(curve, two_curve, strict=True):
            assert two == pytest.approx(one, rel=1e-3)


@pytest.mark.parametrize("dead", ["leader", "follower"])
def test_when_one_dies_the_other_ends(dead: str, trained_by_two: Path) -> None:
    ended = json.loads((trained_by_two / dead / "ended.json").read_text())
    assert ended == ([-9, 1] if dead == "leader" else [1, -9])
    assert not (trained_by_two / dead / "learned.pickle").exists()


def test_processes_on_several_machines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 4, "LOCAL_WORLD_SIZE": 2}
    for name, value in names.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(ProjectError, match=r"several machines.*--nproc-per-node"), together():
        raise AssertionError("was led")
