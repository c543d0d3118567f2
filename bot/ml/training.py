"""Fine-tune encoder and heads together on intents and entities."""

from __future__ import annotations

import copy
import logging
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bot.errors import TrainingDataError
from bot.ml import added_tokens, fine_tuning
from bot.ml.added_tokens import NewToken
from bot.ml.batching import (
    Item,
    collate,
    evaluation_batches,
    padding_id_of,
    prepare,
    training_batches,
)
from bot.ml.calibration import fit_scale
from bot.ml.devices import choose_device, fastest_precision
from bot.ml.encoder import find_encoder
from bot.ml.first_weights import (
    copy_hits,
    copy_tags,
    first_encoder,
    first_prototypes,
    first_tokenizer,
)
from bot.ml.heads import Heads
from bot.ml.joint import IGNORED, Batch, JointModel
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.options import JointOptions
from bot.ml.splitting import split_for_validation
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import EpochRecord, StartingPoint, TrainedJoint
from bot.types import Example, base_intent

logger = logging.getLogger(__name__)

MAX_GRADIENT_NORM = 1.0
EVALUATION_BATCH = 64
SMALLEST_BATCH = 8
BATCHES_AN_EPOCH = 10
LOG_EVERY_S = 10.0  # how often the bar is drawn where nobody watches it move


def train_joint(
    examples: Sequence[Example],
    options: JointOptions,
    workspace: Path,
    *,
    start: StartingPoint | None = None,
    new_tokens: Sequence[NewToken] = (),
    show_progress: bool = True,
) -> TrainedJoint:
    """Fine-tune on examples; with `start`, continue from an earlier model.

    Args:
        examples: messages with full intent labels and spans.
        options: see `JointOptions`.
        workspace: a folder for the tokenizer's file.
        start: an earlier model; labels that it does not know start from their class means.
        new_tokens: words that may become tokens, the worthiest first; see `added_tokens`.
        show_progress: draw a bar with loss, validation F1 and the time left.

    Raises:
        TrainingDataError: no example carries an intent or an entity.
        EncoderError: see `find_encoder`; or `start` was trained from another encoder.
        OptionError: `max_length` is more than the encoder can read.
    """
    if not any(example.intent or example.spans for example in examples):
        raise TrainingDataError(
            "There is nothing to learn: no training example has an intent or an entity. "
            "Add examples under data/nlu/."
        )
    torch.manual_seed(options.random_seed)  # shuffling has a generator of its own
    source = find_encoder(options.model)
    tokenizer_path = first_tokenizer(source, start, workspace)
    encoder = first_encoder(source, options, start)
    added_tokens.extend(encoder, tokenizer_path, new_tokens, options.added_tokens)
    tokenizer = SubwordTokenizer.load(tokenizer_path, options.max_length)
    run = _Run(examples, options, tokenizer, encoder, start)
    run.learn(show_progress)
    return TrainedJoint(
        encoder=run.model.encoder,
        tokenizer_path=tokenizer_path,
        heads=run.heads(),
        options=options,
        base_revision=source.revision,
        curve=run.curve,
        best_epoch=run.best_epoch,
        n_training=len(run.training),
        validation=[item.example for item in run.validation],
    )


