"""What may stand in config.yml about the dialogue model."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import OptionError
from bot.ml.dialogue.options import StoryOptions


def test_there_are_fewer_than_a_dozen() -> None:
    assert len(StoryOptions().as_dict()) < 12


def test_what_is_read_is_what_was_said() -> None:
    options = StoryOptions.read({"max_history": 3, "unlikely_intents": True}, "StoryPolicy")
    assert (options.max_history, options.unlikely_intents) == (3, True)
    assert StoryOptions.read(options.as_dict(), "StoryPolicy") == options


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"max_histroy": 3}, "Unknown option 'max_histroy'.*Did you mean 'max_history'"),
        ({"featurizer": []}, "Unknown option 'featurizer'"),
        ({"max_history": 0}, "'max_history' of StoryPolicy is 0, but must be between 1 and 200"),
        ({"max_history": None}, "must be a whole number"),
        ({"max_history": True}, "must be a whole number"),
        ({"unlikely_intents": 1}, "must be true or false"),
        ({"unlikely_intents": "yes"}, "must be true or false"),
        ({"epochs": 0}, "at least 1"),
        ({"batch_size": 0}, "at least 1"),
        ({"patience": 0}, "at least 1"),
        ({"learning_rate": 0}, "above 0"),
        ({"validation_split": 0.9}, "below 0.9"),
        ({"random_seed": -1}, "0 or more"),
        ({"model": 3}, "must be text"),
    ],
)
def test_what_cannot_be_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        StoryOptions.read(config, "StoryPolicy")
