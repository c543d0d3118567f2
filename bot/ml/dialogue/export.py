"""Export the dialogue model to ONNX."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from bot.ml.dialogue.model import DialogueTransformer

OPSET = 17


def export_dialogue(model: DialogueTransformer, path: Path) -> None:
    """Write the graph; its inputs are `tokens` and, with end-to-end stories, `texts`.

    What the names' words bring is folded into constants, so it costs nothing in serving.
    """
    model = model.to("cpu").eval()
    tokens = torch.zeros((1, 3, model.shape.n_tokens))
    texts = torch.zeros((1, 3, model.shape.text_width))
    names = ["tokens", "texts"] if model.read_text is not None else ["tokens"]
    sizes = {0: "batch", 1: "states"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of shapes, which are dynamic here
        torch.onnx.export(
            model,
            (tokens, texts),
            str(path),
            input_names=names if len(names) == 2 else ["tokens", "unused"],
            output_names=["actions", "intents"],
            dynamic_axes={name: sizes for name in [*names, "actions", "intents"]},
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
