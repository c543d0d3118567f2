"""Fine-tune encoder and heads together on intents and entities."""

from __future__ import annotations

import copy
import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bot.errors import EncoderError, OptionError, TrainingDataError
from bot.ml import fine_tuning
from bot.ml.batching import Item, collate, evaluation_batches, prepare, training_batches
from bot.ml.calibration import fit_scale
from bot.ml.encoder import EncoderSource, find_encoder
from bot.ml.heads import Heads
from bot.ml.joint import (
    IGNORED,
    Batch,
    JointModel,
    copy_tokenizer,
    encode,
    hidden_size_of,
    load_encoder,
    mean_pool,
)
from bot.ml.metrics import span_f1, weighted_f1
from bot.ml.options import JointOptions
from bot.ml.splitting import split_for_validation
from bot.ml.tagging import TagSet
from bot.ml.text import SubwordTokenizer
from bot.types import INTENT_SEPARATOR, Example, base_intent

logger = logging.getLogger(__name__)

NAME_WEIGHT = 0.5
WARM_UP_SHARE = 0.1
MAX_GRADIENT_NORM = 1.0
EVALUATION_BATCH = 64


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch left: mean loss, and scores on validation data (None without any)."""

    epoch: int
    training_loss: float
    seconds: float
    validation_loss: float | None = None
    intent_f1: float | None = None
    entity_f1: float | None = None

    @property
    def score(self) -> float:
        """The mean of both F1 scores; early stopping looks at it."""
        return ((self.intent_f1 or 0.0) + (self.entity_f1 or 0.0)) / 2


@dataclass(frozen=True)
class StartingPoint:
    """An earlier model to continue from: the folder of its encoder, and its heads."""

    encoder_folder: Path
    heads: Heads
    digest: str
    base_revision: str


@dataclass
class TrainedJoint:
    """A trained model: the encoder in torch, the heads in numpy, and how it went."""

    encoder: nn.Module
    tokenizer_path: Path
    heads: Heads
    options: JointOptions
    base_revision: str
    curve: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    n_training: int = 0
    n_validation: int = 0
    validation: list[Example] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """Give what `model.json` keeps about the training."""
        return {
            "options": self.options.as_dict(),
            "base_revision": self.base_revision,
            "best_epoch": self.best_epoch,
            "training_examples": self.n_training,
            "validation_examples": self.n_validation,
            "curve": [asdict(record) for record in self.curve],
        }


def train_joint(
    examples: Sequence[Example],
    options: JointOptions,
    workspace: Path,
    *,
    start: StartingPoint | None = None,
    show_progress: bool = True,
) -> TrainedJoint:
    """Fine-tune on examples; with `start`, continue from an earlier model.

    Args:
        examples: messages with full intent labels and spans.
        options: see `JointOptions`.
        workspace: a folder for the tokenizer's file.
        start: an earlier model; labels that it does not know start from their class means.
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
    seed_everything(options.random_seed)
    source = find_encoder(options.model)
    tokenizer_path = copy_tokenizer(source, workspace)
    tokenizer = SubwordTokenizer.load(tokenizer_path, options.max_length)
    run = _Run(examples, options, tokenizer, _first_encoder(source, options, start), start)
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
        n_validation=len(run.validation),
        validation=[item.example for item in run.validation],
    )


def _first_encoder(
    source: EncoderSource, options: JointOptions, start: StartingPoint | None
) -> nn.Module:
    """Load the encoder that learns, and check that it fits its tokenizer and the options."""
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


def seed_everything(seed: int) -> None:
    """Seed torch; shuffling has its own generator, seeded from the options."""
    torch.manual_seed(seed)


