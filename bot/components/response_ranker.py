"""Chooses the answer to a retrieval intent such as `faq/opening_hours`."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Type

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import (
    RESPONSE_SELECTOR_PREDICTION_KEY,
    RESPONSE_SELECTOR_PROPERTY_NAME,
    RESPONSE_SELECTOR_RANKING_KEY,
    RESPONSE_SELECTOR_RESPONSES_KEY,
    RESPONSE_SELECTOR_RETRIEVAL_INTENTS,
    RESPONSE_SELECTOR_UTTER_ACTION_KEY,
)
from rasa.shared.nlu.constants import INTENT_RESPONSE_KEY, PREDICTED_CONFIDENCE_KEY
from rasa.shared.nlu.training_data.message import Message

from bot.components.edge import refuse_unknown_options, source_digest
from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.types import Parse, base_intent

RANKING_LENGTH = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ResponseRanker(GraphComponent):
    """Writes what Rasa's ResponseSelector writes, from the output of JointFeaturizer's heads.

    The intent head tells the retrieval labels apart by itself, so nothing more is learned here.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before in the pipeline."""
        return [JointFeaturizer]

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """The types lie outside this class."""
        return source_digest("types.py")

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ResponseRanker:
        """Create the component."""
        refuse_unknown_options(config, (), cls.__name__)
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Write the answers' ranking for every retrieval intent."""
        for message in messages:
            parse = message.get(PARSE_KEY)
            if parse is not None and parse.responses:
                message.set(RESPONSE_SELECTOR_PROPERTY_NAME, _selection(parse), add_to_output=True)
        return messages


def _selection(parse: Parse) -> Dict[str, Any]:
    intents = sorted({base_intent(response.name) for response in parse.responses})
    selection: Dict[str, Any] = {RESPONSE_SELECTOR_RETRIEVAL_INTENTS: intents}
    for intent in intents:
        ranking = [
            {INTENT_RESPONSE_KEY: item.name, PREDICTED_CONFIDENCE_KEY: item.confidence}
            for item in parse.responses
            if base_intent(item.name) == intent
        ][:RANKING_LENGTH]
        selection[intent] = {
            RESPONSE_SELECTOR_PREDICTION_KEY: {
                RESPONSE_SELECTOR_RESPONSES_KEY: [],  # the domain holds the answers' texts
                **ranking[0],
                RESPONSE_SELECTOR_UTTER_ACTION_KEY: f"utter_{ranking[0][INTENT_RESPONSE_KEY]}",
            },
            RESPONSE_SELECTOR_RANKING_KEY: ranking,
        }
    return selection
