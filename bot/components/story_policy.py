"""The policy that learns dialogue from stories."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from rasa.core.constants import DEFAULT_POLICY_PRIORITY
from rasa.core.featurizers.precomputation import MessageContainerForCoreFeaturization
from rasa.core.featurizers.tracker_featurizers import (
    MaxHistoryTrackerFeaturizer,
    TrackerFeaturizer,
)
from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.graph_components.providers.responses_provider import Responses
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_UNLIKELY_INTENT_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from bot.components.dialogue import conversations_of, response_texts, state_of, text_vectors
from bot.components.edge import as_rasa_errors, source_digest
from bot.components.persisted import Persisted
from bot.ml import warm
from bot.ml.dialogue import checkpoint
from bot.ml.dialogue.inference import (
    HIGHEST_CONFIDENCE,
    WORD_FOR_WORD,
    DialoguePredictor,
    Prediction,
    Surprise,
)
from bot.ml.dialogue.names import words_of_action
from bot.ml.dialogue.options import StoryOptions
from bot.ml.dialogue.states import State, Vocabulary, text_input_of
from bot.ml.encoder import revision_of

logger = logging.getLogger(__name__)

WARM_EPOCHS = 0.5  # share of the epochs that a training from an earlier model takes
RANKING_LENGTH = 10
NO_STORIES = "no-stories.json"
_RASAS_KEYS = {"priority", "finetuning_epoch_fraction"}


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITH_END_TO_END_SUPPORT, is_trainable=True
)
class StoryPolicy(Persisted, Policy):
    """Learns from stories which action comes next, and serves it without torch.

    What it learned is never quite sure, so that rules and remembered stories win over it.
    """

    @staticmethod
    def required_packages() -> List[str]:
        """Packages whose versions belong to the fingerprint."""
        return ["torch", "transformers", "tokenizers", "onnxruntime"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `bot.ml.dialogue.options.StoryOptions`."""
        return {"priority": DEFAULT_POLICY_PRIORITY, **StoryOptions().as_dict()}

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """Everything a training depends on beside the data and this class."""
        modules = (
            "ml",
            "ml/dialogue",
            "types.py",
            "components/edge.py",
            "components/dialogue.py",
            "components/persisted.py",
        )
        parts = [
            source_digest(*modules),
            revision_of(config.get("model", StoryOptions.model)),
            warm.dialogue_digest() or "cold",
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: Optional[TrackerFeaturizer] = None,
    ) -> None:
        """Create the policy, not yet trained."""
        with as_rasa_errors():
            self._options = StoryOptions.read(
                {key: value for key, value in config.items() if key not in _RASAS_KEYS},
                type(self).__name__,
            )
        Policy.__init__(self, config, model_storage, resource, execution_context, featurizer)
        self._predictor: Optional[DialoguePredictor] = None

    def _standard_featurizer(self) -> MaxHistoryTrackerFeaturizer:
        # One state more than the history: what was expected before the user spoke.
        return MaxHistoryTrackerFeaturizer(max_history=self._options.max_history + 1)

    def _restore(self, folder: Path) -> None:
        if not (folder / NO_STORIES).is_file():
            self._predictor = checkpoint.load_predictor(folder)

    def train(
        self,
        training_trackers: List[TrackerWithCachedStates],
        domain: Domain,
        responses: Responses,
        precomputations: Optional[MessageContainerForCoreFeaturization] = None,
        **kwargs: Any,
    ) -> Resource:
        """Learn from the stories and persist what was learned."""
        trackers = SupportedData.trackers_for_supported_data(
            self.supported_data(), training_trackers
        )
        conversations = conversations_of(trackers, domain)
        with as_rasa_errors():
            start = self._starting_point()
        with as_rasa_errors(), self._model_storage.write_to(self._resource) as folder:
            if not conversations:
                logger.warning("StoryPolicy has nothing to learn: there are no stories.")
                (folder / NO_STORIES).write_text(json.dumps({"stories": 0}), "utf-8")
                return self._resource
            from bot.ml.dialogue.training import train_dialogue  # torch: in training only

            actions = list(domain.action_names_or_texts)
            told = response_texts(responses.data)
            words = {name: words_of_action(name, told.get(name, ())) for name in actions}
            vocabulary = Vocabulary.of(conversations, actions, words)
            states = [state for conversation in conversations for state in conversation.states]
            options = self._options
            if warm.dialogue_folder():
                options = replace(options, epochs=math.ceil(options.epochs * WARM_EPOCHS))
            vectors = text_vectors(states, precomputations)
            trained = train_dialogue(
                conversations, vocabulary, options, vectors=vectors, start=start
            )
            checkpoint.save(trained, folder)
            self._predictor = checkpoint.load_predictor(folder)
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        precomputations: Optional[MessageContainerForCoreFeaturization] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Predict the next action from the user's intent, or else from the user's words."""
        if self._predictor is None:
            return self._prediction(self._default_predictions(domain))
        has_spoken = tracker.latest_action_name == ACTION_LISTEN_NAME
        states = self._states(tracker, domain, rule_only_data, by_text=False)
        prediction = self._predict(states, precomputations)
        by_text = None
        if has_spoken and self._predictor.reads_texts and precomputations:
            states = self._states(tracker, domain, rule_only_data, by_text=True)
            sure = _intent_confidence(tracker)
            by_text = self._from_words(states, prediction, sure, precomputations)
        if by_text is not None:
            return self._prediction(_in_order(by_text, domain), is_end_to_end_prediction=True)
        if self._options.unlikely_intents and has_spoken:
            surprise = prediction.surprise
            if surprise and surprise.is_unlikely:
                return self._unlikely(surprise, domain)
        return self._prediction(_in_order(prediction, domain))

    def _states(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]],
        by_text: bool,
    ) -> Tuple[State, ...]:
        states = self._prediction_states(
            tracker,
            domain,
            use_text_for_last_user_input=by_text,
            rule_only_data=rule_only_data,
        )
        return tuple(state_of(state) for state in states)

    def _predict(
        self,
        states: Tuple[State, ...],
        precomputations: Optional[MessageContainerForCoreFeaturization],
    ) -> Prediction:
        predictor = self._trained()
        if not predictor.reads_texts:
            return predictor.predict(states)
        vectors = text_vectors(states, precomputations)
        width = predictor.known_texts.shape[1]
        return predictor.predict(states, text_input_of(states, vectors, width))

    def _from_words(
        self,
        states: Tuple[State, ...],
        by_intent: Prediction,
        intent_confidence: float,
        precomputations: MessageContainerForCoreFeaturization,
    ) -> Optional[Prediction]:
        """Give what follows from the user's words, where they are like a story's and surer."""
        predictor = self._trained()
        text = states[-1].text
        if text is None:
            return None
        closeness = predictor.closeness(text_vectors(states[-1:], precomputations)[text])
        if closeness < predictor.calibration.text_likeness:
            return None
        prediction = self._predict(states, precomputations)
        _, confidence = prediction.scores.best
        if confidence < predictor.calibration.text_threshold:
            return None
        is_surer = confidence > by_intent.scores.best[1] * intent_confidence
        return prediction if is_surer or closeness >= WORD_FOR_WORD else None

    def _unlikely(self, surprise: Surprise, domain: Domain) -> PolicyPrediction:
        """Say that the user's intent is a surprise, as UnexpecTEDIntentPolicy does."""
        scores = self._default_predictions(domain)
        scores[domain.index_for_action(ACTION_UNLIKELY_INTENT_NAME)] = HIGHEST_CONFIDENCE
        floors = self._trained().calibration.intent_floors
        return self._prediction(scores, action_metadata=_metadata(surprise, floors))

    def _starting_point(self) -> Any:
        earlier = warm.dialogue_folder()
        if earlier:
            return checkpoint.load_starting_point(earlier)
        if self.finetune_mode:
            with self._model_storage.read_from(self._resource) as folder:
                if not (folder / NO_STORIES).is_file():
                    return checkpoint.load_starting_point(folder)
        return None

    def _trained(self) -> DialoguePredictor:
        if self._predictor is None:
            raise self._untrained()
        return self._predictor


def _intent_confidence(tracker: DialogueStateTracker) -> float:
    """Give how sure the NLU is of the user's latest intent; 1 where it does not say."""
    message = tracker.latest_message
    confidence = message.intent.get("confidence") if message else None
    return 1.0 if confidence is None else float(confidence)


def _in_order(prediction: Prediction, domain: Domain) -> List[float]:
    """Give the confidences in the order of the domain's actions, 0 for actions not known."""
    known = dict(zip(prediction.scores.actions, prediction.scores.confidence.tolist(), strict=True))
    return [known.get(action, 0.0) for action in domain.action_names_or_texts]


def _metadata(surprise: Surprise, floors: Mapping[str, float]) -> Dict[str, Any]:
    """Write a surprise as `rasa test` reads it from Rasa's own policy."""

    def entry(name: str, score: float) -> Dict[str, Any]:
        floor = floors.get(name)
        severity = None if floor is None else floor - score
        return {"name": name, "score": score, "threshold": floor, "severity": severity}

    return {
        "query_intent": entry(surprise.intent, surprise.score),
        "ranking": [entry(name, score) for name, score in surprise.ranking[:RANKING_LENGTH]],
    }
