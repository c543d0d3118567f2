"""Is a warm training as good as a cold one, in less time, after intents were added?

An earlier model is trained on the demo's data without some intents and without one entity. Then the
whole data are learned twice in one run: from that model, and cold. Both are measured on
`tests/nlu`.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import yaml
from rasa.shared.nlu.training_data.loading import load_data

from bot.components.edge import examples_of
from bot.components.featurizer import WARM_EPOCHS
from bot.ml import checkpoint
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.options import JointOptions
from bot.ml.trained import StartingPoint
from bot.ml.training import train_joint
from bot.types import Example, base_intent

FEATURIZER = "bot.components.featurizer.JointFeaturizer"


@dataclass(frozen=True)
class Row:
    """One training and its scores; `new_f1` counts only messages of the added intents."""

    name: str
    seconds: float
    intent_f1: float
    entity_f1: float
    new_f1: float | None


def run(n_new: int, epochs: list[int], out: Path | None) -> None:
    """Train an earlier model, warm for each number of epochs, and cold; print the table."""
    options = _options()
    training, test = _examples("data/nlu"), _examples("tests/nlu")
    names = sorted({base_intent(e.intent) for e in training if e.intent and "/" not in e.intent})
    added = set(random.Random(options.random_seed).sample(names, n_new))
    entity = sorted({span.entity for e in training for span in e.spans})[0]
    earlier = [
        replace(e, spans=tuple(span for span in e.spans if span.entity != entity))
        for e in training
        if not e.intent or base_intent(e.intent) not in added
    ]
    print(f"New in the second training: the intents {', '.join(sorted(added))}; entity {entity}.")
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base"
        rows = [_measure("earlier model", earlier, options, base, None, test, added)]
        start = checkpoint.load_starting_point(base)
        for count in epochs or [math.ceil(options.epochs * WARM_EPOCHS)]:
            folder, fewer = Path(scratch) / f"warm-{count}", replace(options, epochs=count)
            name = f"warm, {count} epochs"
            rows.append(_measure(name, training, fewer, folder, start, test, added))
        folder, name = Path(scratch) / "cold", f"cold, {options.epochs} epochs"
        rows.append(_measure(name, training, options, folder, None, test, added))
    print(
        "| training | seconds | intent F1 | of the new intents | entity F1 |\n|---|---|---|---|---|"
    )
    for row in rows:
        new = "-" if row.new_f1 is None else f"{row.new_f1:.3f}"
        cells = [f"{row.seconds:.0f}", f"{row.intent_f1:.3f}", new, f"{row.entity_f1:.3f}"]
        print(f"| {row.name} | {' | '.join(cells)} |")
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def _measure(
    name: str,
    training: Sequence[Example],
    options: JointOptions,
    folder: Path,
    start: StartingPoint | None,
    test: Sequence[Example],
    added: set[str],
) -> Row:
    with tempfile.TemporaryDirectory() as workspace:
        began = time.monotonic()
        trained = train_joint(training, options, Path(workspace), start=start)
        seconds = time.monotonic() - began
        checkpoint.save(trained, training, folder)
    predictor = checkpoint.load_predictor(folder)
    parses = [predictor.parse(example.text) for example in test]
    truth = [base_intent(example.intent or "") for example in test]
    found = [parse.ranking[0].name if parse.ranking else "" for parse in parses]
    new = [index for index, intent in enumerate(truth) if intent in added]
    knows = any(base_intent(e.intent or "") in added for e in training)
    return Row(
        name,
        seconds,
        weighted_f1(truth, found),
        span_f1([example.spans for example in test], [parse.spans for parse in parses]),
        weighted_f1([truth[i] for i in new], [found[i] for i in new]) if knows else None,
    )


def _options() -> JointOptions:
    config = yaml.safe_load(Path("config.yml").read_text("utf-8"))
    (entry,) = [item for item in config["pipeline"] if item["name"] == FEATURIZER]
    return JointOptions.read({k: v for k, v in entry.items() if k != "name"}, "JointFeaturizer")


def _examples(folder: str) -> list[Example]:
    return examples_of(load_data(folder))
