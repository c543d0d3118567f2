"""The thin component that turns the heads' output into Rasa's intent, ranking and entities."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Type

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_VALUE,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
)
from rasa.shared.nlu.training_data.message import Message

from bot.components.attributes import ATTRIBUTES_KEY, written_attributes
from bot.components.edge import as_rasa_errors, entity_of, reading_of, source_digest
from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.components.rejecting import RULE_KEY, STRANGENESS_KEY, decide
from bot.components.rejection_rule import RejectionRule
from bot.types import Parse
from bot.vocabulary.overlaps import Resolved, resolve

RANKING_LENGTH = 10


@DefaultV1Recipe.register(
    [
        DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER,
        DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR,
    ],
    is_trainable=False,
)
class JointClassifier(GraphComponent, IntentClassifier, EntityExtractorMixin):
    """Reads what JointFeaturizer's heads said, and learns nothing itself.

    It rejects what is unsure, ambiguous or far from every intent, so that no FallbackClassifier is
    needed beside it; `reject: false` leaves that to one.

    Of the model's entities, the vocabulary's and the values', `bot.vocabulary.overlaps` says which
    stands where they overlap. What an earlier extractor wrote is kept where nothing else stands.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before in the pipeline."""
        return [JointFeaturizer]

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """The translation lies outside this class."""
        return source_digest(
            "types.py",
            "components/attributes.py",
            "components/edge.py",
            "components/rejecting.py",
            "components/rejection_rule.py",
            "vocabulary/overlaps.py",
        )

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `bot.components.rejecting.RejectionRule`."""
        return RejectionRule().as_dict()

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            RejectionRule.read(config, cls.__name__)

    def __init__(self, rule: RejectionRule) -> None:
        """Create the component; there is nothing to train."""
        self._rule = rule

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> JointClassifier:
        """Create the component."""
        with as_rasa_errors():
            return cls(RejectionRule.read(config, cls.__name__))

    def process(self, messages: List[Message]) -> List[Message]:
        """Write intent, ranking, entities and attributes."""
        for message in messages:
            parse = message.get(PARSE_KEY)
            if parse is not None:
                self._write_intent(message, parse)
                if self._rule.reject:
                    message.set(RULE_KEY, self._rule)
                    decide(message)
                self._write_entities(message, resolve(parse.spans, reading_of(message).hits))
                if parse.attributes:
                    said = written_attributes(parse.attributes)
                    message.set(ATTRIBUTES_KEY, said, add_to_output=True)
        return messages

    def _write_intent(self, message: Message, parse: Parse) -> None:
        ranking = [
            {INTENT_NAME_KEY: item.name, PREDICTED_CONFIDENCE_KEY: item.confidence}
            for item in parse.ranking[:RANKING_LENGTH]
        ]
        top = ranking[0] if ranking else {INTENT_NAME_KEY: None, PREDICTED_CONFIDENCE_KEY: 0.0}
        message.set(INTENT, dict(top), add_to_output=True)
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        if parse.strangeness is not None:
            found = {"score": parse.strangeness, "is_strange": parse.is_strange}
            message.set(STRANGENESS_KEY, found, add_to_output=True)

    def _write_entities(self, message: Message, found: List[Resolved]) -> None:
        others = [
            entity
            for entity in message.get(ENTITIES, [])
            if not any(
                item.span.overlaps(entity[ENTITY_ATTRIBUTE_START], entity[ENTITY_ATTRIBUTE_END])
                for item in found
            )
        ]
        entities = others + [self._entity(message, item) for item in found]
        entities.sort(key=lambda entity: int(entity[ENTITY_ATTRIBUTE_START]))
        message.set(ENTITIES, entities, add_to_output=True)

    def _entity(self, message: Message, item: Resolved) -> Dict[str, Any]:
        """Write an entity; what is known of it goes into its value, as Duckling's extractor does.

        What the tagger found is its own, so that Rasa's reports count it as such.
        """
        known = item.hit
        extractor = self.name if item.learned or known is None else known.source
        entity = entity_of(message, item.span, extractor)
        if known is not None:
            if known.value is not None:
                entity[ENTITY_ATTRIBUTE_VALUE] = known.value
            if known.detail:
                entity["additional_info"] = json.loads(known.detail)
        return entity
