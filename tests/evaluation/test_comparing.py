from __future__ import annotations

import pytest
from made import good, item, said, sample_items, worse

from bot.evaluation.comparing import compare
from bot.evaluation.slices import LONGER, length_of, slices_of
from bot.types import Span


def test_two_models_by_hand() -> None:
    found = compare(sample_items(), good(), worse())
    assert (found.both_right, found.candidate_right, found.live_right, found.both_wrong) == (
        3,
        2,
        0,
        1,
    )
    assert found.p_value == 0.5  # two-sided: 2 * 1/4
    assert found.low <= found.f1_difference <= found.high and found.f1_difference > 0


def test_messages_that_changed_say_what_and_whether_for_the_better() -> None:
    found = compare(sample_items(), good(), worse()).changes
    assert [(c.place, c.kind, c.what) for c in found] == [
        (0, "better", ("entities",)),
        (2, "worse", ("fallback",)),  # it was right, and now the bot asks again
        (3, "better", ("intent",)),
        (4, "better", ("intent",)),
    ]


def test_intents_are_sorted_by_what_they_lost() -> None:
    found = compare(sample_items(), worse(), good()).intents
    deltas = {delta.intent: round(delta.difference, 3) for delta in found}
    assert list(deltas) == ["faq/hours", "not_ours", "greet", "book"]
    assert deltas["faq/hours"] == -1.0 and deltas["book"] == 0.0
    # greet: 2 right of 3 and of 2 said before (0.8); 2 right of 3 and of 4 said now (0.571)
    assert deltas["greet"] == pytest.approx(0.571 - 0.8, abs=1e-3)
    assert {delta.intent: delta.true for delta in found}["greet"] == 3


@pytest.mark.parametrize(
    ("new", "old", "kind"),
    [
        (said("b", fallback=True), said("b"), "better"),  # it asks instead of acting wrongly
        (said("a"), said("a", fallback=True), "better"),
        (said("b"), said("c"), "other"),  # wrong either way
        (said("a", 0.9, Span(0, 1, "x")), said("a", 0.9), "worse"),
        (said("a", fallback=True), said("b", fallback=True), "better"),  # the label alone
    ],
)
def test_better_and_worse(new, old, kind: str) -> None:  # type: ignore[no-untyped-def]
    (change,) = compare([item("hm", "a")], [new], [old]).changes
    assert change.kind == kind


def test_equal_models_do_not_differ() -> None:
    found = compare(sample_items(), good(), good())
    assert (found.p_value, found.f1_difference, found.changes) == (1.0, 0.0, ())


def test_slices_by_hand() -> None:
    parts = slices_of(
        sample_items(), good(), known_labels=["book", "greet"], out_of_scope="not_ours"
    )
    by_name = {(part.kind, part.name): part for part in parts}
    known = by_name["intent", "known"]
    assert (known.count, known.accuracy.value, known.fallback) == (4, 0.75, 0.25)
    assert known.answered_right == 0.5 and known.entity_f1 == 1.0
    assert by_name["intent", "new"].entity_f1 is None
    assert by_name["scope", "out of scope"].accuracy.value == 1.0
    assert by_name["source", "tests/held_out"].count == 1
    assert [name for kind, name in by_name if kind == "length"] == [
        "1-2 words",
        "3-5 words",
        "6-10 words",
    ]
    assert "typing" not in {part.kind for part in parts}  # nobody slipped: one part alone


@pytest.mark.parametrize(
    ("words", "name"), [(0, "1-2 words"), (2, "1-2 words"), (3, "3-5 words"), (21, LONGER)]
)
def test_lengths(words: int, name: str) -> None:
    assert length_of(words) == name