class _Run:
    """One training run: the data, the model and the state that the epochs share."""

    def __init__(
        self,
        examples: Sequence[Example],
        options: JointOptions,
        tokenizer: SubwordTokenizer,
        encoder: nn.Module,
        start: StartingPoint | None,
    ) -> None:
        self.options = options
        self.device = choose_device()
        self.labels = sorted({example.intent for example in examples if example.intent})
        self.tags = TagSet.of(span for example in examples for span in example.spans)
        index = {label: position for position, label in enumerate(self.labels)}
        learn, keep = split_for_validation(examples, options.validation_split, options.random_seed)
        self.training = prepare(learn, tokenizer, index, self.tags)
        self.validation = prepare(keep, tokenizer, index, self.tags)
        # Few messages need as many steps as many: smaller batches, and more passes over them.
        few = max(SMALLEST_BATCH, len(self.training) // BATCHES_AN_EPOCH)
        self.batch_size = min(options.batch_size, few)
        self.min_steps = options.min_steps // 2 if start else options.min_steps
        self.padding_id = padding_id_of(encoder)
        encoder.to(self.device)
        self.seen: fine_tuning.SeenTokens | None = None
        prototypes = first_prototypes(encoder, tokenizer, self.labels, self.training, start)
        self.kinds = sorted({hit.kind for example in learn for hit in example.reading.hits})
        model = JointModel(encoder, prototypes, len(self.tags), len(self.kinds))
        self.model = model.to(self.device)
        if start:
            copy_tags(start.heads, self.model.tag_head, self.tags)
            copy_hits(start.heads, self.model, self.tags, self.labels, self.kinds)
        self.curve: list[EpochRecord] = []
        self.best_epoch = 0

    def learn(self, show_progress: bool) -> None:
        """Run the epochs, keep the best weights, and leave the encoder whole."""
        self.model.encoder = fine_tuning.choose_trainable(
            self.model.encoder, self.options.fine_tune
        )
        if self.options.fine_tune == "full":
            items = [*self.training, *self.validation]
            ids = {self.padding_id, *(i for item in items for i in item.text.ids)}
            self.seen = fine_tuning.SeenTokens(self.model.encoder, ids)
            self.model.to(self.device)
        try:
            self._epochs(show_progress)
        finally:
            if self.seen:
                self.seen.restore()
                self.seen = None
        self.model.encoder = fine_tuning.merge_adapters(self.model.encoder)

    def heads(self) -> Heads:
        """Give the heads in numpy, the intent scale calibrated on validation data."""
        heads = self._uncalibrated_heads()
        if not self.validation:
            return heads
        intent_logits = torch.stack([row[0] for row in self._predict(self.validation)])
        truth = torch.tensor([item.intent for item in self.validation])
        known = truth != IGNORED
        factor = fit_scale(intent_logits[known].numpy(), truth[known].numpy())
        return replace(
            heads,
            scale=float(heads.scale * factor),
            hit_intents=np.asarray(heads.hit_intents * factor, dtype=np.float32),
        )

    def _epochs(self, show_progress: bool) -> None:
        options = self.options
        steps = math.ceil(len(self.training) / self.batch_size)
        epochs = max(options.epochs, math.ceil(self.min_steps / steps))
        optimizer = torch.optim.AdamW(fine_tuning.parameter_groups(self.model, options), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, fine_tuning.warm_up_then_cosine(steps * epochs)
        )
        order = random.Random(options.random_seed)
        best_weights = None
        best = None
        with tqdm(
            total=steps * epochs,
            desc="Fine-tuning",
            disable=not show_progress,
            unit="step",
            mininterval=0.1 if sys.stderr.isatty() else LOG_EVERY_S,
        ) as bar:
            for epoch in range(1, epochs + 1):
                began = time.monotonic()
                loss = self._epoch(optimizer, schedule, order, bar)
                record = self._evaluate(EpochRecord(epoch, loss, time.monotonic() - began))
                self.curve.append(record)
                bar.set_postfix_str(_describe(record))
                if best is None or record.score > best.score or not self.validation:
                    best, best_weights = record, _copy_of(self.model)
                elif epoch - best.epoch >= options.patience:
                    logger.info("Stopped after epoch %d: no better since %d.", epoch, best.epoch)
                    break
        if best is not None and best_weights is not None:
            self.best_epoch = best.epoch
            self.model.load_state_dict(best_weights, strict=False)

    def _epoch(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        order: random.Random,
        bar: tqdm[object],
    ) -> float:
        self.model.train()
        total = 0.0
        for items in training_batches(self.training, self.batch_size, order):
            with fastest_precision(self.device):
                loss = self.model.loss(self._batch(items))
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            total += float(loss.detach()) * len(items)
            bar.set_description(f"Fine-tuning, loss {float(loss.detach()):.3f}", refresh=False)
            bar.update()
        return total / len(self.training)

    def _evaluate(self, record: EpochRecord) -> EpochRecord:
        if not self.validation:
            return record
        heads = self._uncalibrated_heads()
        losses, truth, intents, spans = [], [], [], []
        for item, (intent_logits, tag_logits) in zip(
            self.validation, self._predict(self.validation), strict=True
        ):
            if item.intent != IGNORED:
                losses.append(float(F.cross_entropy(intent_logits, torch.tensor(item.intent))))
                truth.append(base_intent(self.labels[item.intent]))
                intents.append(_likeliest_intent(intent_logits, self.labels))
            spans.append(heads.decode(tag_logits.numpy(), item.text.words))
        return replace(
            record,
            validation_loss=sum(losses) / max(1, len(losses)),
            intent_f1=weighted_f1(truth, intents) if losses else 1.0,
            entity_f1=span_f1([item.example.spans for item in self.validation], spans),
        )

    def _uncalibrated_heads(self) -> Heads:
        return self.model.heads(self.labels, self.tags, self.kinds)

    @torch.no_grad()
    def _predict(self, items: Sequence[Item]) -> list[tuple[Tensor, Tensor]]:
        """Give each item's intent logits (n_labels,) and tag logits (n_words, n_tags)."""
        self.model.eval()
        predicted: list[tuple[Tensor, Tensor] | None] = [None] * len(items)
        for indices in evaluation_batches(items, EVALUATION_BATCH):
            with fastest_precision(self.device):
                intents, tags = self.model(self._batch([items[i] for i in indices]))
            for row, index in enumerate(indices):
                n_words = len(items[index].text.words)
                predicted[index] = intents[row].float().cpu(), tags[row, :n_words].float().cpu()
        return [pair for pair in predicted if pair is not None]

    def _batch(self, items: Sequence[Item]) -> Batch:
        batch = collate(items, self.padding_id, self.kinds)
        if self.seen:
            batch.ids = self.seen.remap(batch.ids)
        return batch.to(self.device)


def _likeliest_intent(logits: Tensor, labels: Sequence[str]) -> str:
    totals: dict[str, float] = {}
    for label, probability in zip(labels, logits.softmax(-1).tolist(), strict=True):
        intent = base_intent(label)
        totals[intent] = totals.get(intent, 0.0) + probability
    return max(totals, key=lambda intent: totals[intent]) if totals else ""


def _copy_of(model: nn.Module) -> dict[str, Tensor]:
    """Copy what learns; frozen weights need no copy."""
    return {
        name: copy.deepcopy(parameter.detach())
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def _describe(record: EpochRecord) -> str:
    if record.intent_f1 is None:
        return f"epoch {record.epoch}"
    return f"epoch {record.epoch}, intent F1 {record.intent_f1:.3f}, " + (
        f"entity F1 {record.entity_f1:.3f}"
    )
