"""Learn from conversations which action comes next."""

from __future__ import annotations

import logging
import math
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bot.errors import TrainingDataError
from bot.ml.devices import choose_device
from bot.ml.dialogue.averaging import MovingAverage
from bot.ml.dialogue.batching import Item, batches_an_epoch, collate, prepare, training_batches
from bot.ml.dialogue.calibrating import Outcome, calibrate
from bot.ml.dialogue.earlier import take_over
from bot.ml.dialogue.model import DialogueTransformer, Shape
from bot.ml.dialogue.names import NameVectors
from bot.ml.dialogue.options import StoryOptions
from bot.ml.dialogue.splitting import split_stories
from bot.ml.dialogue.states import LISTEN, Conversation, FloatArray, Vocabulary
from bot.ml.dialogue.trained import Calibration, EpochRecord, StartingPoint, TrainedDialogue
from bot.ml.metrics import accuracy, weighted_f1

logger = logging.getLogger(__name__)

WEIGHT_DECAY = 0.05
WARM_UP_SHARE = 0.05
MAX_GRADIENT_NORM = 1.0
AVERAGED_STEPS = 50  # what is kept is a moving average of the weights over about so many steps
SMALLEST_BATCH = 4
BATCHES_AN_EPOCH = 10
MIN_STEPS = 400  # few stories are passed over more often
FEW = 200  # so few stories each teach something of their own
LOG_EVERY_S = 10.0


def train_dialogue(
    conversations: Sequence[Conversation],
    vocabulary: Vocabulary,
    options: StoryOptions,
    *,
    vectors: Mapping[str, FloatArray] | None = None,
    start: StartingPoint | None = None,
    show_progress: bool = True,
) -> TrainedDialogue:
    """Learn the next action from conversations; with `start`, continue from an earlier model.

    Where stories are few, those kept apart only say how long to learn and how sure to be; then
    all are learned from.

    Args:
        conversations: what the stories tell.
        vocabulary: see `Vocabulary.of`.
        options: see `StoryOptions`.
        vectors: of the users' words in end-to-end stories, (text_width,) each of length 1.
        start: an earlier model; what both know by name is taken over.
        show_progress: draw a bar with loss, validation F1 and the time left.

    Raises:
        TrainingDataError: there is no conversation.
        EncoderError: the encoder for the names cannot be had.
    """
    if not conversations:
        raise TrainingDataError(
            "There is nothing to learn: no story has an action. Add stories under data/stories/."
        )
    names = NameVectors.of(vocabulary, options.model)
    inputs = _Inputs(vocabulary, names, dict(vectors or {}), start, show_progress)
    learn, keep = split_stories(conversations, options.validation_split, options.random_seed)
    run = _Run(learn, keep, options, inputs)
    run.learn("Stories")
    calibration = run.calibrate()
    told = sum(not conversation.is_augmented for conversation in conversations)
    if keep and told < FEW:
        whole = _Run(conversations, [], options, inputs)
        whole.learn("All stories")
        run.model = whole.model
        floors = whole.calibrate().intent_floors
        calibration = replace(calibration, intent_floors=floors)
    return TrainedDialogue(
        run.model.cpu().eval(),
        vocabulary,
        options,
        names.revision,
        calibration,
        inputs.known_texts,
        run.curve,
        run.best_epoch,
        len(run.training),
        len(run.validation),
    )


@dataclass(frozen=True)
class _Inputs:
    """What all runs of one training share."""

    vocabulary: Vocabulary
    names: NameVectors
    vectors: dict[str, FloatArray]
    start: StartingPoint | None
    show_progress: bool

    @property
    def text_width(self) -> int:
        """How long the vectors of the users' words are; 0 without end-to-end stories."""
        return len(next(iter(self.vectors.values()))) if self.vectors else 0

    @property
    def known_texts(self) -> FloatArray:
        """The vectors of the users' words, (n, text_width)."""
        rows = [self.vectors[text] for text in sorted(self.vectors)]
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)


