"""The component that knows the domain's terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Type

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import READING_KEY, as_rasa_errors, reading_of, source_digest
from bot.components.persisted import Persisted
from bot.components.vocabulary_options import VocabularyOptions
from bot.vocabulary.loading import digest_of, load_vocabulary
from bot.vocabulary.reading import TermReader


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class VocabularyMatcher(Persisted):
    """Finds the terms of `data/vocabulary/` in messages, in training and at run time alike.

    What it finds goes three ways, none of which touches the message's text: the encoder reads the
    canonical form in place of an alias; the heads see which words are known, and as what; and
    JointClassifier makes an entity of it, by the one rule of `bot.vocabulary.overlaps`. It never
    writes entities itself: training data and end-to-end stories run through the same code.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before in the pipeline."""
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `VocabularyOptions`."""
        return VocabularyOptions().as_dict()

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            VocabularyOptions.read(config, cls.__name__)

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """The vocabulary's files and the code that reads them."""
        folder = config.get("vocabulary", VocabularyOptions.vocabulary)
        return source_digest("vocabulary", "types.py", *_PARTS) + digest_of(Path(folder))

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> None:
        """Create the component, not yet trained."""
        super().__init__(config, model_storage, resource, execution_context)
        with as_rasa_errors():
            self._options = VocabularyOptions.read(config, type(self).__name__)
        self._reader: Optional[TermReader] = None

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

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Note what is known of the training messages."""
        self.process(training_data.training_examples)
        return training_data

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


_PARTS = (
    "components/edge.py",
    "components/persisted.py",
    "components/vocabulary.py",
    "components/vocabulary_options.py",
)
