"""What must share a fold: nearly the same messages, and those of one conversation."""

from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ProjectError
from bot.evaluation.folds import Labelled, groups_of, make_folds
from bot.feedback.leakage import TOO_LIKE
from bot.feedback.provenance import Origin, line
from bot.feedback.similar import normal, similarity
from bot.feedback.training_files import TrainingExample
from bot.lifecycle.fold_links import conversation_links, links, near_links

WORDS = ["block", "my", "card", "please", "send", "money", "abroad", "today", "why", "how", "123"]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)


@st.composite
def typed(draw: st.DrawFn) -> str:
    """A sentence, sometimes with a letter lost, doubled or put in, or with other marks."""
    text = draw(SENTENCES)
    place = draw(st.integers(0, len(text) - 1))
    change = draw(st.sampled_from(["none", "lost", "double", "put", "marks"]))
    edits = {
        "none": text,
        "lost": text[:place] + text[place + 1 :] or text,
        "double": text[:place] + text[place] + text[place:],
        "put": text[:place] + "x" + text[place:],
        "marks": text.title() + "!",
    }
    return edits[change]


def example(text: str, label: str = "a", file: str = "data/nlu/a.yml") -> TrainingExample:
    return TrainingExample(text, label, (), file, 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(typed(), min_size=4, max_size=40), st.integers(0, 2))
def test_no_two_folds_hold_nearly_the_same(texts: list[str], seed: int) -> None:
    groups = groups_of(len(texts), near_links(texts))
    labelled = [
        Labelled(text, "ab"[n % 2], group)
        for n, (text, group) in enumerate(zip(texts, groups, strict=True))
    ]
    try:
        folds = make_folds(labelled, 2, seed)
    except ProjectError:
        return
    for one in folds.tested(0):
        for other in folds.trained(0):
            alike = similarity(normal(texts[one]), normal(texts[other]))
            assert alike < TOO_LIKE, (texts[one], texts[other])


@settings(max_examples=50, deadline=None)
@given(st.lists(typed(), min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_matter(texts: list[str], chance: random.Random) -> None:
    def together(order: list[int]) -> set[frozenset[int]]:
        groups = groups_of(len(order), near_links([texts[place] for place in order]))
        return {
            frozenset(order[n] for n, own in enumerate(groups) if own == group) for group in groups
        }

    order = list(range(len(texts)))
    before = together(order)
    chance.shuffle(order)
    assert together(order) == before


def test_a_chain_of_slips_is_one_group_whichever_comes_first() -> None:
    chain = ("stack it", "stick it", "stink it")
    found = set()
    for order in permutations(chain):
        groups = groups_of(3, near_links(order))
        alike = {frozenset(t for t, g in zip(order, groups, strict=True) if g == n) for n in groups}
        found.add(frozenset(alike))
    assert len(found) == 1


def test_politeness_and_digits_part_nothing() -> None:
    texts = ["block card 1234", "Please block the card 99!", "unblock my other card", "bye"]
    assert groups_of(4, near_links(texts)) == (0, 0, 2, 3)


def test_examples_of_one_conversation_stay_together(tmp_path: Path) -> None:
    said = [("s1", "block it"), ("s1", "how much is a taxi"), ("s2", "what is new")]
    said += [("", "moved"), ("", "moved too")]
    origins = [
        Origin("nlu.yml", sender, f"t{n}", text) for n, (sender, text) in enumerate(said)
    ] + [Origin("nlu.yml", "s3", "t9", "what is new"), Origin("nlu.yml", "s3", "t8", "my rent")]
    folder = tmp_path / "data" / "feedback"
    folder.mkdir(parents=True)
    (folder / "provenance.jsonl").write_text("".join(map(line, origins)))
    texts = ["block it", "how much is a taxi", "what is new", "moved", "my rent", "moved too"]
    examples = [example(text, file="data/feedback/nlu.yml") for text in texts]
    examples.append(example("block it", file="data/nlu/a.yml"))  # written by hand
    pairs = list(conversation_links(examples, tmp_path))
    assert groups_of(7, pairs) == (0, 0, 2, 3, 2, 5, 6)
    assert groups_of(7, links(examples, tmp_path)) == (0, 0, 2, 3, 2, 5, 0)


def test_a_broken_line_of_provenance_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "feedback"
    folder.mkdir(parents=True)
    (folder / "provenance.jsonl").write_text("<<<<<<< ours\n")
    with pytest.raises(ProjectError, match=r"provenance.jsonl:1"):
        list(links([example("hello")], tmp_path))


def test_a_project_without_feedback_has_no_conversations(tmp_path: Path) -> None:
    assert list(conversation_links([example("hello")], tmp_path)) == []
