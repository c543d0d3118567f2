"""The transformer: what it can see, and what it cannot."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.ml.dialogue.model import LAYERS, DialogueTransformer, Shape, windows


def tiny(max_history: int, text_width: int = 0) -> DialogueTransformer:
    torch.manual_seed(max_history)
    shape = Shape(5, 4, 3, text_width, max_history)
    tables = (torch.randn(n, 6) for n in (5, 4, 3))
    return DialogueTransformer(shape, *tables).eval()


def empty(length: int) -> torch.Tensor:
    return torch.zeros((1, length, 0))


@given(st.integers(1, 200), st.integers(1, 5))
def test_the_layers_see_the_history_together(max_history: int, layers: int) -> None:
    assert sum(window - 1 for window in windows(max_history, layers)) + 1 == max_history
    assert min(windows(max_history, layers)) >= 1


@pytest.mark.parametrize("max_history", [1, 2, 3, 5, 8, 11])
def test_the_receptive_field_is_exactly_the_history(max_history: int) -> None:
    model = tiny(max_history)
    length = max_history + 4
    tokens = torch.rand((1, length, 5), requires_grad=True)
    actions, _ = model(tokens, empty(length))
    actions[0, -1].square().sum().backward()
    touched = tokens.grad.abs().sum(-1)[0] > 0
    assert touched.tolist() == [False] * 4 + [True] * max_history


@pytest.mark.parametrize("max_history", [1, 3, 10])
def test_the_end_of_a_conversation_is_all_that_is_needed(max_history: int) -> None:
    model = tiny(max_history)
    tokens = torch.rand((1, 30, 5))
    whole, _ = model(tokens, empty(30))
    end, _ = model(tokens[:, -max_history:], empty(max_history))
    assert torch.allclose(whole[0, -1], end[0, -1], atol=1e-5)


def test_what_comes_later_changes_nothing() -> None:
    model = tiny(6)
    tokens = torch.rand((1, 9, 5))
    short, _ = model(tokens[:, :5], empty(5))
    long, _ = model(tokens, empty(9))
    assert torch.allclose(short[0], long[0, :5], atol=1e-5)


def test_words_count_only_where_there_are_some() -> None:
    model = tiny(3, text_width=4)
    tokens = torch.rand((1, 2, 5))
    texts = torch.zeros((1, 2, 4))
    silent, _ = model(tokens, texts)
    assert model.read_text is not None
    with torch.no_grad():
        model.read_text.bias += 1.0
    assert torch.equal(model(tokens, texts)[0], silent)
    texts[0, 1] = torch.tensor([1.0, 0, 0, 0])
    assert not torch.allclose(model(tokens, texts)[0][0, 1], silent[0, 1])


def test_there_are_two_layers_so_that_one_can_read_what_the_other_gathered() -> None:
    assert len(tiny(4).blocks) == LAYERS == 2
