"""The report on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.evaluation.assess import Measured, Report
from bot.evaluation.data_checks import DataReport
from bot.evaluation.learning_curve import HELPS, UNKNOWN
from bot.evaluation.markdown import data_counts
from bot.evaluation.wording import (
    count,
    curve_words,
    gain_in_words,
    percent,
    summary,
    verdict_words,
)

_MOST = 8
_FIGURE = tuple("0123456789+-")


def show(report: Report, console: Console) -> None:
    """Print the summary, the weakest intents, wrong stories, and what the data lacks."""
    if report.candidate:
        console.print(_summary(report))
        if words := verdict_words(report):
            console.print(words)
            console.print()
        _show_learning(report, console)
        _show_threshold(report.candidate, console)
        _show_weakest(report.candidate, console)
        _show_stories(report.candidate, console)
    if report.data:
        _show_data(report.data, console)


def _summary(report: Report) -> Table:
    title = f"{count(len(report.items), 'message')}"
    head = ["", report.candidate.model.name if report.candidate else ""]
    rows = [[row.name, row.candidate] for row in summary(report)]
    if report.live:
        head = ["", "candidate", "live", "points"]
        rows = [[r.name, r.candidate, r.live, r.difference] for r in summary(report)]
    return _table(title, head, rows)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Make a table; cells are text and never markup, since people's messages stand in them.

    A column whose first cell begins with a figure is set to the right.
    """
    table = Table(title=Text(title), box=box.SIMPLE, pad_edge=False, title_justify="left")
    for place, name in enumerate(head):
        if place and rows and rows[0][place][:1] in _FIGURE:
            table.add_column(Text(name), justify="right", overflow="fold")
        else:
            table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _show_learning(report: Report, console: Console) -> None:
    curve = report.cross_validation.curve if report.cross_validation else None
    if curve is None:
        return
    console.print(curve_words(curve), highlight=False)
    found = [one for one in curve.intents if one.verdict == HELPS]
    head = ["intent", "messages", "points of the last doubling"]
    rows = [[one.intent, str(one.messages), gain_in_words(one.gain)] for one in found[:_MOST]]
    console.print()
    if rows:
        console.print(_table("Intents that more examples help", head, rows))
    unknown = sum(one.verdict == UNKNOWN for one in curve.intents)
    console.print(
        f"{len(found)} of {count(len(curve.intents), 'intent')}: {HELPS}; {unknown}: {UNKNOWN}.",
        highlight=False,
    )
    console.print()


def _show_threshold(measured: Measured, console: Console) -> None:
    rule = measured.model.fallback
    now = f"{rule.threshold:.2f}" if rule else "none"
    console.print(
        f"Fallback threshold: {now} in config.yml, {measured.chosen.threshold:.2f} costs least.",
        highlight=False,
    )


def _show_weakest(measured: Measured, console: Console) -> None:
    weak = sorted(
        (score for score in measured.intents if score.true and score.f1.value < 1),
        key=lambda score: (score.f1.value, score.intent),
    )[:_MOST]
    if weak:
        rows = [
            [
                s.intent,
                str(s.true),
                percent(s.precision.value),
                percent(s.recall.value),
                percent(s.f1.value),
            ]
            for s in weak
        ]
        head = ["intent", "messages", "precision", "recall", "F1"]
        console.print(_table("Weakest intents", head, rows))


def _show_stories(measured: Measured, console: Console) -> None:
    wrong = [story for story in measured.stories or () if not story.right]
    if wrong:
        rows = [[s.name, str(s.turn or ""), s.expected, s.predicted] for s in wrong[:_MOST]]
        head = ["story", "turn", "expected", "predicted"]
        console.print(_table("Test stories that go wrong", head, rows))
    if len(wrong) > _MOST:
        console.print(f"and {len(wrong) - _MOST} more; see the report.")


def _show_data(data: DataReport, console: Console) -> None:
    title = f"Training data: {count(data.examples, 'example')} of {count(data.intents, 'intent')}"
    rows = [[name, str(number)] for name, number in data_counts(data) if number]
    console.print(_table(title, ["to look at", "how many"], rows or [["nothing", "0"]]))
    if data.doubts:
        rows = [
            [f"{d.example.file}:{d.example.line}", d.example.text, d.example.intent, d.suggested]
            for d in data.doubts[:_MOST]
        ]
        console.print(_table("Most doubtful labels", ["where", "text", "label", "rather"], rows))
