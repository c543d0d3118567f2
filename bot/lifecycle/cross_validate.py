"""`bot evaluate --cross-validate`: the training data test themselves, each message unseen."""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from bot.errors import BotError, ProjectError
from bot.evaluation.assess import Model, Report, measure, report_on
from bot.evaluation.cross_validated import CrossValidation
from bot.evaluation.folds import Folds, Labelled, groups_of, make_folds, nested_subsets
from bot.evaluation.items import Item, items_of
from bot.evaluation.learning_curve import SHARES, LearningCurve, learning_curve
from bot.evaluation.predictions import Prediction
from bot.evaluation.rejecting import Costs
from bot.evaluation.terminal import show
from bot.feedback.project import Project
from bot.feedback.training_files import TrainingExample
from bot.lifecycle.evaluate import OUT, write_report
from bot.lifecycle.fold_links import links
from bot.lifecycle.fold_runs import Job, run
from bot.lifecycle.nlu_training import NluPipeline
from bot.settings import project_settings

FOLDER = "cross-validation"
SEED = 42
_WHOLE = SHARES[-1]


@dataclass(frozen=True)
class _Plan:
    """How the data are parted: (n_examples,) each."""

    examples: tuple[TrainingExample, ...]
    items: tuple[Item, ...]
    labelled: tuple[Labelled, ...]
    folds: Folds
    seed: int

    @property
    def tested(self) -> tuple[int, ...]:
        """The places that a model is asked about, in order."""
        return tuple(place for place, fold in enumerate(self.folds.fold_of) if fold is not None)


def cross_validate(
    folds: int | None,
    *,
    curve: bool = False,
    seed: int = SEED,
    out: Path = OUT,
    markdown: Path | None = None,
    others: Sequence[str] = (),
) -> Report:
    """Train a model without each fold, let it read that fold, and report on all of it.

    What a model said is kept below `out` and not asked again, so that an interrupted run goes on
    where it was. Each model learns with the options of `config.yml`; `models/` is not touched.

    Args:
        folds: how many; None where only a learning curve was asked for, which is an error.
        curve: train on smaller parts as well, and say whether more examples would help.
        seed: of the folds and parts.
        out: where the files go.
        markdown: where the summary goes as well.
        others: options that were given too and ask for something else.

    Raises:
        BotError: the options contradict each other, the data cannot be parted into so many
            folds, or a model cannot be trained.
    """
    if folds is None:
        raise BotError("--learning-curve needs folds. Add '--cross-validate 5'.")
    if others:
        raise BotError(
            f"--cross-validate trains its own models on the training data. "
            f"Leave out {', '.join(others)}."
        )
    pipeline = NluPipeline.load()
    plan = _plan(folds, seed)
    jobs = _jobs(plan, SHARES if curve else (_WHOLE,))
    folder = out / FOLDER / _digest(plan, pipeline)
    _say(_announced(plan, len(jobs)))
    try:
        answers = run(jobs, plan.examples, plan.items, pipeline, folder)
    except KeyboardInterrupt:
        _say(f"\nWhat was read is kept in {folder}; the same command goes on from there.")
        raise
    report = _report(plan, pipeline, jobs, answers)
    write_report(report, out, markdown)
    show(report, Console())
    print(f"Open {out / 'report.html'}; the figures are in {out / 'report.json'}.")
    return report


def _plan(folds: int, seed: int) -> _Plan:
    root = Path(".")
    examples = Project.load(root).examples
    if not examples:
        raise ProjectError("There is no training example.", "Write some below data/nlu/.")
    groups = groups_of(len(examples), links(examples, root))
    labelled = tuple(
        Labelled(one.text, one.label, group) for one, group in zip(examples, groups, strict=True)
    )
    parted = make_folds(labelled, folds, seed)
    return _Plan(examples, items_of(examples), labelled, parted, seed)


