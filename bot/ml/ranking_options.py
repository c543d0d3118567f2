"""The options of the response ranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.errors import OptionError, did_you_mean
from bot.ml.options import check_ranges, typed_options


@dataclass(frozen=True)
class RankingOptions:
    """What can be said in `config.yml` about the ranking of answers.

    Attributes:
        retrieval_intent: the one intent whose answers are ranked; empty for all.
        ranking_length: answers written for each intent at most; 0 for all.
        threshold: where the best answer is less likely than this, the intent's confidence is
            multiplied by the answer's, so that the fallback sees the doubt.
    """

    retrieval_intent: str = ""
    ranking_length: int = 10
    threshold: float = 0.4

    @classmethod
    def read(cls, config: Mapping[str, Any], owner: str) -> RankingOptions:
        """Read the options from a component's configuration.

        Raises:
            OptionError: an unknown key, or a value of the wrong type or out of range.
        """
        # null stands for all intents, as in Rasa's ResponseSelector
        given = {key: value for key, value in config.items() if value is not None}
        options = cls(**typed_options(given, cls().as_dict(), owner))
        rules = [
            ("ranking_length", options.ranking_length >= 0, "0 or more"),
            ("threshold", 0 <= options.threshold <= 1, "between 0 and 1"),
        ]
        check_ranges(rules, options.as_dict(), owner)
        return options

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary, as Rasa's default configuration wants it."""
        return asdict(self)

    def check_intent(self, intents: Sequence[str], owner: str) -> None:
        """Refuse to rank the answers of an intent that has none.

        Raises:
            OptionError: names the retrieval intents that there are.
        """
        if self.retrieval_intent and self.retrieval_intent not in intents:
            known = ", ".join(intents) or "none"
            raise OptionError(
                f"Option 'retrieval_intent' of {owner} is {self.retrieval_intent!r}, but the "
                f"training data have no questions such as '{self.retrieval_intent}/...'."
                f"{did_you_mean(self.retrieval_intent, intents)} Retrieval intents: {known}."
            )
