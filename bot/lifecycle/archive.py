"""Take what a training needs out of a model archive of Rasa's."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bot.errors import CheckpointError
from bot.lifecycle.checks.archives import check_archive

# Each lies in the folder of such a model and nowhere else.
JOINT_MARK = "heads.safetensors"
_DIALOGUE_MARK = "dialogue.safetensors"


def extract_joint_model(archive: Path, target: Path) -> Path:
    """Unpack the joint model of an archive into `target` and give its folder.

    Raises:
        BotError: the archive is missing or damaged, or holds no joint model.
    """
    folder = extract_component(archive, JOINT_MARK, target)
    if folder is None:
        raise CheckpointError(
            f"{archive} holds no fine-tuned encoder, so nothing can start from it. Name a "
            f"model that was trained with JointFeaturizer in its pipeline, or train without "
            f"'--warm'."
        )
    return folder


def extract_dialogue_model(archive: Path, target: Path) -> Path | None:
    """Unpack the dialogue model of an archive into `target`; None where it holds none.

    Raises:
        BotError: the archive is missing or damaged.
    """
    return extract_component(archive, _DIALOGUE_MARK, target)


def extract_component(archive: Path, mark: str, target: Path) -> Path | None:
    """Unpack the folder of the component that has a file named `mark`; None where none has.

    Raises:
        BotError: the archive is missing or damaged.
    """
    check_archive(archive)
    with tarfile.open(archive) as tar:
        return unpack_component(tar, mark, target)


@contextmanager
def unzipped(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive that was checked, for those who look into it often: it is read once."""
    with tempfile.TemporaryFile() as plain:
        with gzip.open(archive) as file:
            shutil.copyfileobj(file, plain, 1 << 20)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as tar:
            yield tar


def unpack_component(tar: tarfile.TarFile, mark: str, target: Path) -> Path | None:
    """Unpack the folder of the component that has a file named `mark`; None where none has."""
    paths = [PurePosixPath(name) for name in tar.getnames()]
    folder = next((str(path.parent) for path in paths if path.name == mark), None)
    if folder is None:
        return None
    for member in tar.getmembers():
        if member.isfile() and member.name.startswith(f"{folder}/"):
            path = target / PurePosixPath(member.name).relative_to(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            if source is not None:
                path.write_bytes(source.read())
    return target
