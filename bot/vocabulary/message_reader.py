"""All that is known of a text before the encoder sees it, without Rasa's pipeline around it.

The components of `bot.components` do the same one by one; whoever reads many messages at once,
such as the ranking of logged ones, uses this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import ProjectError
from bot.types import Edit, Hit, Reading
from bot.vocabulary.reading import TermReader
from bot.vocabulary.spelling import Speller
from bot.vocabulary.tokenizing import WordTokenizer
from bot.vocabulary.values import find_values

FORMS_FILE = "forms.json"


@dataclass(frozen=True)
class ValueSettings:
    """What the value finder must know; see `find_values`."""

    language: str = "en"
    currency: str = "GBP"
    country: str = "GB"


@dataclass(frozen=True)
class MessageReader:
    """Reads messages as the components of a model do; None stands for one that it lacks."""

    tokenizer: WordTokenizer
    speller: Speller | None = None
    terms: TermReader | None = None
    values: ValueSettings | None = None

    def read(self, text: str) -> Reading:
        """Give the corrections, terms and kinds of values of a text."""
        places = self.tokenizer.tokenize(text)
        edits: tuple[Edit, ...] = ()
        if self.speller:
            edits = tuple(self.speller.correct(text, places))
        reading = Reading(edits)
        if self.terms:
            reading = self.terms.read(text, places, reading)
        if self.values:
            known = self.values
            found = find_values(
                text, known.language, currency=known.currency, country=known.country
            )
            hits = tuple(Hit(value.start, value.end, value.kind) for value in found)
            reading = replace(reading, hits=(*reading.hits, *hits))
        return reading


def save_tokenizer(language: str, forms: Sequence[str], folder: Path) -> None:
    """Write what a tokenizer needs to know."""
    content = json.dumps({"language": language, "forms": list(forms)})
    (folder / FORMS_FILE).write_text(content, encoding="utf-8")


def load_tokenizer(folder: Path) -> WordTokenizer:
    """Read what `save_tokenizer` has written.

    Raises:
        ProjectError: the file is missing or damaged.
    """
    path = folder / FORMS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return WordTokenizer(content["language"], content["forms"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(
            f"The words of the model cannot be read ({error}).", "Train it again.", file=path
        ) from error
