"""Does an encoder that was adapted to messages without labels learn more from few labelled ones?

The messages of BANKING77's training set, without their labels, are the corpus of `bot adapt`. Then
the five labelled examples an intent of the published few-shot list are learned with the options of
`config.yml`, from the adapted encoder and from the one that comes with the installation, with the
same seeds. Each run's answers to the test messages are kept, so that both can be compared message
by message, and a run that is there already is not made again.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.few_shot import few_shot
from benchmarks.responses import joint_options
from bot.evaluation.paired import mcnemar_two_sided
from bot.lifecycle.corpus import read_corpus
from bot.ml.adapting.learning import adapt
from bot.ml.adapting.options import AdaptOptions
from bot.ml.adapting.progress import digest_of
from bot.ml.adapting.result import DESCRIPTION, save_adapted
from bot.ml.encoder import revision_of
from bot.ml.first_weights import embed_texts
from bot.ml.options import JointOptions
from bot.ml.text import SubwordTokenizer
from bot.ml.training import train_joint
from bot.types import Example

KEPT = Path("results/benchmarks/adaptation")
SHOTS = "train_5"


def run(data: Path, seeds: int) -> None:
    """Adapt, fine-tune from both encoders with each seed, and print the table.

    Args:
        data: folder of the data sets; `few_shot/BANKING77` is used.
        seeds: how many trainings of each.
    """
    folder = data / "few_shot" / "BANKING77"
    plain = joint_options()
    adapted = replace(plain, model=str(adapted_encoder(folder / "train", AdaptOptions())))
    examples, test = few_shot(folder / SHOTS), few_shot(folder / "test")
    truth = [example.intent for example in test]
    rows = []
    for seed in range(plain.random_seed, plain.random_seed + seeds):
        right = [
            [
                answer == label
                for answer, label in zip(
                    answers(examples, test, replace(options, random_seed=seed)), truth, strict=True
                )
            ]
            for options in (plain, adapted)
        ]
        gained = sum(after and not before for before, after in zip(*right, strict=True))
        lost = sum(before and not after for before, after in zip(*right, strict=True))
        before, after = (100 * statistics.mean(side) for side in right)
        rows.append({"seed": seed, "plain": before, "adapted": after, "gained": gained,
                     "lost": lost, "p": mcnemar_two_sided(gained, lost)})  # fmt: skip
    _print(rows)
    (KEPT / "summary.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def adapted_encoder(folder: Path, options: AdaptOptions) -> Path:
    """Adapt to the texts of a list, or take what an earlier run left where nothing changed."""
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch, "messages.txt")
        corpus.write_text((folder / "seq.in").read_text("utf-8"), encoding="utf-8")
        texts = read_corpus([corpus]).texts
        wanted = [options.as_dict(), digest_of(texts)]
        digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]
        target = KEPT / f"encoder-{digest}"
        if (target / DESCRIPTION).is_file():
            return target
        began = time.monotonic(), time.process_time()
        save_adapted(adapt(texts, options, Path(scratch, "work")), target)
    seconds = time.monotonic() - began[0]
    print(f"Adapted to {len(texts)} messages in {seconds:.0f} s "
          f"({time.process_time() - began[1]:.0f} s of one core).", flush=True)  # fmt: skip
    return target


def answers(
    examples: Sequence[Example], test: Sequence[Example], options: JointOptions
) -> list[str]:
    """Fine-tune and give the likeliest intent of each message."""
    texts = [example.text for example in test]
    wanted = [
        options.as_dict(),
        revision_of(options.model),
        digest_of(texts),
        list(map(repr, examples)),
    ]
    digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]
    kept = KEPT / f"answers-{digest}.json"
    if kept.is_file():
        found: list[str] = json.loads(kept.read_text("utf-8"))["answers"]
        return found
    with tempfile.TemporaryDirectory() as workspace:
        trained = train_joint(examples, options, Path(workspace))
        tokenizer = SubwordTokenizer.load(trained.tokenizer_path, options.max_length)
        vectors = embed_texts(trained.encoder.to("cpu"), tokenizer, texts)
    best = np.stack([vectors[text] for text in texts]) @ trained.heads.prototypes.T
    found = [trained.heads.labels[row] for row in best.argmax(1)]
    KEPT.mkdir(parents=True, exist_ok=True)
    content = {"options": options.as_dict(), "answers": found}
    kept.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return found


def _print(rows: Sequence[dict[str, float]]) -> None:
    print("| seed | not adapted | adapted | difference | gained | lost | McNemar p |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        scores = f"{row['plain']:.2f} | {row['adapted']:.2f} | {row['adapted'] - row['plain']:+.2f}"
        print(f"| {row['seed']} | {scores} | {row['gained']} | {row['lost']} | {row['p']:.2g} |")
    before, after = (statistics.mean(row[side] for row in rows) for side in ("plain", "adapted"))
    gained, lost = (int(sum(row[side] for row in rows)) for side in ("gained", "lost"))
    print(f"| mean | {before:.2f} | {after:.2f} | {after - before:+.2f} | {gained} | {lost} | |")
