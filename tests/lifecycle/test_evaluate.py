"""`bot evaluate` with a tiny but real model in a real archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects import write_archive

from bot import cli
from bot.errors import BotError, ProjectError
from bot.evaluation import outcome
from bot.lifecycle.evaluate import evaluate, fallback_of
from bot.lifecycle.evaluated_data import read_tests
from bot.lifecycle.story_runs import read_outcomes
from bot.types import Example

COMPONENT = "components/train_bot.components.featurizer.JointFeaturizer2"
FALLBACK = "rasa.nlu.classifiers.fallback_classifier.FallbackClassifier"
FAILED = """version: "3.1"
stories:
- story: "a question: then yes (tests/stories/test_a.yml)"
  steps:
  - intent: card_declined
  - action: action_explain
  - slot_was_set:
    - card: credit
  - intent: affirm
    entities:
    - card: credit
  - action: change_limit_form  # predicted: utter_ok
  - action: utter_late  # predicted: action_listen
- story: said in words (tests/stories/test_b.yml)
  steps:
  - user: |-
      i lost my [card](thing)
  - intent: report_lost  # predicted: report_stolen: i lost my [card](thing)
"""


def nlu(examples: list[tuple[str, str]]) -> str:
    """Write a file of examples: the first one of the first label stands in line 5."""
    lines = ['version: "3.1"', "nlu:"]
    for label in dict.fromkeys(label for label, _ in examples):
        lines += [f"- intent: {label}", "  examples: |"]
        lines += [f"    - {text}" for name, text in examples if name == label]
    return "\n".join(lines) + "\n"


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trained_tiny: Path,
    tiny_examples: tuple[Example, ...],
) -> Iterator[Path]:
    """A project with a model, whose test data has one message that is trained on."""
    monkeypatch.chdir(tmp_path)
    known = [(str(one.intent), one.text) for one in tiny_examples if one.intent]
    taught = next(one for one in known if one[0] == "greet")
    tests = [taught, ("greet", "hello hello you"), ("greet", "zzz qqq"), ("goodbye", "bye now bye")]
    for name, examples in (("data/nlu.yml", known), ("tests/nlu/a.yml", tests)):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(nlu(examples), encoding="utf-8")
    intents = sorted({label.split("/")[0] for label, _ in known})
    domain = {"version": "3.1", "intents": [*intents, "never_said"], "entities": ["city"]}
    (tmp_path / "domain.yml").write_text(json.dumps(domain))
    write_model(trained_tiny, tmp_path / "models" / "first.tar.gz", threshold=0.4)
    yield tmp_path


def write_model(folder: Path, path: Path, threshold: float) -> Path:
    """Put a model folder into an archive, with a fallback in its pipeline."""
    members = {
        f"{COMPONENT}/{file.relative_to(folder).as_posix()}": file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
    node = {
        "uses": FALLBACK,
        "constructor_name": "create",
        "fn": "process",
        "config": {"threshold": threshold, "ambiguity_threshold": 0.05},
    }
    metadata = {
        "model_id": path.name,
        "rasa_open_source_version": "3.6.21",
        "domain": {},
        "train_schema": {"nodes": {}},
        "predict_schema": {"nodes": {"run_FallbackClassifier": node}},
    }
    return write_archive(path, {**members, "metadata.json": json.dumps(metadata).encode()})


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_a_model_is_evaluated_and_every_file_is_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = project / "ci" / "comment.md"
    assert cli.main(["evaluate", "--out", "out", "--markdown", str(summary)]) == 0
    shown = capsys.readouterr().out
    evaluation = outcome.read(project / "out" / "report.json")
    assert (evaluation.model, len(evaluation.outcomes)) == ("first", 4)
    first, *_, last = evaluation.outcomes
    assert first.right and first.item == "tests/nlu/a.yml:5"
    assert (last.truth, last.item) == ("goodbye", "tests/nlu/a.yml:10")
    assert "faq/parking" in evaluation.labels and "faq" not in evaluation.labels
    assert evaluation.archive_mb > 0 and evaluation.latency_p50_ms > 0
    assert evaluation.stories == 0 and evaluation.out_of_scope is None
    content = read(project / "out" / "report.json")
    assert content["measures"]["fallback"] == {
        "threshold": 0.4,
        "ambiguity": 0.05,
        "strange": False,
    }
    assert content["data"]["unused_intents"] == ["never_said"]
    assert [leak["other"]["line"] for leak in content["data"]["leaks"]] == [5]
    assert summary.read_text() == (project / "out" / "report.md").read_text()
    assert "zzz qqq" in (project / "out" / "report.html").read_text()
    assert "Intent right" in shown and "never_said" not in shown
    assert not list((project / "out").glob(".*"))  # nothing half-written stays


def test_the_fallback_of_each_model_is_its_own(project: Path, trained_tiny: Path) -> None:
    shy = write_model(trained_tiny, project / "models" / "shy.tar.gz", threshold=1.0)
    report = evaluate(project / "models" / "first.tar.gz", against=shy)
    assert report.live is not None and report.candidate is not None
    assert report.live.evaluation.fallback_rate == 1.0
    assert report.candidate.evaluation.fallback_rate < 1.0
    assert report.candidate.evaluation.items_digest == report.live.evaluation.items_digest
    assert report.comparison is not None and report.comparison.p_value == 1.0
    assert {change.what for change in report.comparison.changes} == {("fallback",)}


def test_costs_and_the_intent_out_of_scope_come_from_bot_toml(project: Path) -> None:
    (project / "bot.toml").write_text(
        '[review]\nout_of_scope = "goodbye"\n[evaluation]\nwrong_answer = 2\nfallback = 0.5\n'
    )
    report = evaluate()
    assert (report.costs.wrong_answer, report.costs.fallback) == (2.0, 0.5)
    assert report.candidate is not None and report.candidate.out_of_scope is not None
    assert report.candidate.out_of_scope.outside == 1


def test_data_alone_needs_no_model_and_no_trained_encoder(
    project: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "models" / "first.tar.gz").unlink()
    pipeline = [{"name": "bot.components.featurizer.JointFeaturizer", "model": str(tiny_encoder)}]
    (project / "config.yml").write_text(yaml.safe_dump({"language": "en", "pipeline": pipeline}))
    assert cli.main(["evaluate", "--data-only"]) == 0
    content = read(project / "results" / "evaluation" / "report.json")
    assert content["evaluation"] is None and content["data"]["examples"] == 60
    assert len(content["data"]["doubts"]) <= 2 and "No model" in content["data"]["note"]
    assert "examples of 6 intents" in capsys.readouterr().out
    assert (project / ".bot" / "base-vectors.npz").is_file()


def test_the_same_evaluation_gives_the_same_figures(project: Path) -> None:
    first, second = evaluate(out=Path("one")), evaluate(out=Path("two"))
    assert first.candidate is not None and second.candidate is not None
    assert first.candidate.predictions == second.candidate.predictions
    assert first.candidate.averages == second.candidate.averages


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "absent.yml"], "There is no absent.yml"),
        (["--data", "notes.txt"], "notes.txt is no YAML file"),
        (["--data", "domain.yml"], "holds neither messages nor stories"),
        (["absent.tar.gz"], "no model archive 'absent.tar.gz'"),
        (["--data-only", "--against", "models/first.tar.gz"], "asks no model"),
        (["--data", "broken.yml"], "broken.yml:"),
    ],
)
def test_what_cannot_be_used_is_named(
    project: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "notes.txt").write_text("hello")
    (project / "broken.yml").write_text("nlu: [")
    assert cli.main(["evaluate", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not (project / "results").exists()


def test_a_folder_that_cannot_be_written_is_named(project: Path) -> None:
    (project / "taken").write_text("a file")
    with pytest.raises(ProjectError, match="taken"):
        evaluate(out=project / "taken")


def test_two_options_that_contradict_each_other() -> None:
    with pytest.raises(BotError, match="--data-only"):
        evaluate(Path("models/first.tar.gz"), data_only=True)


def test_messages_and_stories_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "nlu.yml").write_text(nlu([("greet", "hi")]))
    stories = {"stories": [{"story": "one", "steps": [{"intent": "greet"}]}]}
    (tmp_path / "test_stories.yml").write_text(yaml.safe_dump(stories))
    found = read_tests([tmp_path / "nlu.yml", tmp_path / "test_stories.yml"], tmp_path)
    assert [(e.text, e.file, e.line) for e in found.examples] == [("hi", "nlu.yml", 5)]
    assert found.stories == (tmp_path / "test_stories.yml",)
    assert read_tests(None, tmp_path).examples == ()


def test_the_first_wrong_turn_of_each_story() -> None:
    one, two = read_outcomes(FAILED, right=False)
    assert (one.name, one.file) == ("a question: then yes", "tests/stories/test_a.yml")
    assert (one.turn, one.said, one.right) == (2, "affirm", False)
    assert (one.expected, one.predicted) == ("change_limit_form", "utter_ok")
    assert two.said == "report_lost" and two.expected == "report_lost"
    assert two.predicted == "report_stolen: i lost my [card](thing)"
    assert [story.right for story in read_outcomes(FAILED, right=True)] == [True, True]
    assert list(read_outcomes("", right=True)) == []


def test_the_rule_is_that_of_whoever_rejects() -> None:
    assert fallback_of({}) is None
    node = {"uses": FALLBACK, "config": {}}
    rule = fallback_of({"predict_schema": {"nodes": {"x": node}}})
    assert rule is not None and (rule.threshold, rule.ambiguity) == (0.3, 0.1)  # Rasa's defaults
    ours = {"uses": "bot.components.classifier.JointClassifier", "config": {"threshold": 0.6}}
    rule = fallback_of({"predict_schema": {"nodes": {"x": ours}}})
    assert rule is not None and (rule.threshold, rule.ambiguity, rule.strange) == (0.6, 0.05, True)
    silent = {**ours, "config": {"reject": False}}
    assert fallback_of({"predict_schema": {"nodes": {"x": silent}}}) is None
    both = {"x": silent, "y": node}
    rule = fallback_of({"predict_schema": {"nodes": both}})
    assert rule is not None and not rule.strange
