"""A conversation is on one side, and stays there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exporting as x
from hypothesis import given
from hypothesis import strategies as some

from bot.feedback.split import Split, is_held_out, place_of
from bot.feedback.store import Store

SHARES = some.floats(0, 1, exclude_max=True)


@given(some.text(max_size=40), SHARES, SHARES)
def test_a_larger_share_takes_nothing_away(conversation: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert is_held_out(conversation, large) or not is_held_out(conversation, small)
    assert not is_held_out(conversation, 0.0)
    assert 0.0 <= place_of(conversation) < 1.0


def test_the_share_is_met_and_the_same_everywhere() -> None:
    held_out = [n for n in range(5000) if is_held_out(f"{n:032x}", 0.2)]
    assert 0.18 < len(held_out) / 5000 < 0.22
    assert held_out[:5] == [2, 19, 37, 44, 52]


@given(
    some.sets(some.text(max_size=4)),
    some.sets(some.text(max_size=4)),
    some.text(max_size=4),
    SHARES,
)
def test_what_was_written_stays_on_its_side(
    trained: set[str], held_out: set[str], conversation: str, share: float
) -> None:
    split = Split(share, trained, held_out)
    if conversation in held_out:
        assert split.is_held_out(conversation)
    elif conversation in trained:
        assert not split.is_held_out(conversation)
    else:
        assert split.is_held_out(conversation) == is_held_out(conversation, share)


def test_no_conversation_changes_sides_with_the_share(
    tmp_path: Path, store: Store, read_in: Any
) -> None:
    root = x.write_project(tmp_path / "project")
    people = [f"person {number}" for number in range(12)]
    trees = "alder, birch, cedar, damson, elder, fir, ginkgo, hazel, ivy, juniper, kauri, larch"
    words = [f"is the {tree} mine" for tree in trees.split(", ")]
    said = list(zip(people, words, strict=True))
    x.talk(store, read_in, tmp_path / "log.jsonl", said[:8])
    for _, text in said[:8]:
        x.accept(store, text, "balance")
    x.run(root, store, held_out_share=0.5)
    first = {folder: {o.sender for o in x.origins(root, folder)} for folder in FOLDERS}
    assert all(first.values())
    x.talk(store, read_in, tmp_path / "log2.jsonl", [*said[:8], *said[8:]])
    for _, text in said[8:]:
        x.accept(store, text, "balance")
    for share in (0.0, 0.9, 0.2):
        x.run(root, store, held_out_share=share)
        now = {folder: {o.sender for o in x.origins(root, folder)} for folder in FOLDERS}
        assert all(first[folder] <= now[folder] for folder in FOLDERS)
        assert not now[FOLDERS[0]] & now[FOLDERS[1]]
        first = now
    assert len(first[FOLDERS[0]]) + len(first[FOLDERS[1]]) == 12


FOLDERS = ("data/feedback", "tests/held_out")
