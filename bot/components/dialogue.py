"""From Rasa's trackers and states to those of `bot.ml.dialogue`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Dict, List, Optional

import numpy as np
from rasa.core.featurizers.precomputation import MessageContainerForCoreFeaturization
from rasa.core.featurizers.tracker_featurizers import FullDialogueTrackerFeaturizer
from rasa.shared.core.constants import (
    ACTIVE_LOOP,
    LOOP_NAME,
    PREVIOUS_ACTION,
    SHOULD_NOT_BE_SET,
    SLOTS,
    USER,
)
from rasa.shared.core.domain import Domain
from rasa.shared.core.domain import State as RasaState
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.nlu.constants import ACTION_NAME, ACTION_TEXT, ENTITIES, INTENT, TEXT

from bot.components.edge import BotRasaException
from bot.ml.dialogue import states as names
from bot.ml.dialogue.states import Conversation, FloatArray, State, token_name

STORY_SEPARATOR = " > "  # Rasa's, between the stories that a tracker joins


def conversations_of(
    trackers: Sequence[TrackerWithCachedStates], domain: Domain
) -> List[Conversation]:
    """Read what the training trackers tell."""
    featurizer = FullDialogueTrackerFeaturizer()
    all_states, all_actions = featurizer.training_states_and_labels(
        list(trackers), domain, ignore_action_unlikely_intent=True
    )
    conversations = []
    for tracker, states, actions in zip(trackers, all_states, all_actions, strict=True):
        if len(states) != len(actions):
            # Of turns written out inside a form the cached states know more than the events do.
            states = domain.states_for_tracker_history(tracker)[-len(actions) - 1 : -1]
        conversations.append(
            Conversation(
                tuple(tracker.sender_id.split(STORY_SEPARATOR)),
                tuple(state_of(state) for state in states),
                tuple(actions),
                bool(tracker.is_augmented),
            )
        )
    return [conversation for conversation in conversations if conversation.actions]


def state_of(state: RasaState) -> State:
    """Translate one of Rasa's states."""
    user = state.get(USER, {})
    previous = state.get(PREVIOUS_ACTION, {})
    tokens = [*_named(names.INTENT, user.get(INTENT))]
    for entity in user.get(ENTITIES, ()):
        tokens += _named(names.ENTITY, entity)
    for slot, values in state.get(SLOTS, {}).items():
        if values != SHOULD_NOT_BE_SET:
            tokens += [
                (token_name(names.SLOT, f"{slot}_{position}"), float(value))
                for position, value in enumerate(values)
                if value
            ]
    tokens += _named(names.ACTION, previous.get(ACTION_NAME) or previous.get(ACTION_TEXT))
    tokens += _named(names.LOOP, state.get(ACTIVE_LOOP, {}).get(LOOP_NAME))
    return State(tuple(tokens), None if user.get(INTENT) else user.get(TEXT))


def response_texts(responses: Dict[str, List[Dict[str, Any]]]) -> Dict[str, tuple[str, ...]]:
    """Read the texts of the domain's responses by their actions."""
    texts = {
        action: tuple(str(variation[TEXT]) for variation in variations if variation.get(TEXT))
        for action, variations in responses.items()
    }
    return {action: told for action, told in texts.items() if told}


def text_vectors(
    states: Iterable[State], precomputations: Optional[MessageContainerForCoreFeaturization]
) -> Dict[str, FloatArray]:
    """Look up what the pipeline's dense featurizers say of the users' words, of length 1.

    Raises:
        BotRasaException: the pipeline gives no dense features.
    """
    texts = {state.text for state in states if state.text is not None}
    if not texts:
        return {}
    vectors = {}
    for text in sorted(texts):
        message = precomputations.lookup_message(text) if precomputations else None
        _, sentence = message.get_dense_features(TEXT) if message else (None, None)
        if sentence is None:
            raise BotRasaException(
                f"StoryPolicy cannot read the words of the end-to-end stories ('{text}'): no "
                f"component of the pipeline gives dense features of whole messages. Add "
                f"JointFeaturizer to the pipeline in config.yml."
            )
        vector = np.asarray(sentence.features, dtype=np.float32)[-1]
        vectors[text] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return vectors


def _named(kind: str, name: Optional[str]) -> List[tuple[str, float]]:
    return [(token_name(kind, name), 1.0)] if name and name != SHOULD_NOT_BE_SET else []
