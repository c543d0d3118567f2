"""How well a model knows the messages that the assistant is not there for."""

from __future__ import annotations

from collections.abc import Sequence

from bot.evaluation.predictions import Prediction
from bot.evaluation.rejecting import OutOfScope, auroc, refusal_curve, strangeness

LARGEST_STRANGENESS = 2.5  # one less a cosine of -1, plus half of one of 1


def out_of_scope_of(
    truth: Sequence[str], predictions: Sequence[Prediction], intent: str | None
) -> OutOfScope | None:
    """Measure how well messages out of scope are told; None where no intent stands for them."""
    if intent is None:
        return None
    scores = _strangeness_of(predictions, intent)
    outside = [label == intent for label in truth]
    seen = [
        p.fallback or p.label == intent for p, out in zip(predictions, outside, strict=True) if out
    ]
    return OutOfScope(
        intent,
        len(outside) - sum(outside),
        sum(outside),
        auroc(scores, outside),
        sum(seen) / len(seen) if seen else 0.0,
        refusal_curve(scores, outside),
    )


def _strangeness_of(predictions: Sequence[Prediction], intent: str) -> list[float]:
    """Give the model's own measure, of a text without a word its largest; else that of ranking."""
    if all(prediction.strangeness is None for prediction in predictions):
        return [strangeness(prediction.ranking, intent) for prediction in predictions]
    own = [prediction.strangeness for prediction in predictions]
    return [LARGEST_STRANGENESS if score is None else score for score in own]
