"""What an adaptation leaves: a folder that `model` in `config.yml` can name."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from torch import nn

from bot import __version__
from bot.errors import ProjectError
from bot.ml.adapting.options import AdaptOptions
from bot.ml.adapting.progress import Record
from bot.ml.curves import draw_curves
from bot.ml.encoder import EncoderSource
from bot.ml.joint import save_encoder

DESCRIPTION = "adaptation.json"
PICTURE = "adaptation.png"
FORMAT = 1
# What transformers' own tokenizers read beside tokenizer.json.
_TOKENIZER_FILES = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
)


@dataclass
class Adapted:
    """An encoder that learned from messages, and how that went."""

    encoder: nn.Module
    tokenizer_path: Path
    source: EncoderSource
    options: AdaptOptions
    corpus_digest: str
    n_messages: int
    n_held_out: int
    curve: list[Record]
    best_epoch: int

    def description(self) -> dict[str, object]:
        """Give what `adaptation.json` says; nothing of it changes from run to run."""
        packages = ("torch", "transformers", "tokenizers")
        return {
            "format": FORMAT,
            "base": {"model": self.source.name, "revision": self.source.revision},
            "corpus": {
                "sha256": self.corpus_digest,
                "messages": self.n_messages,
                "held_out": self.n_held_out,
            },
            "options": self.options.as_dict(),
            "best_epoch": self.best_epoch,
            "curve": [asdict(record) for record in self.curve],
            "versions": {"bot": __version__, **{name: version(name) for name in packages}},
        }


def check_replaceable(folder: Path) -> None:
    """Refuse a folder that holds something else than an earlier adaptation.

    Raises:
        ProjectError: it does, or it is no folder.
    """
    if folder.is_dir():
        if (folder / DESCRIPTION).is_file() or not any(folder.iterdir()):
            return
    elif not folder.exists():
        return
    raise ProjectError(
        f"'{folder}' exists and was not written by 'bot adapt'.",
        "Name another folder with --output, or remove this one.",
    )


def save_adapted(adapted: Adapted, folder: Path) -> None:
    """Write the folder whole, or not at all; an earlier adaptation there is replaced.

    Raises:
        ProjectError: see `check_replaceable`.
    """
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        written = Path(scratch, "new")
        save_encoder(adapted.encoder, written)
        shutil.copyfile(adapted.tokenizer_path, written / "tokenizer.json")
        for name in _TOKENIZER_FILES:
            if (adapted.source.folder / name).is_file():
                shutil.copyfile(adapted.source.folder / name, written / name)
        text = json.dumps(adapted.description(), indent=1, ensure_ascii=False)
        (written / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        _draw(adapted, written / PICTURE)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        written.rename(folder)


def _draw(adapted: Adapted, path: Path) -> None:
    before = replace(adapted.curve[0], training_loss=math.nan)
    draw_curves(
        [before, *adapted.curve[1:]],  # type: ignore[list-item]
        adapted.best_epoch,
        path,
        scores={"partner found": "found"},
        losses="Loss (which message says the same), before and after each epoch",
    )
