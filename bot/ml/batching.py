"""Batches of messages of like length, so that little of a batch is padding."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import nn

from bot.ml.heads import hit_features
from bot.ml.joint import IGNORED, Batch
from bot.ml.tagging import TagSet, encode_tags
from bot.ml.text import SubwordTokenizer, TokenizedText
from bot.types import Example

_BATCHES_PER_POOL = 50
_NONE: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True)
class Item:
    """An example ready for the model: subwords, label index, one tag per word.

    `tags` is empty where nobody has looked for entities; `attributes` holds the index of each
    attribute's value, `IGNORED` where the example does not carry it.
    """

    example: Example
    text: TokenizedText
    intent: int
    tags: tuple[int, ...]
    attributes: tuple[int, ...] = ()


def prepare(
    examples: Sequence[Example],
    tokenizer: SubwordTokenizer,
    labels: Mapping[str, int],
    tags: TagSet,
    attributes: Mapping[str, Sequence[str]] = _NONE,
) -> list[Item]:
    """Tokenize examples and look their labels up; unknown labels are ignored in the loss."""
    items = []
    for example in examples:
        text = tokenizer.tokenize(example.text, example.reading.edits)
        intent = labels.get(example.intent, IGNORED) if example.intent else IGNORED
        marked = example.has_marked_entities
        encoded = tuple(encode_tags(text.words, example.spans, tags)) if marked else ()
        items.append(Item(example, text, intent, encoded, _indices(example, attributes)))
    return items


def _indices(example: Example, attributes: Mapping[str, Sequence[str]]) -> tuple[int, ...]:
    said = {attribute.name: attribute.value for attribute in example.attributes}
    return tuple(
        values.index(said[name]) if said.get(name) in values else IGNORED
        for name, values in attributes.items()
    )


def training_batches(
    items: Sequence[Item], size: int, order: random.Random
) -> Iterator[list[Item]]:
    """Yield shuffled batches; within a pool of batches, like lengths go together."""
    shuffled = list(items)
    order.shuffle(shuffled)
    pool = size * _BATCHES_PER_POOL
    batches = []
    for start in range(0, len(shuffled), pool):
        chunk = sorted(shuffled[start : start + pool], key=lambda item: len(item.text.ids))
        batches += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    order.shuffle(batches)
    yield from batches


def evaluation_batches(items: Sequence[Item], size: int) -> Iterator[list[int]]:
    """Yield the indices of all items in batches of like length."""
    indices = sorted(range(len(items)), key=lambda index: len(items[index].text.ids))
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def collate(items: Sequence[Item], padding_id: int, kinds: Sequence[str] = ()) -> Batch:
    """Pad a list of items to one batch; shapes as in `Batch`, its hits of these kinds."""
    n_subwords = max(len(item.text.ids) for item in items)
    n_words = max(1, max(len(item.text.words) for item in items))
    ids = torch.full((len(items), n_subwords), padding_id, dtype=torch.long)
    mask = torch.zeros((len(items), n_subwords), dtype=torch.long)
    pooling = torch.zeros((len(items), n_words, n_subwords))
    tags = torch.full((len(items), n_words), IGNORED, dtype=torch.long)
    hits = torch.zeros((len(items), n_words, 2 * len(kinds)))
    for row, item in enumerate(items):
        length = len(item.text.ids)
        ids[row, :length] = torch.tensor(item.text.ids)
        mask[row, :length] = 1
        for column, word in enumerate(item.text.words):
            pooling[row, column, word.first : word.last] = 1 / (word.last - word.first)
        if item.tags:
            tags[row, : len(item.tags)] = torch.tensor(item.tags)
        if kinds and item.example.reading.hits:
            known = hit_features(item.text.words, item.example.reading.hits, kinds)
            hits[row, : len(known)] = torch.from_numpy(known)
    intents = torch.tensor([item.intent for item in items])
    attributes = torch.tensor([item.attributes for item in items], dtype=torch.long)
    return Batch(ids, mask, pooling, intents, tags, hits, attributes)


def padding_id_of(encoder: nn.Module) -> int:
    """Give the id that fills up short rows; the mask hides it."""
    return int(getattr(encoder.config, "pad_token_id", 0) or 0)
