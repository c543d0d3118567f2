"""The component that knows the domain's terms."""

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
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.reading import TermReader


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class VocabularyMatcher(VocabularyComponent):
    """Finds the terms of `data/vocabulary/` in messages, in training and at run time alike.

    What it finds goes three ways, none of which touches the message's text: the encoder reads the
    canonical form in place of an alias; the heads see which words are known, and as what; and
    JointClassifier makes an entity of it, by the one rule of `bot.vocabulary.overlaps`. It never
    writes entities itself: training data and end-to-end stories run through the same code.
    """

    _reader: Optional[TermReader] = None

    def _restore(self, folder: Path) -> None:
        self._reader = TermReader.load(folder, type(self).__name__)

    def train(self, training_data: TrainingData) -> Resource:
        """Take the terms into the model, which from then on needs no file of the project."""
        options = self._options
        with as_rasa_errors(), self._model_storage.write_to(self._resource) as folder:
            vocabulary = load_vocabulary(Path(options.vocabulary), options.language)
            self._reader = TermReader.build(vocabulary, options.language, type(self).__name__)
            self._reader.save(folder)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Note what is known of messages."""
        if self._reader is None:
            raise self._untrained()
        for message in messages:
            text, tokens = message.get(TEXT), message.get(TOKENS_NAMES[TEXT])
            reading = reading_of(message)
            if text and tokens and not reading.is_by(self._reader.source):
                places = [(token.start, token.end) for token in tokens]
                message.set(READING_KEY, self._reader.read(text, places, reading))
        return messages
