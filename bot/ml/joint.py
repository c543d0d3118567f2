"""The joint model: one transformer, an intent head and an entity head.

The intent head compares the message with one direction per label (a cosine classifier, as in
Gidaris and Komodakis, 2018, "Dynamic Few-Shot Visual Learning without Forgetting"). The
directions start from the class means of the untouched encoder and the embedded label names, so
that a handful of examples works before the first step.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, AutoTokenizer

from bot.errors import EncoderError
from bot.ml.attribute_layer import AttributeLayer
from bot.ml.encoder import EncoderSource
from bot.ml.heads import Heads
from bot.ml.tagging import TagSet

INITIAL_SCALE = 20.0
# What one step changes of a head suits sums over hundreds of features; a hit is a single one.
HIT_GAIN = 10.0
HIDDEN_HITS = 0.3  # share of the words whose hits one step does not see
IGNORED = -100


@dataclass
class Batch:
    """Tensors of one step: B messages, T subwords, W words.

    Attributes:
        ids: (B, T) subword ids; mask: (B, T) 1 where there is one.
        pooling: (B, W, T) weights that average the subwords of each word.
        intents: (B,) label indices, `IGNORED` where there is none.
        tags: (B, W) tag indices, `IGNORED` beyond a message's words.
        hits: (B, W, 2 K) what the vocabulary knows of each word; see `heads.hit_features`.
        attributes: (B, A) the index of each attribute's value, `IGNORED` where there is none.
    """

    ids: Tensor
    mask: Tensor
    pooling: Tensor
    intents: Tensor
    tags: Tensor
    hits: Tensor
    attributes: Tensor

    def to(self, device: torch.device) -> Batch:
        """Move all tensors to a device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))

    def rows(self, rows: Sequence[int]) -> Batch:
        """Give some of the messages, at the same padded length."""
        return Batch(*(getattr(self, name)[list(rows)] for name in self.__dataclass_fields__))


class LossWeights(NamedTuple):
    """What the mean losses of some messages count for in the loss of a whole batch."""

    intents: float
    tags: float
    attributes: float


ALL = LossWeights(1.0, 1.0, 1.0)


class Logits(NamedTuple):
    """What the heads say of B messages of W words, with V values of all attributes together.

    Attributes:
        intents: (B, n_labels)
        tags: (B, W, n_tags)
        attributes: (B, V)
    """

    intents: Tensor
    tags: Tensor
    attributes: Tensor


class JointModel(nn.Module):
    """Encoder and heads; `forward` gives the logits of all heads."""

    def __init__(
        self,
        encoder: nn.Module,
        prototypes: Tensor,
        n_tags: int,
        n_kinds: int = 0,
        attributes: AttributeLayer | None = None,
    ) -> None:
        super().__init__()
        hidden = prototypes.shape[1]
        self.encoder = encoder
        self.prototypes = nn.Parameter(prototypes)  # (n_labels, hidden)
        self.scale = INITIAL_SCALE
        self.tag_head = nn.Linear(hidden, n_tags)
        nn.init.normal_(self.tag_head.weight, std=0.02)
        nn.init.zeros_(self.tag_head.bias)
        # Hits say nothing before the first step, so that a model without any is the same model.
        self.hit_tags = nn.Parameter(torch.zeros(n_tags, 2 * n_kinds))
        self.hit_intents = nn.Parameter(torch.zeros(prototypes.shape[0], n_kinds))
        self.attributes = attributes

    def forward(self, batch: Batch) -> Logits:
        """Give the logits of all heads."""
        hidden = encode(self.encoder, batch.ids, batch.mask)  # (B, T, H)
        sentence = mean_pool(hidden, batch.mask)  # (B, H), length 1
        intent_logits = self.scale * sentence @ F.normalize(self.prototypes, dim=-1).T
        words = torch.bmm(batch.pooling, hidden)  # (B, W, T) x (B, T, H) -> (B, W, H)
        tag_logits = self.tag_head(words)
        if batch.hits.shape[-1]:
            hits = batch.hits
            present = hits[..., : hits.shape[-1] // 2].amax(dim=1)  # (B, K)
            intent_logits = intent_logits + HIT_GAIN * present @ self.hit_intents.T
            tag_logits = tag_logits + HIT_GAIN * hits @ self.hit_tags.T
        said = self.attributes(sentence) if self.attributes else sentence[:, :0]
        return Logits(intent_logits, tag_logits, said)

    def heads(self, labels: Sequence[str], tags: TagSet, kinds: Sequence[str]) -> Heads:
        """Give the heads in numpy, with the names of what they predict."""

        def numbers(tensor: Tensor) -> NDArray[np.float32]:
            return np.asarray(tensor.detach().float().cpu().numpy())

        return Heads(
            tuple(labels),
            tags,
            numbers(F.normalize(self.prototypes, dim=-1)),
            self.scale,
            numbers(self.tag_head.weight),
            numbers(self.tag_head.bias),
            tuple(kinds),
            numbers(HIT_GAIN * self.hit_tags),
            numbers(HIT_GAIN * self.hit_intents),
            attributes=self.attributes.heads() if self.attributes else (),
        )

    def loss(self, batch: Batch, weights: LossWeights = ALL) -> Tensor:
        """Give the mean loss per labelled message and tagged word, all heads summed."""
        intent_logits, tag_logits, attribute_logits = self(batch)
        loss: Tensor = intent_logits.sum() * 0.0
        if bool((batch.intents != IGNORED).any()):
            mean = F.cross_entropy(intent_logits, batch.intents, ignore_index=IGNORED)
            loss = loss + weights.intents * mean
        if self.tag_head.out_features > 1 and bool((batch.tags != IGNORED).any()):
            mean = F.cross_entropy(
                tag_logits.flatten(0, 1), batch.tags.flatten(), ignore_index=IGNORED
            )
            loss = loss + weights.tags * mean
        if self.attributes:
            said = self.attributes.loss(attribute_logits, batch.attributes)
            loss = loss + weights.attributes * said
        return loss


def hide_hits(hits: Tensor) -> Tensor:
    """Hide the hits of some words for a step, so that the heads also learn to do without."""
    if not hits.shape[-1]:
        return hits
    kept = torch.rand(hits.shape[:2], device=hits.device) >= HIDDEN_HITS
    return hits * kept.unsqueeze(-1)


def encode(encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """Run the transformer: (B, T) ids to (B, T, H) token vectors."""
    hidden: Tensor = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    return hidden.float()


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Average the token vectors of each message and scale them to length 1: (B, H)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=1), dim=-1)


