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
from tqdm import tqdm

from bot.errors import TrainingDataError
from bot.ml import added_tokens, fine_tuning, several
from bot.ml.added_tokens import NewToken
from bot.ml.attribute_learning import attribute_values, calibrated, first_attributes
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
    embed_items,
    first_encoder,
    first_prototypes,
    first_tokenizer,
)
from bot.ml.heads import Heads
from bot.ml.joint import IGNORED, Batch, JointModel, Logits
from bot.ml.options import JointOptions
from bot.ml.splitting import split_for_validation
from bot.ml.steps import Steps
from bot.ml.strangeness import StrangenessThreshold, choose_threshold
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.ml.trained import AfterEpoch, EpochRecord, StartingPoint, TrainedJoint
from bot.ml.validation import scored
from bot.types import Example

logger = logging.getLogger(__name__)

EVALUATION_BATCH = 64
MOST_MEASURED = 2000  # training messages, where none validate
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
    after_epoch: AfterEpoch | None = None,
) -> TrainedJoint:
    """Fine-tune on examples; with `start`, continue from an earlier model.

    Args:
        examples: messages with full intent labels and spans.
        options: see `JointOptions`.
        workspace: a folder for the tokenizer's file.
        start: an earlier model; labels that it does not know start from their class means.
        new_tokens: words that may become tokens, the worthiest first; see `added_tokens`.
        show_progress: draw a bar with loss, validation F1 and the time left.
        after_epoch: is told of each epoch; what it raises ends the training.

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
    several.current().call(several.Job(examples, options, start, new_tokens))
    run = _Run(examples, options, tokenizer, encoder, start)
    run.learn(show_progress, after_epoch)
    heads = run.heads()
    strange = run.strangeness(heads)
    return TrainedJoint(
        encoder=run.model.encoder,
        tokenizer_path=tokenizer_path,
        heads=replace(heads, strange_above=strange.above) if strange else heads,
        options=options,
        base_revision=source.revision,
        curve=run.curve,
        best_epoch=run.best_epoch,
        n_training=len(run.training),
        validation=[item.example for item in run.validation],
        strangeness=strange,
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
        self.processes = several.current()
        self.labels = sorted({example.intent for example in examples if example.intent})
        self.tags = TagSet.of(span for example in examples for span in example.spans)
        index = {label: position for position, label in enumerate(self.labels)}
        learn, keep = split_for_validation(examples, options.validation_split, options.random_seed)
        values = attribute_values(examples)
        self.training = prepare(learn, tokenizer, index, self.tags, values)
        self.validation = prepare(keep, tokenizer, index, self.tags, values)
        # Few messages need as many steps as many: smaller batches, and more passes over them.
        few = max(SMALLEST_BATCH, len(self.training) // BATCHES_AN_EPOCH)
        self.batch_size = min(options.batch_size, few)
        self.min_steps = options.min_steps // 2 if start else options.min_steps
        self.padding_id = padding_id_of(encoder)
        encoder.to(self.device)
        self.seen: fine_tuning.SeenTokens | None = None
        prototypes = first_prototypes(encoder, tokenizer, self.labels, self.training, start)
        self.kinds = sorted({hit.kind for example in learn for hit in example.reading.hits})
        attributes = first_attributes(encoder, tokenizer, values, self.training, start)
        model = JointModel(encoder, prototypes, len(self.tags), len(self.kinds), attributes)
        self.model = model.to(self.device)
        if start:
            copy_tags(start.heads, self.model.tag_head, self.tags)
            copy_hits(start.heads, self.model, self.tags, self.labels, self.kinds)
        self.curve: list[EpochRecord] = []
        self.best_epoch = 0

    def learn(self, show_progress: bool, after_epoch: AfterEpoch | None) -> None:
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
            self._epochs(show_progress, after_epoch)
        finally:
            if self.seen:
                self.seen.restore()
                self.seen = None
        self.model.encoder = fine_tuning.merge_adapters(self.model.encoder)

    def heads(self) -> Heads:
        """Give the heads in numpy, their scales calibrated on validation data."""
        heads = self._uncalibrated_heads()
        if not self.validation:
            return heads
        predicted = self._predict(self.validation)
        intent_logits = torch.stack([row.intents for row in predicted])
        truth = torch.tensor([item.intent for item in self.validation])
        known = truth != IGNORED
        factor = fit_scale(intent_logits[known].numpy(), truth[known].numpy())
        return replace(
            heads,
            scale=float(heads.scale * factor),
            hit_intents=np.asarray(heads.hit_intents * factor, dtype=np.float32),
            attributes=calibrated(heads.attributes, self.validation, predicted),
        )

    def strangeness(self, heads: Heads) -> StrangenessThreshold | None:
        """Choose from which strangeness on messages are out of scope."""
        items = self.validation or self.training[:: 1 + len(self.training) // MOST_MEASURED]
        items = [item for item in items if item.intent != IGNORED]
        if not items:
            return None
        return choose_threshold(
            heads,
            torch.stack(embed_items(self.model.encoder, items)).numpy(),
            [self.labels[item.intent] for item in items],
            wrong_answer_cost=self.options.wrong_answer_cost,
            validated=bool(self.validation),
        )

    def _epochs(self, show_progress: bool, after_epoch: AfterEpoch | None) -> None:
        options = self.options
        steps = math.ceil(len(self.training) / self.batch_size)
        epochs = max(options.epochs, math.ceil(self.min_steps / steps))
        learning = Steps(self.model, options, steps * epochs)
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
                loss = self._epoch(learning, order, bar)
                record = EpochRecord(epoch, loss, time.monotonic() - began)
                if self.processes.leads:
                    record = self._evaluate(record)
                record = self.processes.from_leader(record)  # so that all stop at the same epoch
                self.curve.append(record)
                bar.set_postfix_str(record.described)
                if after_epoch:
                    after_epoch(record, epochs)
                if best is None or record.score > best.score or not self.validation:
                    best, best_weights = record, _copy_of(self.model)
                elif epoch - best.epoch >= options.patience:
                    logger.info("Stopped after epoch %d: no better since %d.", epoch, best.epoch)
                    break
        if best is not None and best_weights is not None:
            self.best_epoch = best.epoch
            self.model.load_state_dict(best_weights, strict=False)

    def _epoch(self, learning: Steps, order: random.Random, bar: tqdm[object]) -> float:
        self.model.train()
        total = 0.0
        for items in training_batches(self.training, self.batch_size, order):
            loss = learning.take(self._batch(items))
            total += loss * len(items)
            bar.set_description(f"Fine-tuning, loss {loss:.3f}", refresh=False)
            bar.update()
        return total / len(self.training)

    def _evaluate(self, record: EpochRecord) -> EpochRecord:
        if not self.validation:
            return record
        predicted = self._predict(self.validation)
        return scored(record, self.validation, predicted, self._uncalibrated_heads())

    def _uncalibrated_heads(self) -> Heads:
        heads = self.model.heads(self.labels, self.tags, self.kinds)
        return replace(heads, out_of_scope=self.options.out_of_scope)

    @torch.no_grad()
    def _predict(self, items: Sequence[Item]) -> list[Logits]:
        """Give each item's logits of intents (n_labels,), tags (n_words, n_tags), attributes."""
        self.model.eval()
        predicted: list[Logits | None] = [None] * len(items)
        for indices in evaluation_batches(items, EVALUATION_BATCH):
            with fastest_precision(self.device):
                said = self.model(self._batch([items[i] for i in indices]))
            intents, tags, attributes = (logits.float().cpu() for logits in said)
            for row, index in enumerate(indices):
                n_words = len(items[index].text.words)
                predicted[index] = Logits(intents[row], tags[row, :n_words], attributes[row])
        return [logits for logits in predicted if logits is not None]

    def _batch(self, items: Sequence[Item]) -> Batch:
        batch = collate(items, self.padding_id, self.kinds)
        if self.seen:
            batch.ids = self.seen.remap(batch.ids)
        return batch.to(self.device)


def _copy_of(model: nn.Module) -> dict[str, Tensor]:
    """Copy what learns; frozen weights need no copy."""
    return {
        name: copy.deepcopy(parameter.detach())
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
