"""The whole way to a live model, on a small assistant that Rasa trains."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa_project import Project, tiny_project, working_in, write_nlu

from bot.errors import ProjectError
from bot.evaluation.verdict import Verdict
from bot.lifecycle.improve import improve
from bot.lifecycle.registry import Registry
from bot.settings import project_settings
from bot.types import Example

RULES = """
[gate]
minimum_items = 10
minimum_examples = 2
minimum_covered = 0.1
intent_floor = 0.5
entity_floor = 0.0
story_floor = 0.0
calibration_limit = 0.99
latency_p99_ms = 10000
"""


@pytest.fixture
def assistant(tmp_path: Path, tiny_encoder: Path, tiny_examples: tuple[Example, ...]) -> Project:
    """A project with test messages of its own."""
    project = tiny_project(tmp_path / "assistant", tiny_encoder, tiny_examples)
    (project.folder / "bot.toml").write_text(RULES)
    examples = tiny_project(tmp_path / "tests", tiny_encoder, tiny_examples)
    target = project.folder / "tests" / "nlu"
    target.mkdir(parents=True)
    for path in (examples.folder / "data").rglob("*.yml"):
        text = path.read_text("utf-8")
        if "nlu:" in text:
            (target / path.name).write_text(text.replace("- lookup:", "- lookup: unused_"), "utf-8")
    return project


def run(project: Project, **options: object) -> Verdict:
    with working_in(project.folder):
        return improve(Registry(), project_settings(), feedback=None, **options)  # type: ignore[arg-type]


@pytest.mark.long
def test_the_first_model_goes_live_a_tie_and_a_lost_intent_do_not(
    assistant: Project, tiny_examples: tuple[Example, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(assistant.folder / "models")
    first = run(assistant)
    assert first.passed, first.reasons
    live = registry.pointer().live
    assert live == first.candidate

    assistant.configure("bot.components.classifier.JointClassifier")
    again = run(assistant, cold=True)
    assert not again.passed
    assert again.decision == "tie"
    assert registry.pointer().live == live
    assert "keeps the live model" in capsys.readouterr().out

    without = [example for example in tiny_examples if example.intent != "order_pizza"]
    write_nlu(assistant, without)
    lost = run(assistant)
    assert not lost.passed
    assert any("order_pizza" in reason for reason in lost.reasons)
    assert registry.pointer().live == live

    with pytest.raises(ProjectError):
        run(assistant, candidate=Path("no such model"))