def load_encoder(folder: Path, name: str) -> nn.Module:
    """Load a transformer encoder in single precision.

    Raises:
        EncoderError: transformers cannot read the folder, or it is no encoder.
    """
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder)
        for dropout in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if getattr(config, dropout, None):
                setattr(config, dropout, DROPOUT)
        options: dict[str, Any] = {"dtype": torch.float32, "config": config}
        if config.model_type in {"bert", "roberta", "xlm-roberta"}:
            options["add_pooling_layer"] = False
        encoder: nn.Module = AutoModel.from_pretrained(folder, **options)
    except Exception as error:  # transformers raises whatever its file formats raise
        raise EncoderError(
            f"The encoder '{name}' could not be loaded from {folder}: {error}"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
    if getattr(config, "is_encoder_decoder", False):
        raise EncoderError(
            f"The encoder '{name}' is an encoder-decoder ({config.model_type}); use an "
            f"encoder such as a BERT, RoBERTa, DistilBERT or MiniLM."
        )
    return encoder


# Dropout slows a step on a CPU by a seventh; see docs/decisions/003.
DROPOUT = 0.0


def save_encoder(encoder: nn.Module, folder: Path) -> None:
    """Write the transformer as transformers' own tools read it, in half precision."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    encoder.config.save_pretrained(folder)  # type: ignore[union-attr,operator]
    weights = {
        name: tensor.detach()
        .to("cpu", torch.float16 if tensor.is_floating_point() else None)
        .contiguous()
        for name, tensor in encoder.state_dict().items()
    }
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})


def copy_tokenizer(source: EncoderSource, folder: Path) -> Path:
    """Leave the encoder's fast tokenizer in `folder` as `tokenizer.json`.

    Raises:
        EncoderError: the encoder has no fast tokenizer.
    """
    target = folder / "tokenizer.json"
    folder.mkdir(parents=True, exist_ok=True)
    if (source.folder / "tokenizer.json").is_file():
        shutil.copyfile(source.folder / "tokenizer.json", target)
        return target
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.folder)
        if len(tokenizer.get_vocab()) <= len(tokenizer.all_special_tokens):
            raise ValueError("no vocabulary")  # transformers makes an empty tokenizer up
        tokenizer.backend_tokenizer.save(str(target))
    except Exception as error:
        raise EncoderError(
            f"The encoder '{source.name}' has no fast tokenizer (tokenizer.json), which exact "
            f"character offsets need. Convert it with transformers or use another encoder."
        ) from error
    return target


def hidden_size_of(encoder: nn.Module) -> int:
    """Give the width of the token vectors."""
    return int(encoder.config.hidden_size)  # type: ignore[union-attr,arg-type]
