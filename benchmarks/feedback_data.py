"""The public data sets that the feedback loop is measured on, with vectors of their texts."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Vectors = NDArray[np.float32]
Labels = NDArray[np.str_]

OUT_OF_SCOPE = "oos"


@dataclass(frozen=True)
class Texts:
    """Texts with labels and vectors of length 1."""

    texts: list[str]
    labels: Labels
    vectors: Vectors


def load(name: str, data: Path, kept: Path | None) -> tuple[Texts, Texts]:
    """Give the log and the test split of a data set."""
    if name == "banking77":
        splits = [_banking(data, "train"), _banking(data, "test")]
    else:
        whole = json.loads((data / "clinc150" / "data_oos_plus.json").read_text("utf-8"))
        splits = [
            [(text, label) for part in parts for text, label in whole[part]]
            for parts in (("train", "oos_train"), ("test", "oos_test"))
        ]
    found = []
    for split, rows in zip(("train", "test"), splits, strict=True):
        texts = [text for text, _ in rows]
        cache = kept / f"{name}-{split}.npy" if kept else None
        if cache is not None and cache.is_file():
            vectors = np.load(cache)
        else:
            vectors = embed(texts)
            if cache is not None:
                cache.parent.mkdir(parents=True, exist_ok=True)
                np.save(cache, vectors)
        found.append(Texts(texts, np.array([label for _, label in rows]), vectors))
    return found[0], found[1]


def _banking(data: Path, split: str) -> list[tuple[str, str]]:
    path = data / "banking77" / f"{split}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def embed(texts: Sequence[str], batch: int = 64) -> Vectors:
    """Encode texts with the bundled encoder as it comes: (n_texts, hidden)."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from bot.ml.encoder import find_encoder
    from bot.ml.options import BUNDLED_ENCODER

    folder = find_encoder(BUNDLED_ENCODER).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    found = np.zeros((len(texts), model.config.hidden_size), np.float32)
    for begin in tqdm(range(0, len(order), batch), desc="encoding", leave=False):
        places = order[begin : begin + batch]
        inputs = tokenizer(
            [texts[place] for place in places],
            padding=True,
            truncation=True,
            max_length=128,
            return_tensors="pt",
        )
        with torch.no_grad():
            hidden = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        found[places] = torch.nn.functional.normalize(mean, dim=1).numpy()
    return found
