"""The search for learning options: trials in an SQLite file, which a later call goes on with."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from bot.errors import ProjectError
from bot.ml.tuning.space import Choice, Chosen, Numbers, Space, Value, neat

if TYPE_CHECKING:
    import optuna

    from bot.ml.trained import AfterEpoch, EpochRecord
    from bot.ml.tuning.measuring import Measured

FREE_TRIALS = 4  # that are never stopped early, so that there is something to compare with
FREE_PARTS = 2  # of a training, for the same reason
RANDOM_TRIALS = 6  # before the sampler trusts what it has seen
# Under which names a trial's record holds what optuna has no place for.
_OPTIONS = "options"
_MEASURED = "measured"


class Measure(Protocol):
    """Trains with a choice of options, and measures it."""

    def __call__(self, chosen: Chosen, after_epoch: AfterEpoch) -> Measured:
        """Measure; what `after_epoch` raises passes through."""


@dataclass(frozen=True)
class Budget:
    """Until when trials may run, by a clock that counts seconds."""

    ends: float
    clock: Callable[[], float] = time.monotonic

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.clock() >= self.ends


@dataclass(frozen=True)
class Trial:
    """A training that came to its end; what is measured is said by `Measured`."""

    number: int
    options: Chosen
    score: float
    intent_f1: float
    entity_f1: float
    epoch: int
    seconds: float
    right: tuple[bool, ...]


class _TimeUp(Exception):
    """The budget ended within a trial."""


class Search:
    """Trials with options from a space; today's are measured first, and never stopped early.

    Args:
        study: of optuna; it holds the trials of earlier calls.
        space: what is searched.
        today: the options as they are in `config.yml`.
        score: that of an epoch.
        tell: is told what happens, in a sentence.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: Space,
        today: Chosen,
        score: Callable[[EpochRecord], float],
        tell: Callable[[str], None],
    ) -> None:
        self._study = study
        self._space = space
        self._today = today
        self._score = score
        self._tell = tell

    def run(self, measure: Measure, budget: Budget, most: int | None = None) -> None:
        """Try options until the time is up, or until there are `most` trials in all.

        Raises:
            BotError: a training cannot be made; trials that ended before are kept.
            KeyboardInterrupt: the same.
        """
        self._put_unfinished_back()
        tried = [_options_of(trial) for trial in self._study.trials if _counts(trial)]
        if self._today not in tried + [_options_of(t) for t in self._in_state("WAITING")]:
            self._put_in_line(self._today)
        while not budget.is_over and (most is None or self.tried < most):
            self._try_one(measure, budget)

    @property
    def tried(self) -> int:
        """How many trials ended, or were stopped early since others were better."""
        return sum(map(_counts, self._study.trials))

    @property
    def stopped(self) -> int:
        """How many of them were stopped early."""
        return len(self._in_state("PRUNED"))

    @property
    def trials(self) -> list[Trial]:
        """The trials that came to their end, the best first and of equals the earliest."""
        found = [_read(trial) for trial in self._in_state("COMPLETE")]
        return sorted(found, key=lambda trial: (-trial.score, trial.number))

    def _try_one(self, measure: Measure, budget: Budget) -> None:
        from optuna import TrialPruned
        from optuna.trial import TrialState

        trial = self._study.ask()
        chosen = self._choose(trial)
        trial.set_user_attr(_OPTIONS, chosen)
        shown = ", ".join(f"{name} {value}" for name, value in chosen.items())
        is_today = chosen == self._today
        self._tell(f"Trial {trial.number + 1}{' (as today)' * is_today}: {shown}")
        try:
            found = measure(chosen, self._watch(trial, budget, may_stop=not is_today))
        except TrialPruned:
            self._study.tell(trial, state=TrialState.PRUNED)
            self._tell("Stopped early: half of the others were better by then.")
        except (_TimeUp, KeyboardInterrupt) as error:
            self._put_back(trial.number, chosen)
            if isinstance(error, KeyboardInterrupt):
                raise
            self._tell("The time is up within this trial; a later call begins with it.")
        except BaseException:
            self._study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            trial.set_user_attr(_MEASURED, asdict(found))
            self._study.tell(trial, found.score)
            self._tell(f"Score {found.score:.4f} after {found.seconds / 60:.1f} minutes.")

    def _watch(self, trial: optuna.Trial, budget: Budget, may_stop: bool) -> AfterEpoch:
        from optuna import TrialPruned

        from bot.ml.tuning.measuring import parts_reached

        def after_epoch(record: EpochRecord, epochs: int) -> None:
            for part in parts_reached(record.epoch, epochs):
                trial.report(self._score(record), part)
            if record.epoch == epochs:
                return
            if budget.is_over:
                raise _TimeUp
            if may_stop and trial.should_prune():
                raise TrialPruned

        return after_epoch

    def _choose(self, trial: optuna.Trial) -> Chosen:
        """Give the options that were put in line, or else those that the sampler proposes."""
        proposed = {name: _suggest(trial, name, allowed) for name, allowed in self._space.items()}
        given: Chosen | None = trial.user_attrs.get(_OPTIONS)
        return given or {name: neat(value) for name, value in proposed.items()}

    def _put_unfinished_back(self) -> None:
        """Begin anew with what a process that was killed left."""
        for trial in self._in_state("RUNNING"):
            self._put_back(trial.number, _options_of(trial))

    def _put_in_line(self, chosen: Chosen) -> None:
        self._study.enqueue_trial(chosen, user_attrs={_OPTIONS: chosen})

    def _put_back(self, number: int, chosen: Chosen | None) -> None:
        from optuna.trial import TrialState

        self._study.tell(number, state=TrialState.FAIL)
        if chosen:
            self._put_in_line(chosen)

    def _in_state(self, name: str) -> list[optuna.trial.FrozenTrial]:
        return [trial for trial in self._study.trials if trial.state.name == name]


