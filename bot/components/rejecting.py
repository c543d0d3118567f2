"""When a message is rejected: `nlu_fallback` goes to the head of the ranking, as Rasa expects it.

Whoever changes a message's confidences calls `decide` again; a message is rejected once at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import (
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
)
from rasa.shared.nlu.training_data.message import Message

from bot.components.rejection_rule import RejectionRule

RULE_KEY = "rejection_rule"  # private: what JointClassifier decides by
STRANGENESS_KEY = "strangeness"


def decide(message: Message) -> None:
    """Reject a message whose intent is unsure, ambiguous or strange, unless it is rejected already.

    The rejected ranking stays below, so that `rasa test` and a two-stage fallback find it.
    """
    rule = message.get(RULE_KEY)
    intent, ranking = message.get(INTENT) or {}, message.get(INTENT_RANKING_KEY) or []
    if rule is None or intent.get(INTENT_NAME_KEY) == DEFAULT_NLU_FALLBACK_INTENT_NAME:
        return
    if _is_unsure(intent, ranking, rule) or _is_strange(message, rule):
        fallback = {
            INTENT_NAME_KEY: DEFAULT_NLU_FALLBACK_INTENT_NAME,
            PREDICTED_CONFIDENCE_KEY: rule.threshold,  # as FallbackClassifier does
        }
        message.set(INTENT, dict(fallback), add_to_output=True)
        message.set(INTENT_RANKING_KEY, [dict(fallback), *ranking], add_to_output=True)


def _is_unsure(
    intent: Mapping[str, Any], ranking: list[dict[str, Any]], rule: RejectionRule
) -> bool:
    first = intent.get(PREDICTED_CONFIDENCE_KEY) or 0.0
    if first < rule.threshold:
        return True
    others = [label for label in ranking if label[INTENT_NAME_KEY] != intent.get(INTENT_NAME_KEY)]
    second = others[0][PREDICTED_CONFIDENCE_KEY] if others else 0.0
    return bool(others) and first - second < rule.ambiguity_threshold


def _is_strange(message: Message, rule: RejectionRule) -> bool:
    found = message.get(STRANGENESS_KEY)
    return rule.reject_strange and bool(found and found["is_strange"])
