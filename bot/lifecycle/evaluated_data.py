"""What `bot evaluate` reads: messages and stories to test with, and the training data."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.errors import ProjectError
from bot.evaluation.data_checks import DataReport, Near, check_data
from bot.feedback.export import TRAINING
from bot.feedback.label_checks import find_doubts
from bot.feedback.leakage import TOO_LIKE
from bot.feedback.memory import Memory
from bot.feedback.project import Project, domain_files
from bot.feedback.scoring import Scorer
from bot.feedback.similar import NearIndex
from bot.feedback.training_files import TrainingExample, read_file, yaml_files
from bot.feedback.yaml_nodes import compose, mapping, names
from bot.lifecycle.base_vectors import base_vectors
from bot.lifecycle.vocabulary import project_place
from bot.types import base_intent
from bot.vocabulary.spelling import Speller
from bot.vocabulary.spelling_words import count_words
from bot.vocabulary.tokenizing import WordTokenizer

DEFAULT_DATA = (
    Path("tests/nlu"),
    Path("tests/jargon"),
    Path("tests/held_out"),
    Path("tests/stories"),
)
_SUFFIXES = (".yml", ".yaml")
# The pretrained encoder finds examples that are hard as doubtful as those that are wrong: of the
# demo's, a quarter. A trained model knows its data: it doubts one in eight hundred.
_DOUBTED = 0.02  # share of the examples that are listed without a model
_NO_MODEL = (
    "No model was asked: these are the 2 % that the pretrained encoder doubts most, and many of "
    "them are hard, not wrong. With a model the list is shorter and surer."
)
_MOST_NEAR = 10  # of one text; more of the same say nothing new


@dataclass(frozen=True)
class TestData:
    """Messages with what is right, and the paths below which test stories stand."""

    __test__ = False  # it is no test of pytest's

    examples: tuple[TrainingExample, ...]
    stories: tuple[Path, ...]


def read_tests(paths: Sequence[Path] | None, root: Path = Path(".")) -> TestData:
    """Read files and folders of Rasa's formats; by default those of the project that exist.

    Raises:
        ProjectError: a path is missing or holds neither messages nor stories, or a file is broken.
    """
    named = bool(paths)
    chosen = paths or [root / path for path in DEFAULT_DATA if (root / path).exists()]
    examples: list[TrainingExample] = []
    stories = []
    for path in chosen:
        files = _files(path)
        found = [example for file in files for example in read_file(file, root).examples]
        has_stories = any("stories" in _keys(file, root) for file in files)
        if named and not found and not has_stories:
            raise ProjectError(
                f"{path} holds neither messages nor stories.",
                "Name a YAML file, or a folder of them, with 'nlu:' or 'stories:'.",
            )
        examples += found
        stories += [path] if has_stories else []
    return TestData(tuple(examples), tuple(stories))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return yaml_files(path)
    if not path.is_file():
        raise ProjectError(f"There is no {path}.", "Check what '--data' names.")
    if path.suffix not in _SUFFIXES:
        raise ProjectError(
            f"{path} is no YAML file.", "Convert it with 'rasa data convert nlu', then name that."
        )
    return [path]


def _keys(path: Path, root: Path) -> frozenset[str]:
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return frozenset(mapping(compose(path, shown), shown, "The file"))


def typo_finder(texts: Sequence[str]) -> Callable[[str], bool]:
    """Give a function that says whether a speller of this project would correct a text.

    It knows the words of the training texts and the vocabulary, so the slices are the same
    whichever model is evaluated.
    """
    place = project_place()
    forms = [form.text for term in place.load().terms for form in term.forms]
    tokenizer = WordTokenizer(place.language, forms)
    speller = Speller.build(count_words(texts, tokenizer.tokenize), sorted(set(forms)))
    return lambda text: bool(speller.correct(text, tokenizer.tokenize(text)))


def check_training_data(
    project: Project, tests: Sequence[TrainingExample], scorer: Scorer | None
) -> DataReport:
    """Look for what is doubtful in the training data.

    Args:
        project: the training data and what the domain declares.
        tests: what models are tested on, and must not be trained on.
        scorer: gives the vectors of the examples; without a model the
            pretrained encoder does.
    """
    examples = project.examples
    texts = [example.text for example in examples]
    labels = [example.label for example in examples]
    vectors = _vectors(examples, scorer, project.root)
    doubts = find_doubts(texts, labels, vectors) if examples else []
    if scorer is None:
        doubts = doubts[: math.ceil(_DOUBTED * len(examples))]
    alike = [(i, j, s) for i, j, s in _near(texts, texts) if i < j]
    return check_data(
        examples,
        vectors=vectors,
        doubts=doubts,
        near=alike,
        declared_intents=_declared(project),
        declared_entities=[entity.name for entity in project.entities],
        tests=tests,
        leaks=_near(texts, [test.text for test in tests]),
        note=_NO_MODEL if scorer is None else "",
    )


def _declared(project: Project) -> list[str]:
    """Give the full labels whose intent stands in the domain."""
    listed: set[str] = set()
    for path in domain_files(project.root):
        content = mapping(compose(path, path), path, "The file")
        listed |= set(names(content.get("intents"), path, "'intents'"))
    return [label for label in project.intents if base_intent(label) in listed]


def _vectors(
    examples: Sequence[TrainingExample], scorer: Scorer | None, root: Path
) -> NDArray[np.float32]:
    """Give the examples' vectors; what people wrote, who may ask to be forgotten, leaves none."""
    texts = [example.text for example in examples]
    exported = f"{TRAINING.as_posix()}/"
    kept = [example.text for example in examples if not example.file.startswith(exported)]
    if not texts:
        return np.zeros((0, 1), np.float32)
    if scorer is None:
        return base_vectors(texts, kept, root)
    print(f"Reading {len(texts)} training examples ...", file=sys.stderr, flush=True)
    memory = Memory(scorer.model)
    vectors = memory.vectors(texts, scorer.embed)
    memory.keep(kept)
    return vectors


def _near(first: Sequence[str], second: Sequence[str]) -> list[Near]:
    """Give the pairs that are as good as the same, by the measure that guards the export."""
    index: NearIndex[int] = NearIndex(TOO_LIKE)
    for place, text in enumerate(first):
        index.add(text, place)
    return [
        (near.value, place, near.similarity)
        for place, text in enumerate(second)
        for near in index.find(text, limit=_MOST_NEAR)
    ]
