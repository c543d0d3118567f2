"""Which learning options are searched, and between which values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.ml.options import JointOptions

Value = float | int | str
Chosen = dict[str, Value]  # a value for each option that is searched


@dataclass(frozen=True)
class Numbers:
    """All numbers from `lowest` to `highest`, both included; whole ones where these are whole.

    Attributes:
        by_magnitude: look as closely between 1 and 2 as between 10 and 20.
    """

    lowest: float
    highest: float
    by_magnitude: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.lowest, int)

    def holding(self, value: Value) -> Numbers:
        """Give the range, widened where the value lies outside."""
        assert not isinstance(value, str)
        return replace(self, lowest=min(self.lowest, value), highest=max(self.highest, value))


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]

    def holding(self, value: Value) -> Choice:
        """Give the choice with the value among the others."""
        return self if value in self.values else Choice((*self.values, value))


Space = Mapping[str, Numbers | Choice]

# What decides most about a fine-tuning: pace, length, size of a step, and how much of the encoder
# moves. `min_steps` takes the place of `epochs` where messages are few.
SPACE: Space = {
    "learning_rate": Numbers(2e-5, 1e-3, by_magnitude=True),
    "epochs": Numbers(2, 16),
    "batch_size": Choice((16, 32, 64, 128)),
    "min_steps": Numbers(100, 800),
    "fine_tune": Choice(("full", "top_layers")),
}


def searched(options: JointOptions, names: Iterable[str] = SPACE) -> Chosen:
    """Give the values that the named options have now."""
    values = options.as_dict()
    return {name: values[name] for name in names}


def holding(space: Space, chosen: Mapping[str, Value]) -> Space:
    """Give the space, widened where a value that is in use lies outside."""
    return {name: allowed.holding(chosen[name]) for name, allowed in space.items()}


def neat(value: Value) -> Value:
    """Round a number to two digits that count: more would claim more than is known."""
    return value if isinstance(value, str) else type(value)(float(f"{value:.2g}"))
