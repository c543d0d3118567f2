"""`report.json`: the whole report for programs, in an order that does not change by itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.evaluation.assess import Measured, Report
from bot.evaluation.items import Item
from bot.evaluation.outcome import to_json
from bot.evaluation.predictions import Prediction

SCHEMA = 1
_DIGITS = 6
_SHOWN = 5  # of a ranking


def as_json(report: Report) -> dict[str, Any]:
    """Give the report as what `json.dumps` takes.

    The keys: `schema` (1), `created`, `costs`; `evaluation` and `against`, each an `Evaluation`
    as `bot.evaluation.outcome` reads it, or null; `measures` and `against_measures`, what they
    rest on; `comparison`; `data`; `cross_validation` with the learning curve, or null; `items`,
    each with what both models said.
    """
    candidate, live = report.candidate, report.live
    content = {
        "schema": SCHEMA,
        "created": report.created,
        "costs": asdict(report.costs),
        "evaluation": to_json(candidate.evaluation) if candidate else None,
        "against": to_json(live.evaluation) if live else None,
        "measures": _measures(candidate) if candidate else None,
        "against_measures": _measures(live) if live else None,
        "comparison": asdict(report.comparison) if report.comparison else None,
        "data": asdict(report.data) if report.data else None,
        "cross_validation": asdict(report.cross_validation) if report.cross_validation else None,
        "items": [
            _item(
                item,
                candidate.predictions[place] if candidate else None,
                live.predictions[place] if live else None,
            )
            for place, item in enumerate(report.items)
        ],
    }
    return _rounded(content)  # type: ignore[no-any-return]


def _measures(measured: Measured) -> dict[str, Any]:
    entities = [
        asdict(score) | {"f1": score.exact.f1, "partial_f1": score.partial.f1}
        for score in measured.entities
    ]
    rule = measured.model.fallback
    return {
        "averages": asdict(measured.averages),
        "with_fallback": asdict(measured.acting),
        "does": asdict(measured.deeds),
        "fallback": asdict(rule) if rule else None,
        "intents": [asdict(score) for score in measured.intents],
        "intents_with_fallback": [asdict(score) for score in measured.acting_intents],
        "confusions": [asdict(confusion) for confusion in measured.confusions],
        "reliability": [asdict(part) for part in measured.bins],
        "out_of_scope": asdict(measured.out_of_scope) if measured.out_of_scope else None,
        "thresholds": [asdict(point) for point in measured.thresholds],
        "chosen_threshold": asdict(measured.chosen),
        "entities": entities,
        "slices": [asdict(part) for part in measured.slices],
        "latency": asdict(measured.latency),
        "stories": None if measured.stories is None else [asdict(s) for s in measured.stories],
    }


def _item(item: Item, candidate: Prediction | None, live: Prediction | None) -> dict[str, Any]:
    content = asdict(item)
    content["spans"] = [asdict(span) for span in item.spans]
    content["predicted"] = _prediction(candidate) if candidate else None
    content["predicted_live"] = _prediction(live) if live else None
    return content


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        "label": prediction.label,
        "ranking": [[one.name, one.confidence] for one in prediction.ranking[:_SHOWN]],
        "fallback": prediction.fallback,
        "spans": [asdict(span) for span in prediction.spans],
        "ms": prediction.ms,
    }


def _rounded(content: Any) -> Any:
    """Cut the digits that no reader uses and that differ between machines."""
    if isinstance(content, float):
        return round(content, _DIGITS)
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_rounded(value) for value in content]
    return content
