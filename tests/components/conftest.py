"""A bench for single components, and a small project that Rasa really trains."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Rasa's packages say about each other
    from bench import Bench, build_bench
    from rasa_project import Project, Scene, tiny_project

    from bot.types import Example

# Rasa and TensorFlow warn of much that nobody here can mend; our own warnings stay errors.
FILTERS = pytest.mark.filterwarnings("ignore", r"error:::bot(\..*)?")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(FILTERS)


@pytest.fixture(scope="session")
def bench(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_encoder: Path,
    tiny_examples: tuple[Example, ...],
) -> Bench:
    """All components of ours, trained once on `tiny_examples`."""
    return build_bench(tmp_path_factory.mktemp("bench"), tiny_encoder, tiny_examples)


@pytest.fixture(scope="session")
def trained_scene(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_encoder: Path,
    tiny_examples: tuple[Example, ...],
) -> Scene:
    """A project with our pipeline, trained by Rasa once. Read only: see `project`."""
    folder = tmp_path_factory.mktemp("project")
    project = tiny_project(folder, tiny_encoder, tiny_examples)
    return Scene(project, project.train())


@pytest.fixture
def project(trained_scene: Scene, tmp_path: Path) -> Iterator[Project]:
    """A copy of the trained project, Rasa's cache included, that a test may change."""
    yield trained_scene.project.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def tiny_model(trained_scene: Scene) -> Path:
    """The archive of the trained project."""
    return trained_scene.model
