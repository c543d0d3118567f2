from __future__ import annotations

import numpy as np
import pytest

from bot.evaluation.calibration import expected_calibration_error, reliability_bins
from bot.evaluation.rejecting import (
    Costs,
    auroc,
    cheapest,
    refusal_curve,
    strangeness,
    threshold_curve,
)
from bot.types import RankedLabel


def test_bins_have_equal_size_and_the_error_is_the_mean_gap() -> None:
    bins = reliability_bins([0.9, 0.2, 0.8, 0.4], [True, False, False, True], bins=2)
    assert [(b.confidence, b.accuracy, b.count) for b in bins] == [
        (pytest.approx(0.3), 0.5, 2),
        (pytest.approx(0.85), 0.5, 2),
    ]
    assert expected_calibration_error(bins) == pytest.approx((0.2 + 0.35) / 2)


def test_fifteen_bins_lose_no_message_and_few_messages_make_few_bins() -> None:
    assert sum(b.count for b in reliability_bins([0.5] * 100, [True] * 100)) == 100
    assert len(reliability_bins([0.5] * 100, [True] * 100)) == 15
    assert len(reliability_bins([0.1, 0.2], [True, True])) == 2
    assert reliability_bins([], []) == () and expected_calibration_error(()) == 0.0


def test_a_calibrated_model_has_a_small_error_and_an_overconfident_one_a_large() -> None:
    chance = np.random.default_rng(2)
    sure = chance.random(6000)
    right = chance.random(6000) < sure
    assert expected_calibration_error(reliability_bins(sure.tolist(), right.tolist())) < 0.03
    shy = reliability_bins([1.0] * 6000, right.tolist())
    assert expected_calibration_error(shy) == pytest.approx(1 - right.mean())


@pytest.mark.parametrize(
    ("scores", "positive", "value"),
    [
        ([0.9, 0.8, 0.1], [True, True, False], 1.0),
        ([0.1, 0.8, 0.9], [True, False, False], 0.0),
        ([0.5, 0.5], [True, False], 0.5),
        ([0.9, 0.3, 0.5, 0.1], [True, True, False, False], 0.75),  # 3 of 4 pairs are in order
        ([0.5], [True], None),
        ([], [], None),
    ],
)
def test_auroc_by_hand(scores: list[float], positive: list[bool], value: float | None) -> None:
    assert auroc(scores, positive) == value


def test_auroc_agrees_with_scikit_learn_and_with_the_area_below_the_curve() -> None:
    from sklearn.metrics import roc_auc_score

    chance = np.random.default_rng(4)
    scores = chance.integers(0, 20, 300) / 20  # with many ties
    positive = chance.random(300) < scores
    value = auroc(scores.tolist(), positive.tolist())
    assert value == pytest.approx(roc_auc_score(positive, scores))
    xs, ys = zip(*refusal_curve(scores.tolist(), positive.tolist()), strict=True)
    assert (xs[0], ys[0], xs[-1], ys[-1]) == (0, 0, 1, 1)
    assert np.trapz(ys, xs) == pytest.approx(value)


def test_a_message_is_strange_by_what_its_own_intents_lack() -> None:
    ranking = (RankedLabel("outside", 0.7), RankedLabel("greet", 0.2), RankedLabel("book", 0.1))
    assert strangeness(ranking, "outside") == pytest.approx(0.8)
    assert strangeness(ranking, "none") == pytest.approx(0.3)
    assert strangeness((), "outside") == 1.0


def test_the_threshold_curve_and_its_cheapest_point_by_hand() -> None:
    curve = threshold_curve(
        confidences=[0.9, 0.6, 0.5, 0.3],
        margins=[1.0, 1.0, 1.0, 1.0],
        right=[True, True, False, True],
        outside=[False, False, False, True],
        costs=Costs(5, 1),
    )
    at = {round(point.threshold, 2): point for point in curve}
    assert len(curve) == 101
    assert (at[0.0].answered, at[0.0].wrong, at[0.0].cost) == (1.0, 0.25, 1.25)
    assert (at[0.55].answered, at[0.55].wrong, at[0.55].needless) == (0.5, 0.0, 0.0)
    assert (at[0.7].needless, at[0.7].cost) == (0.25, 0.25)  # the one out of scope costs nothing
    assert cheapest(curve).threshold == 0.51  # the lowest of the free ones
    assert cheapest(curve, current=0.55).threshold == 0.55  # no reason to move
    assert cheapest(curve, current=0.9).threshold == 0.6


def test_the_ambiguity_threshold_stays() -> None:
    (first, *_) = threshold_curve([0.9, 0.9], [0.04, 0.5], [True, True], [False] * 2, Costs(), 0.05)
    assert (first.answered, first.needless) == (0.5, 0.5)
