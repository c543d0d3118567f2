"""Export the encoder to ONNX, in int8 where that changes nothing that matters."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bot.ml.heads import Heads
from bot.ml.inference import JointPredictor, OnnxEncoder
from bot.ml.metrics import span_f1
from bot.ml.text import SubwordTokenizer
from bot.types import Example, Parse

INT8_MINIMUM_AGREEMENT = 0.995
INT8_MOST_LOST_F1 = 0.003  # a span or two of a thousand messages: less than another seed changes
# What int8 may leave in full precision, cheapest first: the outputs of the feed-forward parts have
# the largest outliers.
INT8_SPARES: tuple[str | None, ...] = (None, ".output.dense")
MAX_COMPARED = 1000
OPSET = 17


@dataclass(frozen=True)
class PrecisionChoice:
    """Which precision is served, and the evidence.

    Attributes:
        precision: `int8` or `fp32`.
        agreement: share of messages whose top intent, or attribute, is the same in both.
        entity_f1_fp32: span F1 against the annotations in full precision.
        entity_f1_int8: the same in int8.
        messages: how many messages were compared.
    """

    precision: str
    agreement: float
    entity_f1_fp32: float
    entity_f1_int8: float
    messages: int

    def as_dict(self) -> dict[str, object]:
        """Give the choice as `model.json` keeps it."""
        return asdict(self)


class _TokenVectors(nn.Module):
    """The encoder as a graph with two inputs and one output."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden: Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state
        return hidden


def export_encoder(
    encoder: nn.Module,
    target: Path,
    heads: Heads,
    tokenizer: SubwordTokenizer,
    examples: Sequence[Example],
) -> PrecisionChoice:
    """Write the encoder's ONNX graph to `target` in the precision that the examples allow.

    int8 is chosen where its top intent agrees with full precision on at least 99.5 % of the
    examples and its entity F1 falls by no more than chance; if need be with a part of the graph
    in full precision. docs/decisions/004 has the reasons.
    """
    full = target.with_name("encoder.fp32.onnx")
    small = target.with_name("encoder.int8.onnx")
    try:
        _write_graph(encoder, full)
        for spared in INT8_SPARES:
            _quantize(full, small, spared)
            choice = _compare(full, small, heads, tokenizer, _spread(examples, MAX_COMPARED))
            if choice.precision == "int8":
                break
        chosen = small if choice.precision == "int8" else full
        chosen.replace(target)
    finally:
        full.unlink(missing_ok=True)
        small.unlink(missing_ok=True)
    return choice


def _write_graph(encoder: nn.Module, path: Path) -> None:
    encoder = encoder.to("cpu").eval()
    if hasattr(encoder, "set_attn_implementation"):
        # Eager attention makes the graph that ONNX Runtime can fuse.
        encoder.set_attn_implementation("eager")  # type: ignore[operator]
    ids = torch.ones((2, 6), dtype=torch.long)
    sizes = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of shapes, which are dynamic here
        torch.onnx.export(
            _TokenVectors(encoder).eval(),
            (ids, torch.ones_like(ids)),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["hidden"],
            dynamic_axes={"input_ids": sizes, "attention_mask": sizes, "hidden": sizes},
            opset_version=OPSET,
            dynamo=False,
        )


def _quantize(full: Path, small: Path, spared: str | None) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a pre-processing step that changes nothing here
    try:
        nodes = [node.name for node in onnx.load(str(full)).graph.node if spared]
        quantize_dynamic(
            full,
            small,
            weight_type=QuantType.QInt8,
            per_channel=True,
            nodes_to_exclude=[name for name in nodes if _is_spared(name, str(spared))],
        )
    finally:
        root.setLevel(level)


def _is_spared(name: str, spared: str) -> bool:
    """Say whether a node belongs to a module by that ending; attention has one of its own."""
    module = name.rpartition("/")[0].replace("/", ".")
    return module.endswith(spared) and not module.endswith(f"attention{spared}")


def _compare(
    full: Path,
    small: Path,
    heads: Heads,
    tokenizer: SubwordTokenizer,
    examples: Sequence[Example],
) -> PrecisionChoice:
    parses = []
    for path in (full, small):
        predictor = JointPredictor(OnnxEncoder(path, tokenizer, path.name), heads)
        parses.append([predictor.parse(example.text, example.reading) for example in examples])
    agree = [
        _said(example, a) == _said(example, b)
        for example, a, b in zip(examples, *parses, strict=True)
    ]
    agreement = sum(agree) / len(agree) if agree else 1.0
    marked = [i for i, example in enumerate(examples) if example.has_marked_entities]
    truth = [examples[i].spans for i in marked]
    scores = [span_f1(truth, [side[i].spans for i in marked]) for side in parses]
    keeps = agreement >= INT8_MINIMUM_AGREEMENT and scores[1] >= scores[0] - INT8_MOST_LOST_F1
    return PrecisionChoice(
        "int8" if keeps else "fp32", agreement, scores[0], scores[1], len(examples)
    )


def _said(example: Example, parse: Parse) -> list[str]:
    """Give what a message is kept for: its likeliest intent, or the values of its attributes."""
    if example.intent or not example.attributes:
        return [label.name for label in parse.ranking[:1]]
    names = {attribute.name for attribute in example.attributes}
    return [attribute.value for attribute in parse.attributes if attribute.name in names]


def _spread(examples: Sequence[Example], most: int) -> list[Example]:
    step = max(1, -(-len(examples) // most))
    return list(examples[::step])
