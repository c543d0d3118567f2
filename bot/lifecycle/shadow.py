"""`bot shadow`: a candidate reads what people wrote to the live model, and nobody notices.

Both models read each logged message once; the store keeps what they made of it, a few hundred
messages a transaction. What they do not treat alike goes to the reviewers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timezone
from pathlib import Path

from tqdm import tqdm

from bot.errors import BotError, ProjectError
from bot.feedback import provenance, shadow
from bot.feedback.export import TRAINING
from bot.feedback.requeue import last_models, rerank
from bot.feedback.scores import Suggester
from bot.feedback.shadow import Pair, Window
from bot.feedback.store import Store
from bot.lifecycle.live_model import find_model
from bot.lifecycle.rank import training_vectors
from bot.lifecycle.registry import MODELS, Registry
from bot.lifecycle.shadow_readings import Comparer, load_reader
from bot.lifecycle.shadow_summary import Summary, summarise, tell
from bot.settings import project_settings, signing_key

DAY_S = 86400.0
_ROWS = 200  # messages a transaction
_TIMED = 100  # messages that are read for their times alone, where all were read before


def shadow_candidate(
    candidate: Path,
    *,
    key: bytes,
    url: str,
    since: str | None = None,
    limit: int | None = None,
    models: Path = MODELS,
) -> Summary:
    """Compare a candidate with the live model on the log, and put what differs before reviewers.

    Calling it again reads what is new, and writes nothing twice.

    Args:
        candidate: an archive, or its name among candidates and models.
        key: the key of the feedback store.
        url: the feedback store.
        since: only messages since then: days back from now, or a date; all by default.
        limit: how many messages at most, the newest first; all by default.
        models: the folder of the models.

    Raises:
        BotError: an archive, the store or an option cannot be used.
    """
    window = Window(since_time(since, time.time()), limit)
    if limit is not None and limit < 1:
        raise BotError(f"--limit is {limit}. Give the number of messages, 1 or more.")
    comparer = _load(candidate, models)
    new, live = comparer.candidate, comparer.live
    pair = Pair(new.name, live.name, new.scorer.model, live.scorer.model)
    with closing(Store(url, key)) as store:
        shadow.begin(store, pair)
        _read(store, pair, window, comparer)
        done = summarise(shadow.compared(store, window), _trained())
        if not done.messages:
            raise BotError("The feedback store holds no such messages. Run: bot ingest")
        _requeue(store, comparer)
        tell(pair, done, shadow.in_queue(store), (new.seconds, live.seconds))
    return done


def since_time(text: str | None, now: float) -> float:
    """Read a number of days back from now, or a date (UTC); give seconds since 1970.

    Raises:
        BotError: it is neither.
    """
    if text is None:
        return 0.0
    if text.isascii() and text.isdigit():
        return now - int(text) * DAY_S
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BotError(
            f"--since is {text!r}, neither a number of days nor a date. Write 30, or 2026-03-18."
        ) from None
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()


def _load(candidate: Path, models: Path) -> Comparer:
    """Verify and load both models."""
    archive = find_model(Registry(models, signing_key()).find(candidate), models)
    live = find_model(None, models)
    comparer = Comparer(load_reader(archive), load_reader(live))
    if comparer.candidate.scorer.model == comparer.live.scorer.model:
        raise ProjectError(
            f"'{archive}' is the live model itself.", "Name a candidate; 'bot models' lists them."
        )
    return comparer


def _read(store: Store, pair: Pair, window: Window, comparer: Comparer) -> None:
    """Let both models read what they have not read yet."""
    waiting = shadow.unread(store, window)
    with tqdm(
        total=len(waiting), desc="reading", unit=" messages", disable=not sys.stderr.isatty()
    ) as bar:
        for numbers in _portions(waiting):
            found = shadow.texts(store, numbers)
            shadow.keep(store, pair, {n: comparer.compare(text) for n, text in found.items()})
            bar.update(len(numbers))
    if not waiting:
        known = shadow.compared(store, Window(window.since, min(window.limit or _TIMED, _TIMED)))
        for text in [one.text for one in known]:
            comparer.compare(text)


def _portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(numbers), _ROWS):
        yield numbers[begin : begin + _ROWS]


def _trained() -> frozenset[str]:
    """Give the conversations of which something was exported as training data."""
    return frozenset(origin.sender for origin in provenance.read(TRAINING) if origin.sender)


def _requeue(store: Store, comparer: Comparer) -> None:
    """Put the queue in order again, with the same models as before and their other reasons."""
    model, other = last_models(store)
    suggester = Suggester(comparer.live.scorer)
    rerank(
        store,
        model=model,
        other=other,
        # Whoever ranked by the log alone, or not yet, did not ask for the encoder's vectors.
        embed=suggester.embed if model else None,
        known=training_vectors(suggester) if model else None,
        out_of_scope=project_settings().review.out_of_scope,
        show_progress=sys.stderr.isatty(),
    )
