from __future__ import annotations

import numpy as np
import pytest

from bot.evaluation.intents import LabelCounts, averages, confusions, intent_scores
from bot.evaluation.intervals import bootstrap, f1_interval, percentile_interval, wilson

TRUTH = ["a", "a", "a", "b", "b", "c"]
SAID = ["a", "a", "b", "b", "", "d"]


def test_precision_recall_and_f1_of_each_label_by_hand() -> None:
    scores = {score.intent: score for score in intent_scores(TRUTH, SAID)}
    assert list(scores) == ["a", "b", "c", "d"]
    a, b = scores["a"], scores["b"]
    assert (a.precision.value, a.recall.value, a.f1.value) == (1.0, 2 / 3, 0.8)
    assert (b.precision.value, b.recall.value, b.f1.value) == (0.5, 0.5, 0.5)
    assert (scores["c"].f1.value, scores["c"].true, scores["c"].predicted) == (0.0, 1, 0)
    assert (scores["d"].f1.value, scores["d"].true, scores["d"].predicted) == (0.0, 0, 1)


def test_averages_by_hand() -> None:
    found = averages(TRUTH, SAID)
    assert found.accuracy.value == 0.5
    assert found.weighted_f1.value == pytest.approx((3 * 0.8 + 2 * 0.5) / 6)
    assert found.macro_f1.value == pytest.approx((0.8 + 0.5 + 0) / 3)
    for share in (found.accuracy, found.weighted_f1, found.macro_f1):
        assert 0 <= share.low < share.value < share.high <= 1


def test_averages_agree_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    chance = np.random.default_rng(1)
    truth = chance.choice(list("abcde"), 200).tolist()
    said = [t if chance.random() < 0.7 else str(chance.choice(list("abcde"))) for t in truth]
    found = averages(truth, said)
    assert found.weighted_f1.value == pytest.approx(f1_score(truth, said, average="weighted"))
    assert found.macro_f1.value == pytest.approx(f1_score(truth, said, average="macro"))


def test_a_weighting_of_items_is_the_same_as_repeating_them() -> None:
    weights = np.array([[2.0], [0.0], [1.0], [3.0], [0.0], [0.0]])
    repeated = [place for place, times in enumerate(weights[:, 0]) for _ in range(int(times))]
    truth, said = [TRUTH[i] for i in repeated], [SAID[i] for i in repeated]
    for weighted, name in ((True, "weighted_f1"), (False, "macro_f1")):
        value = LabelCounts(TRUTH, SAID).mean_f1(weights, weighted=weighted)[0]
        assert value == pytest.approx(getattr(averages(truth, said), name).value)


def test_confusions_are_sorted_by_how_common_they_are() -> None:
    found = confusions(["a", "b", "b", "a"], ["b", "a", "a", "a"])
    assert [(c.truth, c.predicted, c.places) for c in found] == [
        ("b", "a", (1, 2)),
        ("a", "b", (0,)),
    ]


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # Wilson's formula, worked out by hand
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval(right: int, total: int, low: float, high: float) -> None:
    found = wilson(right, total)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_perfect_f1_on_few_messages_is_not_certain() -> None:
    few, many = f1_interval(3, 3, 3), f1_interval(300, 300, 300)
    assert few.high == many.high == 1.0
    assert few.low < 0.65 < 0.98 < many.low  # J = 3/3: 0.438 and F1 2*0.438/1.438 = 0.609
    assert few.low == pytest.approx(2 * wilson(3, 3).low / (1 + wilson(3, 3).low))


def test_the_f1_interval_covers_the_truth() -> None:
    """Of 400 samples from a known confusion, about 95 % of the intervals hold the true F1."""
    chance = np.random.default_rng(5)
    shares = np.array([0.12, 0.04, 0.03, 0.81])  # right, missed, wrongly said, neither
    true_f1 = 2 * 0.12 / (2 * 0.12 + 0.04 + 0.03)
    held = 0
    for right, missed, extra, _ in chance.multinomial(300, shares, size=400):
        found = f1_interval(int(right), int(right + extra), int(right + missed))
        held += found.low <= true_f1 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_bootstrap_is_seeded_and_near_the_known_spread() -> None:
    values = np.arange(100) / 100

    def mean(weights):  # type: ignore[no-untyped-def]
        return values @ weights / 100

    samples = bootstrap(100, mean, replicates=2000, seed=3)
    assert (samples == bootstrap(100, mean, replicates=2000, seed=3)).all()
    assert samples.std() == pytest.approx(values.std() / 10, rel=0.1)
    found = percentile_interval(samples)
    assert found.low == pytest.approx(values.mean() - 1.96 * values.std() / 10, abs=0.005)
