"""Chooses the answer to a retrieval intent such as `faq/opening_hours`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Type

from rasa.engine.graph import ExecutionContext
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
from rasa.shared.constants import UTTER_PREFIX
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    INTENT_RESPONSE_KEY,
    PREDICTED_CONFIDENCE_KEY,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import (
    BotRasaException,
    answers_of,
    as_rasa_errors,
    examples_of,
    source_digest,
)
from bot.components.features import JointFeatures, sentence_of
from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.components.persisted import Persisted
from bot.components.rejecting import decide
from bot.ml.answers import require_answers
from bot.ml.ranking import Ranker, build_library, load_library, save_library
from bot.ml.ranking_options import RankingOptions
from bot.types import Parse, RankedLabel

RESPONSES_FILE = "responses.json"
Responses = Dict[str, List[Dict[str, Any]]]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ResponseRanker(Persisted):
    """Ranks the answers of retrieval intents and writes what Rasa's ResponseSelector writes.

    It stores the vectors of questions and answers that JointFeaturizer's encoder gives, and
    compares a message's own vector with them: no second pass through the encoder.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before in the pipeline."""
        return [JointFeaturizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `bot.ml.ranking_options.RankingOptions`."""
        return RankingOptions().as_dict()

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            RankingOptions.read(config, cls.__name__)

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """What the ranking is made of lies outside this class."""
        return source_digest(
            "ml/answers.py",
            "ml/ranking.py",
            "ml/ranking_options.py",
            "ml/inference.py",
            "types.py",
            "components/edge.py",
            "components/features.py",
            "components/persisted.py",
            "components/rejecting.py",
            "components/response_ranker.py",
        )

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
            self._options = RankingOptions.read(config, type(self).__name__)
        self._ranker: Optional[Ranker] = None
        self._responses: Responses = {}

    def _restore(self, folder: Path) -> None:
        self._ranker = Ranker(load_library(folder))
        self._responses = json.loads((folder / RESPONSES_FILE).read_text("utf-8"))

    def train(self, training_data: TrainingData) -> Resource:
        """Embed questions and answers with the encoder that was just trained, and persist them."""
        examples, answers = examples_of(training_data), answers_of(training_data)
        with as_rasa_errors(), self._model_storage.write_to(self._resource) as folder:
            require_answers(examples, answers)
            featurized = _featurized(training_data)
            library = build_library(examples, answers, featurized.embed, featurized.encoder)
            self._options.check_intent(library.intents, type(self).__name__)
            self._ranker = Ranker(library)
            self._responses = {
                label: training_data.responses.get(UTTER_PREFIX + label, [])
                for label in library.labels
            }
            (folder / RESPONSES_FILE).write_text(
                json.dumps(self._responses, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            save_library(library, folder)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Write the answers' ranking for every retrieval intent."""
        if self._ranker is None:
            raise self._untrained()
        for message in messages:
            parse, sentence = message.get(PARSE_KEY), sentence_of(message)
            if parse is not None and sentence is not None and parse.ranking:
                self._same_encoder(sentence.encoder)
                ranked = self._ranker.rank(sentence.features[0], parse.responses)
                self._write(message, parse, ranked)
        return messages

    def _write(
        self, message: Message, parse: Parse, ranked: Dict[str, Tuple[RankedLabel, ...]]
    ) -> None:
        wanted = self._options.retrieval_intent
        selection = dict(message.get(RESPONSE_SELECTOR_PROPERTY_NAME) or {})
        selection[RESPONSE_SELECTOR_RETRIEVAL_INTENTS] = list(ranked)
        for intent, ranking in ranked.items():
            if wanted in ("", intent):
                selection[intent] = self._selection(ranking)
                self._doubt(message, parse, intent, ranking[0].confidence)
        if ranked:
            message.set(RESPONSE_SELECTOR_PROPERTY_NAME, selection, add_to_output=True)

    def _selection(self, ranking: Tuple[RankedLabel, ...]) -> Dict[str, Any]:
        entries = [
            {PREDICTED_CONFIDENCE_KEY: item.confidence, INTENT_RESPONSE_KEY: item.name}
            for item in ranking[: self._options.ranking_length or None]
        ]
        label = ranking[0].name
        return {
            RESPONSE_SELECTOR_PREDICTION_KEY: {
                RESPONSE_SELECTOR_RESPONSES_KEY: self._responses[label],
                **entries[0],
                RESPONSE_SELECTOR_UTTER_ACTION_KEY: UTTER_PREFIX + label,
            },
            RESPONSE_SELECTOR_RANKING_KEY: entries,
        }

    def _doubt(self, message: Message, parse: Parse, intent: str, confidence: float) -> None:
        """Lower the confidence of a retrieval intent no answer of which is likely.

        The message is then rejected by the rule of JointClassifier, or else by FallbackClassifier.
        """
        found = message.get(INTENT) or {}
        if confidence >= self._options.threshold or found.get(INTENT_NAME_KEY) != intent:
            return
        lowered = next(item.confidence for item in parse.ranking if item.name == intent)
        lowered *= confidence
        message.set(INTENT, {**found, PREDICTED_CONFIDENCE_KEY: lowered}, add_to_output=True)
        ranking = [
            {**entry, PREDICTED_CONFIDENCE_KEY: lowered}
            if entry[INTENT_NAME_KEY] == intent
            else entry
            for entry in message.get(INTENT_RANKING_KEY) or []
        ]
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        decide(message)

    def _same_encoder(self, digest: str) -> None:
        assert self._ranker is not None
        if self._ranker.library.encoder != digest:
            raise BotRasaException(
                "ResponseRanker and JointFeaturizer are of different trainings. Train again with "
                "'rasa train --force'."
            )


def _featurized(training_data: TrainingData) -> JointFeatures:
    """Find features of JointFeaturizer: they know its encoder."""
    for message in training_data.nlu_examples:
        features = sentence_of(message)
        if features is not None:
            return features
    raise BotRasaException(
        "ResponseRanker found no features of JointFeaturizer in the training data. Put "
        "'bot.components.featurizer.JointFeaturizer' before it in the pipeline of config.yml."
    )
