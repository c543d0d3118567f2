from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.feedback.settling import NOTHING, Annotation, agreement, needed, settle


def said(id: int, label: str | None = "a", status: str = "submitted", **more: Any) -> Annotation:
    entities = more.pop("entities", [])
    return Annotation(id, f"r{id}", status, label, entities, **more)


AMOUNT = {"start": 0, "end": 2, "entity": "amount"}


@pytest.mark.parametrize(
    ("annotations", "wanted", "expected"),
    [
        ([], 1, ("open", None)),
        ([said(1)], 1, ("accepted", 1)),
        ([said(1)], 2, ("open", None)),
        ([said(2), said(1)], 2, ("accepted", 1)),
        ([said(1), said(2, "b")], 2, ("disputed", None)),
        ([said(1), said(2, "b")], 1, ("disputed", None)),
        ([said(1, status="draft")], 1, ("open", None)),
        ([said(1, status="skipped"), said(2)], 1, ("accepted", 2)),
        ([said(1, None, "discarded")], 1, ("discarded", None)),
        ([said(1, None, "discarded"), said(2)], 2, ("disputed", None)),
        ([said(1, None, "discarded"), said(2, None, "discarded")], 2, ("discarded", None)),
        ([said(1, entities=[AMOUNT]), said(2)], 2, ("disputed", None)),
        (
            [
                said(1, entities=[AMOUNT]),
                said(2, entities=[{**AMOUNT, "role": None, "value": "x"}]),
            ],
            2,
            ("accepted", 1),
        ),
        ([said(1), said(2, "b"), said(3, "c", adjudicates=True)], 2, ("accepted", 3)),
        ([said(1), said(2, None, "discarded", adjudicates=True)], 2, ("discarded", None)),
        ([said(1, adjudicates=True), said(2, "b", adjudicates=True)], 2, ("accepted", 2)),
    ],
)
def test_what_annotations_come_to(
    annotations: list[Annotation], wanted: int, expected: tuple[str, int | None]
) -> None:
    assert settle(annotations, wanted) == expected


ANNOTATIONS = st.lists(
    st.builds(
        Annotation,
        st.integers(1, 9),
        st.just("r"),
        st.sampled_from(["draft", "submitted", "discarded", "skipped"]),
        st.sampled_from(["a", "b"]),
        st.just(()),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda a: a.id,
)


@given(ANNOTATIONS, st.integers(1, 2), st.randoms())
def test_the_order_does_not_matter(annotations: list[Annotation], wanted: int, chance: Any) -> None:
    first = settle(annotations, wanted)
    chance.shuffle(annotations)
    assert settle(annotations, wanted) == first
    by_id = {a.id: a for a in annotations}
    assert (first[0] == "accepted") == (first[1] is not None)
    if first[1] is not None:
        assert by_id[first[1]].status == "submitted"


def test_the_share_of_two_answers_is_as_asked_for_and_stays() -> None:
    keys = [f"key-{n}" for n in range(20_000)]
    chosen = {key for key in keys if needed(key, 0.05) == 2}
    assert len(chosen) / len(keys) == pytest.approx(0.05, abs=0.006)
    assert chosen < {key for key in keys if needed(key, 0.2) == 2}, "a larger share keeps them"
    assert not any(needed(key, 0.0) == 2 for key in keys)


def pair(one: str, other: str) -> Any:
    return (one, frozenset()), (other, frozenset())


def test_kappa_is_that_of_the_book() -> None:
    # 20 yes/yes, 15 no/no, 5 + 10 that differ: pooled shares of 0.55 and 0.45
    pairs = [pair("y", "y")] * 20 + [pair("y", "n")] * 5 + [pair("n", "y")] * 10
    found = agreement(pairs + [pair("n", "n")] * 15)
    assert (found.pairs, found.agreed, found.share) == (50, 35, 0.7)
    assert found.kappa == pytest.approx((0.7 - 0.505) / (1 - 0.505))


def test_kappa_says_nothing_where_chance_explains_everything() -> None:
    assert agreement([pair("y", "y")] * 3).kappa is None
    assert agreement([]).kappa is None
    assert agreement([pair("y", "n"), pair("n", "y")]).kappa == -1.0
    discarded = agreement([(NOTHING, ("y", frozenset())), (NOTHING, NOTHING)])
    assert discarded.agreed == 1
