"""What the components that take terms of the vocabulary into the model have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Dict, List, Optional, Type

from rasa.engine.graph import ExecutionContext
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import as_rasa_errors, source_digest
from bot.components.persisted import Persisted
from bot.components.vocabulary_options import VocabularyOptions
from bot.vocabulary.loading import digest_of

_PARTS = (
    "types.py",
    "vocabulary",
    "components/edge.py",
    "components/persisted.py",
    "components/vocabulary_component.py",
    "components/vocabulary_options.py",
)


def vocabulary_digest(module: str, config: Dict[str, Any]) -> str:
    """Give a digest of the vocabulary's files and of the code that reads them.

    Args:
        module: that of the component, such as `bot.components.spelling`.
        config: of the component; Rasa may leave it incomplete.
    """
    own = module.removeprefix("bot.").replace(".", "/") + ".py"
    folder = config.get("vocabulary", VocabularyOptions.vocabulary)
    return source_digest(*_PARTS, own) + digest_of(Path(folder))


class VocabularyComponent(Persisted):
    """Notes how messages are read, in training and at run time alike; `OPTIONS` are its options."""

    OPTIONS: ClassVar[Type[VocabularyOptions]] = VocabularyOptions

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before in the pipeline."""
        return [Tokenizer]

    @classmethod
    def get_default_config(cls) -> Dict[str, Any]:
        """The options with their defaults."""
        return cls.OPTIONS().as_dict()

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            cls.OPTIONS.read(config, cls.__name__)

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
        super().__init__(config, model_storage, resource, execution_context)
        with as_rasa_errors():
            self._options = self.OPTIONS.read(config, type(self).__name__)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Note how the training messages are read."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Note how messages are read."""
        raise NotImplementedError
