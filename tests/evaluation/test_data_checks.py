from __future__ import annotations

import numpy as np
import pytest
from made import NASTY, Doubt, Written, doubtful

from bot.evaluation.data_checks import check_data, close_intents
from bot.types import Span


def vectors(*rows: tuple[float, ...]) -> np.ndarray:  # type: ignore[type-arg]
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def check(examples: list[Written], **options):  # type: ignore[no-untyped-def]
    given = {
        "vectors": np.eye(max(1, len(examples)), dtype=np.float32)[: len(examples)],
        "doubts": [],
        "near": [],
        "declared_intents": [],
        "declared_entities": [],
    }
    return check_data(examples, **{**given, **options})


def test_every_kind_of_finding_is_there() -> None:
    found = doubtful()
    assert found.doubts[0].example.text == NASTY and found.doubts[0].suggested == "book"
    (pair,) = found.duplicates
    assert (pair.one.intent, pair.other.intent, pair.similarity) == ("greet", "book", 0.91)
    (leak,) = found.leaks
    assert (leak.one.text, leak.other.file, leak.other.line) == ("go", "tests/nlu/a.yml", 3)
    assert found.unused_intents == ("never_said",) and found.unused_entities == ("colour",)
    assert found.small == (("book", 1), ("greet", 1))
    assert found.findings == 1 + 1 + 1 + 2 + 1 + 1


def test_near_duplicates_of_one_intent_are_no_finding() -> None:
    same = [Written("hi", "greet"), Written("hi!", "greet")]
    assert check(same, near=[(0, 1, 1.0)]).duplicates == ()


def test_names_that_the_domain_does_not_declare() -> None:
    found = check([Written("hi", "greet", (Span(0, 2, "x"),))], declared_intents=["bye"])
    assert found.undeclared_intents == ("greet",) and found.undeclared_entities == ("x",)


def test_sizes_and_imbalance_by_hand() -> None:
    labels = ["big"] * 50 + ["one"] * 4 + ["two"] * 5 + ["three"] * 5
    found = check([Written(f"t{i}", label) for i, label in enumerate(labels)])
    assert found.small == (("one", 4),)
    assert found.large == () and found.imbalance == 50 / 5
    assert [name for name, _ in found.counts] == ["one", "three", "two", "big"]
    larger = [Written(f"t{i}", label) for i, label in enumerate([*labels, "big"])]
    assert check(larger).large == (("big", 51),)


def test_intents_in_the_same_region_are_named_closest_first() -> None:
    labels = ["a", "a", "b", "b", "c"]
    rows = vectors((1, 0.1), (1, -0.1), (1, 0.0), (1, 0.05), (0.0, 1))
    (pair,) = close_intents(rows, labels)
    assert (pair.one, pair.other) == ("a", "b") and pair.cosine > 0.999
    all_pairs = close_intents(rows, labels, threshold=-1.0)
    assert [p.cosine for p in all_pairs] == sorted((p.cosine for p in all_pairs), reverse=True)
    assert len(all_pairs) == 3 and close_intents(rows[:2], ["a", "a"]) == ()


def test_no_examples_are_no_error() -> None:
    found = check([], declared_intents=["greet"])
    assert (found.examples, found.imbalance, found.unused_intents) == (0, 0.0, ("greet",))


@pytest.mark.parametrize("score", [0.2, 0.9])
def test_doubts_keep_their_order_and_words(score: float) -> None:
    found = check([Written("hi", "greet")], doubts=[Doubt(0, "bye", score, "why")])
    assert (found.doubts[0].score, found.doubts[0].words) == (score, "why")
