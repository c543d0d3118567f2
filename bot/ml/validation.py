"""Scores on the messages that were kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from bot.ml.attribute_learning import attribute_f1
from bot.ml.batching import Item
from bot.ml.heads import Heads
from bot.ml.joint import IGNORED, Logits
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.trained import EpochRecord
from bot.types import base_intent


def scored(
    record: EpochRecord,
    items: Sequence[Item],
    predicted: Sequence[Logits],
    heads: Heads,
) -> EpochRecord:
    """Give the record with the scores of what was predicted.

    Args:
        record: of the epoch.
        items: the messages, with their truth.
        predicted: for each, the logits of intents (n_labels,), tags (n_words, n_tags) and
            attributes (V,).
        heads: what reads spans from tags, and knows the labels.
    """
    losses, truth, intents, marked, spans = [], [], [], [], []
    for item, (intent_logits, tag_logits, _) in zip(items, predicted, strict=True):
        if item.intent != IGNORED:
            losses.append(float(F.cross_entropy(intent_logits, torch.tensor(item.intent))))
            truth.append(base_intent(heads.labels[item.intent]))
            intents.append(_likeliest_intent(intent_logits, heads.labels))
        if item.example.has_marked_entities:
            marked.append(item.example.spans)
            spans.append(heads.decode(tag_logits.numpy(), item.text.words))
    return replace(
        record,
        validation_loss=sum(losses) / max(1, len(losses)),
        intent_f1=weighted_f1(truth, intents) if losses else 1.0,
        entity_f1=span_f1(marked, spans),
        attribute_f1=attribute_f1(heads.attributes, items, predicted),
    )


def _likeliest_intent(logits: Tensor, labels: Sequence[str]) -> str:
    totals: dict[str, float] = {}
    for label, probability in zip(labels, logits.softmax(-1).tolist(), strict=True):
        intent = base_intent(label)
        totals[intent] = totals.get(intent, 0.0) + probability
    return max(totals, key=lambda intent: totals[intent]) if totals else ""
