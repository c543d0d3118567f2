"""The section of the page that shows what is taken for what."""

from __future__ import annotations

from collections import Counter

from bot.evaluation.assess import Measured, Report
from bot.evaluation.page_parts import folded, html, message, messages, section, words
from bot.evaluation.wording import count

MOST_LABELS = 30  # rows of the confusion matrix
_SHADES = 4
_NOTHING = "nothing"  # where a model gave no label


def confusions(report: Report, model: Measured) -> str:
    """Show a matrix whose cells lead to the messages below it."""
    if not model.confusions:
        return section("confusions", "Confusions", words("No message is taken for another."))
    pairs = []
    for number, pair in enumerate(model.confusions):
        said = f"{pair.truth} taken for {pair.predicted or _NOTHING}"
        listed = messages(
            message(report.items[place], model.predictions[place]) for place in pair.places
        )
        title = f"{said}: {count(len(pair.places), 'message')}"
        pairs.append(folded(title, listed, key=f"pair-{number}"))
    return section(
        "confusions",
        "Confusions",
        words(
            "A row is what is right, a column what the model said. Each number leads to its "
            "messages, which stand below."
        ),
        _matrix(model),
        f'<div class="pairs"><h3>Every confusion</h3>{"".join(pairs)}</div>',
    )


def _matrix(model: Measured) -> str:
    errors: Counter[str] = Counter()
    for pair in model.confusions:
        errors[pair.truth] += len(pair.places)
        errors[pair.predicted or _NOTHING] += len(pair.places)
    worst = sorted(errors, key=lambda name: (-errors[name], name))[:MOST_LABELS]
    cells = {
        (pair.truth, pair.predicted or _NOTHING): (number, len(pair.places))
        for number, pair in enumerate(model.confusions)
    }
    right = {score.intent: score.right for score in model.intents}
    shown = sorted(worst)
    heads = "".join(f'<th scope="col"><span>{html(name)}</span></th>' for name in shown)
    body = "".join(
        f'<tr><th scope="row">{html(row)}</th>'
        + "".join(_cell(row, column, cells, right) for column in shown)
        + "</tr>"
        for row in shown
        if row != _NOTHING
    )
    cut = f"The {MOST_LABELS} labels with the most confusions, of {len(errors)}."
    return (
        (words(cut, "hint") if len(errors) > MOST_LABELS else "")
        + '<div class="wide" role="region" tabindex="0" aria-label="Confusion matrix">'
        + f'<table class="matrix"><caption>Confusion matrix</caption><thead><tr><td></td>{heads}'
        + f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(
    row: str,
    column: str,
    cells: dict[tuple[str, str], tuple[int, int]],
    right: dict[str, int],
) -> str:
    if row == column:
        return f'<td class="even">{right.get(row, 0)}</td>'
    if (row, column) not in cells:
        return "<td></td>"
    number, size = cells[row, column]
    told = html(f"{count(size, 'message')} of {row} taken for {column}")
    return (
        f'<td class="shade-{min(size, _SHADES)}"><a href="#pair-{number}" '
        f'aria-label="{told}" title="{told}">{size}</a></td>'
    )
