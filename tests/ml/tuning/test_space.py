"""The values that are searched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.ml.options import JointOptions
from bot.ml.tuning.space import SPACE, Choice, Numbers, holding, neat, searched


def test_every_value_of_the_space_is_an_option_that_can_be_used() -> None:
    for end in ("low", "high"):
        given = {}
        for name, allowed in SPACE.items():
            ends = allowed.values if isinstance(allowed, Choice) else tuple(_ends(allowed))
            given[name] = ends[0] if end == "low" else ends[-1]
        assert searched(JointOptions.read(given, "JointFeaturizer")) == given


def _ends(allowed: Numbers) -> tuple[float, float]:
    return allowed.lowest, allowed.highest


def test_the_defaults_lie_inside() -> None:
    assert holding(SPACE, searched(JointOptions())) == SPACE


def test_a_space_is_widened_to_hold_what_is_in_use() -> None:
    used = replace(
        JointOptions(), learning_rate=1e-6, epochs=40, batch_size=8, fine_tune="lora"
    ).as_dict()
    wide = holding(SPACE, used)
    assert wide["learning_rate"] == Numbers(1e-6, 1e-3, by_magnitude=True)
    assert wide["epochs"] == Numbers(2, 40)
    assert wide["epochs"].whole  # type: ignore[union-attr]
    assert wide["batch_size"] == Choice((16, 32, 64, 128, 8))
    assert wide["fine_tune"] == Choice(("full", "top_layers", "lora"))
    assert wide["min_steps"] == SPACE["min_steps"]


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.00031427, 0.00031), (9.96e-5, 0.0001), (347, 350), (7, 7), ("x", "x")]
)
def test_two_digits_count(value: float | str, rounded: float | str) -> None:
    found = neat(value)
    assert found == rounded
    assert type(found) is type(value)