def _jobs(plan: _Plan, shares: Sequence[float]) -> list[Job]:
    """List the models to train: those on whole training parts first, then ever smaller ones."""
    found = []
    for share in sorted(shares, reverse=True):
        for fold in range(plan.folds.count):
            training = plan.folds.trained(fold)
            title, name = f"fold {fold + 1}", f"fold-{fold + 1}"
            if share < _WHOLE:
                (training,) = nested_subsets(plan.labelled, training, [share], plan.seed)
                title, name = f"{title}, {share:.0%} of its examples", f"{name}-{share:.0%}"[:-1]
            ranked = None if share == _WHOLE else 1
            found.append(Job(name, title, training, plan.folds.tested(fold), ranked))
    return found


def _digest(plan: _Plan, pipeline: NluPipeline) -> str:
    """Name the folder by all that the answers depend on."""
    digest = hashlib.sha256(pipeline.description().encode("utf-8", "surrogatepass"))
    for example, own, fold in zip(plan.examples, plan.labelled, plan.folds.fold_of, strict=True):
        spans = [asdict(span) for span in example.spans]
        row = [example.text, example.label, spans, own.group, fold]
        digest.update(json.dumps(row).encode())
    digest.update(str(plan.seed).encode())  # decides the parts of a learning curve as well
    return digest.hexdigest()[:16]


def _announced(plan: _Plan, models: int) -> str:
    groups = len({example.group for example in plan.labelled})
    said = (
        f"{len(plan.examples)} examples in {groups} groups that stay together, "
        f"{plan.folds.count} folds, {models} models to train."
    )
    if plan.folds.unmeasured:
        names = ", ".join(plan.folds.unmeasured)
        said += f" Not measured, for lack of examples that differ: {names}."
    return said


def _report(
    plan: _Plan,
    pipeline: NluPipeline,
    jobs: Sequence[Job],
    answers: Sequence[tuple[Prediction, ...]],
) -> Report:
    settings = project_settings()
    costs = Costs(settings.evaluation.wrong_answer, settings.evaluation.fallback)
    by_size = _by_size(plan, jobs, answers)
    items = tuple(plan.items[place] for place in plan.tested)
    labels = tuple(sorted({example.label for example in plan.examples}))
    outside = settings.review.out_of_scope
    measured = measure(
        Model(f"cross-validation-{plan.folds.count}", labels, 0.0, pipeline.fallback),
        items,
        by_size[-1],
        costs=costs,
        out_of_scope=outside if outside in labels else None,
    )
    created = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    about = CrossValidation(
        plan.folds.count,
        plan.seed,
        len(plan.examples),
        len({example.group for example in plan.labelled}),
        len(plan.examples) - len(items),
        plan.folds.unmeasured,
        _curve(plan, jobs, items, by_size) if len(by_size) > 1 else None,
    )
    report = report_on(created, items, measured, None, costs, None)
    return replace(report, cross_validation=about)


def _by_size(
    plan: _Plan, jobs: Sequence[Job], answers: Sequence[tuple[Prediction, ...]]
) -> list[tuple[Prediction, ...]]:
    """Put the folds together: for each share, ascending, one prediction a tested place."""
    count = plan.folds.count
    found = []
    for first in range(0, len(jobs), count):
        said: dict[int, Prediction] = {}
        for job, predictions in zip(jobs[first : first + count], answers[first:], strict=False):
            said.update(zip(job.tested, predictions, strict=True))
        found.append(tuple(said[place] for place in plan.tested))
    return found[::-1]


def _curve(
    plan: _Plan,
    jobs: Sequence[Job],
    items: Sequence[Item],
    by_size: Sequence[Sequence[Prediction]],
) -> LearningCurve:
    count = plan.folds.count
    sizes = [
        sum(len(job.training) for job in jobs[first : first + count]) / count
        for first in range(0, len(jobs), count)
    ]
    right = [
        [item.intent == one.label for item, one in zip(items, predictions, strict=True)]
        for predictions in by_size
    ]
    groups = [plan.labelled[place].group for place in plan.tested]
    return learning_curve([item.intent for item in items], groups, right, sizes[::-1])


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