@contextmanager
def opened(
    path: Path,
    space: Space,
    today: Chosen,
    *,
    seed: int,
    score: Callable[[EpochRecord], float],
    tell: Callable[[str], None],
) -> Iterator[Search]:
    """Open the search that lies in a file, or begin one; nobody else may run it meanwhile.

    Raises:
        ProjectError: somebody else does.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ProjectError("Another `bot tune` searches the same.", "Wait for it.") from error
        storage = optuna.storages.RDBStorage(f"sqlite:///{path.resolve()}")
        study = optuna.create_study(
            storage=storage,
            study_name="tune",
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(FREE_TRIALS, FREE_PARTS),
        )
        # Begun anew by each call: with the same seed it would propose the same at random again.
        study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=RANDOM_TRIALS, seed=seed + len(study.trials)
        )
        try:
            yield Search(study, space, today, score, tell)
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _suggest(trial: optuna.Trial, name: str, allowed: Numbers | Choice) -> Value:
    if isinstance(allowed, Choice):
        return cast(Value, trial.suggest_categorical(name, allowed.values))
    if allowed.whole:
        low, high = int(allowed.lowest), int(allowed.highest)
        return trial.suggest_int(name, low, high, log=allowed.by_magnitude)
    return trial.suggest_float(name, allowed.lowest, allowed.highest, log=allowed.by_magnitude)


def _options_of(trial: optuna.trial.FrozenTrial) -> Chosen | None:
    """Give the options of a trial; none were noted where it was killed in its first moment."""
    return trial.user_attrs.get(_OPTIONS)


def _counts(trial: optuna.trial.FrozenTrial) -> bool:
    return trial.state.name in ("COMPLETE", "PRUNED")


def _read(trial: optuna.trial.FrozenTrial) -> Trial:
    known = {**trial.user_attrs[_MEASURED], "right": tuple(trial.user_attrs[_MEASURED]["right"])}
    return Trial(trial.number, trial.user_attrs[_OPTIONS], **known)


def trial_with(trials: Sequence[Trial], options: Chosen) -> Trial | None:
    """Give the trial that was made with options, None where there is none."""
    return next((trial for trial in trials if trial.options == options), None)
