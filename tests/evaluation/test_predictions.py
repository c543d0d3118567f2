from __future__ import annotations

import pytest
from made import item

from bot.evaluation.predictions import Fallback, label_of, predict
from bot.types import Parse, RankedLabel, Span


def ranked(*scores: float) -> tuple[RankedLabel, ...]:
    return tuple(RankedLabel(f"intent{place}", score) for place, score in enumerate(scores))


@pytest.mark.parametrize(
    ("rule", "scores", "applies"),
    [
        (Fallback(0.4, 0.1), (0.4, 0.2), False),  # at the threshold it is sure enough
        (Fallback(0.4, 0.1), (0.39, 0.2), True),
        (Fallback(0.4, 0.1), (0.5, 0.45), True),  # two are too close
        (Fallback(0.4, 0.1), (0.5,), False),  # nothing is close
        (Fallback(0.4, 0.1), (), True),
        (Fallback(), (), False),  # no rule, no fallback
    ],
)
def test_the_fallback_decides_as_rasa_does(
    rule: Fallback, scores: tuple[float, ...], applies: bool
) -> None:
    assert rule.applies(ranked(*scores)) is applies


def test_the_fallback_agrees_with_rasas_own_component() -> None:
    """Over a grid of confidences that holds both thresholds."""
    from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
    from rasa.shared.nlu.training_data.message import Message

    component = FallbackClassifier({"threshold": 0.4, "ambiguity_threshold": 0.1})
    rule = Fallback(0.4, 0.1)
    seen = set()
    for first in (0.2, 0.39, 0.4, 0.45, 0.5, 0.9):
        for second in (0.0, 0.1, 0.3, 0.35, 0.39, 0.4):
            if second > first:
                continue
            entries = [{"name": "a", "confidence": first}, {"name": "b", "confidence": second}]
            message = Message({"intent": entries[0], "intent_ranking": entries})
            (result,) = component.process([message])
            by_rasa = result.get("intent")["name"] == "nlu_fallback"
            assert rule.applies(ranked(first, second)) is by_rasa, (first, second)
            seen.add(by_rasa)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("parse", "label"),
    [
        (Parse(), ""),
        (Parse((RankedLabel("greet", 0.9),)), "greet"),
        (
            Parse(
                (RankedLabel("faq", 0.9), RankedLabel("chitchat", 0.1)),
                (RankedLabel("chitchat/joke", 1.0), RankedLabel("faq/b", 0.6)),
            ),
            "faq/b",
        ),
    ],
)
def test_the_label_is_the_full_one(parse: Parse, label: str) -> None:
    assert label_of(parse) == label


class Counting:
    """A model that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def parse(self, text: str) -> Parse:
        self.asked.append(text)
        score = 0.3 if "?" in text else 0.9
        return Parse((RankedLabel("greet", score),), (), (Span(0, 1, "letter"),))


def test_each_text_is_read_once_and_timed_once() -> None:
    model, done = Counting(), []  # type: ignore[var-annotated]
    items = [item("hi", "greet"), item("hm?", "greet"), item("hi", "greet")]
    found = predict(model, items, Fallback(0.4), done.append)
    assert model.asked[1:] == ["hi", "hm?"]  # the first call only warms up
    assert [p.fallback for p in found] == [False, True, False]
    assert [p.ms is None for p in found] == [False, False, True]
    assert found[0].spans == (Span(0, 1, "letter"),) and done == [1, 2, 3]
    assert [p.fallback for p in predict(model, items, None)] == [False] * 3
