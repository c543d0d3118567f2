"""How often the gate is wrong, with candidates of whom the truth is known."""

from __future__ import annotations

import pytest

from benchmarks.gate import CANDIDATES, draw, shares


def test_the_drawn_models_are_what_they_say() -> None:
    for name, points in (("equal", 0), ("3 points better", 3), ("2 points worse", -2)):
        pairs = [draw(CANDIDATES[name], 3000, seed) for seed in range(3)]
        found = sum(new.accuracy - live.accuracy for new, live in pairs) / len(pairs)
        assert found == pytest.approx(points / 100, abs=0.008)
    new, live = draw(CANDIDATES["lost an intent"], 300, 0)
    assert "intent_20" not in {outcome.predicted for outcome in new.outcomes}
    assert "intent_20" in {outcome.truth for outcome in live.outcomes}
    assert draw(CANDIDATES["equal"], 300, 1) == draw(CANDIDATES["equal"], 300, 1)


def test_equal_and_worse_candidates_hardly_ever_pass() -> None:
    assert shares("equal", 300, 60)["promoted"] <= 0.1  # 0.05 is allowed, 60 draws are few
    assert shares("2 points worse", 300, 30)["promoted"] == 0


def test_a_better_candidate_mostly_passes() -> None:
    assert shares("3 points better", 850, 12)["promoted"] >= 0.9


def test_a_lost_intent_is_found_with_more_points_in_all() -> None:
    found = shares("3 points better, lost an intent", 850, 10)
    assert found["promoted"] == 0 and found["intent"] == 1
