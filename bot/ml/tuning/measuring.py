"""Train with one choice of options, and measure it on the messages that were kept apart."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bot.ml.added_tokens import NewToken
from bot.ml.batching import collate, evaluation_batches, padding_id_of, prepare
from bot.ml.devices import fastest_precision
from bot.ml.heads import pool_sentence, pool_words
from bot.ml.joint import encode
from bot.ml.metrics import span_f1
from bot.ml.options import JointOptions
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import AfterEpoch, EpochRecord, TrainedJoint
from bot.ml.training import train_joint
from bot.types import Example, Parse, base_intent

PARTS = 10  # of a training: where its score is compared with that of others
_BATCH = 64


@dataclass(frozen=True)
class Measured:
    """What a training came to, on the messages that were kept apart.

    Attributes:
        score: see `score_of`; that of the epoch that was kept.
        intent_f1: weighted F1 of the intents.
        entity_f1: F1 of the entities.
        epoch: which one was kept, counted from 1.
        seconds: that it took.
        right: (n_messages,) whether the intent and all entities of a message are right.
    """

    score: float
    intent_f1: float
    entity_f1: float
    epoch: int
    seconds: float
    right: tuple[bool, ...]


def measure(
    examples: Sequence[Example],
    options: JointOptions,
    *,
    new_tokens: Sequence[NewToken] = (),
    after_epoch: AfterEpoch | None = None,
    show_progress: bool = True,
) -> Measured:
    """Train, and score the share that the options keep apart; nothing of the model stays.

    Raises:
        BotError: see `train_joint`.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_joint(
            examples,
            options,
            Path(scratch),
            new_tokens=new_tokens,
            show_progress=show_progress,
            after_epoch=after_epoch,
        )
        right = messages_right(trained)
    best = trained.curve[trained.best_epoch - 1]
    return Measured(
        score=score_of(best, has_entities(examples)),
        intent_f1=best.intent_f1 or 0.0,
        entity_f1=best.entity_f1 or 0.0,
        epoch=best.epoch,
        seconds=time.monotonic() - began,
        right=right,
    )


def has_entities(examples: Sequence[Example]) -> bool:
    """Say whether any entity is annotated."""
    return any(example.spans for example in examples)


def score_of(record: EpochRecord, entities: bool) -> float:
    """Give the F1 of the intents, or where there are entities the mean of both F1 scores."""
    return record.score if entities else record.intent_f1 or 0.0


def parts_reached(epoch: int, epochs: int) -> range:
    """Give the parts of a training for which the score after an epoch is the newest one.

    Trainings of 4 and of 15 epochs cannot be compared epoch by epoch, since the learning rate
    falls over the whole length of each; part by part they can.

    Args:
        epoch: that has just ended, counted from 1.
        epochs: how many there will be.

    Returns:
        Numbers from 1 to `PARTS`; none where the next epoch ends within the same part.
    """
    first = math.ceil(PARTS * epoch / epochs)
    return range(first, PARTS + 1 if epoch == epochs else math.ceil(PARTS * (epoch + 1) / epochs))


@torch.no_grad()
def messages_right(trained: TrainedJoint) -> tuple[bool, ...]:
    """Say of each message that was kept apart whether its intent and all entities are right."""
    encoder = trained.encoder.eval()
    device = next(encoder.parameters()).device
    tokenizer = SubwordTokenizer.load(trained.tokenizer_path, trained.options.max_length)
    items = prepare(trained.validation, tokenizer, {}, trained.heads.tags)
    right = [False] * len(items)
    for indices in evaluation_batches(items, _BATCH):
        batch = collate([items[i] for i in indices], padding_id_of(encoder)).to(device)
        with fastest_precision(device):
            hidden = encode(encoder, batch.ids, batch.mask).cpu().numpy()
        for row, index in enumerate(indices):
            item = items[index]
            vectors = hidden[row, : len(item.text.ids)]
            words, hits = item.text.words, item.example.reading.hits
            parse = Parse()
            if words:
                of_words = pool_words(vectors, words)
                parse = trained.heads.parse(pool_sentence(vectors), of_words, words, hits)
            right[index] = _is_right(parse, item.example)
    return tuple(right)


def _is_right(parse: Parse, example: Example) -> bool:
    if span_f1([example.spans], [parse.spans]) < 1:
        return False
    if example.intent is None:
        return True
    return bool(parse.ranking) and parse.ranking[0].name == base_intent(example.intent)
