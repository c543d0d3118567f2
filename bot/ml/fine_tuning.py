"""Which weights of the encoder learn, and at what pace."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from bot.ml.options import JointOptions

HEAD_PACE = 10.0
WEIGHT_DECAY = 0.01
WARM_UP_SHARE = 0.1
LORA_RANK = 16
UPPER_SHARE = 0.5  # of the layers, counted from the output


class SeenTokens:
    """Trains only the embeddings of tokens that occur in the data.

    Tokens that never occur get no gradient, so leaving them out changes nothing but the cost:
    for the demo it saves 30 % of each step.
    """

    def __init__(self, encoder: nn.Module, ids: Iterable[int]) -> None:
        self._encoder = encoder
        self._full: nn.Embedding = encoder.get_input_embeddings()  # type: ignore[operator]
        self._rows = torch.tensor(sorted(set(ids)))
        self._index = torch.zeros(self._full.num_embeddings, dtype=torch.long)
        self._index[self._rows] = torch.arange(len(self._rows))
        compact = nn.Embedding(len(self._rows), self._full.embedding_dim)
        compact.weight.data.copy_(self._full.weight.data[self._rows])
        encoder.set_input_embeddings(compact)  # type: ignore[operator]
        self._compact = compact

    def remap(self, ids: Tensor) -> Tensor:
        """Translate the tokenizer's ids into rows of the small embedding."""
        return self._index[ids]

    def restore(self) -> None:
        """Write the learned rows back and give the encoder its whole embedding again."""
        with torch.no_grad():
            self._full.weight[self._rows] = self._compact.weight.to(self._full.weight.device)
        self._encoder.set_input_embeddings(self._full)  # type: ignore[operator]


def choose_trainable(encoder: nn.Module, mode: str) -> nn.Module:
    """Mark what learns: `full`, `top_layers` (the upper half), `lora`, or `frozen`.

    LoRA (Hu et al., 2021, "LoRA: Low-Rank Adaptation of Large Language Models") adapts the linear
    layers of the upper half, so that the backward pass ends there; see docs/decisions/007.

    Returns:
        The encoder; for `lora` wrapped by peft, to be merged by `merge_adapters`.
    """
    if mode == "full":
        return encoder
    encoder.requires_grad_(False)
    if mode == "top_layers":
        for layer in _upper_layers(encoder):
            layer.requires_grad_(True)
    elif mode == "lora":
        from peft import LoraConfig, get_peft_model

        adapted_parts = _linear_parts(encoder, _upper_layers(encoder))
        config = LoraConfig(r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=adapted_parts)
        adapted: nn.Module = get_peft_model(encoder, config)
        return adapted
    return encoder


def merge_adapters(encoder: nn.Module) -> nn.Module:
    """Fold LoRA's matrices into the weights they adapt; other encoders stay as they are."""
    if hasattr(encoder, "merge_and_unload"):
        merged: nn.Module = encoder.merge_and_unload()  # type: ignore[operator]
        return merged
    return encoder


def parameter_groups(model: nn.Module, options: JointOptions) -> list[dict[str, object]]:
    """Group the weights that learn: heads faster, and no decay of vectors and embeddings."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_head = not name.startswith("encoder.")
            decays = parameter.ndim > 1 and not is_head and "embedding" not in name
            groups.setdefault((is_head, decays), []).append(parameter)
    lora = options.fine_tune == "lora"  # its matrices start at zero and want larger steps
    return [
        {
            "params": parameters,
            "lr": options.learning_rate * (HEAD_PACE if is_head or lora else 1.0),
            "weight_decay": WEIGHT_DECAY if decays else 0.0,
        }
        for (is_head, decays), parameters in groups.items()
    ]


def warm_up_then_cosine(steps: int) -> Callable[[int], float]:
    """Give the share of the learning rate at each step: up in a line, down in half a cosine."""
    warm_up = max(1, round(steps * WARM_UP_SHARE))

    def pace(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

    return pace


def _upper_layers(encoder: nn.Module) -> list[nn.Module]:
    stacks = [module for module in encoder.modules() if isinstance(module, nn.ModuleList)]
    layers = max(stacks, key=len)
    return list(layers)[int(len(layers) * (1 - UPPER_SHARE)) :]


def _linear_parts(encoder: nn.Module, layers: Iterable[nn.Module]) -> list[str]:
    """Give the full names of the linear layers inside some layers."""
    inside = {id(part) for layer in layers for part in layer.modules()}
    return [
        name
        for name, part in encoder.named_modules()
        if isinstance(part, nn.Linear) and id(part) in inside
    ]
