"""Continue from an earlier model although names came and went."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bot.ml.dialogue.model import DialogueTransformer
from bot.ml.dialogue.states import Vocabulary
from bot.ml.dialogue.trained import StartingPoint

# Rows of these weights belong to names; all others are shared by all names.
_TABLES = {
    "token_table.own": "tokens",
    "action_table.own": "actions",
    "intent_table.own": "intents",
    "action_bias": "actions",
    "intent_bias": "intents",
}


@torch.no_grad()
def take_over(model: DialogueTransformer, vocabulary: Vocabulary, start: StartingPoint) -> None:
    """Copy what an earlier model learned: shared weights, and the rows of names both know.

    A shared weight of another size (the history is longer now, the users' words have other
    vectors) is copied as far as both go, or left as it is where its size means something else.
    """
    for name, target in model.state_dict().items():
        if name not in start.weights:
            continue
        source = torch.from_numpy(start.weights[name].copy())
        if name in _TABLES:
            kind = _TABLES[name]
            _copy_rows(target, getattr(vocabulary, kind), source, getattr(start.vocabulary, kind))
        elif name.endswith(".distance"):
            common = min(target.shape[1], source.shape[1])
            target[:, :common] = source[:, :common]
        elif target.shape == source.shape:
            target.copy_(source)


def _copy_rows(target: Tensor, new: Sequence[str], source: Tensor, old: Sequence[str]) -> None:
    position = {name: row for row, name in enumerate(old)}
    for row, name in enumerate(new):
        if name in position:
            target[row] = source[position[name]]
