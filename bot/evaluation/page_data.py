"""The section of the page about training data."""

from __future__ import annotations

from collections.abc import Sequence

from bot.evaluation.data_checks import FEWEST, MANY_TIMES, DataReport, NearPair, Place
from bot.evaluation.markdown import data_counts
from bot.evaluation.page_parts import folded, section, table, words
from bot.evaluation.wording import count, percent

_MOST = 200


def training_data(data: DataReport) -> str:
    """Show what is doubtful about the training data, each kind of finding by itself."""
    said = (
        f"{count(data.examples, 'example')} of {count(data.intents, 'intent')}; the largest "
        f"intent has {data.imbalance:.1f} times as many as the median one."
    )
    rows = [[name, number] for name, number in data_counts(data) if number]
    parts = [words(said)]
    parts.append(
        table("What to look at", ["what", "how many"], rows)
        if rows
        else words("Nothing to look at.")
    )
    parts += [_doubts(data), _pairs("Near-duplicates under two intents", data.duplicates)]
    parts.append(_pairs("Test messages that are trained on", data.leaks))
    parts += [_close(data), _sizes(data), _names(data)]
    return section("data", "Training data", *parts)


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}"


def _cut(rows: Sequence[Sequence[object]]) -> str:
    more = len(rows) - _MOST
    return words(f"and {more} more, in report.json", "hint") if more > 0 else ""


def _doubts(data: DataReport) -> str:
    rows = [
        [
            d.example.text,
            d.example.intent,
            d.suggested,
            (percent(d.score, 0), d.score),
            d.words,
            _where(d.example),
        ]
        for d in data.doubts
    ]
    if not rows:
        return ""
    head = ["example", "label", "rather", "doubt", "why", "where"]
    shown = table("Probable label errors", head, rows[:_MOST], sortable=True)
    note = words(data.note, "hint") if data.note else ""
    return folded(f"Probable label errors: {len(rows)}", note + shown + _cut(rows))


def _pairs(title: str, pairs: Sequence[NearPair]) -> str:
    rows = [
        [
            p.one.text,
            p.one.intent,
            _where(p.one),
            p.other.text,
            p.other.intent,
            _where(p.other),
            (percent(p.similarity, 0), p.similarity),
        ]
        for p in pairs
    ]
    if not rows:
        return ""
    head = ["example", "intent", "where", "nearly the same", "intent", "where", "alike"]
    return folded(f"{title}: {len(rows)}", table(title, head, rows[:_MOST]) + _cut(rows))


def _close(data: DataReport) -> str:
    rows = [[f"{p.one} and {p.other}", (f"{p.cosine:.3f}", p.cosine)] for p in data.close]
    if not rows:
        return ""
    title = "Intents that are hard to tell apart"
    return folded(f"{title}: {len(rows)}", table(title, ["intents", "cosine"], rows))


def _sizes(data: DataReport) -> str:
    parts = ""
    for title, sizes in (
        (f"Intents with fewer than {FEWEST} examples", data.small),
        (f"Intents with more than {MANY_TIMES} times the median", data.large),
    ):
        if sizes:
            listed = table(title, ["intent", "examples"], sizes)
            parts += folded(f"{title}: {len(sizes)}", listed)
    listed = table("Examples of each intent", ["intent", "examples"], data.counts, sortable=True)
    return parts + folded(f"Examples of each intent: {len(data.counts)}", listed)


def _names(data: DataReport) -> str:
    parts = ""
    for title, names in (
        ("Intents without an example", data.unused_intents),
        ("Entities without an example", data.unused_entities),
        ("Intents that the domain does not declare", data.undeclared_intents),
        ("Entities that the domain does not declare", data.undeclared_entities),
    ):
        if names:
            parts += folded(f"{title}: {len(names)}", words(", ".join(names)))
    return parts
