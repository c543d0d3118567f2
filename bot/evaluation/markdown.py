"""The report as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.evaluation.assess import Measured, Report
from bot.evaluation.comparing import BETTER, WORSE, Change
from bot.evaluation.data_checks import DataReport
from bot.evaluation.items import Item
from bot.evaluation.learning_curve import HELPS, NO_LONGER, UNKNOWN
from bot.evaluation.wording import (
    count,
    curve_words,
    gain_in_words,
    headline,
    parted_words,
    percent,
    points,
    spans_in_words,
    summary,
    verdict_words,
)

_MOST = 10  # lines of each list
_WIDEST = 100  # characters of a message
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#|~!@&])")


def as_markdown(report: Report) -> str:
    """Write the summary, what changed, the weakest intents and what is doubtful in the data."""
    parts = [*_head(report), *_learning(report)]
    if report.comparison:
        parts += list(_changes(report))
    if report.candidate:
        parts += list(_weakest(report.candidate))
        parts += list(_stories(report.candidate))
    if report.data:
        parts += list(_data(report.data, "###" if report.candidate else "##"))
    return "\n".join(parts).rstrip() + "\n"


def escape(text: str, widest: int = _WIDEST) -> str:
    """Make a text of a person's harmless: no markup, no mention, no table cell, one line."""
    flat = " ".join(text.split())
    short = flat if len(flat) <= widest else flat[: widest - 1] + "…"
    # A zero-width space after @ and # keeps a message from calling people or linking issues.
    return re.sub(r"(\\[@#])", "\\1\u200b", _SPECIAL.sub(r"\\\1", short))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; the first column is text, the others are figures."""
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _head(report: Report) -> Iterator[str]:
    if report.candidate is None:
        return
    yield f"## {escape(headline(report), 500)}"
    yield ""
    if said := parted_words(report):
        yield escape(said, 2000)
        yield ""
    yield f"{count(len(report.items), 'message')}, {escape(report.created)}."
    yield ""
    rows = summary(report)
    if report.live:
        live = escape(report.live.model.name)
        head = ("", "candidate", f"live ({live})", "points")
        yield from table(head, [(r.name, r.candidate, r.live, r.difference) for r in rows])
        yield verdict_words(report)
        yield ""
    else:
        yield from table(("", "value"), [(r.name, r.candidate) for r in rows])


def _learning(report: Report) -> Iterator[str]:
    curve = report.cross_validation.curve if report.cross_validation else None
    if curve is None:
        return
    yield "### Learning curve"
    yield ""
    yield curve_words(curve)
    yield ""
    for verdict in (HELPS, NO_LONGER, UNKNOWN):
        found = [one for one in curve.intents if one.verdict == verdict]
        if found:
            yield f"<details><summary>{count(len(found), 'intent')}: {verdict}</summary>"
            yield ""
            cells = [(escape(o.intent), str(o.messages), gain_in_words(o.gain)) for o in found]
            yield from table(("intent", "messages", "points of the last doubling"), cells[:_MOST])
            yield from _rest(len(found))
            yield "</details>"
            yield ""


def _changes(report: Report) -> Iterator[str]:
    both, new, old = report.comparison, report.candidate, report.live
    if both is None or new is None or old is None:
        return
    moved = [delta for delta in both.intents if delta.difference]
    if moved:
        yield "### Intents that moved"
        yield ""
        shown = sorted(moved, key=lambda d: (-abs(d.difference) * d.true, d.intent))[:_MOST]
        cells = [
            (
                escape(d.intent),
                str(d.true),
                percent(d.live),
                percent(d.candidate),
                points(d.difference),
            )
            for d in sorted(shown, key=lambda d: d.difference)
        ]
        yield from table(("intent", "messages", "live F1", "candidate F1", "points"), cells)
    for kind, title in ((WORSE, "Became worse"), (BETTER, "Became better")):
        changes = [change for change in both.changes if change.kind == kind]
        changes.sort(key=lambda change: change.what == ("entities",))  # intents first
        if changes:
            yield f"<details><summary>{title}: {count(len(changes), 'message')}</summary>"
            yield ""
            for change in changes[:_MOST]:
                yield _changed(report.items[change.place], change, new, old)
            yield from _rest(len(changes))
            yield "</details>"
            yield ""


def _changed(item: Item, change: Change, new: Measured, old: Measured) -> str:
    was, now = old.predictions[change.place], new.predictions[change.place]
    if change.what == ("entities",):
        said = (spans_in_words(item.text, p.spans) for p in (item, was, now))
        right, before, after = map(escape, said)
        return f"- {escape(item.text)}: {right}; was {before}, now {after}"
    return (
        f"- {escape(item.text)}: {escape(item.intent)}; was {_said(was.label)}"
        f"{_again(was.fallback)}, now {_said(now.label)}{_again(now.fallback)}"
    )


def _said(label: str) -> str:
    return escape(label) if label else "nothing"


def _again(fallback: bool) -> str:
    return " (asked again)" if fallback else ""


def _rest(total: int) -> Iterator[str]:
    if total > _MOST:
        yield f"- and {total - _MOST} more, in the report"
    yield ""


def _weakest(measured: Measured) -> Iterator[str]:
    weak = sorted(
        (score for score in measured.intents if score.true and score.f1.value < 1),
        key=lambda score: (score.f1.value, score.intent),
    )[:_MOST]
    if not weak:
        return
    yield "<details><summary>Weakest intents</summary>"
    yield ""
    cells = [
        (
            escape(s.intent),
            str(s.true),
            percent(s.precision.value),
            percent(s.recall.value),
            f"{percent(s.f1.value)} ({100 * s.f1.low:.0f}-{100 * s.f1.high:.0f})",
        )
        for s in weak
    ]
    yield from table(("intent", "messages", "precision", "recall", "F1"), cells)
    yield "</details>"
    yield ""


def _stories(measured: Measured) -> Iterator[str]:
    wrong = [story for story in measured.stories or () if not story.right]
    if not wrong:
        return
    yield f"<details><summary>{count(len(wrong), 'test story', 'test stories')} wrong</summary>"
    yield ""
    for story in wrong[:_MOST]:
        yield (
            f"- {escape(story.name)}, turn {story.turn}: expected {escape(story.expected)}, "
            f"predicted {escape(story.predicted)}"
        )
    yield from _rest(len(wrong))
    yield "</details>"
    yield ""


def _data(data: DataReport, level: str) -> Iterator[str]:
    yield f"{level} Training data" + ("" if data.findings else ": nothing to look at")
    yield ""
    yield f"{count(data.examples, 'example')} of {count(data.intents, 'intent')}."
    yield ""
    if not data.findings:
        return
    yield from table(
        ("to look at", "how many"),
        [(name, str(number)) for name, number in data_counts(data) if number],
    )
    if data.doubts and data.note:
        yield escape(data.note, 500)
        yield ""
    for doubt in data.doubts[:_MOST]:
        where = f"{doubt.example.file}:{doubt.example.line}"
        yield (
            f"- {escape(where)} {escape(doubt.example.text)}: {escape(doubt.example.intent)}, "
            f"or {escape(doubt.suggested)}?"
        )
    yield from _rest(len(data.doubts))


def data_counts(data: DataReport) -> list[tuple[str, int]]:
    """Name each kind of finding with how many there are."""
    return [
        ("probable label errors", len(data.doubts)),
        ("near-duplicates under two intents", len(data.duplicates)),
        ("test messages that are trained on", len(data.leaks)),
        ("intents that are hard to tell apart", len(data.close)),
        ("intents with few examples", len(data.small)),
        ("intents with very many examples", len(data.large)),
        ("intents without an example", len(data.unused_intents)),
        ("entities without an example", len(data.unused_entities)),
        ("intents that the domain does not declare", len(data.undeclared_intents)),
        ("entities that the domain does not declare", len(data.undeclared_entities)),
    ]
