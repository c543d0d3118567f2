"""Keeping examples apart."""

from __future__ import annotations

from collections import Counter

from bot.ml.splitting import MINIMUM, split_for_validation
from bot.types import Example

EXAMPLES = [Example(f"text {i}", f"intent_{i % 4}") for i in range(200)]


def split(
    share: float, seed: int = 1, examples: list[Example] = EXAMPLES
) -> tuple[list[Example], list[Example]]:
    return split_for_validation(examples, share, seed)


def test_every_example_is_on_one_side_in_its_order() -> None:
    learn, kept = split(0.2)
    assert sorted([*learn, *kept], key=EXAMPLES.index) == EXAMPLES
    assert learn == sorted(learn, key=EXAMPLES.index)
    assert kept == sorted(kept, key=EXAMPLES.index)


def test_every_label_gives_its_share() -> None:
    _, kept = split(0.2)
    assert Counter(example.intent for example in kept) == {f"intent_{i}": 10 for i in range(4)}


def test_the_seed_decides() -> None:
    assert split(0.2, seed=1) == split(0.2, seed=1)
    assert split(0.2, seed=1) != split(0.2, seed=2)


def test_the_order_of_other_labels_does_not_matter() -> None:
    mixed = EXAMPLES[100:] + EXAMPLES[:100]
    assert len(split(0.2, examples=mixed)[1]) == 40


def test_what_was_kept_apart_stays_apart_when_examples_come_and_go() -> None:
    _, before = split(0.2)
    added = [Example(f"new {i}", f"intent_{i % 4}") for i in range(20)]
    learn, _ = split(0.2, examples=[*added, *EXAMPLES[8:]])
    moved = [example for example in before if example in learn]
    assert len(moved) <= 6  # of 40: where the new ones rank before them


def test_half_an_emoji_can_be_ranked() -> None:
    odd = [Example(f"\ud83d {i}", "odd") for i in range(100)]
    assert len(split(0.2, examples=odd)[1]) == 20


def test_labels_with_too_few_examples_give_none() -> None:
    rare = [Example(f"rare {i}", "rare") for i in range(5)]
    learn, kept = split(0.19, examples=EXAMPLES + rare)
    assert len(kept) == 36
    assert all(example in learn for example in rare)


def test_so_few_that_they_prove_nothing_are_all_learned_from() -> None:
    assert split(0.09)[1] == []  # 4 x 4 = 16
    assert len(split(0.1)[1]) == MINIMUM == 20
    assert split(0.0) == (EXAMPLES, [])


def test_examples_without_intent_are_split_too() -> None:
    _, kept = split(0.5, examples=[Example(f"t {i}") for i in range(40)])
    assert len(kept) == 20


def test_a_share_that_binary_fractions_miss_is_rounded_right() -> None:
    hundred = [Example(f"{i}", "one") for i in range(100)]
    assert 100 * 0.29 < 29
    _, kept = split(0.29, examples=hundred)
    assert len(kept) == 29
