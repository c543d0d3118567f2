"""The options of an adaptation, with one default each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bot.errors import OptionError
from bot.ml.options import BUNDLED_ENCODER


@dataclass(frozen=True)
class AdaptOptions:
    """How an encoder learns from messages without labels.

    Attributes:
        model: the bundled encoder's name, a Hugging Face id, or a local folder.
        epochs: passes over the messages at most; early stopping may end sooner.
        learning_rate: its peak; it rises in a line and falls in half a cosine.
        batch_size: pairs of messages in one step.
        neighbours: how many of the nearest messages count as saying the same; 0 pairs each message
            with another view of itself only.
        temperature: the divisor of the cosines; the smaller, the more the closest rivals count.
        dropped_words: share of the words that one view of a message lacks.
        max_length: subword tokens read of one message.
        held_out: share of the messages kept apart to see whether learning helps.
        patience: epochs without a lower held-out loss before learning stops.
        random_seed: the same messages and seed give the same encoder on the same machine.
    """

    model: str = BUNDLED_ENCODER
    epochs: int = 1
    learning_rate: float = 5e-5
    batch_size: int = 64
    neighbours: int = 10
    temperature: float = 0.05
    dropped_words: float = 0.1
    max_length: int = 64
    held_out: float = 0.05
    patience: int = 2
    random_seed: int = 42

    def __post_init__(self) -> None:
        """Refuse what cannot be used.

        Raises:
            OptionError: names the first option out of range, its value and what is allowed.
        """
        rules = [
            ("epochs", self.epochs >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "above 0 and at most 0.1"),
            ("batch_size", self.batch_size >= 2, "at least 2"),
            ("neighbours", self.neighbours >= 0, "0 or more"),
            ("temperature", 0 < self.temperature <= 1, "above 0 and at most 1"),
            ("dropped_words", 0 <= self.dropped_words < 1, "at least 0 and below 1"),
            ("max_length", 8 <= self.max_length <= 8192, "between 8 and 8192"),
            ("held_out", 0 < self.held_out <= 0.5, "above 0 and at most 0.5"),
            ("patience", self.patience >= 1, "at least 1"),
            ("random_seed", self.random_seed >= 0, "0 or more"),
        ]
        for name, holds, allowed in rules:
            if not holds:
                value = self.as_dict()[name]
                raise OptionError(f"'{name}' is {value!r}, but must be {allowed}.")

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary."""
        return asdict(self)
