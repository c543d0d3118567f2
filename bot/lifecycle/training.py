"""Train the project with Rasa, cold or warm, after a look at everything that often goes wrong."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from bot.errors import BotError, ProjectError
from bot.lifecycle.archive import extract_dialogue_model, extract_joint_model
from bot.lifecycle.preflight import check_project, newest_model

logger = logging.getLogger(__name__)

# Rasa names every retrieval intent twice, in the domain and in the NLU data, and then warns; and
# it takes lookup tables and synonyms for unused where a training leaves the NLU as it is.
SPURIOUS_WARNINGS = (
    "The following duplicated intents have been found",
    "You have defined training data consisting of lookup tables",
    "You have defined synonyms",
)


def train(out: Path, *, warm: Path | None, if_needed: bool, force: bool) -> Path:
    """Train on `data/` as `config.yml` says and leave the archive in `out`.

    Where `torchrun` started several processes, the first one does this; the others fine-tune
    with it, write nothing, and end in here.

    Args:
        out: folder of the archives; what lies there stays untouched, whatever happens.
        warm: an earlier model archive whose encoder and dialogue model the training starts from.
        if_needed: train only where `out` holds no model yet.
        force: train everything anew, also what Rasa's cache could restore.

    Returns:
        The archive.

    Raises:
        BotError: something in the project or on the machine must be mended first.
    """
    with _all_processes():
        return _train(out, warm, if_needed, force)


def _train(out: Path, warm: Path | None, if_needed: bool, force: bool) -> Path:
    existing = _existing(out)
    if if_needed and existing:
        print(f"Using the model {existing}.")
        return existing
    check_project()
    with tempfile.TemporaryDirectory() as scratch:
        start: AbstractContextManager[None] = nullcontext()
        if warm:
            from bot.ml.warm import warm_start

            joint = extract_joint_model(warm, Path(scratch, "joint"))
            start = warm_start(joint, extract_dialogue_model(warm, Path(scratch, "dialogue")))
        with start, _readable_errors(out):
            return _run_rasa(out, force)


def _all_processes() -> AbstractContextManager[None]:
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:  # torchrun says how many
        return nullcontext()
    from bot.ml.several import together  # torch: only here

    return together()


def _existing(out: Path) -> Path | None:
    return newest_model(out) if any(out.glob("*.tar.gz")) else None


def _run_rasa(out: Path, force: bool) -> Path:
    print("Loading Rasa ...", flush=True)
    warnings.simplefilter("ignore", DeprecationWarning)  # what Rasa's packages say of each other
    import rasa.utils.common
    from rasa.model_training import train as rasa_train
    from rasa.utils.log_utils import configure_structlog

    rasa.utils.common.configure_logging_and_warnings(logging.WARNING)
    configure_structlog(logging.WARNING)
    warnings.simplefilter("ignore", DeprecationWarning)  # Rasa shows some of them again
    for spurious in SPURIOUS_WARNINGS:
        warnings.filterwarnings("ignore", message=spurious)
    result = rasa_train(
        domain="domain.yml",
        config="config.yml",
        training_files="data",
        output=str(out),
        force_training=force,
    )
    if result.code != 0 or not result.model:
        raise ProjectError(
            "Rasa did not train a model; the lines above say why. Earlier models in "
            f"'{out}' are untouched."
        )
    return Path(result.model)


@contextmanager
def _readable_errors(out: Path) -> Iterator[None]:
    """Turn Rasa's errors and a full disk into sentences; earlier models are untouched by both."""
    from rasa.shared.exceptions import RasaException

    try:
        yield
    except BotError:
        raise
    except RasaException as error:
        raise ProjectError(f"{error}\nEarlier models are untouched.") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        folders = [Path(tempfile.gettempdir()), Path.cwd()] + [out] * out.is_dir()
        fullest = min(folders, key=_free_mb)
        raise ProjectError(
            f"The disk is full: {_free_mb(fullest)} MB are left in {fullest}. Free about 1 GB, or "
            f"choose folders with room (TMPDIR for scratch files, --out for the archive), and "
            f"train again. Earlier models are untouched."
        ) from error


def _free_mb(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize // 2**20
