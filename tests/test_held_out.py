"""Nothing that is held out is trained on, asked of Rasa's own importer, which reads the data."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from bot.feedback.leakage import said_in_stories
from bot.feedback.project import Project
from bot.feedback.similar import NearIndex

ROOT = Path(__file__).parent.parent
HELD_OUT = "tests/held_out"
TOO_LIKE = 0.9

CONFIG = "recipe: default.v1\nlanguage: en\npipeline: []\npolicies: []\n"
DOMAIN = 'version: "3.1"\nintents: [balance, greet]\nresponses: {utter_greet: [{text: Hello.}]}\n'
LEARNED = """\
version: "3.1"
nlu:
- intent: balance
  examples: |
    - how much money is left on my [joint](account) account
    - what do i have
"""


def trained_on(root: Path) -> list[str]:
    """Give every text that Rasa would learn from."""
    from rasa.shared.importers.importer import TrainingDataImporter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Rasa thinks of the data is not asked here
        importer = TrainingDataImporter.load_from_config(
            str(root / "config.yml"), str(root / "domain.yml"), [str(root / "data")]
        )
        read = importer.get_nlu_data().training_examples
    return [message.get("text") for message in read if message.get("text")]


def leaks(root: Path) -> list[str]:
    """Name each text that is trained on although it, or nearly the same, is held out."""
    index: NearIndex[str] = NearIndex(TOO_LIKE)
    for example in Project.held_out(root):
        index.add(example.text, f"{example.file}:{example.line}")
    for text, place in said_in_stories(root / HELD_OUT, root):
        index.add(text, str(place))
    return [
        f"{text!r} is nearly {near.text!r} in {near.value}"
        for text in trained_on(root)
        for near in index.find(text, limit=1)
    ]


def test_nothing_that_is_held_out_is_trained_on() -> None:
    texts = trained_on(ROOT)
    assert len(texts) > 1000, "the training data were not read"
    found = leaks(ROOT)
    assert not found, "Take these out of data/, or out of the tests:\n" + "\n".join(found)


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A small project with one held-out message and one story."""
    for name, text in (
        ("config.yml", CONFIG),
        ("domain.yml", DOMAIN),
        ("data/nlu.yml", LEARNED),
        (
            f"{HELD_OUT}/nlu.yml",
            'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - a fine morning to you\n',
        ),
        (
            f"{HELD_OUT}/test_stories.yml",
            'version: "3.1"\nstories:\n- story: one\n  steps:\n'
            "  - user: |\n      good evening to everybody here\n    intent: greet\n"
            "  - action: utter_greet\n",
        ),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def test_a_clean_project_passes(planted: Path) -> None:
    assert trained_on(planted) == [
        "how much money is left on my joint account",
        "what do i have",
    ]
    assert leaks(planted) == []


@pytest.mark.parametrize(
    ("learned", "where"),
    [
        ("a fine morning to you", "nlu.yml:5"),
        ("A fine morning to you!!", "nlu.yml:5"),
        ("a fine mornin to you", "nlu.yml:5"),
        ("a [fine](mood) morning to you", "nlu.yml:5"),
        ("good evening to everybody heer", "test_stories.yml:5"),
    ],
)
def test_a_leak_is_found(planted: Path, learned: str, where: str) -> None:
    path = planted / "data/feedback/nlu.yml"
    path.parent.mkdir()
    path.write_text(f"nlu:\n- intent: greet\n  examples: |\n    - {learned}\n", "utf-8")
    (found,) = leaks(planted)
    assert found.endswith(f"in {HELD_OUT}/{where}")


def test_a_leak_in_a_story_is_found(planted: Path) -> None:
    (planted / "data/stories.yml").write_text(
        "stories:\n- story: one\n  steps:\n  - user: |\n      a fine morning to you\n"
        "  - action: utter_greet\n",
        "utf-8",
    )
    assert len(leaks(planted)) == 1


def test_what_lies_in_the_folder_of_held_out_messages_is_not_read(planted: Path) -> None:
    """The folder itself is no part of what Rasa trains on."""
    assert not any("morning" in text for text in trained_on(planted))
