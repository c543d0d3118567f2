"""What the simulation of reviews comes to: a table and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHARES = (0.25, 0.5, 0.75, 1.0)
ORDERS = ("random", "uncertain", "ours")
_LOOKS = (("#8a8a8a", "random order"), ("#c77d0a", "by uncertainty"), ("#0b6e4f", "bot rank"))


@dataclass(frozen=True)
class Curve:
    """One run: accuracy on the test split after each number of reviews."""

    data: str
    order: str
    seed: int
    reviews: list[int]
    accuracy: list[float]
    out_of_scope: list[float]
    labelled: list[int]


def needed(reviews: Sequence[float], accuracy: Sequence[float], wanted: float) -> float | None:
    """Give after how many reviews a curve first reaches an accuracy; None where it never does."""
    for place, reached in enumerate(accuracy):
        if reached >= wanted:
            if place == 0:
                return 0.0
            before = accuracy[place - 1]
            share = (wanted - before) / (reached - before)
            return reviews[place - 1] + share * (reviews[place] - reviews[place - 1])
    return None


def mean_curve(curves: Sequence[Curve], data: str, order: str) -> tuple[list[float], list[float]]:
    """Give reviews and mean accuracy over the seeds, on the rounds of random order."""
    own = [curve for curve in curves if (curve.data, curve.order) == (data, order)]
    grid = next(c.reviews for c in curves if c.data == data and c.order == "random")
    rows = [np.interp(grid, curve.reviews, curve.accuracy) for curve in own]
    return [float(x) for x in grid], [float(x) for x in np.mean(rows, axis=0)]


def table(curves: Sequence[Curve], budget: int) -> str:
    """Give the reviews needed for the accuracy that random order reaches, as Markdown."""
    lines = [
        "| data | accuracy | random order | by uncertainty | `bot rank` | saved |",
        "|---|---|---|---|---|---|",
    ]
    for data in sorted({curve.data for curve in curves}):
        of = {order: mean_curve(curves, data, order) for order in ORDERS}
        for share in SHARES:
            at = share * budget
            wanted = float(np.interp(at, *of["random"]))
            found = {order: needed(*of[order], wanted) for order in ORDERS[1:]}
            cells = ["-" if n is None else f"{n:.0f}" for n in found.values()]
            ours = found["ours"]
            saved = "-" if ours is None else f"{1 - ours / at:.0%}"
            lines.append(f"| {data} | {wanted:.3f} | {at:.0f} | {' | '.join(cells)} | {saved} |")
        last = " | ".join(f"{of[order][1][-1]:.3f}" for order in ORDERS)
        lines.append(f"| {data} | after {budget} reviews | {last} | |")
    return "\n".join(lines)


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw accuracy against reviews; the band goes from the worst to the best seed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = sorted({curve.data for curve in curves})
    figure, axes = pyplot.subplots(1, len(names), figsize=(10, 4), squeeze=False)
    looks = dict(zip(ORDERS, _LOOKS, strict=True))
    for axis, data in zip(axes[0], names, strict=True):
        for order, (colour, title) in looks.items():
            grid, mean = mean_curve(curves, data, order)
            own = [c for c in curves if (c.data, c.order) == (data, order)]
            rows = [np.interp(grid, c.reviews, c.accuracy) for c in own]
            axis.plot(grid, mean, color=colour, label=title)
            axis.fill_between(
                grid, np.min(rows, axis=0), np.max(rows, axis=0), color=colour, alpha=0.2, lw=0
            )
        axis.set_title(data.upper())
        axis.set_xlabel("reviews")
        axis.set_ylabel("accuracy on the test split")
        axis.grid(alpha=0.3)
        axis.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
