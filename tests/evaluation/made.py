"""Items and predictions that tests make up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.evaluation.assess import Measured, Model, Report, measure, report_on
from bot.evaluation.data_checks import DataReport, check_data
from bot.evaluation.items import Item, items_of
from bot.evaluation.predictions import Fallback, Prediction
from bot.evaluation.rejecting import Costs
from bot.evaluation.stories import StoryOutcome
from bot.types import RankedLabel, Span

NASTY = "<script>window.hacked = true</script> & \"quotes\" 'n' `ticks` | @somebody #1"


@dataclass(frozen=True)
class Written:
    """An example as it stands in a file."""

    text: str
    label: str
    spans: tuple[Span, ...] = ()
    file: str = "tests/nlu/a.yml"
    line: int = 1


def item(text: str, intent: str, *spans: Span, line: int = 1, source: str = "tests/nlu") -> Item:
    (made,) = items_of([Written(text, intent, spans, f"{source}/a.yml", line)])
    return made


def said(
    label: str,
    confidence: float = 0.9,
    *spans: Span,
    second: float = 0.05,
    fallback: bool = False,
    ms: float | None = 2.0,
) -> Prediction:
    """A prediction: the label's intent first, another one second."""
    first = RankedLabel(label.split("/")[0], confidence)
    ranking = (first, RankedLabel("other", second))
    return Prediction(label, ranking, fallback, spans, ms=ms)


CITY = Span(3, 9, "city", "to")
MODEL = Model("candidate-one", ("book", "faq/hours", "greet", "not_ours"), 12.5, Fallback(0.4))


def sample_items() -> tuple[Item, ...]:
    return (
        item("to Berlin", "book", CITY, line=1),
        item("hello", "greet", line=2),
        item("hi there you", "greet", line=3),
        item("when are you open", "faq/hours", line=4, source="tests/held_out"),
        item("who won the cup", "not_ours", line=5),
        item(NASTY, "greet", line=6),
    )


def good() -> tuple[Prediction, ...]:
    return (
        said("book", 0.9, CITY),
        said("greet", 0.95),
        said("greet", 0.3, fallback=True),
        said("faq/hours", 0.8),
        said("not_ours", 0.7),
        said("book", 0.6),
    )


def worse() -> tuple[Prediction, ...]:
    return (
        said("book", 0.9, Span(3, 9, "city", "from")),
        said("greet", 0.95),
        said("greet", 0.6),
        said("greet", 0.8),
        said("greet", 0.7),
        said("book", 0.6),
    )


STORIES = (
    StoryOutcome("order <b>soup</b>", "tests/stories/a.yml", False, 2, "yes", "utter_a", "utter_b"),
    StoryOutcome("greet", "tests/stories/a.yml", True),
)


def measured(
    predictions: Sequence[Prediction], items: Sequence[Item] | None = None, name: str = MODEL.name
) -> Measured:
    model = Model(name, MODEL.labels, MODEL.archive_mb, MODEL.fallback)
    return measure(
        model,
        items or sample_items(),
        predictions,
        costs=Costs(),
        out_of_scope="not_ours",
        known_labels=("book", "greet"),
        stories=STORIES,
    )


@dataclass(frozen=True)
class Doubt:
    place: int
    suggested: str
    score: float
    words: str


def doubtful() -> DataReport:
    import numpy as np

    examples = [Written(NASTY, "greet", (), "data/nlu.yml", 7), Written("go", "book", (CITY,))]
    return check_data(
        examples,
        vectors=np.eye(2, dtype=np.float32),
        doubts=[Doubt(0, "book", 0.9, "It looks like book.")],
        near=[(0, 1, 0.91)],
        declared_intents=["greet", "book", "never_said"],
        declared_entities=["city", "colour"],
        tests=[Written("go", "book", (), "tests/nlu/a.yml", 3)],
        leaks=[(1, 0, 1.0)],
    )


def full_report(*, live: bool = True) -> Report:
    old = measured(worse(), name="live-one") if live else None
    return report_on(
        "2026-01-02 03:04 UTC", sample_items(), measured(good()), old, Costs(), doubtful()
    )
