"""A dialogue model on disk: what its folder holds, written whole and checked when it is read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load_file, save_file

from bot.errors import CheckpointError
from bot.ml.checkpoint import verify, write_manifest
from bot.ml.dialogue.inference import DialoguePredictor
from bot.ml.dialogue.states import Vocabulary
from bot.ml.dialogue.trained import Calibration, StartingPoint

if TYPE_CHECKING:
    from bot.ml.dialogue.trained import TrainedDialogue

FORMAT = 1


@dataclass(frozen=True)
class Layout:
    """The files of a model folder, beside its `manifest.json`."""

    folder: Path

    @property
    def weights(self) -> Path:
        """The weights, for the next training."""
        return self.folder / "dialogue.safetensors"

    @property
    def graph(self) -> Path:
        """The model for serving."""
        return self.folder / "dialogue.onnx"

    @property
    def texts(self) -> Path:
        """The vectors of the users' words in end-to-end stories."""
        return self.folder / "texts.safetensors"

    @property
    def description(self) -> Path:
        """Names, options, thresholds, scores."""
        return self.folder / "model.json"

    @property
    def curves(self) -> Path:
        """Losses and scores by epoch; a picture of them lies beside as `curves.png`."""
        return self.folder / "curves.json"


def save(trained: TrainedDialogue, folder: Path) -> None:
    """Write a trained model: weights, ONNX graph, names, curves, and last the manifest."""
    from bot.ml.curves import draw_curves
    from bot.ml.dialogue.export import export_dialogue

    layout = Layout(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.numpy() for name, tensor in trained.model.state_dict().items()}
    save_file(weights, str(layout.weights))
    save_file({"texts": trained.known_texts}, str(layout.texts))
    export_dialogue(trained.model, layout.graph)
    summary = trained.summary()
    vocabulary = trained.vocabulary
    _write_json(
        layout.description,
        {
            "format": FORMAT,
            "tokens": vocabulary.tokens,
            "actions": vocabulary.actions,
            "intents": vocabulary.intents,
            "calibration": asdict(trained.calibration),
            "training": summary,
        },
    )
    _write_json(layout.curves, summary["curve"])
    draw_curves(
        trained.curve,
        trained.best_epoch,
        layout.curves.with_suffix(".png"),
        scores={"action F1": "action_f1", "action accuracy": "action_accuracy"},
        losses="Loss (actions and intents in training, actions in validation)",
    )
    write_manifest(folder)


def load_predictor(folder: Path) -> DialoguePredictor:
    """Load a model for serving.

    Raises:
        CheckpointError: a file is missing, cut off or changed.
    """
    verify(folder)
    layout = Layout(folder)
    description = read_description(folder)
    return DialoguePredictor(
        layout.graph,
        _vocabulary(description),
        Calibration(**description["calibration"]),
        int(description["training"]["options"]["max_history"]),
        load_file(str(layout.texts))["texts"],
    )


def load_starting_point(folder: Path) -> StartingPoint:
    """Load a model as the start of a training.

    Raises:
        CheckpointError: a file is missing, cut off or changed.
    """
    verify(folder)
    description = read_description(folder)
    return StartingPoint(load_file(str(Layout(folder).weights)), _vocabulary(description))


def read_description(folder: Path) -> dict[str, Any]:
    """Read `model.json`.

    Raises:
        CheckpointError: it was written by a version of this package that lays files out
            differently.
    """
    description: dict[str, Any] = json.loads(Layout(folder).description.read_text("utf-8"))
    if description.get("format") != FORMAT:
        raise CheckpointError(
            f"The dialogue model in {folder} has format {description.get('format')!r}; this "
            f"version reads format {FORMAT}. Train it again."
        )
    return description


def _vocabulary(description: dict[str, Any]) -> Vocabulary:
    tokens, actions, intents = (description[key] for key in ("tokens", "actions", "intents"))
    return Vocabulary(tuple(tokens), tuple(actions), tuple(intents))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
