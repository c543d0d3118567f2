"""Serving: from states to the next action, with neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bot.ml.dialogue.states import FloatArray, State, Vocabulary, columns_of, input_of
from bot.ml.dialogue.trained import Calibration
from bot.ml.heads import log_softmax
from bot.ml.inference import session_options

WORD_FOR_WORD = 0.99  # cosine from which on the user said what a story says
HIGHEST_CONFIDENCE = 0.999  # a rule is sure, what is learned never is


@dataclass(frozen=True)
class ActionScores:
    """How likely each action is next.

    Attributes:
        actions: the names, or the words of end-to-end stories.
        confidence: (n_actions,) calibrated, none above `HIGHEST_CONFIDENCE`.
    """

    actions: tuple[str, ...]
    confidence: NDArray[np.float64]

    @property
    def best(self) -> tuple[str, float]:
        """The likeliest action and its confidence."""
        index = int(self.confidence.argmax())
        return self.actions[index], float(self.confidence[index])


@dataclass(frozen=True)
class Surprise:
    """How expected the user's latest intent was.

    Attributes:
        intent: the user's latest intent.
        score: its log-probability before the user spoke.
        floor: the lowest that it had in any story.
        ranking: the intents that were expected, likeliest first, with log-probabilities.
    """

    intent: str
    score: float
    floor: float
    ranking: tuple[tuple[str, float], ...]

    @property
    def is_unlikely(self) -> bool:
        """Whether no story has the intent where it was so little expected."""
        return self.score < self.floor and self.ranking[0][0] != self.intent


@dataclass(frozen=True)
class Prediction:
    """What the model says after some states.

    Attributes:
        scores: of the actions.
        surprise: about the user's latest intent; None where the user has not just spoken, or came
            with an intent that no story has.
    """

    scores: ActionScores
    surprise: Surprise | None


class DialoguePredictor:
    """A trained dialogue model ready to serve."""

    def __init__(
        self,
        graph: Path,
        vocabulary: Vocabulary,
        calibration: Calibration,
        max_history: int,
        known_texts: FloatArray,
    ) -> None:
        self.vocabulary = vocabulary
        self.calibration = calibration
        self.max_history = max_history
        self.known_texts = known_texts
        self._columns = columns_of(vocabulary.tokens)
        self._session = onnxruntime.InferenceSession(
            str(graph), session_options(), providers=["CPUExecutionProvider"]
        )

    @property
    def reads_texts(self) -> bool:
        """Whether stories had the users' words in place of intents."""
        return self.known_texts.shape[1] > 0

    def logits(
        self, states: Sequence[State], texts: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Give logits of actions (n_states, n_actions) and next intents (n_states, n_intents).

        Args:
            states: of one conversation, in order.
            texts: (n_states, text_width) vectors of the users' words, zeros where there are none.
        """
        inputs = {"tokens": input_of(states, self._columns)[None]}
        if self.reads_texts:
            width = self.known_texts.shape[1]
            rows = np.zeros((len(states), width), np.float32) if texts is None else texts
            inputs["texts"] = rows[None]
        actions, intents = self._session.run(["actions", "intents"], inputs)
        return actions[0], intents[0]

    def predict(self, states: Sequence[State], texts: FloatArray | None = None) -> Prediction:
        """Predict what follows the last state; states beyond the history change nothing."""
        recent = states[-(self.max_history + 1) :]  # one more, for the surprise before the last
        actions, intents = self.logits(recent, None if texts is None else texts[-len(recent) :])
        confidence = np.exp(log_softmax(self.calibration.scale * actions[-1].astype(np.float64)))
        confidence = np.minimum(confidence, HIGHEST_CONFIDENCE)
        surprise = self._surprise(recent[-1], intents[-2]) if len(recent) > 1 else None
        return Prediction(ActionScores(self.vocabulary.actions, confidence), surprise)

    def closeness(self, text: FloatArray) -> float:
        """Give the cosine between words (text_width,) and the closest words of a story."""
        return float((self.known_texts @ text).max()) if len(self.known_texts) else -1.0

    def _surprise(self, state: State, logits: FloatArray) -> Surprise | None:
        intent = state.intent
        floor = self.calibration.intent_floors.get(intent or "")
        if intent is None or floor is None:
            return None
        logs = log_softmax(logits)
        names = self.vocabulary.intents
        order = np.argsort(-logs, kind="stable")
        ranking = tuple((names[index], float(logs[index])) for index in order)
        return Surprise(intent, float(logs[names.index(intent)]), floor, ranking)
