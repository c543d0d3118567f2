"""The sections of the page about a model: each takes the report and gives HTML."""

from __future__ import annotations

from bot.evaluation import page_charts as charts
from bot.evaluation.assess import Measured, Report
from bot.evaluation.page_parts import (
    Markup,
    folded,
    html,
    legend,
    message,
    messages,
    section,
    table,
    words,
)
from bot.evaluation.wording import count, percent, points


def intents(report: Report, model: Measured) -> str:
    """Show precision, recall and F1 of each intent, without and with the fallback."""
    before = {score.intent: score.f1.value for score in report.live.intents} if report.live else {}
    acting = {score.intent: score for score in model.acting_intents}
    head = ["intent", "messages", "precision", "recall", "F1", "F1, 95 %", "F1 with fallback"]
    rows = []
    for score in model.intents:
        act = acting.get(score.intent)
        rows.append(
            [
                Markup(
                    f'<a href="#messages" data-intent="{html(score.intent)}">'
                    f"{html(score.intent)}</a>"
                ),
                score.true,
                _sorted(score.precision.value),
                _sorted(score.recall.value),
                _sorted(score.f1.value),
                (Markup(charts.bar(score.f1, before.get(score.intent))), score.f1.low),
                _sorted(act.f1.value if act else 0.0),
            ]
        )
    mark = [("mark", "live model")] if report.live else []
    return section(
        "intents",
        "Intents",
        words("The line of each F1 spans its 95 % interval: few messages, a long line."),
        legend(("candidate", "F1"), *mark),
        table("Scores of each intent", head, rows, sortable=True),
    )


def _sorted(value: float) -> tuple[str, float]:
    return percent(value), value


def entities(model: Measured) -> str:
    """Show whole spans, overlapping ones, and single words."""
    if len(model.entities) == 1:
        return section("entities", "Entities", words("There is no entity in these messages."))
    head = [
        "entity",
        "annotated",
        "found",
        "precision",
        "recall",
        "F1",
        "F1, overlapping",
        "F1, words",
    ]
    rows = [
        [
            score.entity or "all",
            score.exact.annotated,
            score.exact.predicted,
            _sorted(score.exact.precision),
            _sorted(score.exact.recall),
            (percent(score.exact.f1), score.exact.f1 or 0),
            (percent(score.partial.f1), score.partial.f1 or 0),
            (percent(score.words.f1), score.words.f1 or 0),
        ]
        for score in model.entities
    ]
    return section(
        "entities",
        "Entities",
        words(
            "A whole span is right where its characters, type, role and group are. Rasa's own "
            "report counts single words."
        ),
        table("Scores of each entity", head, rows, sortable=True),
    )


def slices(report: Report, model: Measured) -> str:
    """Show parts of the messages."""
    before = (
        {(part.kind, part.name): part.accuracy.value for part in report.live.slices}
        if report.live
        else {}
    )
    head = ["messages", "how many", "intent right", "95 %", "asks again", "entity F1"]
    rows = [
        [
            f"{part.kind}: {part.name}",
            part.count,
            _sorted(part.accuracy.value),
            (
                Markup(charts.bar(part.accuracy, before.get((part.kind, part.name)))),
                part.accuracy.low,
            ),
            _sorted(part.fallback),
            (percent(part.entity_f1), part.entity_f1 or 0),
        ]
        for part in model.slices
    ]
    if not rows:
        return ""
    mark = legend(("candidate", "intent right"), ("mark", "live model")) if report.live else ""
    listed = table("Parts of the messages", head, rows, sortable=True)
    return section("slices", "Slices", mark, listed)


def stories(model: Measured) -> str:
    """Show the first wrong turn of each test story."""
    if model.stories is None:
        return ""
    wrong = [story for story in model.stories if not story.right]
    total = count(len(model.stories), "test story", "test stories")
    said = f"{len(model.stories) - len(wrong)} of {total} right."
    if not wrong:
        return section("stories", "Test stories", words(said))
    head = ["story", "turn", "after", "expected", "predicted"]
    rows = [[s.name, s.turn or "", s.said, s.expected, s.predicted] for s in wrong]
    listed = table("First wrong turn of each story", head, rows)
    return section("stories", "Test stories", words(said), listed)


def changes(report: Report) -> str:
    """Show the messages that both models do not treat alike, and the intents that moved."""
    both, new, old = report.comparison, report.candidate, report.live
    if both is None or new is None or old is None:
        return ""
    moved = [delta for delta in both.intents if abs(delta.difference) > 1e-9]
    widest = max((abs(delta.difference) for delta in moved), default=0.0)
    head = ["intent", "messages", "live F1", "candidate F1", "points", "change"]
    rows = [
        [
            d.intent,
            d.true,
            _sorted(d.live),
            _sorted(d.candidate),
            (points(d.difference), d.difference),
            Markup(charts.gap(d.difference, widest)),
        ]
        for d in moved
    ]
    parts = []
    for kind, title in (
        ("worse", "Became worse"),
        ("better", "Became better"),
        ("other", "Differ, neither better nor worse"),
    ):
        chosen = [change for change in both.changes if change.kind == kind]
        if chosen:
            listed = messages(
                message(report.items[c.place], new.predictions[c.place], old.predictions[c.place])
                for c in chosen
            )
            parts.append(folded(f"{title}: {count(len(chosen), 'message')}", listed, key=kind))
    moved_table = (
        table("Intents that moved", head, rows, sortable=True)
        if rows
        else words("No intent moved.")
    )
    return section("changes", "What changed", "".join(parts), moved_table)
