"""Is Python itself, and are the packages, what Rasa 3.6.21 and this package need?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from bot.errors import EncoderError
from bot.lifecycle.checks.findings import Finding, Project, from_error
from bot.lifecycle.checks.pipeline import FEATURIZER, components, encoder_folder
from bot.lifecycle.checks.space import MODELS, NEEDED_FOR_TRAINING_MB, free_mb
from bot.ml.encoder import find_encoder
from bot.ml.options import BUNDLED_ENCODER

PYTHONS = ((3, 10), (3, 11))
LOCK = "requirements.lock"
NEEDED_MEMORY_MB = 3 * 1024
WANTED_DISK_MB = 5 * 1024
# package -> allowed versions, and why others are not
PACKAGES = {
    "rasa": (">=3.6.21,<3.7", "older ones can be taken over by a model (CVE-2024-49375)"),
    "rasa-sdk": (">=3.6,<3.7", "it must fit Rasa"),
    "tensorflow": ("==2.12.*", "Rasa imports it whatever the pipeline holds"),
    "sanic": (">=21.12,<21.13", "Rasa's server is written for it"),
    "numpy": ("<1.25", "TensorFlow 2.12 needs it"),
    "setuptools": ("<81", "newer ones have no pkg_resources, and Rasa stops importing"),
    "torch": (">=2.12,<3", "the encoder is fine-tuned with it"),
    "transformers": (">=5.3,<6", "the encoder is fine-tuned with it"),
    "tokenizers": (">=0.22", "the encoder is served with it"),
    "onnxruntime": (">=1.23", "the encoder is served with it"),
}
_ALIASES = {"tensorflow": ("tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow-macos")}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_INSTALL = "Run 'make setup', which installs the versions of requirements.lock."


def check_python(project: Project) -> Iterator[Finding]:
    """Rasa 3.6 does not install on newer Pythons, and this package needs 3.10."""
    found = ".".join(str(number) for number in sys.version_info[:3])
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        yield Finding("python", "ok", found)
    else:
        yield Finding(
            "python", "problem", f"{found}, but Rasa 3.6 needs 3.10.", "Delete .venv, 'make setup'."
        )


def check_packages(project: Project) -> Iterator[Finding]:
    """Compare what is installed with what is allowed, then with the lock file."""
    pins = _pins(project.root / LOCK)
    good = []
    for name, (allowed, reason) in PACKAGES.items():
        version = installed_version(name)
        if version is None:
            yield Finding(f"package {name}", "problem", "It is not installed.", _INSTALL)
        elif not SpecifierSet(allowed).contains(Version(version), prereleases=True):
            yield Finding(
                f"package {name}",
                "problem",
                f"{version} is installed, but must be {allowed}: {reason}.",
                _INSTALL,
            )
        elif name in pins and Version(version).public != Version(pins[name]).public:
            detail = f"{version} is installed, but {LOCK} says {pins[name]}."
            yield Finding(f"package {name}", "warning", detail, _INSTALL)
        else:
            good.append(f"{name} {version}")
    if importlib.util.find_spec("pkg_resources") is None:
        yield Finding(
            "pkg_resources", "problem", "It is missing, so that Rasa does not import.", _INSTALL
        )
    if good:
        yield Finding("packages", "ok", ", ".join(good))


def installed_version(name: str) -> str | None:
    """Give the version of a distribution, under whichever name the platform has it."""
    for candidate in (name, *_ALIASES.get(name, ())):
        try:
            return importlib.metadata.version(candidate)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _pins(lock: Path) -> dict[str, str]:
    if not lock.is_file():
        return {}
    return {name.lower(): version for name, version in _PIN.findall(lock.read_text("utf-8"))}


def check_encoder(project: Project) -> Iterator[Finding]:
    """Look for the files of the encoder that `config.yml` names, and at their checksum."""
    config = project.source("config.yml")
    for component in components(config) if config else []:
        if component.short_name != FEATURIZER:
            continue
        model = str(component.options().get("model", BUNDLED_ENCODER))
        folder = encoder_folder(model, project.root)
        try:
            found = find_encoder(folder or _cached(model) or "")
        except EncoderError as error:
            if folder is not None:
                yield from_error("encoder", "problem", error)
                continue
            detail = f"'{model}' is not on this machine yet; training fetches it from the Hub."
            yield Finding("encoder", "warning", detail, "Check its spelling and the network.")
            continue
        yield Finding("encoder", "ok", f"{model}, checksum {found.revision[:12]}")


def _cached(model: str) -> str | None:
    from huggingface_hub import snapshot_download

    try:
        return str(snapshot_download(model, local_files_only=True))
    except Exception:  # the hub raises a dozen kinds; each means "not here"
        return None


def check_telemetry(project: Project) -> Iterator[Finding]:
    """Rasa reports about its use unless a variable or its own settings file says no."""
    settings = Path.home() / ".config" / "rasa" / "global.yml"
    in_file = None
    if settings.is_file():
        content = yaml.safe_load(settings.read_text(encoding="utf-8"))
        metrics = content.get("metrics") if isinstance(content, dict) else None
        in_file = metrics.get("enabled") if isinstance(metrics, dict) else None
    if in_file is False:
        yield Finding("telemetry", "ok", f"off in {settings}")
    elif os.environ.get("RASA_TELEMETRY_ENABLED", "").lower() == "false":
        yield Finding(
            "telemetry",
            "ok",
            "off for the commands 'bot' and 'make'; for a plain 'rasa' call "
            "export RASA_TELEMETRY_ENABLED=false",
        )
    else:
        remedy = "Export RASA_TELEMETRY_ENABLED=false, or run 'rasa telemetry disable'."
        yield Finding("telemetry", "warning", "Rasa reports about its use to its maker.", remedy)


def check_machine(project: Project) -> Iterator[Finding]:
    """Is there memory for a training beside Rasa, and disk for its files?"""
    memory = psutil.virtual_memory().available // 2**20
    enough = memory >= NEEDED_MEMORY_MB
    yield Finding(
        "memory",
        "ok" if enough else "warning",
        f"{memory} MB are available" + ("" if enough else f"; a training takes {NEEDED_MEMORY_MB}"),
        "" if enough else "Close other programs, or lower 'batch_size' in config.yml.",
    )
    free = free_mb(project.root / MODELS)
    scarce = free < WANTED_DISK_MB
    yield Finding(
        "disk",
        "problem" if free < NEEDED_FOR_TRAINING_MB else "warning" if scarce else "ok",
        f"{free} MB are free" + (f"; {WANTED_DISK_MB} are comfortable" if scarce else ""),
        "Delete old models or '.rasa/cache'." if scarce else "",
    )
