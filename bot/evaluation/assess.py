"""Everything that is measured of one model, put together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from bot.evaluation.calibration import Bin, expected_calibration_error, reliability_bins
from bot.evaluation.comparing import Comparison, compare
from bot.evaluation.cross_validated import CrossValidation
from bot.evaluation.data_checks import DataReport
from bot.evaluation.intents import (
    Averages,
    Confusion,
    IntentScore,
    averages,
    confusions,
    intent_scores,
)
from bot.evaluation.items import Item, digest_of
from bot.evaluation.outcome import Evaluation, IntentOutcome
from bot.evaluation.outside import out_of_scope_of
from bot.evaluation.predictions import Fallback, Prediction
from bot.evaluation.rejecting import (
    Costs,
    OutOfScope,
    StrangenessEvidence,
    ThresholdPoint,
    cheapest,
    threshold_curve,
)
from bot.evaluation.slices import Slice, slices_of
from bot.evaluation.spans import EntityScore, entity_scores
from bot.evaluation.stories import StoryOutcome
from bot.types import base_intent


@dataclass(frozen=True)
class Model:
    """What is known of a model before it is asked anything.

    Attributes:
        name: the archive's name without `.tar.gz`.
        labels: every label it can give, sorted.
        archive_mb: size of the archive in MiB.
        fallback: the rule of its pipeline; None where it has none.
        strangeness: how it chose from which strangeness on it rejects; None where it does not.
    """

    name: str
    labels: tuple[str, ...]
    archive_mb: float
    fallback: Fallback | None
    strangeness: StrangenessEvidence | None = None


@dataclass(frozen=True)
class Deeds:
    """What the bot does, each a share of the messages; the three make 1."""

    answered_right: float
    asked_again: float
    answered_wrong: float


@dataclass(frozen=True)
class Latency:
    """Time to read one message, in ms, over `count` different messages."""

    count: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Measured:
    """One model's figures.

    Attributes:
        model: what it is.
        evaluation: what a gate needs.
        predictions: (n_items,)
        averages, intents, confusions: by the likeliest label.
        acting, acting_intents: by what the bot acts on: with the fallback applied.
        deeds: what the bot does.
        bins: of the reliability diagram.
        out_of_scope: None where no intent is declared for it.
        thresholds, chosen: the curve and its cheapest point.
        entities: all types together first.
        slices: parts of the messages.
        latency: of reading, without Rasa's graph around it.
        stories: None where none was run.
    """

    model: Model
    evaluation: Evaluation
    predictions: tuple[Prediction, ...]
    averages: Averages
    acting: Averages
    intents: tuple[IntentScore, ...]
    acting_intents: tuple[IntentScore, ...]
    deeds: Deeds
    confusions: tuple[Confusion, ...]
    bins: tuple[Bin, ...]
    out_of_scope: OutOfScope | None
    thresholds: tuple[ThresholdPoint, ...]
    chosen: ThresholdPoint
    entities: tuple[EntityScore, ...]
    slices: tuple[Slice, ...]
    latency: Latency
    stories: tuple[StoryOutcome, ...] | None


@dataclass(frozen=True)
class Report:
    """What `bot evaluate` found out.

    Attributes:
        created: when, as text.
        items: what was asked; empty where no model was.
        candidate: the model that was evaluated; None where only data was looked at.
        live: the model it is compared with.
        comparison: of the two.
        costs: that the threshold was chosen by.
        data: what is doubtful about the training data.
        cross_validation: how models and messages were parted; None where one model read them.
    """

    created: str
    items: tuple[Item, ...] = ()
    candidate: Measured | None = None
    live: Measured | None = None
    comparison: Comparison | None = None
    costs: Costs = Costs()
    data: DataReport | None = None
    cross_validation: CrossValidation | None = None


def measure(
    model: Model,
    items: Sequence[Item],
    predictions: Sequence[Prediction],
    *,
    costs: Costs,
    out_of_scope: str | None = None,
    known_labels: Collection[str] | None = None,
    stories: Sequence[StoryOutcome] | None = None,
) -> Measured:
    """Compute every figure of one model.

    Args:
        model: what is known of it.
        items: what was asked; at least one.
        predictions: (n_items,)
        costs: of mistakes.
        out_of_scope: the intent of what the assistant is not there for.
        known_labels: what the live model knows, where there is one.
        stories: outcomes of the test stories; None where none was run.
    """
    truth = [item.intent for item in items]
    labels = [prediction.label for prediction in predictions]
    acted = ["" if p.fallback else p.label for p in predictions]
    curve = _thresholds(model, truth, predictions, costs, out_of_scope)
    told = tuple(stories) if stories is not None else None
    evaluation, bins, entities = _evaluation(model, items, predictions, told or (), out_of_scope)
    return Measured(
        model=model,
        evaluation=evaluation,
        predictions=tuple(predictions),
        averages=averages(truth, labels),
        acting=averages(truth, acted),
        intents=intent_scores(truth, labels),
        acting_intents=intent_scores(truth, acted),
        deeds=_deeds(truth, predictions),
        confusions=confusions(truth, labels),
        bins=bins,
        out_of_scope=out_of_scope_of(truth, predictions, out_of_scope),
        thresholds=curve,
        chosen=cheapest(curve, model.fallback.threshold if model.fallback else 0.0),
        entities=entities,
        slices=slices_of(items, predictions, known_labels=known_labels, out_of_scope=out_of_scope),
        latency=latency_of(predictions),
        stories=told,
    )


def _evaluation(
    model: Model,
    items: Sequence[Item],
    predictions: Sequence[Prediction],
    stories: Sequence[StoryOutcome],
    out_of_scope: str | None,
) -> tuple[Evaluation, tuple[Bin, ...], tuple[EntityScore, ...]]:
    """Give what a gate needs, with the bins and entity scores that it sums up."""
    bins = reliability_bins(
        [p.confidence for p in predictions],
        [
            base_intent(item.intent) == base_intent(p.label)
            for item, p in zip(items, predictions, strict=True)
        ],
    )
    entities = entity_scores(
        [item.text for item in items],
        [item.spans for item in items],
        [prediction.spans for prediction in predictions],
    )
    latency = latency_of(predictions)
    evaluation = Evaluation(
        model=model.name,
        items_digest=digest_of(items),
        outcomes=tuple(map(_outcome, items, predictions)),
        entities=entities[0].exact,
        labels=model.labels,
        stories_right=sum(story.right for story in stories),
        stories=len(stories),
        ece=expected_calibration_error(bins),
        fallback_rate=sum(p.fallback for p in predictions) / len(predictions),
        latency_p50_ms=latency.p50,
        latency_p99_ms=latency.p99,
        archive_mb=model.archive_mb,
        out_of_scope=out_of_scope,
    )
    return evaluation, bins, entities


def _outcome(item: Item, prediction: Prediction) -> IntentOutcome:
    return IntentOutcome(
        item.key, item.intent, prediction.label, prediction.confidence, prediction.fallback
    )


def _deeds(truth: Sequence[str], predictions: Sequence[Prediction]) -> Deeds:
    total = len(predictions)
    again = sum(p.fallback for p in predictions)
    right = [t == p.label for t, p in zip(truth, predictions, strict=True)]
    good = sum(r and not p.fallback for r, p in zip(right, predictions, strict=True))
    return Deeds(good / total, again / total, (total - again - good) / total)


def _thresholds(
    model: Model,
    truth: Sequence[str],
    predictions: Sequence[Prediction],
    costs: Costs,
    out_of_scope: str | None,
) -> tuple[ThresholdPoint, ...]:
    return threshold_curve(
        [p.confidence for p in predictions],
        [p.margin for p in predictions],
        [label == p.label for label, p in zip(truth, predictions, strict=True)],
        [label == out_of_scope for label in truth],
        costs,
        model.fallback.ambiguity if model.fallback else 0.0,
    )


def latency_of(predictions: Sequence[Prediction]) -> Latency:
    """Give the quantiles of the times; 0 where nothing was timed."""
    times = [prediction.ms for prediction in predictions if prediction.ms is not None]
    if not times:
        return Latency(0, 0.0, 0.0, 0.0)
    p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist()
    return Latency(len(times), p50, p95, p99)


def report_on(
    created: str,
    items: Sequence[Item],
    candidate: Measured | None,
    live: Measured | None,
    costs: Costs,
    data: DataReport | None,
) -> Report:
    """Put a report together, and compare where there is something to compare with."""
    both = compare(items, candidate.predictions, live.predictions) if candidate and live else None
    return Report(created, tuple(items), candidate, live, both, costs, data)
