"""Wrong labels in the training data are found, and what people said about them stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.checked_labels import decide_label_check, label_checks
from bot.feedback.label_checks import Doubt, find_doubts, keep_doubts, unseen_probabilities
from bot.feedback.store import Store
from bot.feedback.training_files import TrainingExample


def clusters(
    n_labels: int = 6, each: int = 30, wrong: int = 9
) -> tuple[list[str], list[str], np.ndarray, set[int]]:
    """Labels that lie apart in space, some of the examples with another's label."""
    chance = np.random.default_rng(5)
    centres = chance.normal(size=(n_labels, 24))
    truth = np.repeat(np.arange(n_labels), each)
    vectors = centres[truth] + chance.normal(0, 0.35, (len(truth), 24))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = truth.copy()
    broken = chance.choice(len(truth), wrong, replace=False)
    given[broken] = (truth[broken] + 1) % n_labels
    texts = [f"text number {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(len(truth))]
    labels = [f"label_{number}" for number in given]
    return texts, labels, vectors.astype(np.float32), set(broken.tolist())


def test_wrong_labels_are_found_and_few_others() -> None:
    texts, labels, vectors, broken = clusters()
    doubts = find_doubts(texts, labels, vectors)
    places = {doubt.place for doubt in doubts}
    assert len(places & broken) >= 0.75 * len(broken)
    assert len(places - broken) <= 2
    scores = [doubt.score for doubt in doubts]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    right = {place: f"label_{(int(labels[place][-1]) - 1) % 6}" for place in broken}
    assert all(d.suggested == right[d.place] for d in doubts if d.place in broken)
    assert "takes it for label_" in doubts[0].words


def test_clean_data_leaves_no_doubts() -> None:
    texts, labels, vectors, _ = clusters(wrong=0)
    assert len(find_doubts(texts, labels, vectors)) <= 1


def test_judgements_come_from_models_that_have_not_seen_the_example() -> None:
    """A vector of its own with a label of its own is never recognised."""
    vectors = np.eye(40, dtype=np.float32)
    classes = np.arange(40) % 4
    shares = unseen_probabilities(vectors, classes)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert shares[np.arange(40), classes].max() < 0.5


def test_a_text_with_two_labels_is_doubtful_whatever_the_vectors_say() -> None:
    texts = ["Freeze my card", "freeze my card!", "freeze my card", "weather"]
    labels = ["freeze", "freeze", "close", "talk"]
    (doubt,) = find_doubts(texts, labels, np.eye(4, dtype=np.float32))
    assert (doubt.place, doubt.suggested) == (2, "freeze")
    assert doubt.words == "The same text is also an example of freeze."


def test_tiny_data_is_no_error() -> None:
    assert find_doubts([], [], np.zeros((0, 4), np.float32)) == []
    assert find_doubts(["a", "b"], ["x", "y"], np.eye(2, dtype=np.float32)) == []
    assert find_doubts(["a", "b"], ["x", "x"], np.eye(2, dtype=np.float32)) == []


EXAMPLES = [
    TrainingExample("freeze it", "close_card", (), "data/nlu/cards.yml", 7),
    TrainingExample("stop it", "close_card", (), "data/nlu/cards.yml", 8),
    TrainingExample("pay it", "greet", (), "data/nlu/pay.yml", 3),
]


def checks(store: Store) -> list[Any]:
    with store.read() as db:
        return list(db.execute(sa.select(t.label_checks).order_by(t.label_checks.c.text)))


def test_doubts_are_kept_until_they_are_none(any_store: Store) -> None:
    doubts = [Doubt(0, "freeze_card", 0.9, "because"), Doubt(2, "pay_bill", 0.8, "also")]
    assert keep_doubts(any_store, EXAMPLES, doubts, "m1") == 2
    first = checks(any_store)
    assert keep_doubts(any_store, EXAMPLES, doubts, "m1") == 2
    assert checks(any_store) == first
    assert [item["text"] for item in label_checks(any_store)["items"]] == ["freeze it", "pay it"]
    decide_label_check(any_store, "ana", first[0].id, "kept")
    assert keep_doubts(any_store, EXAMPLES, [Doubt(0, "x", 0.5, "new")], "m2") == 0
    (left,) = checks(any_store)  # the other is no doubt any more
    assert (left.text, left.status, left.suggested, left.reviewer) == (
        "freeze it",
        "kept",
        "freeze_card",
        "ana",
    )


def test_a_line_that_moved_is_followed(any_store: Store) -> None:
    keep_doubts(any_store, EXAMPLES, [Doubt(0, "freeze_card", 0.9, "because")], "m1")
    before = checks(any_store)[0]
    moved = [TrainingExample("freeze it", "close_card", (), "data/nlu/cards.yml", 70)]
    keep_doubts(any_store, moved, [Doubt(0, "freeze_card", 0.9, "because")], "m1")
    (after,) = checks(any_store)
    assert (after.id, after.line) == (before.id, 70)
