"""Batches: every example once, padded without a trace."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ml.batching import Item, collate, evaluation_batches, prepare, training_batches
from bot.ml.joint import IGNORED, encode, load_encoder, mean_pool
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer, TokenizedText, Word
from bot.types import Example, Span


def item(n_words: int, name: int = 0) -> Item:
    words = tuple(Word(2 * i, 2 * i + 1, i + 1, i + 2) for i in range(n_words))
    text = TokenizedText(tuple(range(5, n_words + 7)), words)
    return Item(Example(f"{name}"), text, name % 3, (0,) * n_words)


LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=80)


@settings(deadline=None)
@given(lengths=LENGTHS, size=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_item_comes_once_an_epoch(lengths: list[int], size: int, seed: int) -> None:
    items = [item(length, name) for name, length in enumerate(lengths)]
    batches = list(training_batches(items, size, random.Random(seed)))
    assert Counter(i.example.text for batch in batches for i in batch) == Counter(
        i.example.text for i in items
    )
    assert all(0 < len(batch) <= size for batch in batches)
    assert len(batches) == -(-len(items) // size)  # the schedule counts on it
    evaluated = list(evaluation_batches(items, size))
    assert sorted(index for batch in evaluated for index in batch) == list(range(len(items)))


def test_the_number_of_batches_holds_beyond_one_pool() -> None:
    items = [item(i % 7, i) for i in range(333)]
    assert len(list(training_batches(items, 3, random.Random(0)))) == 111


def test_like_lengths_share_a_batch() -> None:
    items = [item(length) for length in range(100)]
    batches = list(training_batches(items, 10, random.Random(0)))
    assert max(len(b[-1].text.ids) - len(b[0].text.ids) for b in batches) == 9
    for indices in evaluation_batches(items[::-1], 10):
        assert max(indices) - min(indices) == 9


def test_the_seed_decides_the_order_and_epochs_differ() -> None:
    items = [item(name % 9, name) for name in range(60)]

    def order(generator: random.Random) -> list[str]:
        return [i.example.text for b in training_batches(items, 8, generator) for i in b]

    generator = random.Random(1)
    first, second = order(generator), order(generator)
    assert first != second
    assert order(random.Random(1)) == first
    assert order(random.Random(2)) != first


def test_collate_by_hand() -> None:
    text = TokenizedText((2, 7, 8, 9, 3), (Word(0, 4, 1, 3), Word(5, 6, 3, 4)))
    batch = collate([Item(Example("a"), text, 1, (0, 2)), item(0)], padding_id=42)
    assert batch.ids.tolist() == [[2, 7, 8, 9, 3], [5, 6, 42, 42, 42]]
    assert batch.mask.tolist() == [[1] * 5, [1, 1, 0, 0, 0]]
    assert batch.pooling[0].tolist() == [[0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0]]
    assert batch.pooling[1].eq(0).all()
    assert batch.intents.tolist() == [1, 0]
    assert batch.tags.tolist() == [[0, 2], [IGNORED, IGNORED]]


@settings(deadline=None)
@given(lengths=LENGTHS)
def test_shapes_and_pooling(lengths: list[int]) -> None:
    items = [item(length, name) for name, length in enumerate(lengths)]
    batch = collate(items, padding_id=0)
    n, subwords, words = len(items), max(lengths) + 2, max(1, *lengths, 1)
    assert batch.ids.shape == batch.mask.shape == (n, subwords)
    assert batch.pooling.shape == (n, words, subwords)
    assert batch.tags.shape == (n, words)
    assert batch.intents.shape == (n,)
    assert batch.mask.sum(1).tolist() == [length + 2 for length in lengths]
    sums = batch.pooling.sum(-1)
    for row, length in enumerate(lengths):
        assert torch.allclose(sums[row, :length], torch.ones(length))
        assert sums[row, length:].eq(0).all()
        assert batch.tags[row].ne(IGNORED).sum() == length
    assert (batch.pooling.sum(1) * (1 - batch.mask)).eq(0).all()  # no weight on padding


def test_prepare_looks_labels_up(tiny_encoder: Path) -> None:
    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 32)
    examples = [
        Example("fly to oslo", "book", (Span(7, 11, "city"),)),
        Example("hi", "unknown"),
        Example("hi"),
        Example("", "book"),
    ]
    items = prepare(examples, tokenizer, {"book": 0}, TagSet.of(examples[0].spans))
    assert [i.intent for i in items] == [0, IGNORED, IGNORED, 0]
    assert items[0].tags == (0, 0, 1)
    assert items[3].tags == ()
    assert all(len(i.tags) == len(i.text.words) for i in items)


@pytest.mark.parametrize("padding", [0, 5])
def test_padding_does_not_change_a_message(tiny_encoder: Path, padding: int) -> None:
    encoder = load_encoder(tiny_encoder, "tiny").eval()
    short, long = item(3), item(20)
    with torch.no_grad():
        alone = collate([short], 0)
        beside = collate([short, long], padding)
        vector = mean_pool(encode(encoder, alone.ids, alone.mask), alone.mask)[0]
        padded = mean_pool(encode(encoder, beside.ids, beside.mask), beside.mask)[0]
    torch.testing.assert_close(vector, padded, atol=1e-5, rtol=0)
    assert float(vector.norm()) == pytest.approx(1.0, abs=1e-5)
