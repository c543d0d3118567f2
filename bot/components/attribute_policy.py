"""Lets the attributes of messages fill slots, and an action run before the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from rasa.core.featurizers.tracker_featurizers import TrackerFeaturizer
from rasa.core.policies.policy import Policy, PolicyPrediction, confidence_scores_for
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from bot.components.attributes import action_on, check_domain, slots_of
from bot.components.edge import as_rasa_errors, refuse_unknown_options, source_digest
from bot.ml.options import JointOptions
from bot.vocabulary.attributes import attributes_digest, load_attributes

PRIORITY = 7  # above ActionFailurePolicy's 6: what comes before the answer comes first


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False
)
class AttributePolicy(Policy):
    """Fills slots from the attributes of the latest message; it learns nothing.

    The slots are set before the first action of the turn runs, so that forms, custom actions and
    conditional responses see them, and rules and stories from the second action on.

    Where the domain has an action `action_on_<slot>_<value>`, it runs before the answer to each
    message that says this value. It must return `ActionReverted`, so that the answer comes as if
    it had not run.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The folder of the attributes, and the priority among policies."""
        return {"priority": PRIORITY, "attributes": JointOptions.attributes}

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """What is checked against the domain, and the code that does."""
        folder = Path(config.get("attributes", JointOptions.attributes))
        code = source_digest("components/attributes.py", "components/edge.py")
        return code + attributes_digest(folder)

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: Optional[TrackerFeaturizer] = None,
    ) -> None:
        """Create the policy."""
        refuse_unknown_options(config, self.get_default_config(), type(self).__name__)
        super().__init__(config, model_storage, resource, execution_context, featurizer)
        self._folder = Path(config["attributes"])

    def train(
        self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any
    ) -> Resource:
        """Check that the domain has what the attributes name; there is nothing to learn."""
        with as_rasa_errors():
            check_domain(load_attributes(self._folder), domain)
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> AttributePolicy:
        """Create the policy: nothing was persisted."""
        return cls(config, model_storage, resource, execution_context)

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Set slots where a turn begins, and predict an action that comes before the answer."""
        if tracker.latest_action_name != ACTION_LISTEN_NAME:
            return self._prediction(self._default_predictions(domain))
        said = slots_of(tracker)
        events: List[Event] = [
            SlotSet(slot, value) for slot, value in said.items() if tracker.get_slot(slot) != value
        ]
        action = _to_run_first(said, tracker, domain)
        if action is None:
            return self._prediction(self._default_predictions(domain), events=events)
        # As a form predicts: only so it is heard while a form is active.
        scores = confidence_scores_for(action, 1.0, domain)
        return self._prediction(scores, events=events, is_no_user_prediction=True)


def _to_run_first(
    said: Mapping[str, str], tracker: DialogueStateTracker, domain: Domain
) -> Optional[str]:
    """Give the first action that what was said asks for and that has not run in this turn."""
    wanted = [action_on(slot, value) for slot, value in said.items()]
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted) and event.action_name in wanted:
            wanted.remove(event.action_name)
    return next((action for action in wanted if action in domain.user_actions), None)
