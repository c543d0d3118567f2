"""Spans to tags and back, and the search for the likeliest valid sequence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ml.tagging import EntityLabel, TagSet, decode_tags, encode_tags
from bot.ml.text import Word
from bot.types import Span

WORDS = [Word(4 * i, 4 * i + 3, i + 1, i + 2) for i in range(7)]  # "aaa bbb ccc ..."
LABELS = (
    EntityLabel("city"),
    EntityLabel("city", role="from"),
    EntityLabel("city", role="to"),
    EntityLabel("size", group="1"),
    EntityLabel("size", role="x", group="2"),
)
TAGS = TagSet(LABELS)


def spell(tags: list[int], n_tags: int) -> np.ndarray:
    """Log probabilities that leave no doubt about a sequence."""
    scores = np.full((len(tags), n_tags), -20.0, dtype=np.float32)
    scores[np.arange(len(tags)), tags] = 0.0
    return scores


def is_valid(path: list[int]) -> bool:
    """An inside tag (even, not 0) follows its own begin tag or itself."""
    return all(
        tag == 0 or tag % 2 == 1 or before in (tag, tag - 1)
        for before, tag in zip([0, *path], path, strict=False)
    )


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Span, ...]:
    """Word-aligned spans that do not overlap; spans of one label may touch."""
    cuts = sorted(draw(st.sets(st.integers(0, len(WORDS)), max_size=8)))
    spans = []
    for first, last in itertools.pairwise(cuts):
        if draw(st.booleans()):
            label = draw(st.sampled_from(LABELS))
            spans.append(
                Span(
                    WORDS[first].start,
                    WORDS[last - 1].end,
                    label.entity,
                    label.role or None,
                    label.group or None,
                )
            )
    return tuple(spans)


@given(spans=annotated())
def test_spans_survive_the_way_through_tags(spans: tuple[Span, ...]) -> None:
    tags = encode_tags(WORDS, spans, TAGS)
    assert is_valid(tags)
    decoded = decode_tags(spell(tags, len(TAGS)), WORDS, TAGS)
    assert tuple(decoded) == spans  # roles, groups and confidence 1.0 included


@settings(deadline=None)
@given(n_words=st.integers(1, 4), n_labels=st.integers(1, 2), seed=st.integers(0, 2**32 - 1))
def test_decoding_agrees_with_trying_every_valid_path(
    n_words: int, n_labels: int, seed: int
) -> None:
    tags = TagSet(LABELS[:n_labels])
    scores = np.random.default_rng(seed).normal(size=(n_words, len(tags))).astype(np.float32)
    paths = [list(p) for p in itertools.product(range(len(tags)), repeat=n_words)]
    rows = np.arange(n_words)
    best = max((p for p in paths if is_valid(p)), key=lambda p: float(scores[rows, p].sum()))
    decoded = decode_tags(scores, WORDS[:n_words], tags)
    assert encode_tags(WORDS[:n_words], decoded, tags) == best


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 1.0, 30.0, 1e6]))
def test_random_scores_give_spans_in_order_and_apart(seed: int, scale: float) -> None:
    scores = np.random.default_rng(seed).normal(size=(7, len(TAGS))) * scale
    scores = (
        scores
        - np.log(np.exp(scores - scores.max(1, keepdims=True)).sum(1, keepdims=True))
        - scores.max(1, keepdims=True)
    ).astype(np.float32)
    decoded = decode_tags(scores, WORDS, TAGS)
    end = 0
    for span in decoded:
        assert end <= span.start < span.end
        assert 0.0 <= span.confidence <= 1.0
        assert EntityLabel.of(span) in LABELS
        end = span.end
    assert is_valid(encode_tags(WORDS, decoded, TAGS))


def test_an_inside_tag_cannot_begin_even_where_it_is_likeliest() -> None:
    tags = TagSet(LABELS[:1])
    scores = np.log(np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]], dtype=np.float32))
    (span,) = decode_tags(scores, WORDS[:2], tags)
    assert (span.start, span.end) == (0, 7)
    assert span.confidence == pytest.approx((0.2 * 0.7) ** 0.5)


def test_touching_spans_of_one_label_stay_two() -> None:
    spans = (Span(0, 3, "city"), Span(4, 7, "city"))
    assert encode_tags(WORDS[:2], spans, TAGS) == [1, 1]
    assert tuple(decode_tags(spell([1, 1], len(TAGS)), WORDS[:2], TAGS)) == spans


def test_a_word_covered_in_part_is_taken_whole() -> None:
    (span,) = decode_tags(
        spell(encode_tags(WORDS, [Span(1, 6, "city")], TAGS), len(TAGS)), WORDS, TAGS
    )
    assert (span.start, span.end) == (0, 7)


def test_unknown_labels_are_left_out() -> None:
    spans = [Span(0, 3, "planet"), Span(4, 7, "city", role="via")]
    assert encode_tags(WORDS, spans, TAGS) == [0] * len(WORDS)


def test_no_words_and_no_labels_give_no_spans() -> None:
    assert decode_tags(np.zeros((0, len(TAGS)), np.float32), [], TAGS) == []
    assert decode_tags(np.zeros((2, 1), np.float32), WORDS[:2], TagSet(())) == []


def test_a_tag_set_is_sorted_and_numbered_in_pairs() -> None:
    tags = TagSet.of([Span(0, 1, "b"), Span(0, 1, "a", role="r"), Span(2, 3, "b")])
    assert tags.labels == (EntityLabel("a", "r"), EntityLabel("b"))
    assert len(tags) == 5
    assert [tags.begin(label) for label in tags.labels] == [1, 3]
    assert [tags.label(tag) for tag in range(5)] == [
        None,
        *[tags.labels[0]] * 2,
        *[tags.labels[1]] * 2,
    ]


def test_transitions_are_the_valid_pairs() -> None:
    tags = TagSet(LABELS[:2])
    valid = {
        (a, b)
        for a, b in itertools.product(range(5), repeat=2)
        if b == 0 or b % 2 == 1 or a in (b, b - 1)
    }
    assert {tuple(map(int, pair)) for pair in np.argwhere(tags.transitions == 0)} == valid
    assert np.isneginf(tags.transitions[0, 2])
