"""Says so when an action could not be run, instead of leaving the customer without a word."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from rasa.core.featurizers.tracker_featurizers import TrackerFeaturizer
from rasa.core.policies.policy import Policy, PolicyPrediction, confidence_scores_for
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_TWO_STAGE_FALLBACK_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from bot.components.edge import BotConfigException, refuse_unknown_options

PRIORITY = 6  # above RulePolicy's 4, whose rules would go on as if the action had worked


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False
)
class ActionFailurePolicy(Policy):
    """Answers with a response of the domain when a custom action or a form failed.

    Rasa swallows the failure of an action, an action server that is down among them: the action
    counts as executed and leaves no event. That is what this policy looks for. The form stays
    where it was, so nothing that the customer said is lost.

    An action that succeeds must therefore leave at least one event or say something.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The response that is said, and the priority among policies."""
        return {"priority": PRIORITY, "response": "utter_action_failed"}

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: Optional[TrackerFeaturizer] = None,
    ) -> None:
        """Create the policy; it has nothing to learn."""
        refuse_unknown_options(config, self.get_default_config(), type(self).__name__)
        super().__init__(config, model_storage, resource, execution_context, featurizer)
        self._response: str = config["response"]

    def train(
        self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any
    ) -> Resource:
        """Check that the domain has the response; there is nothing to learn."""
        if self._response not in domain.responses:
            raise BotConfigException(
                f"ActionFailurePolicy in config.yml is to say '{self._response}', but "
                f"domain.yml has no such response. Add it, or name another as 'response'."
            )
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> ActionFailurePolicy:
        """Create the policy: nothing was persisted."""
        return cls(config, model_storage, resource, execution_context)

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Predict the response after a failed action, then to listen; nothing otherwise."""
        if _failed(tracker, domain):
            return self._sure(self._response, domain)
        if self._has_just_answered(tracker):
            return self._sure(ACTION_LISTEN_NAME, domain)
        return self._prediction(self._default_predictions(domain))

    def _sure(self, action: str, domain: Domain) -> PolicyPrediction:
        """Predict an action as a form does: only so it is heard while a form is active."""
        scores = confidence_scores_for(action, 1.0, domain)
        return self._prediction(scores, is_no_user_prediction=True)

    def _has_just_answered(self, tracker: DialogueStateTracker) -> bool:
        last = _last_action(tracker)
        return (
            last is not None
            and last.action_name == self._response
            and type(self).__name__ in (last.policy or "")
        )


def _failed(tracker: DialogueStateTracker, domain: Domain) -> bool:
    """Say whether the last event is an action of this project that left none behind it."""
    last = tracker.events[-1] if tracker.events else None
    if not isinstance(last, ActionExecuted) or not _is_live(tracker):
        return False
    name = last.action_name
    is_form = name in domain.form_names or name == ACTION_TWO_STAGE_FALLBACK_NAME
    is_custom = name in domain.user_actions and not str(name).startswith("utter_")
    return is_form or is_custom


def _is_live(tracker: DialogueStateTracker) -> bool:
    """Tell a conversation from a story: only messages through a channel have an id.

    In stories and tests actions are not run, so that none leaves events.
    """
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return event.message_id is not None
    return False


def _last_action(tracker: DialogueStateTracker) -> Optional[ActionExecuted]:
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted):
            return event
    return None
