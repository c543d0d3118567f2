"""Generated files, written so that a kill at any moment leaves each of them whole.

All new contents are written beside their files and reach the disk first; then each takes the place
of the old one in a fixed order. What a killed run left undone, the next one does: everything that
is written follows from the store and from `provenance.jsonl`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import BotError

LOCK = Path(".bot/export.lock")
_SCRATCH = ".writing"  # no ending that Rasa reads


@contextmanager
def sole_writer(root: Path) -> Iterator[None]:
    """Be the only one who writes the generated files; the lock goes with its process.

    Raises:
        BotError: somebody else is writing.
    """
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BotError(
                "Another `bot export` or `bot forget` is writing data/feedback/. Wait for it."
            ) from error
        yield


def content_of(path: Path) -> bytes | None:
    """Give what a file holds, None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def changes(files: Mapping[Path, str | bytes | None]) -> dict[Path, bytes | None]:
    """Give those files whose content would change; None removes one."""
    wanted = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in files.items()
    }
    return {path: content for path, content in wanted.items() if content_of(path) != content}


def write(files: Mapping[Path, bytes | None]) -> None:
    """Put new contents in the place of the old ones, in the order given.

    Raises:
        BotError: the disk is full or the folder may not be written to; nothing was changed then.
    """
    made: list[tuple[Path, Path]] = []
    try:
        for path, content in files.items():
            if content is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.append((_scratch(path, content), path))
    except OSError as error:
        for path in files:
            with suppress(OSError):
                _scratch_of(path).unlink()
        raise BotError(
            f"{error.filename or 'The files'} cannot be written ({error.strerror}). Nothing was "
            f"changed. Make room or give the right to write, and run the command again."
        ) from error
    ready = {path: scratch for scratch, path in made}
    for path in files:
        if path in ready:
            os.replace(ready[path], path)
        else:
            path.unlink(missing_ok=True)
        _sync_folder(path.parent)


def clear(folders: Iterable[Path]) -> None:
    """Remove what a killed run left beside the files."""
    for folder in folders:
        for path in folder.glob(f".*{_SCRATCH}"):
            path.unlink(missing_ok=True)


def _scratch_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{_SCRATCH}")


def _scratch(path: Path, content: bytes) -> Path:
    """Write a content beside its file, down to the disk, with the rights of the old one."""
    scratch = _scratch_of(path)
    with scratch.open("wb") as file:
        if path.exists():
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return scratch


def _sync_folder(folder: Path) -> None:
    if not folder.is_dir():
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
