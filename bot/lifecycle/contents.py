"""What a model archive would import, looked at before Rasa opens it.

An archive names classes, and Rasa imports them: the components of its graph, the featurizers of
its policies, and the slots of its domain. So an archive is code. What is none of Rasa's own, none
of ours, and not named by this project's `config.yml` or `domain.yml`, is refused.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from bot.errors import ProjectError
from bot.lifecycle.checks.archives import check_archive
from bot.lifecycle.known_classes import CONSTRUCTORS, KNOWN, METHODS

METADATA = PurePosixPath("metadata.json")
DOMAIN = PurePosixPath("components/domain_provider/domain.yml")
_DESCRIPTION = "model.json"  # of the joint model: which encoder it began with
_LARGEST = 64 * 2**20  # bytes of one file that is read into memory
_SCHEMAS = ("train_schema", "predict_schema")
_REMEDY = (
    "If the class is yours, name it in config.yml or domain.yml, as the training did. If you do "
    "not know it, delete the archive, and find out where it came from."
)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Contents:
    """What stands in an archive.

    Attributes:
        metadata: what Rasa notes of the model.
        classes: every class that loading it imports, sorted.
        encoder: name and revision of the pretrained encoder; None without a joint model.
    """

    metadata: dict[str, Any]
    classes: tuple[str, ...]
    encoder: dict[str, str] | None


def inspect(archive: Path, project: Path = Path(".")) -> Contents:
    """Read an archive to its end, and refuse it where Rasa should not open it.

    Args:
        archive: the file.
        project: the folder of `config.yml` and `domain.yml`.

    Raises:
        ProjectError: it is damaged, unsafe to unpack, of another Rasa, or would import a class
            that is neither known nor named by the project.
    """
    check_archive(archive)
    files = _read(archive)
    metadata: dict[str, Any] = json.loads(files[METADATA])
    classes = tuple(sorted(set(_classes(archive, metadata, files.get(DOMAIN)))))
    check_classes(archive, classes, project)
    return Contents(metadata, classes, _encoder(files))


def check_classes(archive: Path, classes: tuple[str, ...], project: Path = Path(".")) -> None:
    """Refuse classes that are neither Rasa's, nor ours, nor named by the project.

    Raises:
        ProjectError: with the names.
    """
    strange = sorted(set(classes) - KNOWN)
    if strange and (foreign := sorted(set(strange) - set(_named_by(project)))):
        raise ProjectError(
            f"The model archive '{archive}' would import {', '.join(foreign)}, which is no "
            f"component of Rasa's, none of this package, and not named by this project.",
            _REMEDY,
        )


def _read(archive: Path) -> dict[PurePosixPath, bytes]:
    """Read the small files that decide what is imported; a name that occurs twice is refused.

    Of two members of one name the last one wins when it is unpacked: a check of the first would
    check nothing. `./a` and `a` are one name, and on some disks `A` is, too.
    """
    files: dict[PurePosixPath, bytes] = {}
    seen: set[str] = set()
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if str(name).casefold() in seen and member.isfile():
                raise ProjectError(
                    f"The model archive '{archive}' holds '{name}' twice.",
                    "Rasa does not write such archives: delete it.",
                )
            seen.add(str(name).casefold())
            wanted = name in (METADATA, DOMAIN) or name.name == _DESCRIPTION
            content = tar.extractfile(member) if wanted and member.size <= _LARGEST else None
            if content is not None:
                files[name] = content.read()
    if METADATA not in files:
        raise ProjectError(f"{METADATA} in '{archive}' is too large to be Rasa's.")
    return files


def _classes(archive: Path, metadata: dict[str, Any], domain: bytes | None) -> Iterator[str]:
    """Yield what is imported: components, their featurizers, and slots of a type of their own."""
    try:
        for schema in _SCHEMAS:
            for node in metadata[schema].get("nodes", {}).values():
                yield str(node["uses"])
                yield from _featurizers((node.get("config") or {}).get("featurizer"))
                _check_calls(archive, node)
        yield from _slots(metadata["domain"])
        if domain is not None:
            yield from _slots(yaml.load(domain, _Loader))
    except (AttributeError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ProjectError(
            f"The graph or domain in the model archive '{archive}' cannot be read ({error!r}).",
            "Delete it and train again with 'make train'.",
        ) from error


def _check_calls(archive: Path, node: dict[str, Any]) -> None:
    """Refuse a node that calls anything but what Rasa's recipe calls."""
    called = (node.get("constructor_name"), node.get("fn"))
    if called[0] not in CONSTRUCTORS or called[1] not in METHODS:
        raise ProjectError(
            f"The model archive '{archive}' would call {called[0]!r} and {called[1]!r} of "
            f"{node['uses']}, which no training writes.",
            "Delete the archive, and find out where it came from.",
        )


def _featurizers(named: Any) -> Iterator[str]:
    """Yield the dotted names among a policy's featurizers; the others are looked up in Rasa."""
    for entry in named if isinstance(named, list) else [named]:
        if isinstance(entry, dict):
            if "." in str(entry.get("name", "")):
                yield str(entry["name"])
            yield from _featurizers(entry.get("state_featurizer"))


def _slots(domain: Any) -> Iterator[str]:
    """Yield slot types with a dot: a type without one is never imported."""
    slots = (domain or {}).get("slots") or {}
    yield from (
        str(slot["type"])
        for slot in slots.values()
        if isinstance(slot, dict) and "." in str(slot.get("type", ""))
    )


def _named_by(project: Path) -> Iterator[str]:
    """Yield the classes that the project's own files name."""
    for name in ("config.yml", "domain.yml"):
        try:
            content = yaml.load((project / name).read_bytes(), _Loader)
        except (OSError, yaml.YAMLError):
            continue
        if not isinstance(content, dict):
            continue
        for section in ("pipeline", "policies"):
            for entry in content.get(section) or []:
                if isinstance(entry, dict):
                    yield str(entry.get("name", ""))
                    yield from _featurizers(entry.get("featurizer"))
        yield from _slots(content)


def _encoder(files: dict[PurePosixPath, bytes]) -> dict[str, str] | None:
    for name, content in files.items():
        if name.name == _DESCRIPTION and re.search(r"\bJointFeaturizer\d*$", name.parent.name):
            try:
                training = json.loads(content)["training"]
                return {
                    "name": str(training["options"]["model"]),
                    "revision": str(training["base_revision"]),
                }
            except (KeyError, TypeError, ValueError):
                return None  # of a version that wrote something else: the card says so
    return None
