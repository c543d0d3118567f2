"""The report as one HTML file that needs nothing else: no network, no server, no build step."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from bot.evaluation import page_sections as sections
from bot.evaluation.assess import Report
from bot.evaluation.page_confusions import confusions
from bot.evaluation.page_curves import asking, calibration
from bot.evaluation.page_data import training_data
from bot.evaluation.page_learning import learning
from bot.evaluation.page_parts import html, section, table, words
from bot.evaluation.predictions import Prediction
from bot.evaluation.wording import count, headline, parted_words, summary, verdict_words

_FOLDER = Path(__file__).with_name("page_files")
_TITLE = re.compile(r'<section id="([\w-]+)"[^>]*><h2[^>]*>([^<]*)</h2>')


def as_page(report: Report) -> str:
    """Give the whole page.

    A content security policy allows the page's own script and style by their digests and nothing
    else, so that whatever a message says stays text.
    """
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    script = (_FOLDER / "report.js").read_text(encoding="utf-8")
    body = "".join(_sections(report))
    links = "".join(f'<li><a href="#{key}">{title}</a></li>' for key, title in _TITLE.findall(body))
    name = html(headline(report))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        f"base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{name}</title><style>{style}</style></head><body>"
        f'<a class="skip" href="#main">To the report</a><header><h1>{name}</h1>'
        f"{words(_about(report))}</header>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav><main id="main">{body}</main>'
        f'<script type="application/json" id="items">{_data(report)}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _about(report: Report) -> str:
    parts = [report.created]
    if report.items:
        parts.insert(0, count(len(report.items), "message"))
    if report.live:
        parts.append(f"compared with {report.live.model.name}, the live model")
    return "; ".join(parts) + "."


def _sections(report: Report) -> Iterator[str]:
    model = report.candidate
    if model is not None:
        yield _summary(report)
        yield learning(report)
        yield sections.changes(report)
        yield sections.intents(report, model)
        yield confusions(report, model)
        yield asking(report, model)
        yield calibration(report, model)
        yield sections.entities(model)
        yield sections.slices(report, model)
        yield sections.stories(model)
        yield _latency(report)
    if report.data is not None:
        yield training_data(report.data)
    if model is not None:
        yield _explorer(report)


def _summary(report: Report) -> str:
    rows = summary(report)
    if not report.live:
        shown = table("Figures", ["figure", "value"], [[row.name, row.candidate] for row in rows])
        said = parted_words(report)
        return section("summary", "Summary", words(said) if said else "", shown)
    cells = [[row.name, row.candidate, row.live, row.difference] for row in rows]
    shown = table("Figures", ["figure", "candidate", "live", "points"], cells)
    return section("summary", "Summary", words(verdict_words(report), "lead"), shown)


def _latency(report: Report) -> str:
    rows = [
        [
            who,
            m.latency.count,
            f"{m.latency.p50:.1f} ms",
            f"{m.latency.p95:.1f} ms",
            f"{m.latency.p99:.1f} ms",
        ]
        for who, m in (("this model", report.candidate), ("live model", report.live))
        if m is not None
    ]
    return section(
        "speed",
        "Speed",
        words(
            "Reading one message after the other, without Rasa's graph, channel and stores "
            "around it; 'bot report' times all of it."
        ),
        table("Time to read a message", ["model", "messages", "p50", "p95", "p99"], rows),
    )


def _explorer(report: Report) -> str:
    """Give the frame in which the script lists messages."""
    names = sorted({item.intent for item in report.items})
    options = "".join(f"<option>{html(name)}</option>" for name in names)
    return section(
        "messages",
        "All messages",
        '<form class="filters" hidden><label>Text <input type="search" id="f-text"></label>'
        f'<label>Intent <select id="f-intent"><option value="">every intent</option>{options}'
        '</select></label><label>Show <select id="f-kind"><option value="">all</option>'
        '<option value="wrong">intent wrong</option><option value="again">asked again</option>'
        '<option value="entities">entities wrong</option></select></label></form>'
        '<p id="f-count" role="status"></p><ul class="messages" id="f-list"></ul>'
        "<noscript><p>Looking through all messages needs JavaScript.</p></noscript>",
    )


def _data(report: Report) -> str:
    """Give the messages as JSON that cannot end its own script element."""
    if report.candidate is None:
        return "[]"
    rows = []
    for item, prediction in zip(report.items, report.candidate.predictions, strict=True):
        rows.append(
            {
                "text": item.text,
                "intent": item.intent,
                "spans": [[s.start, s.end, s.entity, s.role or ""] for s in item.spans],
                "where": f"{item.file}:{item.line}",
                **_said(prediction),
            }
        )
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        content = content.replace(mark, f"\\u{ord(mark):04x}")
    return content


def _said(prediction: Prediction) -> dict[str, object]:
    return {
        "label": prediction.label,
        "sure": round(prediction.confidence, 3),
        "again": prediction.fallback,
        "found": [[s.start, s.end, s.entity, s.role or ""] for s in prediction.spans],
    }


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
