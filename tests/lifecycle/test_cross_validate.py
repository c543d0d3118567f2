"""`bot evaluate --cross-validate` on a small project with a real, tiny encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import BotError, OptionError, ProjectError
from bot.lifecycle import fold_runs
from bot.lifecycle.cross_validate import cross_validate
from bot.lifecycle.fold_runs import Job
from bot.lifecycle.nlu_training import NluPipeline
from bot.types import Example

OURS = "bot.components"


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def pipeline(encoder: Path, **options: Any) -> dict[str, Any]:
    learning = {"epochs": 8, "min_steps": 0, "learning_rate": 5e-3, "batch_size": 8}
    return {
        "language": "en",
        "pipeline": [
            {"name": f"{OURS}.tokenizer.VocabularyTokenizer"},
            {"name": f"{OURS}.spelling.SpellingCorrector"},
            {
                "name": f"{OURS}.featurizer.JointFeaturizer",
                "model": str(encoder),
                "validation_split": 0.0,
                **learning,
                **options,
            },
            {"name": f"{OURS}.classifier.JointClassifier"},
            {"name": "FallbackClassifier", "threshold": 0.4, "ambiguity_threshold": 0.05},
        ],
    }


def marked(one: Example) -> str:
    """Write an example with Rasa's markup."""
    text, done = "", 0
    for span in sorted(one.spans, key=lambda span: span.start):
        about = {k: v for k in ("entity", "role", "group") if (v := getattr(span, k))}
        text += f"{one.text[done : span.start]}[{one.text[span.start : span.end]}]"
        text += json.dumps(about)
        done = span.end
    return text + one.text[done:]


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_encoder: Path,
    tiny_examples: tuple[Example, ...],
) -> Path:
    """Sixty examples of six labels, and one of a label that stands alone."""
    monkeypatch.chdir(tmp_path)
    labels = sorted({str(one.intent) for one in tiny_examples})
    blocks = [
        {
            "intent": label,
            "examples": "".join(f"- {marked(o)}\n" for o in tiny_examples if o.intent == label),
        }
        for label in labels
    ]
    blocks.append({"intent": "alone", "examples": "- nobody else says so\n"})
    write(tmp_path / "data" / "nlu.yml", {"version": "3.1", "nlu": blocks})
    intents = sorted({label.split("/")[0] for label in labels} | {"alone"})
    answers = {f"utter_{n}": [{"text": "Yes."}] for n in [*labels, "greet"] if n != "goodbye"}
    write(tmp_path / "domain.yml", {"version": "3.1", "intents": intents, "responses": answers})
    write(tmp_path / "config.yml", pipeline(tiny_encoder))
    return tmp_path


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of examples of each training that really happens."""
    found: list[int] = []
    real = NluPipeline.train

    def train(self: NluPipeline, examples: Any, *rest: Any) -> Any:
        found.append(len(examples))
        return real(self, examples, *rest)

    monkeypatch.setattr(NluPipeline, "train", train)
    return found


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_each_message_is_read_once_by_a_model_that_has_not_seen_it(
    project: Path, trained: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    report = cross_validate(2, curve=True)
    about, candidate = report.cross_validation, report.candidate
    assert about is not None and candidate is not None and about.curve is not None
    assert (about.folds, about.examples, about.unmeasured) == (2, 61, ("alone",))
    assert len(report.items) == about.examples - about.untested
    assert len({item.key for item in report.items}) == len(report.items)
    assert candidate.averages.accuracy.value > 0.3  # guessing gives a sixth
    assert candidate.averages.accuracy.value < 1  # nothing was learned by heart
    assert candidate.model.fallback is not None and candidate.model.fallback.threshold == 0.4
    assert candidate.entities[0].exact.annotated > 0
    # Whole parts first, then half and a quarter of them.
    assert len(trained) == 6 and trained[0] > trained[2] > trained[4]
    assert trained[0] + trained[1] == len(report.items) + 2 * about.untested
    assert about.curve.points[-1].examples == sum(trained[:2]) / 2
    whole, least = about.curve.points[-1].right.value, about.curve.points[0].right.value
    assert whole == pytest.approx(candidate.averages.accuracy.value) != least
    assert sum(one.messages for one in about.curve.intents) == len(report.items)
    content = read(project / "results/evaluation/report.json")
    assert content["cross_validation"]["curve"]["points"][0]["share"] == 0.25
    assert "Learning curve" in (project / "results/evaluation/report.html").read_text()
    kept_labels = [
        sorted(
            row["label"] for name in names for row in read(next(project.glob(f"**/{name}.json")))
        )
        for names in (("fold-1", "fold-2"), ("fold-1-25", "fold-2-25"))
    ]
    said = sorted(one.label for one in candidate.predictions)
    assert said == kept_labels[0] != kept_labels[1]
    shown = capsys.readouterr()
    assert "6 models to train" in shown.err and "Not measured" in shown.err
    assert "the other 5 models will take about" in shown.err
    kept = "".join(path.read_text() for path in project.glob("results/**/fold-*.json"))
    assert not any(item.text in kept for item in report.items if len(item.text) > 8)
    assert not (project / "models").exists()


def test_an_interrupted_run_goes_on_where_it_was(
    project: Path,
    trained: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real: Callable[..., Any] = fold_runs._ask

    def stopped(job: Job, *rest: Any) -> Any:
        if job.name == "fold-2":
            raise KeyboardInterrupt
        return real(job, *rest)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fold_runs, "_ask", stopped)
        cross_validate(2)
    assert "goes on from there" in capsys.readouterr().err
    (first,) = project.glob("results/evaluation/cross-validation/*/*")
    assert first.name == "fold-1.json" and not (project / "results/evaluation/report.json").exists()
    written = first.stat().st_mtime_ns
    went_on = cross_validate(2)
    assert len(trained) == 2 and first.stat().st_mtime_ns == written
    assert "1 of 2 models were trained before" in capsys.readouterr().err
    again = cross_validate(2)
    assert len(trained) == 2
    assert again.candidate is not None and went_on.candidate is not None
    assert again.candidate.predictions == went_on.candidate.predictions
    first.write_text(first.read_text()[:-20])  # a full disk
    mended = cross_validate(2)
    assert len(trained) == 3 and mended.candidate is not None
    assert mended.candidate.predictions == again.candidate.predictions
    # Another threshold trains nothing anew, other options and other data do.
    config = yaml.safe_load((project / "config.yml").read_text())
    config["pipeline"][-1]["threshold"] = 1.0
    write(project / "config.yml", config)
    shy = cross_validate(2)
    assert len(trained) == 3 and shy.candidate is not None
    assert shy.candidate.evaluation.fallback_rate == 1.0


def test_what_changes_the_answers_changes_where_they_are_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path
) -> None:
    folders: list[Path] = []

    def noted(jobs: Any, examples: Any, items: Any, pipeline: Any, folder: Path) -> Any:
        folders.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.lifecycle.cross_validate.run", noted)

    def place(folds: int = 2, seed: int = 42) -> Path:
        with pytest.raises(KeyboardInterrupt):
            cross_validate(folds, seed=seed)
        return folders[-1]

    first = place()
    assert place() == first
    assert len({first, place(seed=1), place(folds=3)}) == 3
    write(project / "config.yml", pipeline(tiny_encoder, epochs=9))
    changed = place()
    (project / "data/more.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - what a lovely day\n'
    )
    assert len({first, changed, place()}) == 3


@pytest.mark.parametrize(
    ("folds", "others", "told"),
    [
        (None, (), "--learning-curve needs folds"),
        (2, ("--against",), "Leave out --against"),
        (1, (), "2 folds or more"),
        (500, (), "cannot be parted into 500 folds"),
    ],
)
def test_what_cannot_be_done_is_said(
    project: Path, folds: int | None, others: tuple[str, ...], told: str
) -> None:
    with pytest.raises(BotError, match=told):
        cross_validate(folds, others=others)
    assert not (project / "results").exists()


def test_a_pipeline_that_learns_nothing_and_a_wrong_option_are_named(
    project: Path, tiny_encoder: Path
) -> None:
    write(project / "config.yml", {"language": "en", "pipeline": [{"name": "WhitespaceTokenizer"}]})
    with pytest.raises(ProjectError, match="JointFeaturizer"):
        cross_validate(2)
    write(project / "config.yml", pipeline(tiny_encoder, epoch=9))
    with pytest.raises(OptionError, match="epochs"):
        cross_validate(2)
    (project / "config.yml").unlink()
    with pytest.raises(ProjectError, match="no config.yml"):
        cross_validate(2)


def test_the_answers_of_retrieval_intents_are_read(project: Path) -> None:
    assert NluPipeline.load().answers == {"faq/opening_hours": ("Yes.",), "faq/parking": ("Yes.",)}


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_trained(
    project: Path, trained: list[int]
) -> None:
    (project / "taken").write_text("a file")
    with pytest.raises(ProjectError, match="taken.*--out"):
        cross_validate(2, out=project / "taken")
    assert trained == []
