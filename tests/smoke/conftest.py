"""The repository's own pipeline, policies and bundled encoder, trained on two small assistants."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "components")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Rasa's packages say about each other
    from rasa_project import ROOT, Project

FILTERS = pytest.mark.filterwarnings("ignore", r"error:::bot(\..*)?")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(FILTERS)


def train_assistant(name: str, folder: Path) -> Path:
    """Train `config.yml` on a small assistant."""
    project = Project(HERE / name).copy(folder / name)
    config = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
    project.write("config.yml", config)
    return project.train()


@pytest.fixture(scope="session")
def moodbot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained assistant that asks how people are."""
    return train_assistant("moodbot", tmp_path_factory.mktemp("smoke"))


@pytest.fixture(scope="session")
def formbot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained assistant with a form, roles and no action server."""
    return train_assistant("formbot", tmp_path_factory.mktemp("smoke"))
