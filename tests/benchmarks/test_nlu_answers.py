"""Scores of the benchmark are those that Rasa's reports and scikit-learn give."""

from __future__ import annotations

import random

import pytest
from sklearn.metrics import f1_score

from benchmarks.nlu import outside_scores
from benchmarks.nlu_answers import answer, best, macro_f1, scores, token_f1
from bot.types import Span


def test_macro_f1_is_that_of_scikit_learn() -> None:
    chance = random.Random(3)
    truth = [chance.choice("abcd") for _ in range(200)]
    found = [true if chance.random() < 0.7 else chance.choice("abcde") for true in truth]
    assert macro_f1(truth, found) == pytest.approx(f1_score(truth, found, average="macro"))


def test_token_f1_is_the_weighted_one_without_the_words_of_no_entity() -> None:
    texts = ["fly to new york now", "new shoes"]
    gold = [[Span(7, 15, "city"), Span(16, 19, "time")], []]
    found = [[Span(7, 10, "city")], [Span(0, 3, "city")]]
    truth = ["O", "O", "city", "city", "time", "O", "O"]
    said = ["O", "O", "city", "O", "O", "city", "O"]
    expected = f1_score(truth, said, labels=["city", "time"], average="weighted", zero_division=0)
    assert token_f1(texts, gold, found) == pytest.approx(expected)


def test_a_rejected_message_is_scored_by_its_likeliest_intent() -> None:
    parse = {
        "intent": {"name": "nlu_fallback", "confidence": 0.9},
        "intent_ranking": [
            {"name": "nlu_fallback", "confidence": 0.9},
            {"name": "greet", "confidence": 0.6},
        ],
        "entities": [],
    }
    assert best(parse)["name"] == "greet"
    assert answer(parse)["rejected"]
    found = scores([{"text": "hi", "intent": "greet", "entities": []}], [parse])
    assert found["accuracy"] == 1.0
    assert "span_f1" not in found


def test_rejections_cost_in_scope_what_they_refuse() -> None:
    def said(intent: str, strange: float, rejected: bool) -> dict[str, object]:
        return {"intent": intent, "confidence": 0.5, "strange": strange, "rejected": rejected}

    row = {
        "right": "1101",
        "inside": [
            said("a", 0.1, False),
            said("a", 0.8, True),
            said("b", 0.2, False),
            said("b", 0.3, False),
        ],
        "outside": [said("a", 0.9, True), said("oos", 0.7, False), said("b", 0.25, False)],
    }
    found = outside_scores(row)
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["accuracy"] == 0.75
    assert found["kept"] == 0.5
    assert found["auroc"] == pytest.approx(9 / 12)
