"""Pictures of the report as SVG, drawn with nothing but text.

Colours come from the page's style sheet, so that a picture fits light and dark alike; every
picture has a title and a description for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bot.evaluation.calibration import Bin
from bot.evaluation.intents import Share
from bot.evaluation.learning_curve import LearningCurve
from bot.evaluation.rejecting import OutOfScope, ThresholdPoint

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 46
_SMALL = 120  # width of a bar in a table


@dataclass(frozen=True)
class Axes:
    """Turns values into places: x from 0 to 1, y from 0 to `top`."""

    top: float = 1.0

    def x(self, value: float) -> str:
        """Give the horizontal place of a value."""
        return f"{_LEFT + value * (WIDTH - _LEFT - _RIGHT):.1f}"

    def y(self, value: float) -> str:
        """Give the vertical place of a value."""
        return f"{HEIGHT - _BOTTOM - value / self.top * (HEIGHT - _TOP - _BOTTOM):.1f}"

    def path(self, points: Sequence[tuple[float, float]], name: str) -> str:
        """Draw a line through points."""
        places = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        return f'<polyline class="line {name}" points="{places}"/>'

    def grid(self, across: str, upwards: str, percent: bool = True, end: float = 0.0) -> str:
        """Draw the lines and words of both axes; at the right stands `end`, if not 1."""
        parts = []
        for step in range(6):
            x, y = step / 5, self.top * step / 5
            shown = f"{100 * y:.3g} %" if percent else f"{y:.2f}"
            below = f"{x * end:,.0f}" if end else f"{x:.1f}"
            place = "end" if end and x == 1 else "middle"  # a long number would be cut
            parts.append(
                f'<line class="grid" x1="{self.x(0)}" x2="{self.x(1)}" y1="{self.y(y)}" '
                f'y2="{self.y(y)}"/><text class="tick end" x="{_LEFT - 6}" '
                f'y="{float(self.y(y)) + 4:.1f}">{shown}</text>'
                f'<text class="tick {place}" x="{self.x(x)}" y="{HEIGHT - _BOTTOM + 17}">{below}'
                "</text>"
            )
        middle = (_TOP + HEIGHT - _BOTTOM) / 2
        parts.append(
            f'<text class="axis middle" x="{self.x(0.5)}" y="{HEIGHT - 8}">{escape(across)}</text>'
            f'<text class="axis middle" transform="translate(12 {middle}) rotate(-90)">'
            f"{escape(upwards)}</text>"
        )
        return "".join(parts)


def picture(key: str, title: str, description: str, content: str) -> str:
    """Put a picture together; `key` is unique on the page."""
    return (
        f'<svg class="picture" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>{content}</svg>'
    )


def reliability(bins: Sequence[Bin], live: Sequence[Bin] = ()) -> str:
    """Draw confidence against accuracy; right on the diagonal a confidence means what it says."""
    axes = Axes()
    parts = [axes.grid("confidence", "share that is right"), axes.path(((0, 0), (1, 1)), "even")]
    for name, series in (("live", live), ("candidate", bins)):
        if series:
            parts.append(axes.path([(b.confidence, b.accuracy) for b in series], name))
        for part in series:
            parts.append(
                f'<circle class="dot {name}" cx="{axes.x(part.confidence)}" '
                f'cy="{axes.y(part.accuracy)}" r="4"><title>{part.count} messages: confidence '
                f"{part.confidence:.2f}, right {part.accuracy:.0%}</title></circle>"
            )
    told = "; ".join(f"{b.confidence:.2f} is right in {b.accuracy:.0%}" for b in bins)
    return picture("reliability", "Reliability diagram", told, "".join(parts))


def thresholds(
    curve: Sequence[ThresholdPoint],
    chosen: ThresholdPoint,
    current: float | None,
    wrong_cost: float,
    fallback_cost: float,
) -> str:
    """Draw what wrong answers and needless questions cost at each threshold."""
    axes = Axes(_nice(max(point.cost for point in curve)))
    lines = (
        ("wrong", [(p.threshold, wrong_cost * p.wrong) for p in curve]),
        ("needless", [(p.threshold, fallback_cost * p.needless) for p in curve]),
        ("cost", [(p.threshold, p.cost) for p in curve]),
    )
    parts = [axes.grid("threshold", "cost of a message", percent=False)]
    if current is not None:
        parts.append(
            f'<line class="mark" x1="{axes.x(current)}" x2="{axes.x(current)}" '
            f'y1="{axes.y(0)}" y2="{axes.y(axes.top)}"/>'
        )
    parts += [axes.path(points, name) for name, points in lines]
    parts.append(
        f'<circle class="dot cost" cx="{axes.x(chosen.threshold)}" cy="{axes.y(chosen.cost)}" '
        f'r="6"><title>least cost at {chosen.threshold:.2f}</title></circle>'
    )
    told = (
        f"The cost is least at a threshold of {chosen.threshold:.2f}: {chosen.cost:.3f} a message; "
        f"{chosen.wrong:.1%} answered wrongly, {chosen.needless:.1%} asked again needlessly."
    )
    return picture("thresholds", "Threshold curve", told, "".join(parts))


def _nice(highest: float) -> float:
    """Give the end of an axis whose fifths are round numbers."""
    power = 10.0 ** math.floor(math.log10(max(highest, 1e-3)))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= highest - 1e-9)


def refusals(candidate: OutOfScope, live: OutOfScope | None) -> str:
    """Draw which share of messages out of scope is refused at which price in scope."""
    axes = Axes()
    parts = [
        axes.grid("in scope, but refused", "out of scope, and refused"),
        axes.path(((0, 0), (1, 1)), "even"),
    ]
    if live and live.curve:
        parts.append(axes.path(live.curve, "live"))
    parts.append(axes.path(candidate.curve, "candidate"))
    told = f"AUROC {candidate.auroc or 0:.3f}; 0.5 would be guessing."
    return picture("refusals", "Refusal curve", told, "".join(parts))


def errors(curve: LearningCurve) -> str:
    """Draw what is wrong against the examples of a training, continued to twice as many."""
    last, expected = curve.points[-1], curve.forecast
    end = _nice(2 * last.examples)
    axes = Axes(_nice(max(1 - point.right.low for point in curve.points)))
    measured = [(point.examples / end, point.right) for point in curve.points]
    further = (2 * last.examples / end, expected)
    parts = [axes.grid("training examples", "messages that are read wrongly", end=end)]
    parts.append(axes.path(_power(measured[-1], further), "live"))
    parts.append(axes.path([(x, 1 - right.value) for x, right in measured], "candidate"))
    for name, (x, right) in [*(("candidate", one) for one in measured), ("live", further)]:
        parts.append(
            f'<line class="reach {name}" x1="{axes.x(x)}" x2="{axes.x(x)}" '
            f'y1="{axes.y(1 - right.high)}" y2="{axes.y(min(axes.top, 1 - right.low))}"/>'
            f'<circle class="dot {name}" cx="{axes.x(x)}" '
            f'cy="{axes.y(min(axes.top, 1 - right.value))}" r="4"><title>'
            f"{x * end:,.0f} examples: {1 - right.value:.1%} wrong</title></circle>"
        )
    told = "; ".join(f"{p.examples:,.0f} examples: {1 - p.right.value:.1%}" for p in curve.points)
    told = f"Read wrongly: {told}; with twice as many about {1 - expected.value:.1%}."
    return picture("learning-curve", "Learning curve", told, "".join(parts))


def _power(one: tuple[float, Share], other: tuple[float, Share]) -> list[tuple[float, float]]:
    """Give points of the power law through two errors."""
    (start, first), (stop, second) = one, other
    before, after = max(1e-4, 1 - first.value), max(1e-4, 1 - second.value)
    steps = [step / 10 for step in range(11)]
    return [
        (start * (stop / start) ** step, min(before * (after / before) ** step, 1.0))
        for step in steps
    ]


def swing(gain: Share) -> str:
    """Draw a gain with its interval, from 50 points worse to 50 better, for a cell of a table."""
    low, high, value = (_SMALL * min(max(v + 0.5, 0), 1) for v in (gain.low, gain.high, gain.value))
    half = _SMALL / 2
    return (
        f'<svg class="bar" viewBox="-5 0 {_SMALL + 10} 16" aria-hidden="true">'
        f'<line class="grid" x1="{half}" x2="{half}" y1="0" y2="16"/>'
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/>'
        f'<circle class="dot candidate" cx="{value:.1f}" cy="8" r="4"/></svg>'
    )


def bar(share: Share, live: float | None = None) -> str:
    """Draw a share from 0 to 1 with its interval, for a cell of a table."""
    low, high, value = (_SMALL * part for part in (share.low, share.high, share.value))
    mark = (
        ""
        if live is None
        else f'<line class="mark" x1="{_SMALL * live:.1f}" '
        + (f'x2="{_SMALL * live:.1f}" y1="1" y2="15"/>')
    )
    return (
        f'<svg class="bar" viewBox="-5 0 {_SMALL + 10} 16" aria-hidden="true">'
        f'<line class="grid" x1="0" x2="{_SMALL}" y1="8" y2="8"/>{mark}'
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/>'
        f'<circle class="dot candidate" cx="{value:.1f}" cy="8" r="4"/></svg>'
    )


def gap(difference: float, widest: float) -> str:
    """Draw a difference, to the left in red or to the right in green; `widest` fills its side."""
    half = _SMALL / 2
    length = min(1.0, abs(difference) / widest) * half if widest else 0.0
    start = half if difference >= 0 else half - length
    name = "better" if difference >= 0 else "worse"
    return (
        f'<svg class="bar" viewBox="-5 0 {_SMALL + 10} 16" aria-hidden="true">'
        f'<line class="grid" x1="{half}" x2="{half}" y1="0" y2="16"/>'
        f'<rect class="gap {name}" x="{start:.1f}" y="4" width="{length:.1f}" height="8"/></svg>'
    )
