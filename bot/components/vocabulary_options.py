"""The options of the components that know words: tokenizer, spelling, terms, values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import Self

from bot.ml.options import check_ranges, typed_options
from bot.vocabulary.loading import FOLDER
from bot.vocabulary.spelling import SpellingSettings
from bot.vocabulary.values import KINDS

# What Rasa's own tokenizers can be told of intents, with Rasa's defaults.
TOKENIZER_OPTIONS: dict[str, Any] = {
    "intent_tokenization_flag": False,
    "intent_split_symbol": "_",
    "token_pattern": None,
}


@dataclass(frozen=True)
class VocabularyOptions:
    """What can be said of the vocabulary; the tokenizer and the matcher share it.

    Attributes:
        vocabulary: the folder of the terms, read in training only.
        language: of the messages.
    """

    vocabulary: str = FOLDER.as_posix()
    language: str = "en"

    @classmethod
    def read(cls, config: Mapping[str, Any], owner: str) -> Self:
        """Read the options from a component's configuration.

        Raises:
            OptionError: an unknown key, or a value of the wrong type or out of range.
        """
        options = cls(**typed_options(config, cls().as_dict(), owner))
        check_ranges(options._rules(), options.as_dict(), owner)
        return options

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary, as Rasa's default configuration wants it."""
        return asdict(self)

    def _rules(self) -> list[tuple[str, bool, str]]:
        return [("language", self.language.strip() != "", "a code such as 'en'")]


@dataclass(frozen=True)
class SpellingOptions(VocabularyOptions):
    """What can be said of the spelling, beside the vocabulary.

    Attributes:
        margin: by how much the best candidate must be likelier than the second, as a natural
            logarithm: 2 means about seven times.
        unlisted: how unlikely it is that an unknown word was meant as it stands; lower leaves
            more alone.
    """

    margin: float = SpellingSettings.margin
    unlisted: float = SpellingSettings.unlisted

    def settings(self) -> SpellingSettings:
        """Give what the speller wants to know."""
        return SpellingSettings(self.margin, self.unlisted, language=self.language)

    def _rules(self) -> list[tuple[str, bool, str]]:
        return [
            *super()._rules(),
            ("margin", self.margin >= 0, "0 or more"),
            ("unlisted", self.unlisted >= 0, "0 or more"),
        ]


@dataclass(frozen=True)
class ValueOptions:
    """What can be said of the values that are found in messages.

    Attributes:
        language: of the messages.
        currency: of an amount that names none, as an ISO code.
        country: whose phone numbers need no country code, and whose dates are meant.
        entities: the kinds that become entities by themselves, where the tagger marks none.
    """

    language: str = "en"
    currency: str = "GBP"
    country: str = "GB"
    entities: tuple[str, ...] = ()

    @classmethod
    def read(cls, config: Mapping[str, Any], owner: str) -> Self:
        """Read the options from a component's configuration.

        Raises:
            OptionError: an unknown key or kind, or a value of the wrong type or out of range.
        """
        typed = typed_options(config, cls().as_dict(), owner)
        options = cls(**{**typed, "entities": tuple(typed.get("entities", ()))})
        unknown = [kind for kind in options.entities if kind not in KINDS]
        rules = [
            ("currency", len(options.currency) == 3, "an ISO code such as 'GBP'"),
            ("country", len(options.country) == 2, "an ISO code such as 'GB'"),
            ("entities", not unknown, f"some of: {', '.join(KINDS)}"),
        ]
        check_ranges(rules, options.as_dict(), owner)
        return options

    def as_dict(self) -> dict[str, Any]:
        """Give the options as a plain dictionary, as Rasa's default configuration wants it."""
        return {**asdict(self), "entities": list(self.entities)}
