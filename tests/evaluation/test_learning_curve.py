"""Learning curves of made-up messages whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from bot.evaluation.intents import Share
from bot.evaluation.intervals import paired_difference
from bot.evaluation.learning_curve import (
    HELPS,
    NO_LONGER,
    UNKNOWN,
    LearningCurve,
    learning_curve,
    verdict_on,
)
from bot.evaluation.paired import mcnemar_two_sided

SIZES = (250.0, 500.0, 1000.0)


def drawn(rates: dict[str, tuple[float, float, float]], each: int, seed: int = 1) -> LearningCurve:
    """Messages whose chance to be right at each size is given; one draw a message."""
    chance = np.random.default_rng(seed)
    labels = [label for label in rates for _ in range(each)]
    luck = chance.random(len(labels))
    right = [
        [bool(luck[n] < rates[label][size]) for n, label in enumerate(labels)] for size in range(3)
    ]
    return learning_curve(labels, range(len(labels)), right, SIZES)


def test_what_grows_is_told_from_what_does_not_and_from_what_nobody_knows() -> None:
    curve = drawn({"grows": (0.3, 0.5, 0.8), "is_done": (0.98, 0.99, 0.99)}, 120)
    assert {one.intent: one.verdict for one in curve.intents} == {
        "grows": HELPS,
        "is_done": NO_LONGER,
    }
    assert curve.intents[0].intent == "grows"
    assert curve.intents[0].gain.low < 0.3 < curve.intents[0].gain.high
    few = drawn({"grows": (0.3, 0.5, 0.8), "is_done": (1.0, 1.0, 1.0)}, 6)
    assert [one.verdict for one in few.intents] == [UNKNOWN, UNKNOWN]


def test_errors_that_fall_as_a_power_are_forecast() -> None:
    rates = {f"intent_{n}": (1 - 0.4, 1 - 0.2, 1 - 0.1) for n in range(20)}  # halved each time
    curve = drawn(rates, 100)
    assert curve.verdict == HELPS
    assert curve.forecast.low < 0.95 < curve.forecast.high
    assert curve.forecast.high - curve.forecast.low < 0.04
    assert [point.examples for point in curve.points] == list(SIZES)
    assert curve.points[-1].right.value == pytest.approx(0.9, abs=0.02)
    assert curve.by_chance == pytest.approx(0.5)


def test_where_nothing_is_left_to_learn_a_doubling_brings_nothing() -> None:
    curve = drawn({f"intent_{n}": (0.9, 0.9, 0.9) for n in range(10)}, 100)
    assert curve.verdict == NO_LONGER and curve.gain.value == 0
    assert curve.forecast.value == pytest.approx(curve.points[-1].right.value)


def test_a_model_without_a_mistake_can_be_forecast() -> None:
    curve = drawn({"a": (1.0, 1.0, 1.0)}, 20)
    assert 0.9 < curve.forecast.value <= 1
    assert curve.verdict == UNKNOWN  # 20 messages rule out no gain of a point


def test_intents_that_do_not_grow_are_rarely_said_to() -> None:
    """Right or wrong at each size by a throw of its own: the worst that chance can do."""
    chance = np.random.default_rng(3)
    labels = [f"intent_{n}" for n in range(400) for _ in range(25)]
    right = [(chance.random(len(labels)) < 0.8).tolist() for _ in range(3)]
    curve = learning_curve(labels, range(len(labels)), right, SIZES)
    told = sum(one.verdict == HELPS for one in curve.intents)
    assert told <= 2 * curve.by_chance and curve.by_chance == pytest.approx(10)


def test_messages_that_are_nearly_the_same_count_as_one() -> None:
    wrong_then_right = [[False] * 30, [False] * 30, [True] * 30]
    apart = learning_curve(["a"] * 30, range(30), wrong_then_right, SIZES)
    one_group = learning_curve(["a"] * 30, [7] * 30, wrong_then_right, SIZES)
    assert apart.intents[0].verdict == HELPS
    assert (one_group.intents[0].messages, one_group.intents[0].groups) == (30, 1)
    assert one_group.intents[0].verdict == UNKNOWN
    assert one_group.intents[0].gain.high - one_group.intents[0].gain.low > 0.5


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.001, 0.2, HELPS),
        (0.0, 0.2, UNKNOWN),
        (-0.1, 0.05, UNKNOWN),
        (-0.1, 0.049, NO_LONGER),
        (0.001, 0.049, NO_LONGER),
    ],
)
def test_an_interval_with_both_answers_says_nothing(low: float, high: float, verdict: str) -> None:
    assert verdict_on(Share(low, low, high), 0.05) == verdict


def test_the_interval_of_a_paired_difference() -> None:
    sure = paired_difference(0, 0, 20)
    edge = 1.959963984540054**2
    assert (sure.low, sure.high) == (
        pytest.approx(-edge / (20 + edge)),
        pytest.approx(edge / (20 + edge)),
    )
    one, other = paired_difference(9, 2, 40), paired_difference(2, 9, 40)
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))
    assert one.low < 7 / 40 < one.high
    assert (paired_difference(0, 0, 0).low, paired_difference(0, 0, 0).high) == (-1, 1)
    all_gained = paired_difference(10, 0, 10)
    assert all_gained.high == pytest.approx(1) and all_gained.low > 0.4


@pytest.mark.parametrize(("gained", "lost"), [(12, 2), (9, 1), (30, 10)])
def test_an_interval_above_nothing_agrees_with_mcnemar(gained: int, lost: int) -> None:
    assert mcnemar_two_sided(gained, lost) < 0.05
    assert paired_difference(gained, lost, 100).low > 0


@pytest.mark.parametrize(
    ("total", "up", "down"), [(15, 0.15, 0.05), (40, 0.1, 0.1), (60, 0.3, 0.02)]
)
def test_the_interval_holds_the_truth_in_about_95_of_100(
    total: int, up: float, down: float
) -> None:
    chance = np.random.default_rng(5)
    draws = chance.multinomial(total, [up, down, 1 - up - down], size=600)
    spans = [paired_difference(int(gained), int(lost), total) for gained, lost, _ in draws]
    held = np.mean([span.low <= up - down <= span.high for span in spans])
    assert 0.925 <= held <= 0.995
