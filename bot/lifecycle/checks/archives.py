"""Look at model archives without unpacking them.

Rasa answers a damaged archive with a stack trace in its shell, and its server goes on without a
model: so it is read to its end before Rasa is called.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from bot.errors import ProjectError

MINIMUM_RASA = (3, 6, 21)  # rasa.constants.MINIMUM_COMPATIBLE_VERSION: it refuses older models
NEXT_RASA = (4, 0, 0)
_METADATA = "metadata.json"
_METADATA_KEYS = ("model_id", "domain", "train_schema", "predict_schema")
_TRAIN = "Train one with 'make train'."
_TRAIN_AGAIN = "Delete it and train again with 'make train', or name another model."


def newest_model(folder: Path) -> Path:
    """Give the archive that Rasa would load from a folder: the newest at its top level.

    Raises:
        ProjectError: the folder is missing or holds no archive.
    """
    found = [path for path in folder.glob("*.tar.gz") if path.is_file()] if folder.exists() else []
    if not found:
        state = "holds no model (*.tar.gz)" if folder.is_dir() else "does not exist"
        raise ProjectError(f"The folder '{folder}' {state}.", _TRAIN)
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def check_archive(path: Path) -> None:
    """Check that a model archive is whole, harmless to unpack and of a version that Rasa loads.

    Raises:
        ProjectError: it is missing, damaged, no model of Rasa's, or of another Rasa.
    """
    if path.is_dir():
        raise ProjectError(
            f"'{path}' is a folder, not a model archive.",
            "Name the archive itself, such as models/20260318-093000.tar.gz.",
        )
    if not path.is_file():
        raise ProjectError(f"There is no model archive '{path}'.", _TRAIN)
    try:
        metadata = _read_whole(path)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ProjectError(
            f"The model archive '{path}' cannot be read to its end ({error}): it is damaged, or "
            f"was copied only in part.",
            _TRAIN_AGAIN,
        ) from error
    _check_metadata(path, metadata)


def _read_whole(path: Path) -> bytes | None:
    """Read every member, and behind the last one: gzip's checksum stands at the very end."""
    metadata = None
    with gzip.open(path) as file:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                _check_member(path, member)
                content = tar.extractfile(member)
                if content is not None and member.name.removeprefix("./") == _METADATA:
                    metadata = content.read()
        while file.read(1 << 20):
            pass
    return metadata


def _check_member(path: Path, member: tarfile.TarInfo) -> None:
    """Refuse what would be written outside the folder it is unpacked into."""
    name = PurePosixPath(member.name)
    is_root = member.isdir() and not name.name  # Rasa itself writes the folder "/" first
    outside = (name.is_absolute() and not is_root) or ".." in name.parts
    if outside or not (member.isfile() or member.isdir()):
        raise ProjectError(
            f"The model archive '{path}' is not safe to unpack: its member '{member.name}' "
            f"{'lies outside the folder' if outside else 'is a link or a device'}.",
            "Rasa does not write such archives: delete it, and use models from a source you trust.",
        )


def _check_metadata(path: Path, raw: bytes | None) -> None:
    if raw is None:
        raise ProjectError(
            f"The archive '{path}' is no model of Rasa's: it holds no {_METADATA}.", _TRAIN_AGAIN
        )
    try:
        metadata = json.loads(raw)
    except ValueError as error:
        raise ProjectError(
            f"{_METADATA} in the model archive '{path}' is no JSON ({error}).", _TRAIN_AGAIN
        ) from error
    version = metadata.get("rasa_open_source_version") if isinstance(metadata, dict) else None
    if not version or any(key not in metadata for key in _METADATA_KEYS):
        raise ProjectError(
            f"The archive '{path}' is no model of Rasa 3's: {_METADATA} lacks "
            f"what Rasa needs to load it.",
            _TRAIN_AGAIN,
        )
    numbers = tuple(int(number) for number in re.findall(r"\d+", str(version))[:3])
    if not MINIMUM_RASA <= numbers < NEXT_RASA:
        raise ProjectError(
            f"The model '{path}' was trained with Rasa {version}, but this project runs 3.6.21, "
            f"which does not load it.",
            "Train again with 'make train'.",
        )
