"""Each mode trains what it says, and training only the seen embeddings changes nothing."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bot.ml.batching import collate, prepare
from bot.ml.encoder import find_encoder
from bot.ml.fine_tuning import (
    HEAD_PACE,
    WEIGHT_DECAY,
    SeenTokens,
    choose_trainable,
    merge_adapters,
    parameter_groups,
)
from bot.ml.joint import Batch, JointModel, load_encoder
from bot.ml.options import BUNDLED_ENCODER, JointOptions
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.types import Example


@pytest.fixture
def batch(tiny_encoder: Path, tiny_examples: tuple[Example, ...]) -> Batch:
    tokenizer = SubwordTokenizer.load(tiny_encoder / "tokenizer.json", 64)
    labels = {label: i for i, label in enumerate(sorted({e.intent or "" for e in tiny_examples}))}
    tags = TagSet.of(span for example in tiny_examples for span in example.spans)
    return collate(prepare(tiny_examples[:16], tokenizer, labels, tags), 0)


def build(folder: Path, mode: str = "full") -> JointModel:
    torch.manual_seed(0)
    model = JointModel(load_encoder(folder, "tiny"), torch.randn(6, 32), 13)
    model.encoder = choose_trainable(model.encoder, mode)
    return model


def take_steps(model: JointModel, batch: Batch, steps: int = 3) -> None:
    groups = parameter_groups(model, JointOptions(learning_rate=1e-3))
    for group in groups:
        group["weight_decay"] = 0.0
    optimizer = torch.optim.AdamW(groups)  # type: ignore[arg-type]
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(batch).backward()
        optimizer.step()


def changed(before: dict[str, Tensor], after: nn.Module) -> set[str]:
    return {
        name for name, value in after.state_dict().items() if not torch.equal(before[name], value)
    }


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_seen_tokens_learn_exactly_what_whole_embeddings_would(
    tiny_encoder: Path, batch: Batch
) -> None:
    whole, compact = build(tiny_encoder), build(tiny_encoder)
    take_steps(whole, batch)
    ids = batch.ids
    seen = SeenTokens(compact.encoder, {0, *ids.flatten().tolist()})
    assert len(compact.encoder.get_input_embeddings().weight) < len(  # type: ignore[operator]
        whole.encoder.get_input_embeddings().weight  # type: ignore[operator]
    )
    batch.ids = seen.remap(ids)
    take_steps(compact, batch)
    seen.restore()
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(compact.state_dict()[name], value, rtol=0, atol=1e-6)
    start = build(tiny_encoder)
    name = "encoder.embeddings.word_embeddings.weight"
    moved = (whole.state_dict()[name] != start.state_dict()[name]).any(-1).nonzero().flatten()
    assert 0 < len(moved) <= len(ids.unique())
    assert set(moved.tolist()) <= set(ids.flatten().tolist())


def test_restore_gives_the_same_embedding_object_back(tiny_encoder: Path) -> None:
    encoder = load_encoder(tiny_encoder, "tiny")
    full = encoder.get_input_embeddings()  # type: ignore[operator]
    before = full.weight.detach().clone()
    seen = SeenTokens(encoder, [9, 3, 3, 40])
    small = encoder.get_input_embeddings().weight  # type: ignore[operator]
    assert torch.equal(small, before[[3, 9, 40]])
    assert seen.remap(torch.tensor([[40, 3], [9, 9]])).tolist() == [[2, 0], [1, 1]]
    with torch.no_grad():
        small[1] += 1.0
    seen.restore()
    assert encoder.get_input_embeddings() is full  # type: ignore[operator]
    before[9] += 1.0
    assert torch.equal(full.weight, before)


def test_full_trains_every_weight(tiny_encoder: Path, batch: Batch) -> None:
    model = build(tiny_encoder)
    before = weights_of(model)
    take_steps(model, batch)
    assert changed(before, model) == {name for name in before if before[name].numel()}


def test_frozen_trains_the_heads_alone(tiny_encoder: Path, batch: Batch) -> None:
    model = build(tiny_encoder, "frozen")
    before = weights_of(model)
    take_steps(model, batch)
    assert changed(before, model) == {"prototypes", "tag_head.weight", "tag_head.bias"}


def test_top_layers_trains_the_upper_half(tiny_encoder: Path, batch: Batch) -> None:
    model = build(tiny_encoder, "top_layers")
    before = weights_of(model)
    take_steps(model, batch)
    encoder_names = {name for name in before if name.startswith("encoder.")}
    upper = {name for name in encoder_names if ".layer.1." in name}
    assert upper
    assert changed(before, model) & encoder_names == upper


def test_lora_trains_its_own_matrices_and_no_other(tiny_encoder: Path, batch: Batch) -> None:
    model = build(tiny_encoder, "lora")
    before = weights_of(model)
    take_steps(model, batch)
    moved = changed(before, model)
    adapters = {name for name in before if "lora_" in name}
    assert len(adapters) == 2 * 6  # two matrices for each linear layer of the upper of two layers
    assert all(".layer.1." in name for name in adapters)
    assert moved == adapters | {"prototypes", "tag_head.weight", "tag_head.bias"}


def test_merged_lora_says_what_it_said_before_and_is_a_plain_encoder(
    tiny_encoder: Path, batch: Batch
) -> None:
    model = build(tiny_encoder, "lora")
    untouched = build(tiny_encoder)
    take_steps(model, batch, steps=5)
    model.eval(), untouched.eval()
    with torch.no_grad():
        before = model(batch)
        model.encoder = merge_adapters(model.encoder)
        after = model(batch)
    for left, right in zip(before, after, strict=True):
        torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)
    assert set(model.encoder.state_dict()) == set(untouched.encoder.state_dict())
    assert changed(untouched.encoder.state_dict(), model.encoder)


def test_merging_leaves_other_encoders_alone(tiny_encoder: Path) -> None:
    encoder = load_encoder(tiny_encoder, "tiny")
    assert merge_adapters(encoder) is encoder


def test_lora_learns_under_a_twentieth_of_the_bundled_encoder() -> None:
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(find_encoder(BUNDLED_ENCODER).folder)
    adapted = choose_trainable(AutoModel.from_config(config), "lora")
    learning = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    total = sum(p.numel() for p in adapted.parameters())
    assert 0 < learning < 0.05 * total


def test_lora_finds_the_layers_of_another_architecture() -> None:
    from transformers import DistilBertConfig, DistilBertModel

    config = DistilBertConfig(vocab_size=50, dim=32, hidden_dim=64, n_heads=2, n_layers=3)
    adapted = choose_trainable(DistilBertModel(config), "lora")
    learning = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(learning) == 2 * 2 * 6  # of three layers the upper two
    assert not any(".layer.0." in name for name in learning)


@pytest.mark.parametrize("mode", ["top_layers", "lora"])
def test_the_backward_pass_ends_below_the_upper_layers(
    mode: str, tiny_encoder: Path, batch: Batch
) -> None:
    model = build(tiny_encoder, mode)
    stack = next(part for part in model.modules() if isinstance(part, nn.ModuleList))
    has_gradient = []
    for layer in stack:
        layer.register_forward_hook(
            lambda _, __, output: has_gradient.append(
                (output if isinstance(output, Tensor) else output[0]).requires_grad
            )
        )
    model.loss(batch)
    assert has_gradient == [False, True]


@pytest.mark.parametrize("mode", ["full", "top_layers", "lora", "frozen"])
def test_every_learning_weight_is_in_one_group(tiny_encoder: Path, mode: str) -> None:
    model = build(tiny_encoder, mode)
    groups = parameter_groups(model, JointOptions(fine_tune=mode, learning_rate=1e-3))
    grouped = [id(p) for group in groups for p in group["params"]]  # type: ignore[attr-defined]
    learning = [id(p) for p in model.parameters() if p.requires_grad]
    assert sorted(grouped) == sorted(learning)


def test_heads_learn_faster_and_vectors_do_not_decay(tiny_encoder: Path) -> None:
    model = build(tiny_encoder)
    names = {id(p): name for name, p in model.named_parameters()}
    for group in parameter_groups(model, JointOptions(learning_rate=1e-3)):
        for parameter in group["params"]:  # type: ignore[attr-defined]
            name = names[id(parameter)]
            is_head = not name.startswith("encoder.")
            decays = not is_head and parameter.ndim > 1 and "embedding" not in name
            assert group["lr"] == pytest.approx(1e-3 * (HEAD_PACE if is_head else 1.0))
            assert group["weight_decay"] == (WEIGHT_DECAY if decays else 0.0)


def test_weights_survive_a_deep_copy_of_the_mode(tiny_encoder: Path) -> None:
    model = build(tiny_encoder, "top_layers")
    flags = [p.requires_grad for p in copy.deepcopy(model).parameters()]
    assert flags == [p.requires_grad for p in model.parameters()]
