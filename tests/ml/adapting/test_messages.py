"""Views, neighbours and the loss."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from bot.ml.adapting.messages import Embedder, contrast, nearest, say_the_same, view_of
from bot.ml.fine_tuning import SeenTokens
from bot.ml.joint import encode, load_encoder, mean_pool
from bot.ml.text import SubwordTokenizer, TokenizedText

TEXT = "I want a large pizza with unaffable olives"


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> SubwordTokenizer:
    return SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)


def test_a_view_lacks_whole_words_only(tokenizer: SubwordTokenizer) -> None:
    message = tokenizer.tokenize(TEXT)
    lengths = set()
    for seed in range(50):
        view = view_of(message, 0.5, random.Random(seed))
        assert view == view_of(message, 0.5, random.Random(seed))
        assert (view[0], view[-1]) == (message.ids[0], message.ids[-1])
        inside = view[1:-1]
        for word in message.words:
            pieces = list(message.ids[word.first : word.last])
            if inside[: len(pieces)] == pieces:
                inside = inside[len(pieces) :]
        assert inside == [], "nothing but words of the message, in their order"
        lengths.add(len(view))
    assert len(lengths) > 3


def test_a_view_is_never_empty(tokenizer: SubwordTokenizer) -> None:
    for text in ("", "hi", TEXT):
        message = tokenizer.tokenize(text)
        assert view_of(message, 0.0, random.Random(1)) == list(message.ids)
        for seed in range(20):
            assert len(view_of(message, 0.99, random.Random(seed))) >= min(3, len(message.ids))


def test_the_order_of_messages_does_not_matter(
    tiny_encoder: Path, tokenizer: SubwordTokenizer
) -> None:
    texts = [TEXT, "hi", "book a flight to oslo", "", "bye bye", "hello hello hello hello"]
    messages = [tokenizer.tokenize(text) for text in texts]
    encoder = load_encoder(tiny_encoder, "tiny")
    expected = [alone(encoder.eval(), message) for message in messages]
    seen = SeenTokens(encoder, {0, *(one for message in messages for one in message.ids)})
    embed = Embedder(encoder, seen, torch.device("cpu"))
    for at_once in (1, 2, 32):
        found = embed([message.ids for message in messages], at_once)
        torch.testing.assert_close(found, torch.stack(expected), atol=0.02, rtol=0)
    assert not embed.embed_all(messages).requires_grad


def alone(encoder: torch.nn.Module, message: TokenizedText) -> torch.Tensor:
    ids = torch.tensor([message.ids])
    return mean_pool(encode(encoder, ids, torch.ones_like(ids)), torch.ones_like(ids))[0].detach()


def test_the_nearest_are_found_across_blocks() -> None:
    vectors = F.normalize(torch.randn(2500, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    found = nearest(vectors, 3)
    cosines = vectors @ vectors.T
    cosines.fill_diagonal_(-2)
    for row in (0, 1, 1023, 1024, 2047, 2048, 2499):
        assert found[row].tolist() == cosines[row].topk(3).indices.tolist()
    assert nearest(vectors[:5], 1, among=vectors)[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_who_says_the_same() -> None:
    messages = torch.tensor([7, 9, 7, 8])
    neighbours = torch.tensor([[1, 2], [8, 3], [1, 2], [5, 6]])
    assert say_the_same(messages, neighbours).int().tolist() == [
        [0, 0, 1, 0],  # another view of message 7
        [0, 0, 0, 1],  # 8 is a neighbour of 9
        [1, 0, 0, 0],
        [0, 1, 0, 0],  # and so 9 of 8
    ]
    alone = say_the_same(messages, torch.empty((4, 0), dtype=torch.long))
    assert alone.sum() == 2


def test_the_loss_is_the_one_of_the_paper() -> None:
    vectors = F.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(2)), dim=1)
    same = say_the_same(torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([[1]] * 6))
    losses, found = contrast(vectors, same, 0.5)
    for row in range(6):
        logits = {
            other: float(vectors[row] @ vectors[other]) / 0.5 for other in range(6) if other != row
        }
        total = sum(map(math.exp, logits.values()))
        partners = [other for other in logits if same[row, other]]
        expected = -sum(logits[other] - math.log(total) for other in partners) / len(partners)
        assert float(losses[row]) == pytest.approx(expected, rel=1e-4)
        assert bool(found[row]) == (max(logits, key=lambda other: logits[other]) in partners)


def test_nearer_partners_cost_less() -> None:
    right = F.normalize(torch.tensor([[1.0, 0.1], [0.1, 1.0], [1.0, 0.0], [0.0, 1.0]]), dim=1)
    same = say_the_same(torch.tensor([0, 1, 0, 1]), torch.empty((4, 0), dtype=torch.long))
    wrong = right[[0, 0, 3, 2]]
    assert contrast(right, same, 0.05)[0].mean() < 0.1 < contrast(wrong, same, 0.05)[0].mean()
