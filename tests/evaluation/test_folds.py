"""Folds of training examples: what belongs together is never parted."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ProjectError
from bot.evaluation.folds import Folds, Labelled, groups_of, make_folds, nested_subsets

EXAMPLES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 12)), min_size=1, max_size=60
).map(lambda rows: [Labelled(f"text {n}", *row) for n, row in enumerate(rows)])


def parted(examples: list[Labelled], count: int, seed: int) -> Folds | None:
    """Folds; None where there are too few groups for so many."""
    try:
        return make_folds(examples, count, seed)
    except ProjectError:
        return None


def plain(counts: dict[str, int]) -> list[Labelled]:
    labels = [label for label, count in counts.items() for _ in range(count)]
    return [Labelled(f"{label} {n}", label, n) for n, label in enumerate(labels)]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40))
def test_groups_are_what_links_connect(count: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [pair for pair in pairs if max(pair) < count]
    found = groups_of(count, pairs)
    reached = {place: {place} for place in range(count)}
    for _ in range(count):
        for one, other in pairs:
            both = reached[one] | reached[other]
            for place in both:
                reached[place] = both
    assert list(found) == [min(reached[place]) for place in range(count)]


@settings(max_examples=300, deadline=None)
@given(EXAMPLES, st.integers(2, 5), st.integers(0, 3))
def test_a_group_is_in_one_fold_and_each_tested_label_is_learned(
    examples: list[Labelled], count: int, seed: int
) -> None:
    folds = parted(examples, count, seed)
    if folds is None:
        return
    of_group = defaultdict(set)
    for example, fold in zip(examples, folds.fold_of, strict=True):
        of_group[example.group].add(fold)
    assert all(len(found) == 1 for found in of_group.values())
    measured = set()
    for fold in range(count):
        tested, trained = folds.tested(fold), folds.trained(fold)
        assert sorted([*tested, *trained]) == list(range(len(examples)))
        assert {examples[p].label for p in tested} <= {examples[p].label for p in trained}
        measured |= {examples[p].label for p in tested}
    assert set(folds.unmeasured) == {example.label for example in examples} - measured


@settings(max_examples=100, deadline=None)
@given(EXAMPLES, st.integers(2, 4), st.randoms(use_true_random=False))
def test_the_order_of_the_examples_does_not_matter(
    examples: list[Labelled], count: int, chance: random.Random
) -> None:
    folds = parted(examples, count, 1)
    order = list(range(len(examples)))
    chance.shuffle(order)
    names = {group: n for n, group in enumerate(dict.fromkeys(examples[p].group for p in order))}
    again = [Labelled(examples[p].text, examples[p].label, names[examples[p].group]) for p in order]
    other = parted(again, count, 1)
    if folds is None or other is None:
        assert folds is other
        return
    assert [folds.fold_of[place] for place in order] == list(other.fold_of)
    for share in (0.3, 0.7):
        (one,) = nested_subsets(examples, range(len(examples)), [share], 1)
        (two,) = nested_subsets(again, range(len(examples)), [share], 1)
        assert set(one) == {order[place] for place in two}


def test_each_fold_has_its_share_of_every_label() -> None:
    examples = plain({"many": 50, "some": 10, "few": 5, "two": 2})
    folds = make_folds(examples, 5, 42)
    for fold in range(5):
        counts = Counter(examples[place].label for place in folds.tested(fold))
        assert (counts["many"], counts["some"], counts["few"]) == (10, 2, 1)
        assert counts["two"] <= 1
    assert folds.unmeasured == ()


def test_the_seed_decides() -> None:
    examples = plain({"a": 20, "b": 20})
    assert make_folds(examples, 4, 1) == make_folds(examples, 4, 1)
    assert make_folds(examples, 4, 1) != make_folds(examples, 4, 2)


def test_a_label_with_one_group_stays_in_training_and_is_named() -> None:
    alike = [Labelled("hi", "greet", 90), Labelled("hi!", "greet", 90)]
    folds = make_folds([*plain({"a": 6, "b": 6}), *alike], 3, 42)
    assert folds.unmeasured == ("greet",)
    assert folds.fold_of[-2:] == (None, None) and None not in folds.fold_of[:-2]
    assert all({12, 13} <= set(folds.trained(fold)) for fold in range(3))


def test_what_is_like_an_example_that_stays_in_training_is_not_tested() -> None:
    mixed = [Labelled("ok", "sole", 90), Labelled("okay", "a", 90)]
    folds = make_folds([*plain({"a": 6}), *mixed], 2, 42)
    assert folds.fold_of[-2:] == (None, None) and folds.unmeasured == ("sole",)


def test_a_group_that_would_leave_a_label_without_training_is_not_tested() -> None:
    sizes = [("a", 0, 5), ("c", 1, 4), ("d", 2, 4), ("a", 3, 1), ("c", 3, 1), ("d", 3, 1)]
    examples = [
        Labelled(f"{label} {group} {n}", label, group)
        for label, group, count in sizes
        for n in range(count)
    ]
    folds = make_folds(examples, 2, 42)  # `a` alone in one fold, `c` and `d` in the other
    assert folds.fold_of[-3:] == (None, None, None) and folds.unmeasured == ()
    assert None not in folds.fold_of[:-3]


@pytest.mark.parametrize("count", [0, 1, 13])
def test_too_few_or_too_many_folds(count: int) -> None:
    with pytest.raises(ProjectError, match=f"12 groups .* into {count} folds.* at most 12"):
        make_folds(plain({"a": 6, "b": 6}), count, 42)


def test_nothing_can_be_tested_where_each_label_has_one_group() -> None:
    with pytest.raises(ProjectError, match="0 groups"):
        make_folds(plain({"a": 1, "b": 1}), 2, 42)


@settings(max_examples=200, deadline=None)
@given(EXAMPLES, st.integers(0, 3))
def test_smaller_parts_lie_within_larger_ones(examples: list[Labelled], seed: int) -> None:
    places = range(0, len(examples), 2)
    parts = nested_subsets(examples, places, (0.25, 0.5, 1.0), seed)
    assert parts[-1] == tuple(places)
    for share, part, larger in zip((0.25, 0.5), parts, parts[1:], strict=False):
        assert set(part) <= set(larger)
        groups = {examples[place].group for place in part}
        assert {place for place in places if examples[place].group in groups} == set(part)
        total = Counter(examples[place].label for place in places)
        kept = Counter(examples[place].label for place in part)
        assert all(kept[label] >= share * count for label, count in total.items())


def test_a_part_is_hardly_larger_than_asked_for() -> None:
    examples = plain({"a": 40, "b": 8, "c": 1})
    quarter, half = nested_subsets(examples, range(49), (0.25, 0.5), 42)
    assert (len(quarter), len(half)) == (10 + 2 + 1, 20 + 4 + 1)
