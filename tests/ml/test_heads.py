"""The heads in numpy: equal to the torch model, and confidences that can be trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ml.heads import Heads, log_softmax, pool_sentence, pool_words
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer, Word
from bot.types import Example, Span

LABELS = ("bye", "faq/fees", "faq/hours", "greet")
TAGS = TagSet.of([Span(0, 1, "city", role="to"), Span(0, 1, "city"), Span(0, 1, "size", "", "1")])


def random_heads(seed: int, hidden: int = 8, scale: float = 20.0) -> Heads:
    generator = np.random.default_rng(seed)
    prototypes = generator.normal(size=(len(LABELS), hidden)).astype(np.float32)
    return Heads(
        LABELS,
        TAGS,
        prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True),
        scale,
        generator.normal(size=(len(TAGS), hidden)).astype(np.float32),
        generator.normal(size=len(TAGS)).astype(np.float32),
    )


def unit(seed: int, hidden: int = 8) -> np.ndarray:
    return pool_sentence(np.random.default_rng(seed).normal(size=(3, hidden)).astype(np.float32))


SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seed=SEEDS, scale=st.sampled_from([0.1, 4.0, 20.0, 100.0]))
def test_confidences_are_probabilities(seed: int, scale: float) -> None:
    heads = random_heads(seed, scale=scale)
    sentence = unit(seed + 1)
    words = [Word(2 * i, 2 * i + 1, i, i + 1) for i in range(5)]
    vectors = np.random.default_rng(seed + 2).normal(size=(5, 8)).astype(np.float32)
    parse = heads.parse(sentence, vectors, words)

    assert {label.name for label in parse.ranking} == {"bye", "faq", "greet"}
    assert {label.name for label in parse.responses} == {"faq/fees", "faq/hours"}
    for labels in (parse.ranking, parse.responses):
        confidences = [label.confidence for label in labels]
        assert all(0.0 <= c <= 1.0 and np.isfinite(c) for c in confidences)
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) == pytest.approx(1.0, abs=1e-5)
    assert all(0.0 <= span.confidence <= 1.0 for span in parse.spans)


@settings(deadline=None)
@given(seed=SEEDS)
def test_retrieval_labels_sum_to_their_intent(seed: int) -> None:
    heads = random_heads(seed)
    sentence = unit(seed + 1)
    by_label = dict(zip(LABELS, heads.intent_probabilities(sentence), strict=True))
    parse = heads.parse(sentence, np.zeros((0, 8), np.float32), [])
    by_intent = {label.name: label.confidence for label in parse.ranking}
    shares = {label.name: label.confidence for label in parse.responses}
    assert by_intent["faq"] == pytest.approx(by_label["faq/fees"] + by_label["faq/hours"], abs=1e-6)
    assert by_intent["greet"] == pytest.approx(by_label["greet"], abs=1e-6)
    for name, share in shares.items():
        assert share * by_intent["faq"] == pytest.approx(by_label[name], abs=1e-6)


def test_shares_of_a_most_unlikely_intent_still_sum_to_one() -> None:
    prototypes = np.array([[1, 0], [-1, 0], [-1, 0], [0, 1]], np.float32)
    heads = Heads(
        LABELS, TagSet(()), prototypes, 100.0, np.zeros((1, 2), np.float32), np.zeros(1, np.float32)
    )
    parse = heads.parse(np.array([1, 0], np.float32), np.zeros((0, 2), np.float32), [])
    assert [label.confidence for label in parse.responses] == pytest.approx([0.5, 0.5])


def test_the_likeliest_label_comes_first() -> None:
    heads = random_heads(1)
    parse = heads.parse(heads.prototypes[2], np.zeros((0, 8), np.float32), [])
    assert parse.ranking[0].name == "faq"
    assert parse.responses[0].name == "faq/hours"


def test_probabilities_of_many_messages_are_those_of_each() -> None:
    heads = random_heads(3)
    sentences = np.stack([unit(seed) for seed in range(4)])
    together = heads.intent_probabilities(sentences)
    assert together.shape == (4, len(LABELS))
    for row, sentence in zip(together, sentences, strict=True):
        np.testing.assert_allclose(row, heads.intent_probabilities(sentence), rtol=1e-5)


def test_without_labels_there_is_no_ranking() -> None:
    heads = Heads(
        (),
        TagSet(()),
        np.zeros((0, 8), np.float32),
        20.0,
        np.zeros((1, 8), np.float32),
        np.zeros(1, np.float32),
    )
    parse = heads.parse(unit(0), np.zeros((2, 8), np.float32), [Word(0, 1, 1, 2), Word(2, 3, 2, 3)])
    assert parse.ranking == parse.responses == parse.spans == ()


def test_log_softmax_neither_overflows_nor_underflows() -> None:
    extreme = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], np.float32)
    found = log_softmax(extreme)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(found[1], np.log(1 / 3), rtol=1e-6)


def test_pooling_by_hand() -> None:
    hidden = np.array([[9, 9], [3, 0], [1, 0], [0, 4], [9, 9]], np.float32)
    pooled = pool_words(hidden, [Word(0, 2, 1, 3), Word(3, 4, 3, 4)])
    np.testing.assert_array_equal(pooled, [[2, 0], [0, 4]])
    assert pool_words(hidden, []).shape == (0, 2)
    np.testing.assert_allclose(pool_sentence(np.array([[3, 0], [3, 8]], np.float32)), [0.6, 0.8])
    assert np.isfinite(pool_sentence(np.zeros((2, 2), np.float32))).all()


def test_numpy_heads_equal_the_torch_model(
    tiny_encoder: Path, tiny_examples: tuple[Example, ...]
) -> None:
    import torch
    from torch.nn import functional as F

    from bot.ml.batching import collate, prepare
    from bot.ml.joint import JointModel, encode, load_encoder

    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)
    tags = TagSet.of(span for example in tiny_examples for span in example.spans)
    labels = sorted({example.intent or "" for example in tiny_examples})
    index = {label: number for number, label in enumerate(labels)}
    torch.manual_seed(0)
    model = JointModel(load_encoder(tiny_encoder, "tiny"), torch.randn(len(labels), 32), len(tags))
    torch.nn.init.normal_(model.tag_head.bias)
    heads = Heads(
        tuple(labels),
        tags,
        F.normalize(model.prototypes.detach(), dim=-1).numpy(),
        model.scale,
        model.tag_head.weight.detach().numpy(),
        model.tag_head.bias.detach().numpy(),
    )
    items = prepare(tiny_examples[:12], tokenizer, index, tags)
    batch = collate(items, padding_id=0)
    model.eval()
    with torch.no_grad():
        intent_logits, tag_logits, _ = model(batch)
        hidden = encode(model.encoder, batch.ids, batch.mask).numpy()
    for row, item in enumerate(items):
        own = hidden[row, : len(item.text.ids)]
        np.testing.assert_allclose(
            heads.intent_probabilities(pool_sentence(own)),
            intent_logits[row].softmax(-1).numpy(),
            atol=1e-5,
        )
        n_words = len(item.text.words)
        vectors = pool_words(own, item.text.words)
        np.testing.assert_allclose(
            vectors @ heads.tag_weight.T + heads.tag_bias,
            tag_logits[row, :n_words].numpy(),
            atol=1e-4,
        )
        expected = heads.decode(tag_logits[row, :n_words].numpy(), item.text.words)
        found = heads.parse(pool_sentence(own), vectors, item.text.words).spans
        assert [(s.start, s.end, s.entity) for s in found] == [
            (s.start, s.end, s.entity) for s in expected
        ]
