"""Pieces of HTML that several sections are made of; every text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape as escaped

from bot.evaluation.items import Item
from bot.evaluation.predictions import Prediction
from bot.evaluation.spans import same_spans
from bot.evaluation.wording import percent, spans_in_words


class Markup(str):
    """HTML that is already escaped; every other text becomes harmless before it is shown."""


def html(content: object) -> str:
    """Give a text as HTML: as it is where it is markup, escaped where it is not."""
    return content if isinstance(content, Markup) else escaped(str(content))


def section(key: str, title: str, *content: str) -> str:
    """Give a section with its heading, which links lead to."""
    inner = "".join(content)
    return (
        f'<section id="{key}" aria-labelledby="{key}-h"><h2 id="{key}-h">{html(title)}</h2>'
        f"{inner}</section>"
    )


def words(text: str, kind: str = "") -> str:
    """Give a paragraph."""
    return f'<p class="{kind}">{html(text)}</p>' if kind else f"<p>{html(text)}</p>"


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, sortable: bool = False
) -> str:
    """Give a table that scrolls by itself where it is too wide.

    Args:
        caption: what it shows.
        head: the names of the columns; the first is text, the others are figures.
        rows: cells; `Markup` stays as it is. A pair (shown, value) sorts by its value.
        sortable: whether the page's script may offer to sort it.
    """
    heads = "".join(f'<th scope="col">{html(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    kind = ' class="sortable"' if sortable else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{html(caption)}">'
        f"<table{kind}><caption>{html(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(row: Sequence[object]) -> Iterable[str]:
    for place, cell in enumerate(row):
        value = ""
        if isinstance(cell, tuple):
            cell, number = cell
            value = f' data-value="{number}"'
        if place == 0:
            yield f'<th scope="row"{value}>{html(cell)}</th>'
        else:
            yield f"<td{value}>{html(cell)}</td>"


def legend(*entries: tuple[str, str]) -> str:
    """Say which colour stands for what: pairs of class and words."""
    items = "".join(
        f'<li><span class="key {name}"></span>{html(said)}</li>' for name, said in entries
    )
    return f'<ul class="legend">{items}</ul>'


def message(item: Item, prediction: Prediction, live: Prediction | None = None) -> str:
    """Give one message with what a person decided and what the models say."""
    said = [f'<span class="said">{html(item.text)}</span>']
    said.append(f'<span class="truth">{html(item.intent)}</span>')
    if live is not None:
        said.append(_verdict("live", item, live))
    said.append(_verdict("candidate" if live is not None else "model", item, prediction))
    if live is not None and not same_spans(live.spans, prediction.spans):
        said += [_marked("live", item, live), _marked("candidate", item, prediction)]
        said.append(f'<span class="truth">{html(spans_in_words(item.text, item.spans))}</span>')
    said.append(f'<span class="where">{html(item.file)}:{item.line}</span>')
    return f"<li>{''.join(said)}</li>"


def _verdict(who: str, item: Item, prediction: Prediction) -> str:
    again = ", asks again" if prediction.fallback else ""
    label = prediction.label or "nothing"
    shown = f"{label} {percent(prediction.confidence, 0)}{again}"
    return _said(who, shown, prediction.label == item.intent)


def _marked(who: str, item: Item, prediction: Prediction) -> str:
    shown = spans_in_words(item.text, prediction.spans)
    return _said(f"{who} entities", shown, same_spans(item.spans, prediction.spans))


def _said(who: str, what: str, right: bool) -> str:
    kind = "right" if right else "wrong"
    return f'<span class="verdict {kind}"><b>{who}:</b> {html(what)}</span>'


def messages(entries: Iterable[str]) -> str:
    """Give a list of messages."""
    return f'<ul class="messages">{"".join(entries)}</ul>'


def folded(summary: str, content: str, *, key: str = "") -> str:
    """Give what is shown on a click."""
    name = f' id="{key}"' if key else ""
    return f"<details{name}><summary>{html(summary)}</summary>{content}</details>"
