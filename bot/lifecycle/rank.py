"""`bot rank`: which messages a person should look at next."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.errors import BotError
from bot.feedback import shadow
from bot.feedback.export import TRAINING
from bot.feedback.label_checks import find_doubts, keep_doubts
from bot.feedback.memory import Memory
from bot.feedback.project import Project
from bot.feedback.requeue import Ranked, rerank
from bot.feedback.scores import Suggester, suggest
from bot.feedback.store import Store
from bot.feedback.training_files import TrainingExample
from bot.lifecycle.card_facts import ENDING
from bot.lifecycle.live_model import live_or_newest
from bot.lifecycle.registry import Registry
from bot.lifecycle.scorer import load_scorer
from bot.settings import project_settings, signing_key


def rank(
    model: Path | None,
    *,
    key: bytes,
    url: str,
    against: Path | None = None,
    logs_only: bool = False,
) -> None:
    """Put the queue in order and print what was done.

    Args:
        model: the archive whose suggestions count; by default the live one, or the newest in
            `models/` as long as none was promoted.
        key: the key of the feedback store.
        url: the feedback store.
        against: a second archive, to find where the two disagree.
        logs_only: ask no model; what was said live is all there is.

    Raises:
        BotError: an archive or the store cannot be used.
    """
    if logs_only and (model or against):
        raise BotError("--logs-only asks no model. Leave out the models, or leave it out.")
    show = sys.stderr.isatty()
    scorer = None if logs_only else load_scorer(model)
    if against is not None and scorer is None:
        raise BotError("--against needs a model to compare with. Train one, or name one.")
    other = None if against is None else load_scorer(against)
    out_of_scope = project_settings().review.out_of_scope
    store = Store(url, key)
    try:
        _end_stale_shadow(store)
        asked = [suggest(store, one, show_progress=show) for one in (scorer, other) if one]
        known = _check_labels(store, asked[0]) if asked else None
        ranked = rerank(
            store,
            model=scorer.model if scorer else None,
            other=other.model if other else None,
            embed=asked[0].embed if asked else None,
            known=known,
            out_of_scope=out_of_scope,
            show_progress=show,
        )
    finally:
        store.close()
    _tell(ranked, asked)


def training_vectors(
    suggester: Suggester, examples: Sequence[TrainingExample] | None = None
) -> NDArray[np.float32]:
    """Give the vectors of the training data, by default the project's: (n_examples, hidden)."""
    examples = Project.load().examples if examples is None else examples
    memory = Memory(suggester.scorer.model)
    vectors = memory.vectors([example.text for example in examples], suggester.embed)
    exported = f"{TRAINING.as_posix()}/"  # what people wrote, who may ask to be forgotten
    memory.keep(example.text for example in examples if not example.file.startswith(exported))
    return vectors


def _end_stale_shadow(store: Store) -> None:
    """Forget a comparison with a model that is not live any more: its words would be wrong."""
    pair = shadow.current(store)
    if pair is None:
        return
    registry = Registry(key=signing_key())
    if not any(registry.models.glob(f"*{ENDING}")):
        return
    live = live_or_newest(registry).name.removesuffix(ENDING)
    if live != pair.live:
        shadow.end(store)
        print(f"The shadow of {pair.candidate} is over: the live model is another one, {live}.")


def _check_labels(store: Store, suggester: Suggester) -> NDArray[np.float32]:
    """Look for wrong labels in the training data; give the vectors of its examples."""
    examples = Project.load().examples
    texts = [example.text for example in examples]
    began, before = time.monotonic(), suggester.done.seconds
    vectors = training_vectors(suggester, examples)
    doubts = find_doubts(texts, [example.label for example in examples], vectors)
    left = keep_doubts(store, examples, doubts, suggester.scorer.model)
    own = time.monotonic() - began - (suggester.done.seconds - before)
    print(f"{left} of {len(examples)} training examples have a doubtful label ({own:.1f} s).")
    return vectors


def _tell(ranked: Ranked, asked: Sequence[Suggester]) -> None:
    took = sum(ranked.seconds.values()) - ranked.encoder_s
    for suggester in asked:
        done = suggester.done
        print(
            f"The model {suggester.scorer.model[:8]} read {done.texts} texts in "
            f"{done.seconds:.1f} s; {done.messages} messages were new to it."
        )
    if not asked:
        print("No model was asked: the order comes from the log alone.")
    print(
        f"Ranked {ranked.messages} messages in {ranked.groups} groups in {took:.1f} s; "
        f"{ranked.changed} changed."
    )
