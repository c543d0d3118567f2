"""Accuracy against the number of stories, ours and TED, in one picture."""

from __future__ import annotations

import warnings
from pathlib import Path
from statistics import mean
from typing import Any

TITLES = {"story": "StoryPolicy", "ted": "TEDPolicy"}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw action accuracy and F1 on `modular` with a history of 10 into a PNG file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what its packages say of each other
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    used = [row for row in rows if row["set"] == "modular" and row["history"] == 10]
    for axes, key, title in zip(
        figure.subplots(1, 2), ("accuracy", "f1"), ("Action accuracy", "Action F1"), strict=True
    ):
        for policy, name in TITLES.items():
            counts = sorted({row["stories"] for row in used if row["policy"] == policy})
            means = [
                mean(r[key] for r in used if (r["policy"], r["stories"]) == (policy, count))
                for count in counts
            ]
            if counts:
                axes.plot(counts, means, marker="o", label=name)
        axes.set_xscale("log")
        axes.set_xticks(sorted({row["stories"] for row in used}))
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.minorticks_off()
        axes.set_xlabel("stories learned from")
        axes.set_title(title, fontsize=9)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        figure.savefig(path, dpi=110)
