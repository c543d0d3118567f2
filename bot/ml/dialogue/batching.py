"""Conversations as arrays, what each of their states counts, and batches of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bot.ml.dialogue.model import IGNORED, Batch
from bot.ml.dialogue.states import (
    Conversation,
    FloatArray,
    Vocabulary,
    columns_of,
    input_of,
    text_input_of,
)

_BATCHES_PER_POOL = 8


@dataclass(frozen=True)
class Item:
    """A conversation ready for the model, T states long.

    Attributes:
        conversation: where it comes from.
        tokens: (T, n_tokens).
        texts: (T, text_width).
        actions: (T,) what followed.
        intents: (T,) what the user came with next, or `IGNORED`.
        weights: (T,) how much each action counts.
    """

    conversation: Conversation
    tokens: FloatArray
    texts: FloatArray
    actions: np.ndarray[tuple[int], np.dtype[np.int64]]
    intents: np.ndarray[tuple[int], np.dtype[np.int64]]
    weights: FloatArray


def prepare(
    conversations: Sequence[Conversation],
    vocabulary: Vocabulary,
    vectors: Mapping[str, FloatArray],
    text_width: int,
    max_history: int,
) -> list[Item]:
    """Write conversations as arrays; those in which nothing counts are left out.

    What stories tell counts as often as they tell it. Augmentation adds contexts and no
    frequencies: of a joined conversation only what was not seen yet counts.
    """
    tokens = columns_of(vocabulary.tokens)
    actions = columns_of(vocabulary.actions)
    intents = columns_of(vocabulary.intents)
    seen: set[tuple[object, ...]] = set()
    items = []
    for conversation in sorted(conversations, key=lambda c: c.is_augmented):
        weights = _weights(conversation, seen, max_history)
        if not weights.any():
            continue
        items.append(
            Item(
                conversation,
                input_of(conversation.states, tokens),
                text_input_of(conversation.states, vectors, text_width),
                np.array([actions[name] for name in conversation.actions]),
                np.array(
                    [
                        IGNORED if name is None else intents.get(name, IGNORED)
                        for name in conversation.next_intents
                    ]
                ),
                weights,
            )
        )
    return items


def training_batches(
    items: Sequence[Item], size: int, order: random.Random
) -> Iterator[list[Item]]:
    """Yield shuffled batches of one epoch; within a pool of batches, like lengths go together.

    Of the conversations that augmentation joined, each epoch takes others, no more than there
    are stories: joining adds contexts, and should not add much time.
    """
    shuffled = [item for item in items if not item.conversation.is_augmented]
    joined = [item for item in items if item.conversation.is_augmented]
    shuffled += order.sample(joined, min(len(joined), len(shuffled)))
    order.shuffle(shuffled)
    pool = size * _BATCHES_PER_POOL
    batches = []
    for start in range(0, len(shuffled), pool):
        chunk = sorted(shuffled[start : start + pool], key=lambda item: len(item.actions))
        batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    order.shuffle(batches)
    yield from batches


def batches_an_epoch(items: Sequence[Item], size: int) -> int:
    """Count the batches of one epoch."""
    told = sum(not item.conversation.is_augmented for item in items)
    return -(-(told + min(told, len(items) - told)) // size)


def collate(items: Sequence[Item]) -> Batch:
    """Pad conversations to one batch; shapes as in `Batch`."""
    length = max(len(item.actions) for item in items)
    shape = (len(items), length)
    tokens = torch.zeros((*shape, items[0].tokens.shape[1]))
    texts = torch.zeros((*shape, items[0].texts.shape[1]))
    actions = torch.full(shape, IGNORED, dtype=torch.long)
    intents = torch.full(shape, IGNORED, dtype=torch.long)
    weights = torch.zeros(shape)
    for row, item in enumerate(items):
        end = len(item.actions)
        tokens[row, :end] = torch.from_numpy(item.tokens)
        texts[row, :end] = torch.from_numpy(item.texts)
        actions[row, :end] = torch.from_numpy(item.actions)
        intents[row, :end] = torch.from_numpy(item.intents)
        weights[row, :end] = torch.from_numpy(item.weights)
    return Batch(tokens, texts, actions, intents, weights)


def _weights(
    conversation: Conversation, seen: set[tuple[object, ...]], max_history: int
) -> FloatArray:
    weights = np.ones(len(conversation.actions), dtype=np.float32)
    for position, action in enumerate(conversation.actions):
        first = max(0, position - max_history + 1)
        window = (action, *conversation.states[first : position + 1])
        key = (hash(window), action)
        if conversation.is_augmented and key in seen:
            weights[position] = 0.0
        seen.add(key)
    return weights
