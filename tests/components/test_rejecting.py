"""Messages are rejected in the way that Rasa's ranking, tests and fallback policies expect."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rasa.nlu.classifiers.fallback_classifier import (
    FallbackClassifier,
    is_fallback_classifier_prediction,
    undo_fallback_prediction,
)
from rasa.shared.nlu.training_data.message import Message

from bot.components.rejecting import RULE_KEY, STRANGENESS_KEY, decide
from bot.components.rejection_rule import RejectionRule
from bot.evaluation.predictions import Fallback
from bot.types import Parse, RankedLabel


def message(*confidences: float, rule: RejectionRule | None, strange: bool = False) -> Message:
    ranking = [{"name": f"i{n}", "confidence": c} for n, c in enumerate(confidences)]
    top = dict(ranking[0]) if ranking else {"name": None, "confidence": 0.0}
    data: dict[str, Any] = {
        "intent": top,
        "intent_ranking": ranking,
        STRANGENESS_KEY: {"score": 0.5, "is_strange": strange},
    }
    if rule:
        data[RULE_KEY] = rule
    return Message(data)


def test_it_decides_as_rasas_own_classifier_does() -> None:
    chance = random.Random(5)
    rejected = 0
    for _ in range(300):
        scores = sorted((round(chance.random(), 2) for _ in range(3)), reverse=True)
        ours = message(*scores, rule=RejectionRule(threshold=0.5, ambiguity_threshold=0.1))
        rasas = message(*scores, rule=None)
        decide(ours)
        FallbackClassifier({"threshold": 0.5, "ambiguity_threshold": 0.1}).process([rasas])
        assert ours.get("intent") == rasas.get("intent"), scores
        assert ours.get("intent_ranking") == rasas.get("intent_ranking"), scores
        rejected += ours.get("intent")["name"] == "nlu_fallback"
    assert 30 < rejected < 270, "both ways are tried"


def test_a_strange_message_is_rejected_however_sure_its_intent() -> None:
    found = message(0.98, 0.01, rule=RejectionRule(), strange=True)
    decide(found)
    assert is_fallback_classifier_prediction(found.data)
    assert undo_fallback_prediction(found.data)["intent"]["name"] == "i0"
    kept = message(0.98, 0.01, rule=RejectionRule(reject_strange=False), strange=True)
    decide(kept)
    assert kept.get("intent")["name"] == "i0"


def test_it_is_rejected_once_and_only_where_a_rule_stands() -> None:
    twice = message(0.2, 0.1, rule=RejectionRule())
    decide(twice)
    decide(twice)
    assert [label["name"] for label in twice.get("intent_ranking")].count("nlu_fallback") == 1
    without = message(0.2, 0.1, rule=None)
    decide(without)
    assert without.get("intent")["name"] == "i0"


def test_a_text_without_a_word_is_rejected() -> None:
    empty = message(rule=RejectionRule())
    decide(empty)
    assert empty.get("intent")["name"] == "nlu_fallback"


@pytest.mark.parametrize("strange", [True, False])
@pytest.mark.parametrize("scores", [(0.9, 0.05), (0.3, 0.2), (0.5, 0.48)])
def test_an_evaluation_decides_in_the_same_way(scores: tuple[float, ...], strange: bool) -> None:
    found = message(*scores, rule=RejectionRule(), strange=strange)
    decide(found)
    ranking = tuple(RankedLabel(f"i{n}", score) for n, score in enumerate(scores))
    rejects = Fallback(0.4, 0.05, strange=True).rejects(Parse(ranking, is_strange=strange))
    assert rejects is (found.get("intent")["name"] == "nlu_fallback")
