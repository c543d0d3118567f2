"""What one model says about every item, and what the bot would do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.evaluation.items import Item
from bot.types import Parse, RankedLabel, Span, base_intent

_WARM_UP = "is anybody there"  # the first call pays for caches and lazily loaded code


class Scorer(Protocol):
    """A model that reads messages."""

    def parse(self, text: str) -> Parse:
        """Predict intents and entities of a text."""


@dataclass(frozen=True)
class Fallback:
    """When the likeliest intent is set aside, by JointClassifier or Rasa's FallbackClassifier.

    Attributes:
        threshold: the confidence below which it is.
        ambiguity: how far apart the first two intents must be.
        strange: whether messages far from every intent are set aside too.
    """

    threshold: float = 0.0
    ambiguity: float = 0.0
    strange: bool = False

    def rejects(self, parse: Parse) -> bool:
        """Decide as the components do."""
        return self.applies(parse.ranking) or (self.strange and parse.is_strange)

    def applies(self, ranking: Sequence[RankedLabel]) -> bool:
        """Decide as `FallbackClassifier._should_fallback` does.

        Args:
            ranking: the intents, likeliest first; none of a text without a word, which counts as
                a confidence of 0.
        """
        first = ranking[0].confidence if ranking else 0.0
        if first < self.threshold:
            return True
        return len(ranking) > 1 and first - ranking[1].confidence < self.ambiguity


@dataclass(frozen=True)
class Prediction:
    """What a model made of one item.

    Attributes:
        label: the likeliest full label; empty where the model gave none.
        ranking: the intents, likeliest first.
        fallback: whether the bot would ask again.
        spans: the entities it found.
        strangeness: how far the message is from every intent; None where it is not measured.
        ms: how long reading took; None where the same text was read before.
    """

    label: str
    ranking: tuple[RankedLabel, ...]
    fallback: bool = False
    spans: tuple[Span, ...] = ()
    strangeness: float | None = None
    ms: float | None = field(default=None, compare=False)

    @property
    def confidence(self) -> float:
        """The probability of the likeliest intent; 0 where there is none."""
        return self.ranking[0].confidence if self.ranking else 0.0

    @property
    def margin(self) -> float:
        """How far the second intent is behind; 1 where there is none."""
        if len(self.ranking) < 2:
            return 1.0
        return self.ranking[0].confidence - self.ranking[1].confidence


def predict(
    scorer: Scorer,
    items: Sequence[Item],
    fallback: Fallback | None,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[Prediction, ...]:
    """Ask a model about every item, one after the other as a channel would.

    Args:
        scorer: the model.
        items: what it is asked.
        fallback: the rule of its pipeline; None where it has none.
        on_progress: called with the number of items done, after each.

    Returns:
        One prediction an item, in order. A text that occurs twice is read once.
    """
    rule = fallback or Fallback()
    scorer.parse(_WARM_UP)
    known: dict[str, Prediction] = {}
    found = []
    for number, item in enumerate(items, 1):
        if item.text in known:
            found.append(known[item.text])
        else:
            began = time.perf_counter()
            parse = scorer.parse(item.text)
            took = (time.perf_counter() - began) * 1000
            found.append(interpret(parse, rule, took))
            known[item.text] = interpret(parse, rule, None)
        if on_progress:
            on_progress(number)
    return tuple(found)


def interpret(parse: Parse, rule: Fallback, ms: float | None) -> Prediction:
    """Turn what a model says into what the bot would do."""
    return Prediction(
        label_of(parse), parse.ranking, rule.rejects(parse), parse.spans, parse.strangeness, ms
    )


def label_of(parse: Parse) -> str:
    """Give the likeliest full label: of a retrieval intent its likeliest answer."""
    if not parse.ranking:
        return ""
    intent = parse.ranking[0].name
    answers = [answer for answer in parse.responses if base_intent(answer.name) == intent]
    return answers[0].name if answers else intent
