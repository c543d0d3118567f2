"""Messages as the encoder reads them: whole, and in views that lack some words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bot.ml.batching import padding_id_of
from bot.ml.devices import fastest_precision
from bot.ml.fine_tuning import SeenTokens
from bot.ml.joint import encode, mean_pool
from bot.ml.text import TokenizedText

_ROWS = 1024  # of the table of all cosines, which as a whole would not fit


@dataclass
class Embedder:
    """Turns lists of subword ids into vectors of length 1, with or without gradients."""

    encoder: nn.Module
    seen: SeenTokens
    device: torch.device

    def __call__(self, rows: Sequence[Sequence[int]], at_once: int = 32) -> Tensor:
        """Give the vectors (N, hidden) of N messages.

        Messages of like length are read together, `at_once` of them: among messages in any order,
        two thirds of the work would be padding.
        """
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        with fastest_precision(self.device):  # around all parts: it casts the weights only once
            parts = [
                self._read([rows[index] for index in order[start : start + at_once]])
                for start in range(0, len(order), at_once)
            ]
        places = torch.empty(len(rows), dtype=torch.long)
        places[torch.tensor(order)] = torch.arange(len(rows))
        return torch.cat(parts)[places]

    @torch.no_grad()
    def embed_all(self, messages: Sequence[TokenizedText]) -> Tensor:
        """Give the vectors (N, hidden) of whole messages, on the CPU."""
        self.encoder.eval()
        return self([message.ids for message in messages], at_once=128).cpu()

    def _read(self, rows: Sequence[Sequence[int]]) -> Tensor:
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), padding_id_of(self.encoder), dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        ids, mask = self.seen.remap(ids).to(self.device), mask.to(self.device)
        return mean_pool(encode(self.encoder, ids, mask), mask)


def view_of(message: TokenizedText, share: float, chance: random.Random) -> list[int]:
    """Give a message's subword ids without some of its words, at least one of which stays.

    Args:
        message: the whole message.
        share: how likely each word is left out.
        chance: decides.
    """
    dropped: set[int] = set()
    for word in message.words:
        if chance.random() < share:
            dropped |= set(range(word.first, word.last))
    if sum(word.last - word.first for word in message.words) == len(dropped):
        return list(message.ids)
    return [one for place, one in enumerate(message.ids) if place not in dropped]


def nearest(vectors: Tensor, count: int, among: Tensor | None = None) -> Tensor:
    """Find the nearest other messages by cosine.

    Args:
        vectors: (N, hidden) of length 1.
        count: how many.
        among: (M, hidden), where the neighbours are to be found; the same messages by default,
            of which none is its own neighbour.

    Returns:
        (N, count) rows of `among`, the nearest first.
    """
    others = vectors if among is None else among
    found = []
    for start in range(0, len(vectors), _ROWS):
        part = vectors[start : start + _ROWS]
        cosines = part @ others.T
        if among is None:
            rows = torch.arange(len(part))
            cosines[rows, rows + start] = -2.0
        found.append(cosines.topk(count, dim=1).indices)
    return torch.cat(found)


def contrast(vectors: Tensor, same: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Ask each view to find those that say the same among all views of the batch.

    Khosla et al. (2020), "Supervised Contrastive Learning", equation 2, with neighbours in place
    of labels; where each message's only partner is itself, it is that of SimCSE (Gao et al. 2021).

    Args:
        vectors: (B, hidden) of length 1.
        same: (B, B) whether two different views say the same; each row has at least one.
        temperature: the divisor of the cosines.

    Returns:
        The loss of each view (B,), and whether its nearest view is one that says the same (B,).
    """
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    logits = (vectors @ vectors.T / temperature).masked_fill(itself, float("-inf"))
    shares = F.log_softmax(logits, dim=1).masked_fill(~same, 0.0)
    found = same.gather(1, logits.argmax(1, keepdim=True)).squeeze(1)
    return -shares.sum(1) / same.sum(1), found


def say_the_same(messages: Tensor, neighbours: Tensor) -> Tensor:
    """Say which views of a batch say the same: views of one message, and neighbours either way.

    Args:
        messages: (B,) which message each view is of.
        neighbours: (B, K) the neighbours of that message.

    Returns:
        (B, B); no view is paired with itself.
    """
    one = messages.unsqueeze(0) == messages.unsqueeze(1)
    near = (neighbours.unsqueeze(1) == messages.view(1, -1, 1)).any(2)
    return (one | near | near.T) & ~torch.eye(len(messages), dtype=torch.bool)
