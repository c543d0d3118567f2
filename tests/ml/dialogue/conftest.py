"""One small model for all tests that only look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.ml.dialogue import checkpoint
from bot.ml.dialogue.options import StoryOptions
from bot.ml.dialogue.trained import TrainedDialogue
from bot.ml.dialogue.training import train_dialogue

from .talks import talks, vocabulary


@pytest.fixture(scope="session")
def options(tiny_encoder: Path) -> StoryOptions:
    return StoryOptions(
        model=str(tiny_encoder), epochs=25, max_history=8, learning_rate=3e-3, batch_size=4
    )


@pytest.fixture(scope="session")
def trained(options: StoryOptions) -> TrainedDialogue:
    """A model of `talks`. Read only."""
    return train_dialogue(talks(), vocabulary(), options, show_progress=False)


@pytest.fixture(scope="session")
def folder(trained: TrainedDialogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model on disk. Read only."""
    target = tmp_path_factory.mktemp("dialogue")
    checkpoint.save(trained, target)
    return target
