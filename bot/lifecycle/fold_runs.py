"""Train and ask the models of a cross-validation; what each one said is kept and not asked again.

A file holds labels, confidences, and places of entities, but no message.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bot.errors import ProjectError
from bot.evaluation.items import Item
from bot.evaluation.predictions import Fallback, Prediction, predict
from bot.evaluation.wording import count
from bot.feedback.training_files import TrainingExample
from bot.lifecycle.nlu_training import NluPipeline
from bot.types import RankedLabel, Span

_DIGITS = 6  # of a confidence


@dataclass(frozen=True)
class Job:
    """One model of a cross-validation.

    Attributes:
        name: that of its file.
        title: of what it is part, in words.
        training: places of the examples that it learns from.
        tested: places of those that it is asked about.
        ranked: how many intents of each answer are kept; None for all.
    """

    name: str
    title: str
    training: tuple[int, ...]
    tested: tuple[int, ...]
    ranked: int | None = None

    def kept_in(self, folder: Path) -> Path:
        """Give the file with what the model said."""
        return folder / f"{self.name}.json"


def run(
    jobs: Sequence[Job],
    examples: Sequence[TrainingExample],
    items: Sequence[Item],
    pipeline: NluPipeline,
    folder: Path,
) -> list[tuple[Prediction, ...]]:
    """Do what was not done before, and say how long the rest will take.

    Args:
        jobs: in the order in which they are done.
        examples: all training examples.
        items: the same as what is asked: (n_examples,)
        pipeline: what is trained.
        folder: where the answers are kept.

    Returns:
        For each job one prediction a tested place.

    Raises:
        BotError: a model cannot be trained, or an answer cannot be written.
    """
    _make(folder)
    missing = [job for job in jobs if _read(job, folder) is None]
    if len(missing) < len(jobs):
        _say(f"{len(jobs) - len(missing)} of {len(jobs)} models were trained before; see {folder}.")
    for number, job in enumerate(missing, 1):
        said = f"Model {number} of {len(missing)}, {job.title}"
        _say(f"{said}: learning from {count(len(job.training), 'example')} ...")
        began = time.monotonic()
        _write(_ask(job, examples, items, pipeline), job, folder)
        if number == 1 and len(missing) > 1:
            _say(_outlook(time.monotonic() - began, missing))
    found = []
    for job in jobs:
        predictions = _read(job, folder)
        if predictions is None:
            raise ProjectError(
                "The answers of a model cannot be read back.",
                "Call the command again.",
                file=job.kept_in(folder),
            )
        found.append(with_fallback(predictions, pipeline.fallback))
    return found


def with_fallback(
    predictions: Sequence[Prediction], rule: Fallback | None
) -> tuple[Prediction, ...]:
    """Say of each prediction, marked where it is strange, whether the bot would ask again."""
    rule = rule or Fallback()
    return tuple(
        replace(one, fallback=rule.applies(one.ranking) or (rule.strange and one.fallback))
        for one in predictions
    )


def _ask(
    job: Job, examples: Sequence[TrainingExample], items: Sequence[Item], pipeline: NluPipeline
) -> tuple[Prediction, ...]:
    asked = [items[place] for place in job.tested]
    with tempfile.TemporaryDirectory() as scratch:
        learned = [examples[place] for place in job.training]
        scorer = pipeline.train(learned, job.name, Path(scratch))
        with tqdm(total=len(asked), desc="Reading", unit="message", leave=False) as bar:

            def tell(done: int) -> None:
                bar.update()

            # What is strange the model alone knows; the other rules need no more than the ranking.
            return predict(scorer, asked, Fallback(strange=True), tell)


def _outlook(seconds: float, missing: Sequence[Job]) -> str:
    """Say how long the rest takes, if each example takes as long as those of the first model."""
    rest = missing[1:]
    pace = seconds / max(1, len(missing[0].training))
    left = pace * sum(len(job.training) for job in rest)
    return (
        f"That took {_duration(seconds)}; the other {count(len(rest), 'model')} will take about "
        f"{_duration(left)}. After an interruption the same command goes on where it was."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    minutes = round(seconds / 60)
    if minutes < 90:
        return count(minutes, "minute")
    return f"{minutes // 60} h {minutes % 60} min"


def _make(folder: Path) -> None:
    """Make the folder before anything is trained whose answers could not be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"{folder} cannot be made: {error.strerror}.", "Name another place with '--out'."
        ) from error


def _write(predictions: Sequence[Prediction], job: Job, folder: Path) -> None:
    """Keep the answers, the whole file or none."""
    path = job.kept_in(folder)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    content = [_as_json(one, job.ranked) for one in predictions]
    try:
        scratch.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise ProjectError(
            f"{path} cannot be written: {error.strerror}.", "Name another place with '--out'."
        ) from error


def _read(job: Job, folder: Path) -> tuple[Prediction, ...] | None:
    """Give the answers that are kept; None where there are none, or not these."""
    try:
        content = json.loads(job.kept_in(folder).read_text(encoding="utf-8"))
        found = tuple(map(_prediction, content))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if len(found) == len(job.tested) else None


def _as_json(one: Prediction, ranked: int | None) -> dict[str, Any]:
    return {
        "label": one.label,
        "ranking": [[r.name, round(r.confidence, _DIGITS)] for r in one.ranking[:ranked]],
        "spans": [
            [s.start, s.end, s.entity, s.role, s.group, round(s.confidence, _DIGITS)]
            for s in one.spans
        ],
        "strange": one.fallback,
        "strangeness": one.strangeness,
        "ms": one.ms,
    }


def _prediction(row: dict[str, Any]) -> Prediction:
    ranking = tuple(RankedLabel(*one) for one in row["ranking"])
    spans = tuple(Span(*one) for one in row["spans"])
    return Prediction(row["label"], ranking, row["strange"], spans, row["strangeness"], row["ms"])


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
