"""How figures are written, the same in the terminal, in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.evaluation.assess import Measured, Report
from bot.evaluation.intents import Share
from bot.evaluation.learning_curve import LearningCurve
from bot.types import Span

NONE = "-"


@dataclass(frozen=True)
class Row:
    """One line of the summary: the figure of the candidate and, where there is one, the live's."""

    name: str
    candidate: str
    live: str = ""
    difference: str = ""


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share: `93.2 %`."""
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def points(value: float) -> str:
    """Write a difference of shares in points, with its sign: `+1.2`."""
    return f"{100 * value:+.1f}"


def spread(share: Share) -> str:
    """Write a share with its interval: `93.2 % (91.3-94.7)`."""
    return f"{percent(share.value)} ({100 * share.low:.1f}-{100 * share.high:.1f})"


def chance(p_value: float) -> str:
    """Write a p-value: `p = 0.031`, or `p < 0.001`."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 message`, `1,204 messages`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def spans_in_words(text: str, spans: Sequence[Span]) -> str:
    """Write the entities of a text: `city from: Berlin, date: today`, or `none`."""
    parts = []
    for span in sorted(spans, key=lambda span: (span.start, span.end, span.entity)):
        marks = " ".join(filter(None, (span.entity, span.role, span.group)))
        parts.append(f"{marks}: {text[span.start : span.end]}")
    return ", ".join(parts) or "none"


def headline(report: Report) -> str:
    """Say in a line what the report is about."""
    parted = report.cross_validation
    if parted:
        return f"Cross-validation of the training data, {count(parted.folds, 'fold')}"
    return f"Evaluation of {report.candidate.model.name if report.candidate else 'training data'}"


def parted_words(report: Report) -> str:
    """Say how the data of a cross-validation were parted; empty where they were not."""
    parted = report.cross_validation
    if parted is None:
        return ""
    said = (
        f"Each message was read by a model that had not seen it, nor anything nearly the same, "
        f"nor anything of the same conversation: {count(parted.folds, 'model')}, each trained on "
        f"the other folds of {count(parted.examples, 'example')} in {parted.groups:,} groups "
        f"(seed {parted.seed}). A model of all the data has more to learn from."
    )
    if parted.unmeasured:
        said += f" Not measured, for lack of examples that differ: {', '.join(parted.unmeasured)}."
    return said


def gain_in_words(gain: Share) -> str:
    """Write a gain with its interval: `+2.1 (+1.2 to +3.0)`."""
    return f"{points(gain.value)} ({points(gain.low)} to {points(gain.high)})"


def curve_words(curve: LearningCurve) -> str:
    """Say what the learning curve shows over all intents."""
    before, last = curve.points[-2], curve.points[-1]
    return (
        f"From {before.examples:,.0f} to {last.examples:,.0f} training examples the share of "
        f"messages read rightly grew from {percent(before.right.value)} to "
        f"{percent(last.right.value)}, by {points(curve.gain.value)} points "
        f"({points(curve.gain.low)} to {points(curve.gain.high)}): {curve.verdict}. "
        f"With twice as many again it would be about {spread(curve.forecast)}, if errors go on "
        f"falling as they did."
    )


def summary(report: Report) -> list[Row]:
    """Give the figures that matter most, in the order in which to read them."""
    if report.candidate is None:
        return []
    new = _figures(report.candidate)
    if report.live is None:
        return [Row(name, shown) for name, (shown, _) in new.items()]
    old = _figures(report.live)
    rows = []
    for name, (shown, value) in new.items():
        before, was = old.get(name, (NONE, None))
        both = value is not None and was is not None
        gap = "" if not both else points((value or 0) - (was or 0))
        rows.append(Row(name, shown, before, gap))
    return rows


def _figures(measured: Measured) -> dict[str, tuple[str, float | None]]:
    """Give each figure as it is shown and, where it is a share, its value."""
    found: dict[str, tuple[str, float | None]] = {}

    def add(name: str, value: float | None) -> None:
        found[name] = (percent(value), value)

    for name, share in (
        ("Intent right", measured.averages.accuracy),
        ("Intent F1, weighted", measured.averages.weighted_f1),
        ("Intent F1, macro", measured.averages.macro_f1),
    ):
        found[name] = (spread(share), share.value)
    add("The bot answers rightly", measured.deeds.answered_right)
    add("The bot asks again", measured.deeds.asked_again)
    add("The bot answers wrongly", measured.deeds.answered_wrong)
    add("Entity F1, whole spans", measured.entities[0].exact.f1)
    if measured.out_of_scope and measured.out_of_scope.auroc is not None:
        add("Out of scope, AUROC", measured.out_of_scope.auroc)
    add("Calibration error", measured.evaluation.ece)
    if measured.stories is not None:
        right, total = measured.evaluation.stories_right, len(measured.stories)
        shown = f"{right} of {total}"
        found["Test stories right"] = (shown, right / total if total else None)
    latency = measured.latency
    found["Reading a message, p50 / p99"] = (f"{latency.p50:.1f} / {latency.p99:.1f} ms", None)
    if measured.model.archive_mb:
        found["Archive"] = (f"{measured.model.archive_mb:.0f} MB", None)
    return found


def verdict_words(report: Report) -> str:
    """Say in a sentence what the comparison shows; empty where there is none."""
    both = report.comparison
    if both is None:
        return ""
    changed = count(len(both.changes), "message")
    return (
        f"Weighted F1 {points(both.f1_difference)} points ({points(both.low)} to "
        f"{points(both.high)}); {both.candidate_right} messages are right now that were not, "
        f"{both.live_right} are not any more (McNemar {chance(both.p_value)}); {changed} changed."
    )
