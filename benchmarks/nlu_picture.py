"""Accuracy against examples an intent, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.nlu_data import FULL

TITLES = {"banking77": "BANKING77", "clinc150": "CLINC150, in scope", "hwu64": "HWU64"}
LINES = {
    "ours": ("fine-tuned", "#0b6e4f", "-"),
    "frozen": ("the same encoder, frozen", "#c77700", "--"),
    "diet": ("Rasa's DIET", "#7a7a7a", ":"),
}
SIZES = ("5", "10", FULL)


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw a panel for each set that was measured with at least two sizes of training data."""
    sets = [name for name in TITLES if len(_points(rows, name, "ours")) > 1]
    if not sets:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(sets), figsize=(4.2 * len(sets), 3.6), squeeze=False)
    for panel, name in zip(panels[0], sets, strict=True):
        for pipeline, (title, colour, style) in LINES.items():
            points = _points(rows, name, pipeline)
            if points:
                panel.plot(*zip(*points, strict=True), style, color=colour, marker="o", label=title)
        panel.set_title(TITLES[name])
        panel.set_xticks(range(len(SIZES)), [*SIZES[:-1], "all"])
        panel.set_xlabel("examples an intent")
        panel.grid(axis="y", alpha=0.3)
    panels[0][0].set_ylabel("test accuracy, %")
    panels[0][0].legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _points(rows: Sequence[dict[str, Any]], name: str, pipeline: str) -> list[tuple[int, float]]:
    found = []
    for place, size in enumerate(SIZES):
        scores = [
            100 * row["accuracy"]
            for row in rows
            if (row["set"], row["shots"], row["pipeline"]) == (name, size, pipeline)
        ]
        if scores:
            found.append((place, mean(scores)))
    return found
