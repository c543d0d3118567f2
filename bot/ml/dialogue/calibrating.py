"""Fit what turns logits into decisions, on stories that were not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.ml.calibration import fit_scale
from bot.ml.dialogue.states import FloatArray
from bot.ml.dialogue.trained import Calibration
from bot.ml.heads import log_softmax

TEXT_PRECISION = 0.9  # an end-to-end prediction overrules rules, so it has to be right
HIGHEST_SCALE = 1.0  # where all of few are right, no scale is too high to fit
MINIMUM_TEXTS = 20
DEFAULT_TEXT_THRESHOLD = 0.5
LIKENESS = (0.5, 0.9)  # bounds of the cosine from which on words are like those of a story
UNLIKE_SHARE = 0.1


@dataclass(frozen=True)
class Outcome:
    """What a model said of one conversation, T states long.

    Attributes:
        actions: (T, n_actions) logits.
        intents: (T, n_intents) logits.
        true_actions: (T,) indices.
        true_intents: (T,) indices, below 0 where there is none.
        by_text: (T,) whether the user's words were all that was known of the message.
    """

    actions: FloatArray
    intents: FloatArray
    true_actions: NDArray[np.int64]
    true_intents: NDArray[np.int64]
    by_text: NDArray[np.bool_]


def calibrate(
    held: Sequence[Outcome],
    everything: Sequence[Outcome],
    intents: Sequence[str],
    known_texts: FloatArray,
) -> Calibration:
    """Fit scale and thresholds.

    Args:
        held: outcomes on stories kept apart; empty where there are too few stories.
        everything: outcomes on all stories.
        intents: the names of the intents' logits.
        known_texts: (n, width) vectors of the users' words in stories, of length 1.
    """
    scale, threshold = 1.0, DEFAULT_TEXT_THRESHOLD
    if held:
        logits = np.concatenate([outcome.actions for outcome in held])
        truth = np.concatenate([outcome.true_actions for outcome in held])
        by_text = np.concatenate([outcome.by_text for outcome in held])
        scale = min(fit_scale(logits, truth), HIGHEST_SCALE)
        threshold = _text_threshold(scale * logits[by_text], truth[by_text])
    return Calibration(
        scale, threshold, _likeness(known_texts), _intent_floors(everything, intents)
    )


def _text_threshold(logits: FloatArray, truth: NDArray[np.int64]) -> float:
    """Find the lowest confidence from which on predictions are right often enough."""
    if len(truth) < MINIMUM_TEXTS:
        return DEFAULT_TEXT_THRESHOLD
    confidence = np.exp(log_softmax(logits)).max(axis=-1)
    right = logits.argmax(axis=-1) == truth
    enough = [
        float(least)
        for least in np.unique(confidence)
        if right[confidence >= least].mean() >= TEXT_PRECISION
    ]
    return max(DEFAULT_TEXT_THRESHOLD, enough[0]) if enough else 1.0


def _likeness(vectors: FloatArray) -> float:
    """Find how close a text of a story usually is to the nearest other one."""
    low, high = LIKENESS
    if len(vectors) < 2:
        return (low + high) / 2
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1.0)
    return float(np.clip(np.quantile(cosines.max(axis=1), UNLIKE_SHARE), low, high))


def _intent_floors(outcomes: Sequence[Outcome], intents: Sequence[str]) -> dict[str, float]:
    """Find the lowest log-probability that each intent had where a story has it."""
    floors: dict[str, float] = {}
    for outcome in outcomes:
        for row in np.flatnonzero(outcome.true_intents >= 0):
            index = int(outcome.true_intents[row])
            score = float(log_softmax(outcome.intents[row])[index])
            floors[intents[index]] = min(floors.get(intents[index], 0.0), score)
    return floors
