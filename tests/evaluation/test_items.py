from __future__ import annotations

import pytest
from made import Written, item

from bot.errors import ProjectError
from bot.evaluation.items import digest_of, items_of
from bot.types import Span


def test_an_item_says_where_it_stands_and_what_it_is() -> None:
    written = Written("to Rome", "book", (Span(3, 7, "city"),), "tests/held_out/nlu.yml", 12)
    (found,) = items_of(
        [written], has_typo=lambda text: "Rome" in text, channel_of=lambda example: "web"
    )
    assert (found.key, found.source) == ("tests/held_out/nlu.yml:12", "tests/held_out")
    assert (found.intent, found.spans, found.words) == ("book", written.spans, 2)
    assert found.typo and found.channel == "web"


def test_two_examples_in_one_line_have_keys_of_their_own() -> None:
    keys = [one.key for one in items_of([Written("a", "x"), Written("b", "x")])]
    assert keys == ["tests/nlu/a.yml:1", "tests/nlu/a.yml:1#2"]


def test_nothing_to_evaluate_on_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ProjectError, match="tests/nlu/"):
        items_of([])


@pytest.mark.parametrize(
    "other",
    [
        item("to Romes", "book", Span(3, 7, "city")),
        item("to Rome", "greet", Span(3, 7, "city")),
        item("to Rome", "book", Span(3, 7, "city", "from")),
        item("to Rome", "book", Span(3, 6, "city")),
        item("to Rome", "book"),
    ],
)
def test_the_digest_tells_whatever_is_asked_or_right(other) -> None:  # type: ignore[no-untyped-def]
    assert digest_of([item("to Rome", "book", Span(3, 7, "city"))]) != digest_of([other])


def test_the_digest_does_not_tell_where_an_item_stands() -> None:
    one, other = item("hi", "greet", line=1), item("hi", "greet", line=2, source="elsewhere")
    assert digest_of([one]) == digest_of([other])
    assert digest_of([one, item("yo", "greet")]) != digest_of([item("yo", "greet"), one])