class _Run:
    """One run over conversations: the data, the model and the state that the epochs share."""

    def __init__(
        self,
        learn: Sequence[Conversation],
        keep: Sequence[Conversation],
        options: StoryOptions,
        inputs: _Inputs,
    ) -> None:
        self.options = options
        self.inputs = inputs
        self.device = choose_device()
        torch.manual_seed(options.random_seed)
        self.training = self._prepare(learn)
        self.validation = self._prepare(keep)
        told = sum(not item.conversation.is_augmented for item in self.training)
        few = max(SMALLEST_BATCH, told // BATCHES_AN_EPOCH)
        self.batch_size = min(options.batch_size, few)
        self.model = self._first_model().to(self.device)
        self.curve: list[EpochRecord] = []
        self.best_epoch = 0

    def learn(self, title: str, at_least: int = MIN_STEPS) -> None:
        """Run the epochs and keep the best of the averaged weights."""
        options = self.options
        steps = batches_an_epoch(self.training, self.batch_size)
        few = at_least // 2 if self.inputs.start else at_least
        epochs = max(options.epochs, math.ceil(few / steps))
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim < 2]
        optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": WEIGHT_DECAY},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=options.learning_rate,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _up_then_down(steps * epochs))
        average = MovingAverage(self.model, AVERAGED_STEPS)
        order = random.Random(options.random_seed)
        best: EpochRecord | None = None
        kept: dict[str, Tensor] = {}
        with tqdm(
            total=steps * epochs,
            desc=title,
            disable=not self.inputs.show_progress,
            unit="step",
            mininterval=0.1 if sys.stderr.isatty() else LOG_EVERY_S,
        ) as bar:
            for epoch in range(1, epochs + 1):
                began = time.monotonic()
                loss = self._epoch(optimizer, schedule, average, order, bar, title)
                with average.in_place():
                    record = self._evaluate(EpochRecord(epoch, loss, time.monotonic() - began))
                self.curve.append(record)
                bar.set_postfix_str(_describe(record))
                if best is None or not self.validation or _score(record) >= _score(best):
                    best, kept = record, average.copy()
                elif epoch - best.epoch >= options.patience:
                    logger.info("Stopped after epoch %d: no better since %d.", epoch, best.epoch)
                    break
        self.model.load_state_dict(kept, strict=False)
        self.best_epoch = best.epoch if best else 0

    def calibrate(self) -> Calibration:
        """Fit confidence on the stories kept apart, and thresholds."""
        held = [self._outcome(item) for item in self.validation]
        learned = [self._outcome(item) for item in self.training]
        intents = self.inputs.vocabulary.intents
        return calibrate(held, [*learned, *held], intents, self.inputs.known_texts)

    def _prepare(self, conversations: Sequence[Conversation]) -> list[Item]:
        inputs = self.inputs
        return prepare(
            conversations,
            inputs.vocabulary,
            inputs.vectors,
            inputs.text_width,
            self.options.max_history,
        )

    def _first_model(self) -> DialogueTransformer:
        vocabulary, names = self.inputs.vocabulary, self.inputs.names
        shape = Shape(
            len(vocabulary.tokens),
            len(vocabulary.actions),
            len(vocabulary.intents),
            self.inputs.text_width,
            self.options.max_history,
        )
        tables = (names.tokens, names.actions, names.intents)
        model = DialogueTransformer(shape, *(torch.from_numpy(table) for table in tables))
        if self.inputs.start:
            take_over(model, vocabulary, self.inputs.start)
        return model

    def _epoch(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        average: MovingAverage,
        order: random.Random,
        bar: tqdm[object],
        title: str,
    ) -> float:
        self.model.train()
        total, count = 0.0, 0
        for items in training_batches(self.training, self.batch_size, order):
            loss = self.model.loss(collate(items).to(self.device))
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            average.update()
            total += float(loss.detach()) * len(items)
            count += len(items)
            bar.set_description(f"{title}, loss {float(loss.detach()):.3f}", refresh=False)
            bar.update()
        return total / count

    def _evaluate(self, record: EpochRecord) -> EpochRecord:
        if not self.validation:
            return record
        names = self.inputs.vocabulary.actions
        losses, truth, predicted = [], [], []
        for outcome in [self._outcome(item) for item in self.validation]:
            targets = torch.from_numpy(outcome.true_actions)
            losses.append(float(F.cross_entropy(torch.from_numpy(outcome.actions), targets)))
            truth += [names[index] for index in outcome.true_actions]
            predicted += [names[index] for index in outcome.actions.argmax(axis=-1)]
        said = [row for row, name in enumerate(truth) if name != LISTEN]
        return replace(
            record,
            validation_loss=sum(losses) / len(losses),
            action_accuracy=accuracy(truth, predicted),
            action_f1=weighted_f1([truth[i] for i in said], [predicted[i] for i in said]),
        )

    @torch.no_grad()
    def _outcome(self, item: Item) -> Outcome:
        self.model.eval()
        batch = collate([item]).to(self.device)
        actions, intents = self.model(batch.tokens, batch.texts)
        by_text = np.array([state.text is not None for state in item.conversation.states])
        return Outcome(
            actions[0].cpu().numpy(), intents[0].cpu().numpy(), item.actions, item.intents, by_text
        )


def _score(record: EpochRecord) -> float:
    return record.action_f1 or 0.0


def _up_then_down(steps: int) -> Callable[[int], float]:
    """Rise over the first steps, then fall to nothing in a straight line."""
    warm_up = max(1, round(steps * WARM_UP_SHARE))
    return lambda step: min(1.0, (step + 1) / warm_up) * max(0.0, (steps - step) / steps)


def _describe(record: EpochRecord) -> str:
    if record.action_f1 is None:
        return ""
    return f"validation F1 {record.action_f1:.3f}"
