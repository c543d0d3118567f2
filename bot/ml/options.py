"""The options of the joint model, with one default each and no unknown keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.errors import OptionError, did_you_mean

BUNDLED_ENCODER = "all-MiniLM-L6-v2"
FINE_TUNE_MODES = ("full", "top_layers", "lora", "frozen")


@dataclass(frozen=True)
class JointOptions:
    """What can be said in `config.yml` about the joint intent and entity model.

    Attributes:
        model: the bundled encoder's name, a Hugging Face id, or a local folder.
        epochs: passes over the training data at most; early stopping may end sooner.
        min_steps: few messages are passed over more often, until there are this many steps;
            half as many where the training continues from an earlier model.
        learning_rate: peak rate of the encoder; the new heads learn ten times as fast.
        batch_size: messages in one step at most; few messages are cut into smaller batches.
        max_length: subword tokens read of one message; what lies beyond is not seen.
        fine_tune: which weights of the encoder learn.
        added_tokens: how many words of the vocabulary at most become tokens of their own, those
            that the encoder's tokenizer cuts into three pieces or more.
        attributes: the folder of the message attributes, read in training only.
        validation_split: share of the examples kept apart to stop early and to calibrate.
        patience: epochs without a better validation score before training stops.
        out_of_scope: the intent of messages that the assistant is not there for, if there is one.
        wrong_answer_cost: what acting on a wrong intent costs, where asking again costs 1; from
            which strangeness on a message is rejected follows from it.
        random_seed: the same data and seed give the same model on the same machine.
    """

    model: str = BUNDLED_ENCODER
    epochs: int = 10
    min_steps: int = 300
    learning_rate: float = 1e-4
    batch_size: int = 32
    max_length: int = 128
    fine_tune: str = "full"
    added_tokens: int = 0
    attributes: str = "data/attributes"
    validation_split: float = 0.1
    patience: int = 3
    out_of_scope: str = ""
    wrong_answer_cost: float = 5.0
    random_seed: int = 42

    @classmethod
    def read(cls, config: Mapping[str, Any], owner: str) -> JointOptions:
        """Read the options from a component's configuration.

        Raises:
            OptionError: an unknown key, or a value of the wrong type or out of range; the
                message names the component (`owner`), the key and the remedy.
        """
        options = cls(**typed_options(config, cls().as_dict(), owner))
        options._check_ranges(owner)
        return options

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary, as Rasa's default configuration wants it."""
        return asdict(self)

    def _check_ranges(self, owner: str) -> None:
        rules = [
            ("epochs", self.epochs >= 1, "at least 1"),
            ("min_steps", self.min_steps >= 0, "0 or more"),
            ("learning_rate", 0 < self.learning_rate <= 0.1, "above 0 and at most 0.1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("max_length", 8 <= self.max_length <= 8192, "between 8 and 8192"),
            ("validation_split", 0 <= self.validation_split < 0.9, "at least 0 and below 0.9"),
            ("added_tokens", self.added_tokens >= 0, "0 or more"),
            ("attributes", self.attributes.strip() != "", "a folder, which may be missing"),
            ("patience", self.patience >= 1, "at least 1"),
            ("wrong_answer_cost", self.wrong_answer_cost > 0, "above 0"),
            ("random_seed", self.random_seed >= 0, "0 or more"),
        ]
        check_ranges(rules, self.as_dict(), owner)
        if self.fine_tune not in FINE_TUNE_MODES:
            hint = did_you_mean(self.fine_tune, FINE_TUNE_MODES)
            raise OptionError(
                f"Option 'fine_tune' of {owner} is {self.fine_tune!r}.{hint} "
                f"Known: {', '.join(FINE_TUNE_MODES)}."
            )


def typed_options(
    config: Mapping[str, Any], defaults: Mapping[str, Any], owner: str
) -> dict[str, Any]:
    """Check names and types of options against their defaults.

    Raises:
        OptionError: an unknown key, or a value of another type than its default.
    """
    for key in config:
        if key not in defaults:
            hint = did_you_mean(key, defaults)
            raise OptionError(
                f"Unknown option '{key}' for {owner} in config.yml.{hint} "
                f"Known: {', '.join(sorted(defaults))}."
            )
    return {key: _typed(key, value, defaults[key], owner) for key, value in config.items()}


def check_ranges(
    rules: Iterable[tuple[str, bool, str]], values: Mapping[str, Any], owner: str
) -> None:
    """Refuse the first option whose rule (name, whether it holds, what is allowed) is broken.

    Raises:
        OptionError: names the option, its value and what is allowed.
    """
    for name, holds, allowed in rules:
        if not holds:
            raise OptionError(
                f"Option '{name}' of {owner} is {values[name]!r}, but must be {allowed}. "
                f"Change it in config.yml."
            )


def _typed(key: str, value: Any, default: Any, owner: str) -> Any:
    """Check a value against the type of its default; whole numbers may stand for decimals."""
    is_truth = isinstance(value, bool)
    if isinstance(default, float) and isinstance(value, (int, float)):
        if not is_truth:
            return float(value)
    elif isinstance(value, type(default)) and is_truth == isinstance(default, bool):
        return value
    if isinstance(default, float) and isinstance(value, str):
        try:
            return float(value)  # YAML 1.1 reads 1e-4, without a dot, as text
        except ValueError:
            pass
    kinds: dict[type, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
    }
    raise OptionError(
        f"Option '{key}' of {owner} is {value!r}, but must be {kinds[type(default)]}, "
        f"such as {default!r}. Change it in config.yml."
    )
