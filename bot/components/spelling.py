"""The component that reads slips of typing as what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.constants import TOKENS_NAMES
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import READING_KEY, as_rasa_errors, reading_of
from bot.components.vocabulary_component import VocabularyComponent
from bot.components.vocabulary_options import SpellingOptions
from bot.types import Edit, Reading
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.spelling import Speller
from bot.vocabulary.spelling_words import count_words

_TOKENS = TOKENS_NAMES[TEXT]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SpellingCorrector(VocabularyComponent):
    """Lets the encoder read what was meant, in training and at run time alike.

    It corrects only where it is sure, towards words of the training examples and the vocabulary.
    The text and all offsets stay what the user typed. Put it before VocabularyMatcher, which then
    knows misspelt terms too.
    """

    OPTIONS = SpellingOptions

    _speller: Optional[Speller] = None

    @staticmethod
    def required_packages() -> List[str]:
        """Packages whose versions belong to the fingerprint."""
        return ["rapidfuzz", "symspellpy"]

    def _restore(self, folder: Path) -> None:
        self._speller = Speller.load(folder)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn which words the training messages and the vocabulary use."""
        options = self._options
        assert isinstance(options, SpellingOptions)
        places = {
            message.get(TEXT): [(token.start, token.end) for token in message.get(_TOKENS)]
            for message in training_data.nlu_examples
            if message.get(TEXT) and message.get(_TOKENS)
        }
        with as_rasa_errors(), self._model_storage.write_to(self._resource) as folder:
            vocabulary = load_vocabulary(Path(options.vocabulary), options.language)
            forms = sorted({form.text for term in vocabulary.terms for form in term.forms})
            self._speller = Speller.build(
                count_words(places, places.__getitem__), forms, options.settings()
            )
            self._speller.save(folder)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Note how messages are read."""
        if self._speller is None:
            raise self._untrained()
        source = type(self).__name__
        for message in messages:
            text, tokens = message.get(TEXT), message.get(_TOKENS)
            reading = reading_of(message)
            if not text or not tokens or reading.is_by(source):
                continue
            places = [(token.start, token.end) for token in tokens]
            kept = [(hit.start, hit.end) for hit in reading.hits]
            kept += [(edit.start, edit.end) for edit in reading.edits]
            found = self._speller.correct(text, places, kept)
            if found:
                edits = [Edit(edit.start, edit.end, edit.replacement, source) for edit in found]
                edits = sorted([*reading.edits, *edits])
                message.set(READING_KEY, Reading(tuple(edits), reading.hits))
        return messages
