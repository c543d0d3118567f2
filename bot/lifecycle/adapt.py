"""`bot adapt`: let the encoder learn from messages without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import ProjectError
from bot.lifecycle.corpus import Corpus, read_corpus

OUTPUT = Path("encoders/adapted")
CHECKPOINT = "checkpoint.pt"  # in the folder of an unfinished run; see bot.ml.adapting.progress


def adapt(
    files: Sequence[Path],
    output: Path = OUTPUT,
    *,
    model: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
) -> None:
    """Adapt the encoder to the messages of files, and leave it in `output`.

    Args:
        files: see `read_corpus`.
        output: the folder that `model` in config.yml names afterwards.
        model: the encoder to begin with; the bundled one by default.
        epochs: passes over the messages at most.
        seed: decides what is held out, the order, and the views.
        resume: go on with a run that was interrupted.

    Raises:
        BotError: a file, an option or the folder cannot be used.
    """
    corpus = read_corpus(files)
    _tell(corpus)
    from bot.ml.adapting.learning import adapt as adapt_encoder  # it loads torch
    from bot.ml.adapting.options import AdaptOptions
    from bot.ml.adapting.result import check_replaceable, save_adapted

    given: dict[str, Any] = {"model": model, "epochs": epochs, "random_seed": seed}
    options = AdaptOptions(**{name: value for name, value in given.items() if value is not None})
    check_replaceable(output)
    workspace = output.with_name(f"{output.name}.unfinished")
    if not resume and (workspace / CHECKPOINT).is_file():
        raise ProjectError(
            f"An earlier run was interrupted; its checkpoint lies in '{workspace}'.",
            "Go on with it by --resume, or delete that folder to begin anew.",
        )
    try:
        adapted = adapt_encoder(corpus.texts, options, workspace, resume=resume)
    except KeyboardInterrupt:
        _tell_interrupted(workspace / CHECKPOINT)
        raise
    before, best = adapted.curve[0], adapted.curve[adapted.best_epoch]
    if adapted.best_epoch == 0:
        _remove(workspace)
        raise ProjectError(
            f"No epoch lowered the held-out loss ({before.validation_loss:.3f} before), so the "
            f"encoder was not adapted and nothing was written.",
            "Give more messages, of the kind that people send to this bot.",
        )
    save_adapted(adapted, output)
    _remove(workspace)
    print(
        f"Held-out loss {before.validation_loss:.3f} before, {best.validation_loss:.3f} after "
        f"epoch {best.epoch}; partner found {before.found:.1%} before, {best.found:.1%} after."
    )
    print(f"The encoder is in {output}. Name it in config.yml, under JointFeaturizer:")
    print(f"    model: {output}")


def _tell(corpus: Corpus) -> None:
    left = []
    if corpus.repeated:
        left.append(f"{corpus.repeated} repeated")
    if corpus.empty:
        left.append(f"{corpus.empty} empty")
    beside = f" ({' and '.join(left)} left out)" if left else ""
    print(f"Learning from {len(corpus.texts)} messages{beside}.", flush=True)


def _tell_interrupted(checkpoint: Path) -> None:
    if checkpoint.is_file():
        print(f"\nWhat was learned is kept in {checkpoint.parent}; --resume goes on.", flush=True)


def _remove(workspace: Path) -> None:
    """Remove what a run that came to its end left, and the folder if that was all."""
    for name in (CHECKPOINT, "tokenizer.json"):
        (workspace / name).unlink(missing_ok=True)
    if not any(workspace.iterdir()):
        workspace.rmdir()
