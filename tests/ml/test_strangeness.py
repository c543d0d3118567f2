"""Messages far from every intent are told from the rest, without having seen any."""

from __future__ import annotations

import numpy as np
import pytest

from bot.ml.heads import Heads
from bot.ml.strangeness import MOST_REFUSED, choose_threshold
from bot.ml.tagging import TagSet
from bot.ml.text import Word

WIDTH = 128


def heads(n_labels: int, out_of_scope: str = "", prefix: str = "i") -> Heads:
    """Labels that stand at right angles to each other."""
    labels = tuple(f"{prefix}{n:02}" for n in range(n_labels))
    weights = np.zeros((1, WIDTH), np.float32), np.zeros(1, np.float32)
    directions = np.eye(WIDTH, dtype=np.float32)[:n_labels]
    return Heads(labels, TagSet(()), directions, 20.0, *weights, out_of_scope=out_of_scope)


def near(model: Heads, rows: np.ndarray, spread: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(len(rows), WIDTH)) * spread / WIDTH**0.5
    vectors = model.prototypes[rows] + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_the_threshold_lies_between_messages_and_strangers() -> None:
    model = heads(20)
    rows = np.arange(600) % 20
    sentences = near(model, rows, 0.6)
    truth = [model.labels[row] for row in rows]
    found = choose_threshold(model, sentences, truth, wrong_answer_cost=5, validated=True)
    assert found is not None
    assert found.refused is not None
    assert found.refused <= MOST_REFUSED
    assert found.caught > 0.95
    assert (found.messages, found.strangers) == (600, 600)
    unseen = np.random.default_rng(1).normal(size=(500, WIDTH)).astype(np.float32)
    unseen /= np.linalg.norm(unseen, axis=1, keepdims=True)
    assert (model.strangeness(unseen @ model.prototypes.T) > found.above).mean() > 0.9


def test_a_dearer_wrong_answer_refuses_more() -> None:
    model = heads(20)
    rows = np.arange(800) % 20
    sentences = near(model, rows, 3.0)
    truth = [model.labels[row] for row in rows]

    def above(cost: float) -> float:
        found = choose_threshold(model, sentences, truth, wrong_answer_cost=cost, validated=True)
        assert found is not None
        return found.above

    assert above(0.01) > above(50)


def test_no_more_than_a_few_of_those_that_would_be_understood_are_refused() -> None:
    model = heads(20)
    rows = np.arange(1000) % 20
    truth = [model.labels[row] for row in rows]
    found = choose_threshold(
        model, near(model, rows, 4.0), truth, wrong_answer_cost=1000, validated=True
    )
    assert found is not None
    assert found.refused is not None
    assert 0 < found.refused <= MOST_REFUSED


def test_answers_of_one_intent_are_no_strangers_to_each_other() -> None:
    model = heads(6, prefix="faq/q")  # six labels, one intent
    rows = np.arange(60) % 6
    truth = [model.labels[row] for row in rows]
    assert (
        choose_threshold(model, near(model, rows, 0.5), truth, wrong_answer_cost=5, validated=True)
        is None
    )


def test_messages_known_to_be_out_of_scope_count_as_strangers() -> None:
    model = heads(10, out_of_scope="i09")
    cosines = np.zeros((2, 10), np.float32)
    cosines[0, 3], cosines[1, 9] = 0.8, 0.8
    inside, outside = model.strangeness(cosines)
    assert inside == pytest.approx(0.2)
    assert outside == pytest.approx(1.4)
    rows = np.arange(200) % 10
    truth = [model.labels[row] for row in rows]
    found = choose_threshold(
        model, near(model, rows, 0.5), truth, wrong_answer_cost=5, validated=True
    )
    assert found is not None
    assert (found.messages, found.strangers) == (180, 200)


def test_without_validation_only_strangers_decide() -> None:
    model = heads(10)
    rows = np.arange(200) % 10
    truth = [model.labels[row] for row in rows]
    found = choose_threshold(
        model, near(model, rows, 0.3), truth, wrong_answer_cost=5, validated=False
    )
    assert found is not None
    assert found.refused is None
    assert found.caught == pytest.approx(0.9, abs=0.01)


def test_a_parse_says_whether_it_is_strange_but_never_of_what_is_named_out_of_scope() -> None:
    from dataclasses import replace

    model = replace(heads(10, out_of_scope="i09"), strange_above=0.5)
    words = (Word(0, 5, 1, 2),)

    def parse(row: np.ndarray) -> tuple[str, bool]:
        found = model.parse(row, row[None], words)
        assert found.strangeness is not None
        return found.ranking[0].name, found.is_strange

    directions = model.prototypes
    assert parse(directions[2]) == ("i02", False)
    lost = np.full(WIDTH, WIDTH**-0.5, np.float32)
    assert parse(lost)[1]
    assert parse(directions[9]) == ("i09", False)
    silent = replace(model, strange_above=None).parse(lost, lost[None], words)
    assert silent.strangeness is None
    assert not silent.is_strange
