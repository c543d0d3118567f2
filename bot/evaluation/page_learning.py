"""The section of the page about the learning curve: would more examples help, and where."""

from __future__ import annotations

from collections.abc import Sequence

from bot.evaluation import page_charts as charts
from bot.evaluation.assess import Report
from bot.evaluation.learning_curve import (
    HELPS,
    NO_LONGER,
    UNKNOWN,
    WORTHWHILE,
    WORTHWHILE_INTENT,
    IntentCurve,
    LearningCurve,
)
from bot.evaluation.page_parts import Markup, folded, html, legend, section, table, words
from bot.evaluation.wording import count, curve_words, gain_in_words, percent


def learning(report: Report) -> str:
    """Show how errors fall with the examples, and what each intent has gained."""
    curve = report.cross_validation.curve if report.cross_validation else None
    if curve is None:
        return ""
    return section(
        "learning",
        "Learning curve",
        words(curve_words(curve)),
        words(
            "Each training set was cut to a half and a quarter of itself; all models read the same "
            "messages. Lines span 95 %. What is nearly the same counts as one message here, so "
            "shares may differ a little from the summary. The forecast knows nothing of errors "
            "that no example mends, such as wrong labels: it is rather too good.",
            "hint",
        ),
        legend(("candidate", "measured"), ("live", "forecast")),
        charts.errors(curve),
        *_intents(curve),
    )


def _intents(curve: LearningCurve) -> list[str]:
    parts = ["<h3>Intents</h3>"]
    parts.append(
        words(
            "What the last doubling of the examples changed for each intent. All intents grew "
            f"together. \u201c{NO_LONGER}\u201d means: a doubling brings less than "
            f"{100 * WORTHWHILE_INTENT:g} points, and less than {100 * WORTHWHILE:g} over all. By "
            f"chance alone about {curve.by_chance:.1f} of {count(len(curve.intents), 'intent')} "
            "would seem to gain.",
            "hint",
        )
    )
    for verdict in (HELPS, NO_LONGER, UNKNOWN):
        found = [one for one in curve.intents if one.verdict == verdict]
        if found:
            title = f"{count(len(found), 'intent')}: {verdict}"
            parts.append(folded(title, _table(title, found, curve)))
    return parts


def _table(title: str, intents: Sequence[IntentCurve], curve: LearningCurve) -> str:
    head = ["intent", "messages"]
    head += [f"right, {percent(point.share, 0)}" for point in curve.points]
    head += ["points of the last doubling", "95 %"]
    rows = [
        [
            Markup(f'<a href="#messages" data-intent="{html(one.intent)}">{html(one.intent)}</a>'),
            one.messages,
            *((percent(value), value) for value in one.right),
            (gain_in_words(one.gain), one.gain.value),
            (Markup(charts.swing(one.gain)), one.gain.low),
        ]
        for one in intents
    ]
    return table(title, head, rows, sortable=True)
