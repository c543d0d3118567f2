"""A model on disk: what its folder holds, written whole and checked when it is read.

The folder carries the encoder twice, for two readers: as safetensors for the next training, and
as an ONNX graph for serving. `manifest.json` names each file with size and SHA-256.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from bot.errors import CheckpointError
from bot.ml.attributes import AttributeHead
from bot.ml.encoder import sha256_of
from bot.ml.heads import Heads
from bot.ml.inference import JointPredictor, encoder_service
from bot.ml.tagging import EntityLabel, TagSet

if TYPE_CHECKING:
    from bot.ml.trained import StartingPoint, TrainedJoint

FORMAT = 1


@dataclass(frozen=True)
class Layout:
    """The files of a model folder."""

    folder: Path

    @property
    def encoder(self) -> Path:
        """The folder that transformers reads: weights, `config.json`."""
        return self.folder / "encoder"

    @property
    def graph(self) -> Path:
        """The encoder for serving."""
        return self.folder / "encoder.onnx"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, for training and serving."""
        return self.folder / "tokenizer.json"

    @property
    def heads(self) -> Path:
        """The weights of the heads."""
        return self.folder / "heads.safetensors"

    @property
    def description(self) -> Path:
        """Labels, options, precision, scores."""
        return self.folder / "model.json"

    @property
    def curves(self) -> Path:
        """Losses and scores by epoch; a picture of them lies beside as `curves.png`."""
        return self.folder / "curves.json"

    @property
    def manifest(self) -> Path:
        """Sizes and digests of all other files."""
        return self.folder / "manifest.json"


