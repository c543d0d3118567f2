"""The component that reads amounts, dates, IBANs and other values."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import READING_KEY, as_rasa_errors, reading_of, source_digest
from bot.components.vocabulary_options import ValueOptions
from bot.types import Hit, Reading
from bot.vocabulary.findings import CHECKED
from bot.vocabulary.values import FoundValue, find_values, masked


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class ValueFinder(GraphComponent):
    """Finds values in messages, in training and at run time alike.

    The heads see where a value stands and of which kind it is. Where the tagger marks an entity
    of that type at the same place, the value taken apart becomes its `additional_info`; kinds
    under `entities` become entities by themselves.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `ValueOptions`."""
        return ValueOptions().as_dict()

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            ValueOptions.read(config, cls.__name__)

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """What finds the values lies outside this class."""
        return source_digest(
            "vocabulary", "types.py", "components/edge.py", "components/vocabulary_options.py"
        )

    def __init__(self, options: ValueOptions) -> None:
        """Create the component; there is nothing to train."""
        self._options = options

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ValueFinder:
        """Create the component."""
        with as_rasa_errors():
            return cls(ValueOptions.read(config, cls.__name__))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Note the values of the training messages."""
        for message in training_data.training_examples:
            self._note(message, taken_apart=False)  # "tomorrow" is another day each day
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Note the values of messages."""
        for message in messages:
            self._note(message, taken_apart=True)
        return messages

    def _note(self, message: Message, *, taken_apart: bool) -> None:
        source, options = type(self).__name__, self._options
        text, reading = message.get(TEXT), reading_of(message)
        if not text or reading.is_by(source):
            return
        found = find_values(
            text, options.language, currency=options.currency, country=options.country
        )
        if found:
            hits = tuple(self._hit(value, source, taken_apart) for value in found)
            message.set(READING_KEY, Reading(reading.edits, (*reading.hits, *hits)))

    def _hit(self, found: FoundValue, source: str, taken_apart: bool) -> Hit:
        place = (found.start, found.end, found.kind)
        if not taken_apart:
            return Hit(*place, source=source)
        parts = found.value if isinstance(found.value, dict) else {"value": found.value}
        if found.personal:
            parts = {**parts, "masked": masked(found)}
        detail = json.dumps(parts, sort_keys=True)
        value = None
        if found.kind in self._options.entities:
            value = found.value if isinstance(found.value, str) else detail
        return Hit(*place, value, source, detail, certain=found.kind in CHECKED)
