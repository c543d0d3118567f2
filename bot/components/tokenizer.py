"""The tokenizer that keeps the domain's words whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import as_rasa_errors
from bot.components.persisted import Persisted
from bot.components.vocabulary_component import vocabulary_digest
from bot.components.vocabulary_options import TOKENIZER_OPTIONS, VocabularyOptions
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.message_reader import load_tokenizer, save_tokenizer
from bot.vocabulary.tokenizing import WordTokenizer


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=True)
class VocabularyTokenizer(Persisted, Tokenizer):
    """Splits messages with spaCy's rules of the language, without a spaCy model.

    Terms of `data/vocabulary/`, amounts, IBANs, card numbers, dates, e-mail addresses and
    reference codes stay whole. It is trained so that the model keeps the terms it was trained
    with.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `VocabularyOptions`."""
        return {**TOKENIZER_OPTIONS, **VocabularyOptions().as_dict()}

    @staticmethod
    def required_packages() -> List[str]:
        """Packages whose versions belong to the fingerprint."""
        return ["spacy"]

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            _options(config)

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """The vocabulary's files and the code that reads them."""
        return vocabulary_digest(cls.__module__, config)

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> None:
        """Create the component, not yet trained."""
        Persisted.__init__(self, config, model_storage, resource, execution_context)
        with as_rasa_errors():
            self._options = _options(config)
        Tokenizer.__init__(self, {**TOKENIZER_OPTIONS, **config})
        self._words: Optional[WordTokenizer] = None

    def train(self, training_data: TrainingData) -> Resource:
        """Take the forms of all terms into the model."""
        options = self._options
        with as_rasa_errors(), self._model_storage.write_to(self._resource) as folder:
            vocabulary = load_vocabulary(Path(options.vocabulary), options.language)
            forms = sorted({form.text for term in vocabulary.terms for form in term.forms})
            save_tokenizer(options.language, forms, folder)
            self._restore(folder)
        return self._resource

    def _restore(self, folder: Path) -> None:
        self._words = load_tokenizer(folder)

    def tokenize(self, message: Message, attribute: str) -> List[Token]:
        """Split the text of an attribute."""
        if self._words is None:
            raise self._untrained()
        text = message.get(attribute)
        tokens = [Token(text[start:end], start) for start, end in self._words.tokenize(text)]
        split: List[Token] = self._apply_token_pattern(tokens)
        return split


def _options(config: Dict[str, Any]) -> VocabularyOptions:
    given = {key: value for key, value in config.items() if key not in TOKENIZER_OPTIONS}
    return VocabularyOptions.read(given, "VocabularyTokenizer")