def choose_device() -> torch.device:
    """Take a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Say whether the device computes bfloat16 in hardware; emulated, it is slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    flags = _cpu_flags()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    line = next((row for row in text.splitlines() if row.startswith("flags")), "")
    return set(line.split())


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
        learn, keep = split_for_validation(
            examples, options.validation_split, random.Random(options.random_seed)
        )
        self.training = prepare(learn, tokenizer, index, self.tags)
        self.validation = prepare(keep, tokenizer, index, self.tags)
        self.padding_id = int(getattr(encoder.config, "pad_token_id", 0) or 0)
        encoder.to(self.device)
        self.seen: fine_tuning.SeenTokens | None = None
        prototypes = self._first_prototypes(encoder, tokenizer, start)
        self.model = JointModel(encoder, prototypes, len(self.tags)).to(self.device)
        if start:
            _copy_tags(start.heads, self.model.tag_head, self.tags)
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
        prototypes = F.normalize(self.model.prototypes.detach(), dim=-1).cpu()
        scale = self.model.scale
        if self.validation:
            intent_logits = torch.stack([row[0] for row in self._predict(self.validation)])
            truth = torch.tensor([item.intent for item in self.validation])
            known = truth != IGNORED
            scale *= fit_scale(intent_logits[known].numpy(), truth[known].numpy())
        return Heads(
            tuple(self.labels),
            self.tags,
            prototypes.numpy(),
            float(scale),
            self.model.tag_head.weight.detach().cpu().numpy(),
            self.model.tag_head.bias.detach().cpu().numpy(),
        )

    def _epochs(self, show_progress: bool) -> None:
        options = self.options
        steps = math.ceil(len(self.training) / options.batch_size)
        optimizer = torch.optim.AdamW(fine_tuning.parameter_groups(self.model, options), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, _warm_up_then_cosine(steps * options.epochs)
        )
        order = random.Random(options.random_seed)
        best_weights = None
        best = None
        with tqdm(
            total=steps * options.epochs, desc="Fine-tuning", disable=not show_progress, unit="step"
        ) as bar:
            for epoch in range(1, options.epochs + 1):
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
        for items in training_batches(self.training, self.options.batch_size, order):
            with self._precision():
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
        return Heads(
            tuple(self.labels),
            self.tags,
            self.model.prototypes.detach().cpu().numpy(),
            self.model.scale,
            self.model.tag_head.weight.detach().cpu().numpy(),
            self.model.tag_head.bias.detach().cpu().numpy(),
        )

    @torch.no_grad()
    def _predict(self, items: Sequence[Item]) -> list[tuple[Tensor, Tensor]]:
        """Give each item's intent logits (n_labels,) and tag logits (n_words, n_tags)."""
        self.model.eval()
        predicted: list[tuple[Tensor, Tensor] | None] = [None] * len(items)
        for indices in evaluation_batches(items, EVALUATION_BATCH):
            with self._precision():
                intents, tags = self.model(self._batch([items[i] for i in indices]))
            for row, index in enumerate(indices):
                n_words = len(items[index].text.words)
                predicted[index] = intents[row].float().cpu(), tags[row, :n_words].float().cpu()
        return [pair for pair in predicted if pair is not None]

    def _batch(self, items: Sequence[Item]) -> Batch:
        batch = collate(items, self.padding_id)
        if self.seen:
            batch.ids = self.seen.remap(batch.ids)
        return batch.to(self.device)

    def _precision(self) -> torch.autocast:
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(self.device)
        )

    @torch.no_grad()
    def _first_prototypes(
        self, encoder: nn.Module, tokenizer: SubwordTokenizer, start: StartingPoint | None
    ) -> Tensor:
        """Start each label from its class mean plus half its name, or from an earlier model."""
        encoder.eval()
        sums = torch.zeros(len(self.labels), hidden_size_of(encoder))
        names = [Example(readable(label)) for label in self.labels]
        items = [item for item in self.training if item.intent != IGNORED]
        for index, vector in zip(
            [item.intent for item in items], self._embed(encoder, items), strict=True
        ):
            sums[index] += vector
        named = self._embed(encoder, prepare(names, tokenizer, {}, TagSet(())))
        prototypes = F.normalize(sums, dim=-1)
        if named:
            prototypes = F.normalize(prototypes + NAME_WEIGHT * torch.stack(named), dim=-1)
        if start:
            for row, label in enumerate(start.heads.labels):
                if label in self.labels:
                    known = torch.from_numpy(start.heads.prototypes[row].copy())
                    prototypes[self.labels.index(label)] = known
        return prototypes

    def _embed(self, encoder: nn.Module, items: Sequence[Item]) -> list[Tensor]:
        vectors: dict[int, Tensor] = {}
        for indices in evaluation_batches(items, EVALUATION_BATCH):
            batch = collate([items[i] for i in indices], self.padding_id).to(self.device)
            pooled = mean_pool(encode(encoder, batch.ids, batch.mask), batch.mask).cpu()
            vectors.update(zip(indices, pooled, strict=True))
        return [vectors[index] for index in range(len(items))]


def readable(label: str) -> str:
    """Turn a label into words: `faq/opening_hours` into `opening hours`."""
    return label.split(INTENT_SEPARATOR)[-1].replace("_", " ").replace("-", " ").strip()


def _copy_tags(heads: Heads, tag_head: nn.Linear, tags: TagSet) -> None:
    """Take over the weights of tags that the earlier model knew."""
    pairs = [(0, 0)]
    for label in tags.labels:
        if label in heads.tags.labels:
            old, new = heads.tags.begin(label), tags.begin(label)
            pairs += [(old, new), (old + 1, new + 1)]
    with torch.no_grad():
        for old, new in pairs:
            tag_head.weight[new] = torch.from_numpy(heads.tag_weight[old].copy())
            tag_head.bias[new] = float(heads.tag_bias[old])


def _likeliest_intent(logits: Tensor, labels: Sequence[str]) -> str:
    totals: dict[str, float] = {}
    for label, probability in zip(labels, logits.softmax(-1).tolist(), strict=True):
        intent = base_intent(label)
        totals[intent] = totals.get(intent, 0.0) + probability
    return max(totals, key=lambda intent: totals[intent]) if totals else ""


def _warm_up_then_cosine(steps: int) -> Callable[[int], float]:
    warm_up = max(1, round(steps * WARM_UP_SHARE))

    def pace(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

    return pace


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
