"""The paired tests behind the gate, against values that were worked out by hand or by others."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from sklearn.metrics import f1_score

from bot.evaluation.outcome import EntityCounts, Evaluation, IntentOutcome
from bot.evaluation.paired import bootstrap, intent_changes, mcnemar, shared_level, weighted_f1


@pytest.mark.parametrize(
    ("for_it", "against", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1 / 2),
        (5, 0, 1 / 32),
        (0, 5, 1.0),
        (9, 1, 11 / 1024),
        (3, 3, (20 + 15 + 6 + 1) / 64),
        (1000, 900, sum(comb(1900, k) for k in range(1000, 1901)) / 2**1900),
    ],
)
def test_mcnemar_is_a_coin(for_it: int, against: int, p_value: float) -> None:
    assert mcnemar(for_it, against) == pytest.approx(p_value, rel=1e-12)


def test_both_directions_share_the_even_outcome() -> None:
    for gained in range(6):
        even = comb(5, gained) / 32
        assert mcnemar(gained, 5 - gained) + mcnemar(5 - gained, gained) == pytest.approx(1 + even)


def test_weighted_f1_is_that_of_scikit_learn() -> None:
    chance = np.random.default_rng(3)
    truth, said = (chance.choice(list("abcde"), 60).tolist() for _ in range(2))
    said[4] = ""  # no label at all
    expected = f1_score(truth, said, average="weighted", labels=sorted(set(truth)))
    assert weighted_f1(np.ones((1, 60)), truth, said)[0] == pytest.approx(expected)
    counts = chance.integers(0, 4, (5, 60))
    for row, found in zip(counts, weighted_f1(counts.astype(float), truth, said), strict=True):
        again = [np.repeat(labels, row) for labels in (truth, said)]
        labels = sorted(set(again[0]))
        assert found == pytest.approx(f1_score(*again, average="weighted", labels=labels))


def test_the_bootstrap_is_seeded_and_sees_a_clear_difference() -> None:
    same = [("a", "a", "a")] * 40 + [("b", "b", "b")] * 40
    better = [*same, *[("a", "b", "a")] * 12]
    drawn = bootstrap(better, 0.05, 1, 500)
    assert drawn == bootstrap(better, 0.05, 1, 500)
    assert drawn != bootstrap(better, 0.05, 2, 500)
    assert drawn.difference > 0 and drawn.low > 0
    assert drawn.p_better == pytest.approx(1 / 501) and drawn.p_worse == 1.0


def test_the_bootstrap_of_two_equal_models_says_nothing() -> None:
    drawn = bootstrap([("a", "a", "a"), ("a", "b", "b")] * 20, 0.05, 1, 200)
    assert (drawn.difference, drawn.low, drawn.high) == (0, 0, 0)
    assert drawn.p_better == drawn.p_worse == 1.0


def test_the_bootstrap_agrees_with_one_that_draws_items() -> None:
    chance = np.random.default_rng(5)
    labels = np.array(list("abc"))
    truth = chance.integers(0, 3, 90)
    live = np.where(chance.random(90) < 0.8, truth, (truth + 1) % 3)
    new = np.where(chance.random(90) < 0.85, truth, (truth + 2) % 3)
    triples = list(zip(labels[truth], labels[live], labels[new], strict=True))
    drawn = bootstrap(triples, 0.05, 1, 4000)
    one = np.ones((1, 90))
    slow = []
    for _ in range(1500):
        rows = chance.integers(0, 90, 90)
        f1 = [weighted_f1(one, labels[truth[rows]], labels[x[rows]])[0] for x in (live, new)]
        slow.append(f1[1] - f1[0])
    assert drawn.low == pytest.approx(np.quantile(slow, 0.05), abs=0.012)
    assert drawn.high == pytest.approx(np.quantile(slow, 0.95), abs=0.012)


def test_tarone_leaves_out_what_can_never_reach_the_level() -> None:
    # 2 ** -5 is below 0.05; four differing messages cannot reach it.
    assert shared_level({"one": 5, **{f"small{n}": 4 for n in range(50)}}, 0.05) == 0.05
    # Two can reach 0.05, and both still reach 0.025: both are counted.
    assert shared_level({"one": 6, "two": 6}, 0.05) == 0.025
    # Two can reach 0.05, but only one of them 0.025: half the level serves that one.
    assert shared_level({"one": 9, "two": 5}, 0.05) == 0.025
    assert shared_level({}, 0.05) == 0.05
    # Where every test can reach every level, it is Bonferroni's.
    assert shared_level({str(n): 100 for n in range(40)}, 0.05) == pytest.approx(0.05 / 40)


def outcomes(pattern: dict[str, str]) -> tuple[IntentOutcome, ...]:
    """Give one item for each letter: `+` is right, `-` is wrong."""
    return tuple(
        IntentOutcome(f"{name}{place}", name, name if letter == "+" else "other", 0.9, False)
        for name, letters in pattern.items()
        for place, letter in enumerate(letters)
    )


def measured(pattern: dict[str, str]) -> Evaluation:
    return Evaluation(
        "m", "d", outcomes(pattern), EntityCounts(), ("a", "b"), 0, 0, 0.0, 0.0, 1.0, 2.0, 3.0
    )


def test_an_intent_that_lost_its_messages_is_found_and_a_small_one_is_not_judged() -> None:
    live = measured({"a": "++++++++", "b": "+++++-++", "c": "+++"})
    candidate = measured({"a": "--------", "b": "-++++++-", "c": "---"})
    found = {c.intent: c for c in intent_changes(candidate, live, 5, 0.05)}
    assert set(found) == {"a", "b"}
    assert found["a"].beyond_chance and found["a"].loss == 1.0
    assert found["a"].p_value == 2**-8
    assert (found["b"].lost, found["b"].gained, found["b"].beyond_chance) == (2, 1, False)
    assert found["b"].loss == pytest.approx(1 / 8)


def test_forty_intents_of_equal_models_are_accused_less_often_than_the_level() -> None:
    chance = np.random.default_rng(11)
    accused, repeats = 0, 400
    for _ in range(repeats):
        flips = chance.random((2, 40, 20)) < 0.15
        pair = [
            measured({f"i{n}": "".join("-" if bad else "+" for bad in row[n]) for n in range(40)})
            for row in flips
        ]
        accused += any(c.beyond_chance for c in intent_changes(*pair, 5, 0.05))
    assert accused / repeats <= 0.05 + 2 * (0.05 * 0.95 / repeats) ** 0.5
    assert accused > 0  # else it would find nothing at all
