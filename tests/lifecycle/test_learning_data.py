"""What is learned from is read as `bot train` reads it, and nothing of tests/ is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_projects import write_tiny_project

from bot.errors import ProjectError
from bot.lifecycle.learning_data import LearningData, featurizer_options, read_learning_data
from bot.ml.splitting import split_for_validation
from bot.types import Edit, Example

Examples = Sequence[Example]
SPELT = (
    "do you have parking please",
    "how much is parking please",
    "is parking free please",
    "parking for my car please",
)


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path, tiny_examples: Examples
) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tiny_project(tmp_path, tiny_encoder, tiny_examples)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def edits_of(data: LearningData, text: str) -> list[Edit]:
    (found,) = (example for example in data.examples if example.text == text)
    return list(found.reading.edits)


def test_all_examples_and_their_spans_are_there(project: Path, tiny_examples: Examples) -> None:
    data = read_learning_data(0.2, 42)
    bare = {(e.text, e.intent, e.spans) for e in data.examples}
    assert len(data.examples) == 120
    assert {(e.text, e.intent, e.spans) for e in tiny_examples} <= bare
    assert (data.options.validation_split, data.options.random_seed) == (0.2, 42)
    assert data.options.epochs == 8
    assert data.kept_apart == 24 == len(split_for_validation(data.examples, 0.2, 42)[1])
    assert featurizer_options().validation_split == 0.0


def test_the_vocabulary_steps_of_the_pipeline_are_honoured(project: Path) -> None:
    text = "an aeroplane trip for 20 pounds"
    change(project / "data/nlu.yml", "- intent: greet\n  examples: |\n", f"- intent: greet\n  "
           f"examples: |\n    - {text}\n")  # fmt: skip
    read = next(e for e in read_learning_data(0.2, 42).examples if e.text == text).reading
    assert [(edit.replacement, edit.source) for edit in read.edits] == [
        ("flight", "VocabularyMatcher")
    ]
    assert [hit.kind for hit in read.hits if hit.source != "VocabularyMatcher"] == ["amount"]
    change(project / "config.yml", "  - name: bot.components.values.ValueFinder\n", "")
    change(project / "config.yml", "bot.components.vocabulary.VocabularyMatcher", "RegexFeaturizer")
    read = next(e for e in read_learning_data(0.2, 42).examples if e.text == text).reading
    assert (read.edits, read.hits) == ((), ())


def test_the_speller_has_not_seen_what_is_kept_apart(project: Path) -> None:
    misspelt = {
        "do you have parkng please",
        "is paking free please",
        "how much is parkinng please",
        "parkign for my car please",
    }
    for text, right in zip(sorted(misspelt), SPELT, strict=True):
        change(project / "data/nlu.yml", f"- {right}\n", f"- {text}\n")
    data = read_learning_data(0.2, 42)
    learned, kept = split_for_validation(data.examples, 0.2, 42)
    asked = misspelt & {example.text for example in kept}
    assert asked and len(asked) < len(misspelt)
    for text in misspelt:
        wanted = ["parking"] if text in asked else []
        assert [edit.replacement for edit in edits_of(data, text)] == wanted


def test_answers_with_few_questions_get_stand_ins(project: Path) -> None:
    change(project / "domain.yml", '"utter_faq/parking":', '"utter_faq/rare_thing": [{"text": '
           '"Seldom asked."}], "utter_faq/parking":')  # fmt: skip
    rare = [e.text for e in read_learning_data(0.2, 42).examples if e.intent == "faq/rare_thing"]
    assert "rare thing" in rare


def test_the_digest_follows_everything_that_is_learned(project: Path) -> None:
    data = read_learning_data(0.2, 42)
    digest = data.digest("space")
    assert read_learning_data(0.2, 42).digest("space") == digest
    assert data.digest("another") != digest
    first = data.examples[0]
    for changed in (
        replace(first, text="other"),
        replace(first, intent="other"),
        replace(first, reading=replace(first.reading, edits=(Edit(0, 1, "x"),))),
    ):
        assert replace(data, examples=(changed, *data.examples[1:])).digest("space") != digest
    odd = replace(data, examples=(Example("\ud83d half an emoji"),))
    assert odd.digest("space") != digest


def test_too_few_examples_are_refused(project: Path) -> None:
    with pytest.raises(ProjectError, match="fewer than 20"):
        read_learning_data(0.05, 42)


def test_a_pipeline_without_the_featurizer_is_refused(project: Path) -> None:
    change(project / "config.yml", "bot.components.featurizer.JointFeaturizer", "RegexFeaturizer")
    with pytest.raises(ProjectError, match=r"config\.yml: The pipeline has no JointFeaturizer"):
        read_learning_data(0.2, 42)
