"""A causal transformer over the states of a conversation.

One pass over a whole conversation gives the next action at every state. Attention looks back over
a window, and the windows of the layers add up to `max_history` states: what lies further back
cannot be seen, in training as in serving.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIM = 128
LAYERS = 2
HEADS = 4
DROPOUT = 0.2
TOKEN_DROPOUT = 0.1  # of the input: no single token may be needed
IGNORED = -100
_FAR = -1e9


@dataclass(frozen=True)
class Shape:
    """The sizes of a model: columns of the input, labels, vectors of words, and the history."""

    n_tokens: int
    n_actions: int
    n_intents: int
    text_width: int
    max_history: int


@dataclass(frozen=True)
class Batch:
    """Conversations side by side; B of them, T states in the longest.

    Attributes:
        tokens: (B, T, n_tokens) weights.
        texts: (B, T, text_width) the users' words, zeros where there are none.
        actions: (B, T) what followed, `IGNORED` beyond the end.
        intents: (B, T) what the user came with next, `IGNORED` where nothing or nothing known.
        weights: (B, T) how much the action counts.
    """

    tokens: Tensor
    texts: Tensor
    actions: Tensor
    intents: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        """Move the batch to a device."""
        fields = (self.tokens, self.texts, self.actions, self.intents, self.weights)
        return Batch(*(tensor.to(device) for tensor in fields))


class NamedTable(nn.Module):
    """Vectors of names: each its own, plus what a common matrix reads out of its words.

    The own part begins at nothing, so that a name seldom or never met means what its words mean.
    """

    names: Tensor

    def __init__(self, names: Tensor, dim: int, std: float) -> None:
        super().__init__()
        self.register_buffer("names", names, persistent=False)  # (n, width) of length 1
        self.own = nn.Parameter(torch.zeros(len(names), dim))
        self.read = nn.Linear(names.shape[1], dim, bias=False)
        nn.init.normal_(self.read.weight, std=std)

    def forward(self) -> Tensor:
        """Give (n, dim) vectors."""
        vectors: Tensor = self.own + self.read(self.names)
        return vectors


class Block(nn.Module):
    """Attention over the last `window` states, then a small MLP; both with pre-norm."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.norm_attention = nn.LayerNorm(DIM)
        self.norm_mlp = nn.LayerNorm(DIM)
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.out = nn.Linear(DIM, DIM)
        self.distance = nn.Parameter(torch.zeros(HEADS, window))  # bias by how far back
        self.mlp = nn.Sequential(
            nn.Linear(DIM, 2 * DIM), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(2 * DIM, DIM)
        )
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Transform (B, T, DIM)."""
        batch, length, _ = x.shape
        size = DIM // HEADS
        qkv = self.qkv(self.norm_attention(x)).view(batch, length, 3, HEADS, size)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, HEADS, T, size)
        scores = query @ key.transpose(-1, -2) / math.sqrt(size)  # (B, HEADS, T, T)
        position = torch.arange(length, device=x.device)
        back = position[:, None] - position[None, :]  # (T, T) how many states ago
        scores = scores + self.distance[:, back.clamp(0, self.window - 1)]
        seen = (back >= 0) & (back < self.window)
        attention = scores.masked_fill(~seen, _FAR).softmax(-1)
        read = (self.drop(attention) @ value).transpose(1, 2).reshape(batch, length, DIM)
        x = x + self.drop(self.out(read))
        mixed: Tensor = x + self.drop(self.mlp(self.norm_mlp(x)))
        return mixed


class DialogueTransformer(nn.Module):
    """From states to the next action, and to the intent that the user will come with."""

    def __init__(self, shape: Shape, tokens: Tensor, actions: Tensor, intents: Tensor) -> None:
        """Build the model; the three tensors are the vectors of the names (n, width)."""
        super().__init__()
        self.shape = shape
        self.token_table = NamedTable(tokens, DIM, DIM**-0.5)
        self.action_table = NamedTable(actions, DIM, DIM**-0.5)
        self.intent_table = NamedTable(intents, DIM, DIM**-0.5)
        self.read_text = nn.Linear(shape.text_width, DIM) if shape.text_width else None
        self.mix = nn.Sequential(
            nn.LayerNorm(DIM), nn.GELU(), nn.Dropout(DROPOUT), nn.Linear(DIM, DIM)
        )
        self.blocks = nn.ModuleList(Block(w) for w in windows(shape.max_history, LAYERS))
        self.norm = nn.LayerNorm(DIM)
        self.action_bias = nn.Parameter(torch.zeros(shape.n_actions))
        self.intent_bias = nn.Parameter(torch.zeros(shape.n_intents))

    def forward(self, tokens: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits of actions (B, T, n_actions) and of the next intent (B, T, n_intents)."""
        if self.training:
            tokens = tokens * (torch.rand_like(tokens) >= TOKEN_DROPOUT)
        x = tokens @ self.token_table()  # (B, T, n_tokens) x (n_tokens, DIM)
        if self.read_text is not None:
            spoken = texts.abs().sum(-1, keepdim=True) > 0
            x = x + self.read_text(texts * math.sqrt(self.shape.text_width)) * spoken
        x = x + self.mix(x)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        actions = x @ self.action_table().T + self.action_bias
        return actions, x @ self.intent_table().T + self.intent_bias

    def loss(self, batch: Batch) -> Tensor:
        """Give the mean loss of an action plus that of the user's next intent."""
        actions, intents = self(batch.tokens, batch.texts)
        flat = batch.actions.flatten()
        losses = F.cross_entropy(
            actions.flatten(0, 1), flat, ignore_index=IGNORED, reduction="none"
        )
        weights = batch.weights.flatten() * (flat != IGNORED)
        loss: Tensor = (losses * weights).sum() / weights.sum().clamp(min=1e-6)
        if bool((batch.intents != IGNORED).any()):
            loss = loss + INTENT_SHARE * F.cross_entropy(
                intents.flatten(0, 1), batch.intents.flatten(), ignore_index=IGNORED
            )
        return loss


INTENT_SHARE = 0.2  # the action is what matters; the next intent is a signal beside it


def windows(max_history: int, layers: int) -> list[int]:
    """Share `max_history` among layers: each sees its window, all together exactly that many."""
    back, rest = divmod(max_history - 1, layers)
    return [back + (1 if layer < rest else 0) + 1 for layer in range(layers)]
