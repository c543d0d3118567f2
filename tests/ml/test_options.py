"""The options: no unknown keys, no values of the wrong kind, and messages that help."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from bot.errors import BotError, OptionError
from bot.ml.options import FINE_TUNE_MODES, JointOptions


def read(**config: Any) -> JointOptions:
    return JointOptions.read(config, "JointFeaturizer")


def test_no_configuration_gives_the_defaults() -> None:
    assert read() == JointOptions()


def test_as_dict_is_read_back_equal() -> None:
    options = JointOptions(epochs=3, fine_tune="lora", learning_rate=0.01)
    assert read(**options.as_dict()) == options


def test_there_are_few_options() -> None:
    assert len(fields(JointOptions)) < 15


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("epoch", "epochs"),
        ("learning_rat", "learning_rate"),
        ("batchsize", "batch_size"),
        ("finetune", "fine_tune"),
    ],
)
def test_a_mistyped_key_is_refused_with_the_key_that_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(**{typed: 1})
    message = str(caught.value)
    assert f"'{typed}'" in message
    assert f"Did you mean '{meant}'?" in message
    assert "JointFeaturizer" in message
    assert all(field.name in message for field in fields(JointOptions))


def test_a_key_like_no_other_gets_no_guess() -> None:
    with pytest.raises(OptionError) as caught:
        read(zzzzqqqq=1)
    assert "Did you mean" not in str(caught.value)


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(OptionError, match="'3'"):
        JointOptions.read({3: 1}, "JointFeaturizer")  # type: ignore[dict-item]


@pytest.mark.parametrize("written", ["1e-4", "0.0001", 1e-4])
def test_a_rate_without_a_dot_is_a_number(written: object) -> None:
    assert read(learning_rate=written).learning_rate == 1e-4


def test_whole_numbers_stand_for_decimals() -> None:
    split = read(validation_split=0).validation_split
    assert split == 0.0
    assert isinstance(split, float)


@pytest.mark.parametrize("key", [field.name for field in fields(JointOptions)])
@pytest.mark.parametrize("value", [True, False, None, [1], {"a": 1}])
def test_values_of_another_kind_are_refused(key: str, value: object) -> None:
    with pytest.raises(OptionError) as caught:
        read(**{key: value})
    assert f"'{key}'" in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("epochs", 2.5, "a whole number"),
        ("epochs", "10", "a whole number"),
        ("learning_rate", "fast", "a number"),
        ("model", 7, "text"),
    ],
)
def test_the_message_says_which_kind_is_wanted(key: str, value: object, kind: str) -> None:
    with pytest.raises(OptionError, match=f"must be {kind}"):
        read(**{key: value})


@pytest.mark.parametrize(
    ("key", "refused", "allowed"),
    [
        ("epochs", [0, -1], [1, 1000]),
        ("learning_rate", [0, -1e-4, 0.11, float("nan"), float("inf")], [1e-9, 0.1]),
        ("batch_size", [0], [1]),
        ("max_length", [7, 8193], [8, 8192]),
        ("validation_split", [-0.1, 0.9, 1, float("nan")], [0, 0.89]),
        ("patience", [0], [1]),
        ("random_seed", [-1], [0]),
    ],
)
def test_ranges(key: str, refused: list[float], allowed: list[float]) -> None:
    for value in refused:
        with pytest.raises(OptionError) as caught:
            read(**{key: value})
        assert f"'{key}'" in str(caught.value)
        assert "must be" in str(caught.value)
    for value in allowed:
        assert getattr(read(**{key: value}), key) == value


@pytest.mark.parametrize("mode", FINE_TUNE_MODES)
def test_every_mode_can_be_chosen(mode: str) -> None:
    assert read(fine_tune=mode).fine_tune == mode


def test_a_mistyped_mode_is_refused_with_the_mode_that_was_meant() -> None:
    with pytest.raises(OptionError, match="Did you mean 'top_layers'") as caught:
        read(fine_tune="top-layers")
    assert all(mode in str(caught.value) for mode in FINE_TUNE_MODES)


def test_option_errors_are_errors_a_user_can_mend() -> None:
    assert issubclass(OptionError, BotError)
