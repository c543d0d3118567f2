"""The weights before the first step: of the encoder, the intent directions and the tag head."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bot.errors import EncoderError, OptionError
from bot.ml.answers import readable
from bot.ml.batching import Item, collate, evaluation_batches, padding_id_of, prepare
from bot.ml.encoder import EncoderSource
from bot.ml.heads import Heads
from bot.ml.joint import (
    HIT_GAIN,
    IGNORED,
    JointModel,
    copy_tokenizer,
    encode,
    hidden_size_of,
    load_encoder,
    mean_pool,
)
from bot.ml.options import JointOptions
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import StartingPoint
from bot.types import Example

NAME_WEIGHT = 0.5
TOKENIZER = "tokenizer.json"
_BATCH = 64


def first_tokenizer(source: EncoderSource, start: StartingPoint | None, folder: Path) -> Path:
    """Leave the tokenizer in a folder; that of an earlier model may know tokens of its own.

    Raises:
        EncoderError: the encoder has no fast tokenizer.
    """
    earlier = start.encoder_folder.parent / TOKENIZER if start else None
    if earlier is None or not earlier.is_file():
        return copy_tokenizer(source, folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(earlier, folder / TOKENIZER))


def first_encoder(
    source: EncoderSource, options: JointOptions, start: StartingPoint | None
) -> nn.Module:
    """Load the encoder that learns, and check that it fits its tokenizer and the options.

    Raises:
        EncoderError: see `load_encoder`; or `start` was trained from another encoder.
        OptionError: `max_length` is more than the encoder can read.
    """
    if start and start.base_revision != source.revision:
        raise EncoderError(
            f"The earlier model was trained from another encoder than '{source.name}', which "
            f"config.yml names. Correct 'model' in config.yml, or train without the earlier model."
        )
    encoder = load_encoder(start.encoder_folder if start else source.folder, source.name)
    positions = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    if isinstance(positions, nn.Embedding):
        reserved = 0 if positions.padding_idx is None else positions.padding_idx + 1
        longest = positions.num_embeddings - reserved
        if options.max_length > longest:
            raise OptionError(
                f"Option 'max_length' is {options.max_length}, but the encoder '{source.name}' "
                f"reads at most {longest} subwords. Change it in config.yml."
            )
    return encoder


@torch.no_grad()
def first_prototypes(
    encoder: nn.Module,
    tokenizer: SubwordTokenizer,
    labels: Sequence[str],
    items: Sequence[Item],
    start: StartingPoint | None,
) -> Tensor:
    """Start each label from its class mean plus half its name, or from an earlier model.

    Returns:
        (n_labels, hidden) directions of length 1.
    """
    encoder.eval()
    sums = torch.zeros(len(labels), hidden_size_of(encoder))
    labelled = [item for item in items if item.intent != IGNORED]
    for item, vector in zip(labelled, embed_items(encoder, labelled), strict=True):
        sums[item.intent] += vector
    names = [Example(readable(label)) for label in labels]
    named = embed_items(encoder, prepare(names, tokenizer, {}, TagSet(())))
    prototypes = F.normalize(sums, dim=-1)
    if named:
        prototypes = F.normalize(prototypes + NAME_WEIGHT * torch.stack(named), dim=-1)
    if start:
        for row, label in enumerate(start.heads.labels):
            if label in labels:
                known = torch.from_numpy(start.heads.prototypes[row].copy())
                prototypes[labels.index(label)] = known
    return prototypes


def copy_tags(heads: Heads, tag_head: nn.Linear, tags: TagSet) -> None:
    """Take over the weights of tags that an earlier model knew."""
    with torch.no_grad():
        for old, new in _known_tags(heads, tags):
            tag_head.weight[new] = torch.from_numpy(heads.tag_weight[old].copy())
            tag_head.bias[new] = float(heads.tag_bias[old])


@torch.no_grad()
def copy_hits(
    heads: Heads, model: JointModel, tags: TagSet, labels: Sequence[str], kinds: Sequence[str]
) -> None:
    """Take over what an earlier model learned of hits, where it knew kind and tag or label."""
    for new, kind in enumerate(kinds):
        if kind not in heads.kinds:
            continue
        old = heads.kinds.index(kind)
        for row, label in enumerate(labels):
            if label in heads.labels:
                known = heads.hit_intents[heads.labels.index(label), old]
                model.hit_intents[row, new] = float(known) / HIT_GAIN
        for part in (0, 1):  # the first word of a hit, and its further words
            column, source = new + part * len(kinds), old + part * len(heads.kinds)
            for before, after in _known_tags(heads, tags):
                known = heads.hit_tags[before, source]
                model.hit_tags[after, column] = float(known) / HIT_GAIN


@torch.no_grad()
def embed_texts(
    encoder: nn.Module, tokenizer: SubwordTokenizer, texts: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Give each text its vector (hidden,) of length 1."""
    vectors = embed_items(
        encoder, prepare([Example(text) for text in texts], tokenizer, {}, TagSet(()))
    )
    return {text: vector.numpy() for text, vector in zip(texts, vectors, strict=True)}


def _known_tags(heads: Heads, tags: TagSet) -> list[tuple[int, int]]:
    """Pair the tags of an earlier model with the same ones of the new model."""
    pairs = [(0, 0)]
    for label in tags.labels:
        if label in heads.tags.labels:
            old, new = heads.tags.begin(label), tags.begin(label)
            pairs += [(old, new), (old + 1, new + 1)]
    return pairs


@torch.no_grad()
def embed_items(encoder: nn.Module, items: Sequence[Item]) -> list[Tensor]:
    """Give each item its vector (hidden,) of length 1."""
    device = next(encoder.parameters()).device
    vectors: dict[int, Tensor] = {}
    for indices in evaluation_batches(items, _BATCH):
        batch = collate([items[i] for i in indices], padding_id_of(encoder)).to(device)
        pooled = mean_pool(encode(encoder, batch.ids, batch.mask), batch.mask).cpu()
        vectors.update(zip(indices, pooled, strict=True))
    return [vectors[index] for index in range(len(items))]
