from __future__ import annotations

from bot.evaluation.outcome import EntityCounts
from bot.evaluation.spans import entity_scores, exact_counts, same_spans
from bot.types import Span

TEXT = "from Berlin to New York"
BERLIN, NEW_YORK = Span(5, 11, "city", "from"), Span(15, 23, "city", "to")


def test_whole_overlapping_and_single_words_by_hand() -> None:
    found = [Span(5, 11, "city", "to"), Span(19, 23, "city", "to"), Span(0, 4, "name")]
    every, city, name = entity_scores([TEXT], [[BERLIN, NEW_YORK]], [found])
    assert (every.entity, city.entity, name.entity) == ("", "city", "name")
    assert city.exact == EntityCounts(0, 2, 2)  # one has another role, one another beginning
    assert city.partial == EntityCounts(2, 2, 2)
    assert city.words == EntityCounts(2, 2, 3)  # of Berlin, New, York
    assert every.exact == EntityCounts(0, 3, 2) and every.words == EntityCounts(2, 3, 3)
    assert name.exact == EntityCounts(0, 1, 0) and name.exact.f1 == 0.0


def test_what_is_right_counts_once() -> None:
    (every, _) = entity_scores([TEXT], [[BERLIN]], [[BERLIN, BERLIN]])
    assert every.exact == EntityCounts(1, 1, 1) and every.exact.f1 == 1.0


def test_one_long_span_matches_one_of_two() -> None:
    (every, _) = entity_scores([TEXT], [[BERLIN, NEW_YORK]], [[Span(5, 23, "city")]])
    assert every.partial == EntityCounts(1, 1, 2)


def test_f1_of_nothing_is_none() -> None:
    (every,) = entity_scores(["hi"], [[]], [[]])
    assert every.exact.f1 is None and every.exact.precision == every.exact.recall == 0.0
    assert exact_counts([[BERLIN], []], [[], [BERLIN]]) == EntityCounts(0, 1, 1)


def test_confidence_is_no_difference() -> None:
    surer = Span(5, 11, "city", "from", confidence=0.5)
    assert same_spans([BERLIN], [surer])
    assert not same_spans([BERLIN], [Span(5, 11, "city")])
