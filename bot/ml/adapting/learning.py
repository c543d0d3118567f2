"""Continued pretraining of an encoder on messages without labels.

Each step takes pairs of messages that probably say the same: a message and one of its nearest
neighbours, each without some of its words. The encoder learns to find the partner among all
messages of the step. Pairs of neighbours are from Zhang et al. (2022), "New Intent Discovery with
Pre-training and Contrastive Learning"; the neighbours are sought anew in each epoch, with what the
encoder learned by then.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from bot.errors import TrainingDataError
from bot.ml.adapting.messages import Embedder, contrast, nearest, say_the_same, view_of
from bot.ml.adapting.options import AdaptOptions
from bot.ml.adapting.progress import Mark, Progress, Record, read_progress, write_progress
from bot.ml.adapting.result import Adapted
from bot.ml.batching import padding_id_of
from bot.ml.devices import choose_device
from bot.ml.encoder import find_encoder
from bot.ml.fine_tuning import SeenTokens, warm_up_then_cosine
from bot.ml.joint import copy_tokenizer, load_encoder
from bot.ml.text import SubwordTokenizer

FEWEST = 40  # messages; fewer say nothing of how people talk
MOST_HELD_OUT = 1000
KEEP_EVERY = 100  # steps between two checkpoints
LOG_EVERY_S = 10.0
_WEIGHT_DECAY = 0.01
_MAX_GRADIENT_NORM = 1.0
_SHARE_OF_NEIGHBOURS = 20  # a message has at most one neighbour for so many messages


def adapt(
    texts: Sequence[str],
    options: AdaptOptions,
    workspace: Path,
    *,
    resume: bool = False,
    show_progress: bool = True,
    after_keeping: Callable[[Mark], None] = lambda mark: None,
) -> Adapted:
    """Let an encoder learn from messages without labels.

    Args:
        texts: the messages, each once.
        options: see `AdaptOptions`.
        workspace: a folder for the checkpoint and the tokenizer's file.
        resume: go on from the checkpoint in `workspace`.
        show_progress: draw a bar with the loss and the time left.
        after_keeping: called after each checkpoint with the place it was written at.

    Raises:
        TrainingDataError: there are too few messages.
        EncoderError: see `find_encoder`.
        CheckpointError: `resume` without a checkpoint, or it is of other messages or options.
    """
    if len(texts) < FEWEST:
        raise TrainingDataError(
            f"There are {len(texts)} different messages; an encoder can be adapted to {FEWEST} "
            f"or more, and is worth it from a thousand on. Add files to --corpus."
        )
    source = find_encoder(options.model)
    tokenizer_path = copy_tokenizer(source, workspace)
    tokenizer = SubwordTokenizer.load(tokenizer_path, options.max_length)
    run = _Run(texts, options, tokenizer, load_encoder(source.folder, source.name))
    progress = Progress.begin(source.revision, options, texts)
    if resume:
        progress = read_progress(workspace, progress)
    run.learn(progress, workspace, show_progress, after_keeping)
    return Adapted(
        encoder=run.encoder,
        tokenizer_path=tokenizer_path,
        source=source,
        options=options,
        corpus_digest=progress.corpus,
        n_messages=len(texts),
        n_held_out=len(run.held_out),
        curve=progress.curve,
        best_epoch=progress.best_epoch,
    )


class _Run:
    """One adaptation: the messages, the encoder and what the epochs share."""

    def __init__(
        self,
        texts: Sequence[str],
        options: AdaptOptions,
        tokenizer: SubwordTokenizer,
        encoder: nn.Module,
    ) -> None:
        self.options = options
        self.encoder = encoder
        self.device = choose_device()
        order = list(range(len(texts)))
        random.Random(f"{options.random_seed} split").shuffle(order)
        n_held_out = min(MOST_HELD_OUT, max(1, round(len(texts) * options.held_out)))
        read = [tokenizer.tokenize(texts[index]) for index in order]
        self.held_out, self.training = read[:n_held_out], read[n_held_out:]
        self.batch_size = min(options.batch_size, len(self.training))
        self.n_neighbours = min(options.neighbours, len(self.training) // _SHARE_OF_NEIGHBOURS)
        self.steps = math.ceil(len(self.training) / self.batch_size)
        ids = {padding_id_of(encoder), *(one for message in read for one in message.ids)}
        self.seen = SeenTokens(encoder, ids)
        encoder.to(self.device)
        self.embed = Embedder(encoder, self.seen, self.device)
        parameters = [value for value in encoder.parameters() if value.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.ndim > 1], "weight_decay": _WEIGHT_DECAY},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=options.learning_rate,
            fused=True,
        )
        self.pace = warm_up_then_cosine(self.steps * options.epochs)

    def learn(
        self,
        progress: Progress,
        workspace: Path,
        show_progress: bool,
        after_keeping: Callable[[Mark], None],
    ) -> None:
        """Run what is left of the epochs, keep the best weights, leave the encoder whole."""

        def keep() -> None:
            write_progress(workspace, progress, self.encoder, self.optimizer)
            after_keeping(progress.mark)

        try:
            if not self._continue(progress):
                self._measure(progress)
                keep()
            with tqdm(
                total=self.steps * self.options.epochs,
                initial=progress.mark.steps_done(self.steps),
                desc="Adapting",
                disable=not show_progress,
                unit="step",
                mininterval=0.1 if sys.stderr.isatty() else LOG_EVERY_S,
            ) as bar:
                while not self._is_over(progress):
                    self._epoch(progress, bar, keep)
            self.encoder.load_state_dict(progress.best_weights)
        finally:
            self.seen.restore()

    def _continue(self, progress: Progress) -> bool:
        """Load the weights of a checkpoint; False where there are none."""
        if not progress.weights:
            return False
        self.encoder.load_state_dict(progress.weights)
        self.optimizer.load_state_dict(progress.optimizer)
        return True

    def _measure(self, progress: Progress) -> None:
        """Find the first neighbours, and measure the encoder before the first step."""
        progress.first = self._first_neighbours()
        progress.neighbours = progress.first[0]
        loss, found = self._evaluate(*progress.first)
        progress.note(Record(0, None, loss, found), self.encoder)

    def _is_over(self, progress: Progress) -> bool:
        done = progress.curve[-1].epoch
        patient = done - progress.best_epoch < self.options.patience
        return done >= self.options.epochs or not patient

    def _epoch(self, progress: Progress, bar: tqdm[object], keep: Callable[[], None]) -> None:
        mark = progress.mark
        chance = random.Random(f"{self.options.random_seed} epoch {mark.epoch}")
        order = list(range(len(self.training)))
        chance.shuffle(order)
        if mark.step == 0 and mark.epoch > 1 and self.n_neighbours:
            vectors = self.embed.embed_all(self.training)
            progress.neighbours = nearest(vectors, self.n_neighbours)
        for step in range(mark.step, self.steps):
            some = order[step * self.batch_size : (step + 1) * self.batch_size]
            loss = self._step(some, progress.neighbours, mark.epoch, step)
            mark.step, mark.loss = step + 1, mark.loss + loss
            bar.set_description(f"Adapting, loss {loss:.3f}", refresh=False)
            bar.update()
            if mark.step % KEEP_EVERY == 0 and mark.step < self.steps:
                keep()
        loss, found = self._evaluate(*progress.first)
        record = Record(mark.epoch, mark.loss / self.steps, loss, found)
        progress.note(record, self.encoder)
        bar.set_postfix_str(f"epoch {record.epoch}, held-out loss {loss:.3f}")
        keep()

    def _step(self, some: Sequence[int], neighbours: Tensor, epoch: int, step: int) -> float:
        """Learn from one batch; chance depends on epoch and step alone, so it can be resumed."""
        chance = random.Random(f"{self.options.random_seed} {epoch} {step}")
        partners = [self._partner(index, neighbours, chance) for index in some]
        both = [*some, *partners]
        share = self.options.dropped_words
        rows = [view_of(self.training[index], share, chance) for index in both]
        messages = torch.tensor(both)
        same = say_the_same(messages, neighbours[messages]).to(self.device)
        for group in self.optimizer.param_groups:
            done = (epoch - 1) * self.steps + step
            group["lr"] = self.options.learning_rate * self.pace(done)
        self.encoder.train()
        loss = contrast(self.embed(rows), same, self.options.temperature)[0].mean()
        loss.backward()
        nn.utils.clip_grad_norm_(self.encoder.parameters(), _MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _partner(self, index: int, neighbours: Tensor, chance: random.Random) -> int:
        if not self.n_neighbours:
            return index
        return int(neighbours[index, chance.randrange(self.n_neighbours)])

    def _first_neighbours(self) -> tuple[Tensor, Tensor]:
        """Give the neighbours of training and of held-out messages among the training messages.

        They are those of the encoder before the first step: (N, K) and (M, K), K perhaps 0.
        """
        if not self.n_neighbours:
            none = torch.empty((len(self.training), 0), dtype=torch.long)
            return none, none[: len(self.held_out)]
        known = self.embed.embed_all(self.training)
        new = self.embed.embed_all(self.held_out)
        return nearest(known, self.n_neighbours), nearest(new, self.n_neighbours, among=known)

    @torch.no_grad()
    def _evaluate(self, first: Tensor, first_held_out: Tensor) -> tuple[float, float]:
        """Give the held-out loss, and the share of messages whose partner comes first.

        Pairs and views are the same each time, so that epochs can be compared.
        """
        self.encoder.eval()
        chance = random.Random(f"{self.options.random_seed} held out")
        n_training = len(self.training)
        table = torch.cat([first, first_held_out])
        every = [*self.training, *self.held_out]
        losses, finds = [], []
        for start in range(0, len(self.held_out), self.batch_size):
            some = range(start, min(start + self.batch_size, len(self.held_out)))
            new = [n_training + index for index in some]
            both = [*new, *(self._partner(index, table, chance) for index in new)]
            messages = torch.tensor(both)
            rows = [view_of(every[index], self.options.dropped_words, chance) for index in both]
            same = say_the_same(messages, table[messages])
            loss, found = contrast(self.embed(rows).cpu(), same, self.options.temperature)
            losses.append(loss[: len(new)])
            finds.append(found[: len(new)])
        return float(torch.cat(losses).mean()), float(torch.cat(finds).float().mean())
