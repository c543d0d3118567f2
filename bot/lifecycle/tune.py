"""`bot tune`: search for learning options, on messages of the training data that are kept apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bot.errors import BotError, ProjectError
from bot.evaluation.paired import mcnemar
from bot.lifecycle.checks.pipeline import FEATURIZER
from bot.lifecycle.learning_data import (
    CONFIG,
    LearningData,
    featurizer_options,
    read_learning_data,
)
from bot.lifecycle.option_lines import option_lines, write_options
from bot.lifecycle.preflight import check_project
from bot.lifecycle.search import Budget, Search, Trial, opened, trial_with
from bot.ml.tuning.space import SPACE, Chosen, Space, holding, searched

if TYPE_CHECKING:
    from bot.ml.trained import AfterEpoch
    from bot.ml.tuning.measuring import Measured

RESULTS = Path("results/tuning")
KEPT_APART = 0.2  # of each label's examples: a twentieth, enough to stop early, would tell little
LEVEL = 0.05  # of being taken in by chance
SHOWN = 10  # trials in the table


@dataclass(frozen=True)
class Advice:
    """The best trial beside today's options, on the same messages.

    Attributes:
        best, today: the two trials; the same one where nothing better was found.
        won, lost: messages that are right with the best alone, and with today's alone.
        p_value: that chance alone gives any of the trials so many more; see `advise`.
    """

    best: Trial
    today: Trial
    won: int = 0
    lost: int = 0
    p_value: float = 1.0

    @property
    def changes(self) -> Chosen:
        """The options that differ from today's."""
        today = self.today.options
        return {name: v for name, v in self.best.options.items() if v != today[name]}

    @property
    def is_beyond_chance(self) -> bool:
        """Whether to change the options."""
        return self.p_value <= LEVEL


def tune(
    *,
    minutes: float = 60.0,
    trials: int | None = None,
    seed: int = 42,
    apply: bool = False,
    space: Space = SPACE,
    clock: Callable[[], float] = time.monotonic,
) -> Advice:
    """Search for options until the time is up, and print what is best and whether to take it.

    Args:
        minutes: of this call; 0 shows what earlier calls have found.
        trials: stop at so many in all, those of earlier calls included.
        seed: decides what is kept apart, each training, and what is tried.
        apply: write the best options into `config.yml` where they are better beyond chance.
        space: what is searched; it is widened where today's options lie outside.
        clock: counts seconds.

    Raises:
        BotError: something must be mended first, or the time was too short for one training.
    """
    budget = Budget(clock() + 60 * minutes, clock)
    if minutes < 0 or seed < 0 or (trials is not None and trials < 0):
        raise BotError("--minutes, --trials and --seed take numbers from 0 on.")
    check_project()
    _tell("Reading the training data ...")
    data = read_learning_data(KEPT_APART, seed)
    today = searched(data.options, space)
    space = holding(space, today)
    unsearched = {name: v for name, v in data.options.as_dict().items() if name not in space}
    path = RESULTS / f"{data.digest(unsearched, space, seed)}.sqlite"
    _tell(
        f"{len(data.examples)} training examples, of which {data.kept_apart} are kept apart. "
        f"Trials are kept in {path}."
    )
    from bot.ml.tuning.measuring import has_entities, score_of  # loads torch

    score = partial(score_of, entities=has_entities(data.examples))
    with opened(path, space, today, seed=seed, score=score, tell=_tell) as search:
        try:
            search.run(partial(_measure, data), budget, trials)
        except KeyboardInterrupt:
            show(search, today, Console())
            raise
        show(search, today, Console())
        advice = advise(search.trials, today, search.tried)
    print(in_words(advice, data.kept_apart))
    if apply:
        _apply(advice)
    return advice


def advise(trials: Sequence[Trial], today: Chosen, tried: int) -> Advice:
    """Compare the best trial with today's options by McNemar's test.

    The best of many looks better than it is: chance had as many tries. So the p-value is
    multiplied by the number of trials that were compared with today's (Bonferroni).

    Args:
        trials: that came to their end, the best first.
        today: the options as they are.
        tried: how many trials there were, those stopped early included.

    Raises:
        BotError: today's options are not among them.
    """
    own = trial_with(trials, today)
    if own is None:
        raise BotError(
            "The time was up before one training with today's options ended. Call it again with "
            "more --minutes; a training of `bot train` says how long one takes."
        )
    best = trials[0]
    if best.options == own.options:
        return Advice(own, own)
    pairs = list(zip(best.right, own.right, strict=True))
    won = sum(new and not old for new, old in pairs)
    lost = sum(old and not new for new, old in pairs)
    return Advice(best, own, won, lost, min(1.0, mcnemar(won, lost) * (tried - 1)))


def in_words(advice: Advice, messages: int) -> str:
    """Say what to do, and why."""
    if not advice.changes:
        return "Nothing better than today's options was found. Stay with them."
    lines = "\n".join(f"    {line}" for line in option_lines(advice.changes))
    found = (
        f"Of {messages} messages kept apart, {advice.won} are right with the best options alone "
        f"and {advice.lost} with today's alone"
    )
    if advice.is_beyond_chance:
        return (
            f"{found}: more than chance explains (p {advice.p_value:.2g}, for the best of all "
            f"trials). Put this into {CONFIG}, under {FEATURIZER}:\n{lines}\n"
            "Then train, and judge by `bot evaluate --against` on your own test messages."
        )
    return (
        f"{found}: chance can explain that (p {advice.p_value:.2g}, for the best of all trials). "
        f"Stay with today's options. The best ones were, under {FEATURIZER}:\n{lines}"
    )


def show(search: Search, today: Chosen, console: Console) -> None:
    """Print the best trials, today's marked."""
    trials = search.trials
    if not trials:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    options = [name.replace("_", "\n") for name in today]
    for column in ("trial", "score", "intent\nF1", "entity\nF1", *options, "epoch\nkept", "min."):
        table.add_column(column, justify="right", vertical="bottom")
    own = trial_with(trials, today)
    shown = trials[:SHOWN]
    for trial in [*shown, own] if own and own not in shown else shown:
        table.add_row(
            f"{trial.number + 1}{', today' * (trial is own)}",
            *(f"{value:.4f}" for value in (trial.score, trial.intent_f1, trial.entity_f1)),
            *(line.split(": ")[1] for line in option_lines(trial.options)),
            str(trial.epoch),
            f"{trial.seconds / 60:.1f}",
        )
    console.print(table)
    print(f"{search.tried} trials, {search.stopped} of them stopped early.")


def _measure(data: LearningData, chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
    from bot.ml.tuning.measuring import measure

    options = replace(data.options, **chosen)  # type: ignore[arg-type]
    return measure(data.examples, options, new_tokens=data.new_tokens, after_epoch=after_epoch)


def _apply(advice: Advice) -> None:
    """Write the options, unless chance explains them or somebody has changed them meanwhile."""
    if not advice.is_beyond_chance:
        print(f"{CONFIG} stays as it is.")
        return
    if searched(featurizer_options(), advice.today.options) != advice.today.options:
        raise ProjectError(
            f"The options of {FEATURIZER} were changed while the search ran; nothing was written.",
            "Call `bot tune --apply` again: it goes on from here.",
            file=CONFIG,
        )
    write_options(CONFIG, FEATURIZER, advice.changes)
    print(f"Written into {CONFIG}.")


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
