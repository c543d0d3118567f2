"""`bot evaluate`: everything that can be measured of a model, and of the data it learns from."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.errors import BotError, ProjectError
from bot.evaluation.assess import Measured, Model, Report, measure, report_on
from bot.evaluation.items import Item, items_of
from bot.evaluation.markdown import as_markdown
from bot.evaluation.page import as_page
from bot.evaluation.predictions import Fallback, predict
from bot.evaluation.rejecting import Costs
from bot.evaluation.report_json import as_json
from bot.evaluation.stories import StoryOutcome
from bot.evaluation.terminal import show
from bot.feedback.project import Project
from bot.feedback.scoring import Scorer
from bot.lifecycle.contents import inspect
from bot.lifecycle.evaluated_data import TestData, check_training_data, read_tests, typo_finder
from bot.lifecycle.live_model import find_model
from bot.lifecycle.rejecters import rule_of
from bot.lifecycle.scorer import load_scorer
from bot.lifecycle.story_runs import run_stories
from bot.settings import project_settings
from bot.types import INTENT_SEPARATOR, Parse, base_intent

OUT = Path("results/evaluation")
_ENDING = ".tar.gz"
_EVERY = 100  # messages between two notes of how far it is


def evaluate(
    model: Path | None = None,
    *,
    against: Path | None = None,
    data: Sequence[Path] | None = None,
    out: Path = OUT,
    data_only: bool = False,
    markdown: Path | None = None,
    root: Path = Path("."),
) -> Report:
    """Evaluate a model, print a summary, and leave `report.json`, `report.html`, `report.md`.

    Args:
        model: the archive; by default the live one, or the newest in `models/` as long as none was
            promoted.
        against: the archive that it is compared with, on the same messages.
        data: files and folders with messages or stories; those of the project by default.
        out: where the files go; they replace those of an earlier evaluation.
        data_only: look at the training data alone, without any model.
        markdown: where the summary goes as well.
        root: the folder of the project.

    Raises:
        BotError: an archive, a file of data or an option cannot be used.
    """
    if data_only and (model or against):
        raise BotError("--data-only asks no model. Leave out the models, or leave it out.")
    tests = read_tests(data, root)
    project = Project.load(root)
    created = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    if data_only:
        doubtful = check_training_data(project, tests.examples, None)
        report = report_on(created, (), None, None, Costs(), doubtful)
    else:
        report = _with_models(find_model(model), against, tests, project, created)
    write_report(report, out, markdown)
    show(report, Console())
    print(f"Open {out / 'report.html'}; the figures are in {out / 'report.json'}.")
    return report


def _with_models(
    archive: Path, against: Path | None, tests: TestData, project: Project, created: str
) -> Report:
    settings = project_settings()
    costs = Costs(settings.evaluation.wrong_answer, settings.evaluation.fallback)
    finder = typo_finder([example.text for example in project.examples])
    items = items_of(tests.examples, has_typo=finder)
    scorer = _load(archive)
    other = None if against is None else _load(find_model(against))
    intent = settings.review.out_of_scope
    known = None if other is None else labels_of(other)
    outside = intent if intent in {*labels_of(scorer), *(item.intent for item in items)} else None

    def measured(asked: Scorer, path: Path) -> Measured:
        about = _about(asked, path)
        return measure(
            about,
            items,
            predict(asked, items, about.fallback, _progress(about.name, items)),
            costs=costs,
            out_of_scope=outside,
            known_labels=known,
            stories=_stories(path, tests),
        )

    candidate = measured(scorer, archive)
    live = measured(other, against) if other and against else None
    data = check_training_data(project, tests.examples, scorer)
    return report_on(created, items, candidate, live, costs, data)


def _load(archive: Path) -> Scorer:
    scorer = load_scorer(archive)
    if scorer is None:  # never, where an archive is named; for the type
        raise ProjectError("There is no model.", "Train one with 'bot train'.")
    return scorer


def _about(scorer: Scorer, archive: Path) -> Model:
    return Model(
        archive.name.removesuffix(_ENDING),
        labels_of(scorer),
        archive.stat().st_size / 2**20,
        fallback_of(inspect(archive).metadata),
        getattr(scorer, "strangeness", None),
    )


def labels_of(scorer: Scorer) -> tuple[str, ...]:
    """Give every label of a model, sorted: it ranks them all, whatever it is asked."""
    parse: Parse = scorer.parse("hello")
    answers = {answer.name for answer in parse.responses}
    retrieval = {base_intent(name) for name in answers if INTENT_SEPARATOR in name}
    return tuple(sorted(answers | ({label.name for label in parse.ranking} - retrieval)))


def fallback_of(metadata: dict[str, Any]) -> Fallback | None:
    """Give the rule by which a model's pipeline rejects messages; None where it has none."""
    nodes = metadata.get("predict_schema", {}).get("nodes", {}).values()
    return rule_of(
        (str(node.get("uses", "")).rsplit(".", 1)[-1], node.get("config") or {}) for node in nodes
    )


def _stories(archive: Path, tests: TestData) -> tuple[StoryOutcome, ...] | None:
    if not tests.stories:
        return None
    _say(f"Running the test stories with {archive.name} ...")
    return run_stories(archive, tests.stories)


def _progress(name: str, items: Sequence[Item]) -> Callable[[int], None]:
    _say(f"Reading {len(items)} messages with {name} ...")
    if not sys.stderr.isatty():
        return lambda done: None

    def tell(done: int) -> None:
        if done % _EVERY == 0 or done == len(items):
            end = "\n" if done == len(items) else ""
            print(f"\r{done} of {len(items)}", end=end, file=sys.stderr, flush=True)

    return tell


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def write_report(report: Report, out: Path, markdown: Path | None) -> None:
    """Write all files, each whole or not at all; `report.json` last, since programs wait for it."""
    summary = as_markdown(report)
    files = {out / "report.html": as_page(report), out / "report.md": summary}
    if markdown is not None:
        files[markdown] = summary
    files[out / "report.json"] = json.dumps(as_json(report), ensure_ascii=False, indent=1) + "\n"
    for path, content in files.items():
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(content, encoding="utf-8")
            scratch.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                scratch.unlink()
            raise ProjectError(
                f"{path} cannot be written: {error.strerror}.", "Name another place with '--out'."
            ) from error
