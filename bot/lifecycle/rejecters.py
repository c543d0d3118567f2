"""By which rule a pipeline rejects messages: that of JointClassifier, or of FallbackClassifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.components.rejection_rule import RejectionRule
from bot.evaluation.predictions import Fallback

FALLBACK = "FallbackClassifier"
CLASSIFIER = "JointClassifier"


def rule_of(steps: Iterable[tuple[str, Mapping[str, Any]]]) -> Fallback | None:
    """Give the rule; None where nothing rejects.

    Args:
        steps: class names, without their modules, with the options given to each.
    """
    options = dict(steps)
    if FALLBACK in options:
        given = options[FALLBACK]  # with the defaults of Rasa
        return Fallback(
            float(given.get("threshold", 0.3)), float(given.get("ambiguity_threshold", 0.1))
        )
    if CLASSIFIER not in options:
        return None
    ours = RejectionRule.read(options[CLASSIFIER], CLASSIFIER)
    if not ours.reject:
        return None
    return Fallback(ours.threshold, ours.ambiguity_threshold, ours.reject_strange)
