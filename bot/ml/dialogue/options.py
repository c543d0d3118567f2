"""The options of the dialogue model, with one default each and no unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.ml.options import BUNDLED_ENCODER, check_ranges, typed_options


@dataclass(frozen=True)
class StoryOptions:
    """What can be said in `config.yml` about the dialogue model.

    Attributes:
        model: the encoder that reads the names of intents and actions and the texts of responses.
        max_history: how many states of the conversation the next action depends on.
        epochs: passes over the stories at most; early stopping may end sooner.
        learning_rate: peak rate.
        batch_size: conversations in one step at most; few are cut into smaller batches.
        validation_split: share of the stories kept apart to stop early and to calibrate.
        patience: epochs without a better validation score before training stops.
        random_seed: the same stories and seed give the same model on the same machine.
        unlikely_intents: predict `action_unlikely_intent` where the user's intent is a surprise.
    """

    model: str = BUNDLED_ENCODER
    max_history: int = 10
    epochs: int = 30
    learning_rate: float = 1e-3
    batch_size: int = 16
    validation_split: float = 0.1
    patience: int = 8
    random_seed: int = 42
    unlikely_intents: bool = False

    @classmethod
    def read(cls, config: Mapping[str, Any], owner: str) -> StoryOptions:
        """Read the options from a policy's configuration.

        Raises:
            OptionError: an unknown key, or a value of the wrong type or out of range.
        """
        options = cls(**typed_options(config, cls().as_dict(), owner))
        options._check_ranges(owner)
        return options

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary, as Rasa's default configuration wants it."""
        return asdict(self)

    def _check_ranges(self, owner: str) -> None:
        rules = [
            ("max_history", 1 <= self.max_history <= 200, "between 1 and 200"),
            ("epochs", self.epochs >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "above 0 and at most 0.1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("validation_split", 0 <= self.validation_split < 0.9, "at least 0 and below 0.9"),
            ("patience", self.patience >= 1, "at least 1"),
            ("random_seed", self.random_seed >= 0, "0 or more"),
        ]
        check_ranges(rules, self.as_dict(), owner)
