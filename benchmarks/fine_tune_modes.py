"""What each mode of `fine_tune` trains, what a step of it costs, and how good it becomes.

    python -m benchmarks.fine_tune_modes --data ../shared/datasets

Steps are taken in turns, one of each mode after the other, on the same batches of the demo's
messages and on one thread; seconds are those of the processor, so that other programs count for
little. Accuracy is that of a published few-shot list, on its validation split.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rasa.shared.nlu.training_data.loading import load_data
from tqdm import tqdm

from benchmarks.few_shot import few_shot
from bot.components.edge import examples_of
from bot.ml import fine_tuning
from bot.ml.batching import Item, collate, prepare
from bot.ml.encoder import find_encoder
from bot.ml.first_weights import embed_texts, first_encoder, first_prototypes, first_tokenizer
from bot.ml.joint import Batch, JointModel
from bot.ml.options import FINE_TUNE_MODES, JointOptions
from bot.ml.steps import Steps
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.ml.training import train_joint

LENGTHS = range(12, 21)  # subwords of a message


@dataclass
class Mode:
    """A mode, and what was measured of it."""

    name: str
    steps: Steps
    batches: Sequence[Batch]
    share: float
    seconds: list[float]

    def step(self, number: int) -> None:
        """Take a step and note its time."""
        began = time.process_time()
        self.steps.take(self.batches[number])
        self.seconds.append(time.process_time() - began)


def measure_steps(steps: int, size: int) -> list[Mode]:
    """Take so many steps of each mode, in turns."""
    with tempfile.TemporaryDirectory() as scratch:
        options = JointOptions()
        source = find_encoder(options.model)
        path = first_tokenizer(source, None, Path(scratch))
        tokenizer = SubwordTokenizer.load(path, options.max_length)
    examples = examples_of(load_data("data/nlu"))
    labels = sorted({example.intent or "" for example in examples})
    tags = TagSet.of(span for example in examples for span in example.spans)
    index = {label: place for place, label in enumerate(labels)}
    items = prepare(examples, tokenizer, index, tags)
    chosen = _alike([item for item in items if len(item.text.ids) in LENGTHS], size)
    modes = []
    for name in FINE_TUNE_MODES:
        torch.manual_seed(options.random_seed)
        encoder = first_encoder(source, options, None)
        first = first_prototypes(encoder, tokenizer, labels, items[:size], None)
        model = JointModel(encoder, first, len(tags))
        modes.append(_mode(name, model, items, chosen[: steps + 1], steps))
    for number in tqdm(range(min(steps + 1, len(chosen))), desc="Steps"):
        for mode in modes:
            mode.step(number)
    for mode in modes:
        del mode.seconds[0]  # the first step also allocates
    return modes


def _mode(
    name: str, model: JointModel, items: Sequence[Item], chosen: Sequence[list[Item]], steps: int
) -> Mode:
    everything = sum(weight.numel() for weight in model.encoder.parameters())
    model.encoder = fine_tuning.choose_trainable(model.encoder, name)
    batches = [collate(part, 0) for part in chosen]
    if name == "full":
        seen = fine_tuning.SeenTokens(model.encoder, {0, *(i for t in items for i in t.text.ids)})
        batches = [replace(batch, ids=seen.remap(batch.ids)) for batch in batches]
    learning = sum(w.numel() for w in model.encoder.parameters() if w.requires_grad)
    model.train()
    options = JointOptions(fine_tune=name)
    return Mode(name, Steps(model, options, steps + 1), batches, learning / everything, [])


def _alike(items: Sequence[Item], size: int) -> list[list[Item]]:
    """Cut into batches of like length, in an order by chance."""
    in_order = sorted(items, key=lambda item: len(item.text.ids))
    batches = [in_order[i : i + size] for i in range(0, len(in_order) - size + 1, size)]
    random.Random(0).shuffle(batches)
    return batches


def accuracy(name: str, mode: str, seed: int, folder: Path) -> tuple[float, float]:
    """Train on five examples an intent; give the accuracy on `valid`, and processor seconds."""
    lists = folder / "few_shot" / name
    examples, validation = few_shot(lists / "train_5"), few_shot(lists / "valid")
    began = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        options = JointOptions(fine_tune=mode, random_seed=seed)
        trained = train_joint(examples, options, Path(scratch) / "work")
        seconds = time.process_time() - began
        tokenizer = SubwordTokenizer.load(trained.tokenizer_path, options.max_length)
        vectors = embed_texts(trained.encoder, tokenizer, [each.text for each in validation])
    heads = trained.heads
    said = [heads.labels[(heads.prototypes @ vectors[each.text]).argmax()] for each in validation]
    right = sum(a == each.intent for a, each in zip(said, validation, strict=True))
    return right / len(validation), seconds


def run(data: Path | None, name: str, steps: int, size: int, seeds: int) -> None:
    """Measure and print the tables."""
    torch.set_num_threads(1)
    modes = measure_steps(steps, size)
    whole = statistics.median(modes[0].seconds)
    print("| mode | share of the encoder | ms a step | of `full` |\n|---|---|---|---|", flush=True)
    for mode in modes:
        middle = statistics.median(mode.seconds)
        cells = f"{mode.share:.1%} | {1000 * middle:.0f} | {middle / whole:.2f}"
        print(f"| `{mode.name}` | {cells} |", flush=True)
    if not data:
        return
    print(f"\n| mode | {name}, accuracy | training CPU s |\n|---|---|---|", flush=True)
    for mode_name in FINE_TUNE_MODES:
        found = [accuracy(name, mode_name, seed, data) for seed in range(1, seeds + 1)]
        each = ", ".join(f"{score:.3f}" for score, _ in found)
        mean = statistics.mean(score for score, _ in found)
        seconds = statistics.mean(seconds for _, seconds in found)
        print(f"| `{mode_name}` | {mean:.3f} ({each}) | {seconds:.0f} |", flush=True)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fine_tune_modes")
    parser.add_argument("--data", type=Path, help="folder of the data sets, to measure accuracy")
    parser.add_argument("--list", default="HWU64", choices=["HWU64", "BANKING77", "CLINC150"])
    parser.add_argument("--steps", type=int, default=20, help="steps of each mode")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    run(options.data, options.list, options.steps, options.batch_size, options.seeds)


if __name__ == "__main__":
    main()
