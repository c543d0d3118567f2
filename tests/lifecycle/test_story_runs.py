"""Test stories that Rasa itself runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.evaluation.measure import run_rasa
from bot.evaluation.stories import StoryOutcome
from bot.lifecycle.story_runs import run_stories

CONFIG = """\
recipe: default.v1
assistant_id: stories
language: en
pipeline: []
policies:
  - name: RulePolicy
"""
DOMAIN = """\
version: "3.1"
intents: [greet, goodbye]
responses:
  utter_greet: [{text: Hello.}]
  utter_goodbye: [{text: Bye.}]
"""
RULES = """\
version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: goodbye
  steps:
  - intent: goodbye
  - action: utter_goodbye
"""


def story(name: str, *steps: tuple[str, str]) -> dict[str, object]:
    return {"story": name, "steps": [{key: value} for key, value in steps]}


@pytest.mark.long
def test_rasa_runs_the_stories_and_the_first_error_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("config.yml", CONFIG), ("domain.yml", DOMAIN)):
        (tmp_path / name).write_text(content)
    for name in ("data", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "rules.yml").write_text(RULES)
    stories = [
        story("hello", ("intent", "greet"), ("action", "utter_greet")),
        story(
            "a wrong end: twice",
            ("intent", "greet"),
            ("action", "utter_greet"),
            ("intent", "goodbye"),
            ("action", "utter_greet"),
        ),
    ]
    path = tmp_path / "tests" / "test_stories.yml"
    path.write_text(yaml.safe_dump({"version": "3.1", "stories": stories}, sort_keys=False))
    train = ["train", "core", "--out", "models", "--fixed-model-name", "core"]
    run_rasa(train, tmp_path / "log")
    archive = tmp_path / "models" / "core.tar.gz"
    wrong, right = run_stories(archive, [path])
    assert right == StoryOutcome("hello", right.file, True)
    assert (wrong.name, wrong.turn, wrong.said) == ("a wrong end: twice", 2, "goodbye")
    assert (wrong.expected, wrong.predicted) == ("utter_greet", "utter_goodbye")
    assert wrong.file.endswith("test_stories.yml")