def save(trained: TrainedJoint, examples: Any, folder: Path) -> None:
    """Write a trained model: checkpoint, ONNX graph, heads, curves, and last the manifest."""
    from bot.ml.curves import draw_curves
    from bot.ml.export import export_encoder
    from bot.ml.joint import save_encoder
    from bot.ml.text import SubwordTokenizer

    layout = Layout(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = SubwordTokenizer.load(trained.tokenizer_path, trained.options.max_length)
    tokenizer.save(layout.tokenizer)
    save_encoder(trained.encoder, layout.encoder)
    choice = export_encoder(trained.encoder, layout.graph, trained.heads, tokenizer, examples)
    _save_heads(trained.heads, layout.heads)
    labels = [[label.entity, label.role, label.group] for label in trained.heads.tags.labels]
    _write_json(
        layout.description,
        {
            "format": FORMAT,
            "intents": list(trained.heads.labels),
            "entities": labels,
            "kinds": list(trained.heads.kinds),
            "scale": trained.heads.scale,
            "out_of_scope": trained.heads.out_of_scope,
            "strange_above": trained.heads.strange_above,
            "attributes": [
                {
                    "name": head.name,
                    "values": list(head.values),
                    "scale": head.scale,
                    "least": head.least,
                    "slot": head.slot,
                }
                for head in trained.heads.attributes
            ],
            "serving": choice.as_dict(),
            "training": trained.summary(),
        },
    )
    _write_json(layout.curves, trained.summary()["curve"])
    draw_curves(trained.curve, trained.best_epoch, layout.curves.with_suffix(".png"))
    write_manifest(folder)


def load_predictor(folder: Path) -> JointPredictor:
    """Load a model for serving.

    Raises:
        CheckpointError: a file is missing, cut off or changed.
    """
    layout = Layout(folder)
    digest = verify(folder)
    description = read_description(folder)
    max_length = int(description["training"]["options"]["max_length"])
    encoder = encoder_service(layout.graph, layout.tokenizer, max_length, digest)
    return JointPredictor(encoder, load_heads(folder, description))


def load_starting_point(folder: Path) -> StartingPoint:
    """Load a model as the start of a training.

    Raises:
        CheckpointError: a file is missing, cut off or changed.
    """
    from bot.ml.trained import StartingPoint

    digest = verify(folder)
    description = read_description(folder)
    return StartingPoint(
        Layout(folder).encoder,
        load_heads(folder, description),
        digest,
        description["training"]["base_revision"],
    )


def load_heads(folder: Path, description: dict[str, Any]) -> Heads:
    """Read the heads of a verified folder."""
    weights = load_file(str(Layout(folder).heads))
    return Heads(
        tuple(description["intents"]),
        TagSet(tuple(EntityLabel(*label) for label in description["entities"])),
        weights["prototypes"],
        float(description["scale"]),
        weights["tag_weight"],
        weights["tag_bias"],
        out_of_scope=description.get("out_of_scope", ""),
        strange_above=description.get("strange_above"),
        attributes=_attribute_heads(description, weights),
        **_hit_weights(description, weights),
    )


def _attribute_heads(
    description: dict[str, Any], weights: dict[str, Any]
) -> tuple[AttributeHead, ...]:
    """Give the heads of the attributes; a model that was trained without any holds none."""
    return tuple(
        AttributeHead(
            each["name"],
            tuple(each["values"]),
            weights[_attribute_key(number)],
            float(each["scale"]),
            float(each["least"]),
            each["slot"],
        )
        for number, each in enumerate(description.get("attributes", ()))
    )


def _attribute_key(number: int) -> str:
    return f"attribute_{number}"


def _hit_weights(description: dict[str, Any], weights: dict[str, Any]) -> dict[str, Any]:
    """Give what a model knows of hits; one that was trained without any holds nothing of them."""
    kinds = tuple(description.get("kinds", ()))
    if not kinds:
        return {}
    return {
        "kinds": kinds,
        "hit_tags": weights["hit_tags"],
        "hit_intents": weights["hit_intents"],
    }


def read_description(folder: Path) -> dict[str, Any]:
    """Read `model.json`.

    Raises:
        CheckpointError: it was written by a version of this package that lays files out
            differently.
    """
    description: dict[str, Any] = json.loads(Layout(folder).description.read_text("utf-8"))
    if description.get("format") != FORMAT:
        raise CheckpointError(
            f"The model in {folder} has format {description.get('format')!r}; this version "
            f"reads format {FORMAT}. Train it again."
        )
    return description


def write_manifest(folder: Path) -> None:
    """Name every file of the folder with its size and digest.

    It is written last, so that a folder without it is known to be unfinished.
    """
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    _write_json(Layout(folder).manifest, {"format": FORMAT, "files": files})


def verify(folder: Path) -> str:
    """Check every file against the manifest and give the manifest's digest.

    Raises:
        CheckpointError: names the first file that is missing or differs.
    """
    manifest = Layout(folder).manifest
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        files = {name: (entry["bytes"], entry["sha256"]) for name, entry in listed.items()}
    except FileNotFoundError:
        raise CheckpointError(
            f"The model in {folder} has no manifest.json: it was not written to its end, or "
            f"the file was lost. Train again or restore the model archive."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{manifest} is damaged ({error}). Train again or restore the model archive."
        ) from error
    for name, (size, sha256) in files.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(
                f"The model in {folder} lost its file '{name}'. Train again or restore the "
                f"model archive."
            )
        if path.stat().st_size != size or sha256_of(path) != sha256:
            raise CheckpointError(
                f"The file '{name}' of the model in {folder} is not the one that was saved. "
                f"Train again or restore the model archive."
            )
    return sha256_of(manifest)


def _save_heads(heads: Heads, path: Path) -> None:
    weights = {
        "prototypes": heads.prototypes,
        "tag_weight": heads.tag_weight,
        "tag_bias": heads.tag_bias,
    }
    if heads.kinds:
        weights |= {"hit_tags": heads.hit_tags, "hit_intents": heads.hit_intents}
    for number, head in enumerate(heads.attributes):
        weights[_attribute_key(number)] = np.ascontiguousarray(head.directions)
    save_file(weights, str(path))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
