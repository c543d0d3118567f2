"""By which rule a pipeline rejects messages: that of JointClassifier, or of FallbackClassifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
        return _rule(options[FALLBACK], threshold=0.3, ambiguity=0.1, strange=False)
    ours = options.get(CLASSIFIER)
    if ours is None or not ours.get("reject", True):
        return None
    strange = bool(ours.get("reject_strange", True))
    return _rule(ours, threshold=0.4, ambiguity=0.05, strange=strange)


def _rule(
    options: Mapping[str, Any], *, threshold: float, ambiguity: float, strange: bool
) -> Fallback:
    """Read a rule; the defaults are those of its component."""
    return Fallback(
        float(options.get("threshold", threshold)),
        float(options.get("ambiguity_threshold", ambiguity)),
        strange,
    )
