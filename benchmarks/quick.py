"""A guard of a few minutes: does the code still learn from few examples?

Eight examples a label of the demo are learned with the options of `config.yml` in 40 steps, none
of them out of scope, and the demo's own test messages are read. The floors lie a little below what
was measured; docs/benchmarks.md has both.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.responses import joint_options
from benchmarks.vocabulary import ROWS, build_reader, labelled
from bot.evaluation.rejecting import auroc
from bot.ml import checkpoint
from bot.ml.inference import JointPredictor
from bot.ml.metrics import span_f1
from bot.types import Example, Span, base_intent
from bot.vocabulary.message_reader import MessageReader
from bot.vocabulary.overlaps import resolve

PER_LABEL = 8
STEPS = 40
SEED = 42
OUTSIDE = "not_banking"
FLOORS = {"intent accuracy": 0.60, "entity F1": 0.55, "AUROC out of scope": 0.80}


def run(json_file: Path | None) -> bool:
    """Train, measure, print, and say whether every figure is at its floor or above."""
    told = few(labelled(["data/nlu"]))
    reader = build_reader([e.text for e in told], ROWS["all"], Path("data/vocabulary"))
    began = time.process_time()
    predictor = train([replace(e, reading=reader.read(e.text)) for e in told])
    seconds = time.process_time() - began
    found = measure(predictor, reader, labelled(["tests/nlu"]))
    print(f"{len(told)} examples, {STEPS} steps, {seconds:.0f} CPU s of training.")
    held = True
    for name, value in found.items():
        floor = FLOORS.get(name)
        verdict = "" if floor is None else f"floor {floor:.2f}" + " <- BELOW" * (value < floor)
        held = held and (floor is None or value >= floor)
        print(f"{name:22} {value:.3f}  {verdict}")
    if json_file:
        json_file.write_text(
            json.dumps({**found, "train_cpu_s": seconds}, indent=1) + "\n", "utf-8"
        )
    return held


def few(examples: Sequence[Example]) -> list[Example]:
    """Take some examples of each label in scope, the same ones each time."""
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.intent and example.intent != OUTSIDE:
            by_label[example.intent].append(example)
    chance = random.Random(SEED)
    return [
        example
        for label in sorted(by_label)
        for example in chance.sample(by_label[label], min(PER_LABEL, len(by_label[label])))
    ]


def train(examples: Sequence[Example]) -> JointPredictor:
    """Fine-tune on the examples for a fixed number of steps."""
    from bot.ml.training import train_joint

    options = replace(
        joint_options(), epochs=1, min_steps=STEPS, validation_split=0.0, out_of_scope=""
    )
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_joint(examples, options, Path(scratch) / "work")
        checkpoint.save(trained, examples, Path(scratch) / "model")
        return checkpoint.load_predictor(Path(scratch) / "model")


def measure(
    predictor: JointPredictor, reader: MessageReader, tests: Sequence[Example]
) -> dict[str, float]:
    """Read the test messages one by one."""
    right, gold, spans, strange, times = [], [], [], [], []
    for example in tests:
        began = time.perf_counter()
        reading = reader.read(example.text)
        parse = predictor.parse(example.text, reading)
        times.append(1000 * (time.perf_counter() - began))
        strange.append(3.0 if parse.strangeness is None else parse.strangeness)
        if example.intent != OUTSIDE:
            top = parse.ranking[0].name if parse.ranking else ""
            right.append(top == base_intent(example.intent or ""))
        gold.append([_bare(span) for span in example.spans])
        spans.append([_bare(item.span) for item in resolve(parse.spans, reading.hits)])
    outside = [example.intent == OUTSIDE for example in tests]
    return {
        "intent accuracy": sum(right) / len(right),
        "entity F1": span_f1(gold, spans),
        "AUROC out of scope": auroc(strange, outside) or 0.0,
        "p50 ms of a message": median(times),
    }


def _bare(span: Span) -> Span:
    return replace(span, confidence=1.0)
