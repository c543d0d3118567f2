"""What JointClassifier can be told about rejecting messages; read without importing Rasa."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.ml.options import check_ranges, typed_options


@dataclass(frozen=True)
class RejectionRule:
    """What JointClassifier can be told in `config.yml`.

    Attributes:
        reject: whether it rejects at all; false where FallbackClassifier stands below it.
        threshold: the confidence below which the likeliest intent is rejected.
        ambiguity_threshold: how far apart the first two intents must be.
        reject_strange: whether messages are rejected that are far from every intent.
    """

    reject: bool = True
    threshold: float = 0.4
    ambiguity_threshold: float = 0.05
    reject_strange: bool = True

    @classmethod
    def read(cls, config: Mapping[str, Any], owner: str) -> RejectionRule:
        """Read the options of a component.

        Raises:
            OptionError: an unknown key, or a value of the wrong type or out of range.
        """
        rule = cls(**typed_options(config, cls().as_dict(), owner))
        rules = [
            ("threshold", 0 <= rule.threshold <= 1, "between 0 and 1"),
            ("ambiguity_threshold", 0 <= rule.ambiguity_threshold <= 1, "between 0 and 1"),
        ]
        check_ranges(rules, rule.as_dict(), owner)
        return rule

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary."""
        return asdict(self)
