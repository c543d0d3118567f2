"""See whether a training has room for its files, before it has run for minutes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bot.errors import ProjectError

NEEDED_FOR_TRAINING_MB = 1024
MODELS = "models"


def free_mb(folder: Path) -> int:
    """Give the free space where a folder lies, or would lie once it is made."""
    existing = folder.resolve()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free // 2**20


def check_space(root: Path) -> Iterator[ProjectError]:
    """Find too little room for the archive, or for what is written before it is packed."""
    scratch = Path(tempfile.gettempdir())
    for folder, remedy in [
        (root / MODELS, "Delete old models or '.rasa/cache', or name another disk with '--out'."),
        (scratch, "Free some, or set TMPDIR to a folder on a larger disk."),
    ]:
        free = free_mb(folder)
        if free < NEEDED_FOR_TRAINING_MB:
            yield ProjectError(
                f"A training needs {NEEDED_FOR_TRAINING_MB} MB of free disk for '{folder}', but "
                f"{free} MB are left.",
                remedy,
            )
