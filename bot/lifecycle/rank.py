"""`bot rank`: which messages a person should look at next."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.errors import BotError
from bot.feedback.export import TRAINING
from bot.feedback.label_checks import find_doubts, keep_doubts
from bot.feedback.memory import Memory
from bot.feedback.project import Project
from bot.feedback.requeue import Ranked, rerank
from bot.feedback.scores import Suggester, suggest
from bot.feedback.store import Store
from bot.lifecycle.scorer import load_scorer
from bot.settings import project_settings


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
        model: the archive whose suggestions count; the newest in `models/` by default.
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


def _check_labels(store: Store, suggester: Suggester) -> NDArray[np.float32]:
    """Look for wrong labels in the training data; give the vectors of its examples."""
    examples = Project.load().examples
    texts = [example.text for example in examples]
    began, before = time.monotonic(), suggester.done.seconds
    memory = Memory(suggester.scorer.model)
    vectors = memory.vectors(texts, suggester.embed)
    exported = f"{TRAINING.as_posix()}/"  # what people wrote, who may ask to be forgotten
    memory.keep(example.text for example in examples if not example.file.startswith(exported))
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
