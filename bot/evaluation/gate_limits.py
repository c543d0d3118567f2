"""The gate's rules without a paired test: margins, budgets, and floors for the first model."""

from __future__ import annotations

from collections.abc import Iterator

from bot.evaluation.gate_rules import GateRules
from bot.evaluation.outcome import Evaluation
from bot.evaluation.verdict import Finding

# A difference of decimal fractions is off by a rounding error: it must not refuse anybody.
ROUNDING = 1e-9


def margins(candidate: Evaluation, live: Evaluation, rules: GateRules) -> Iterator[Finding]:
    """Compare entities, stories, calibration and fallback with those of the live model."""
    new, old = candidate.entities.f1, live.entities.f1
    if new is not None or old is not None:
        yield _may_fall("entities", "Entity F1", new or 0.0, old or 0.0, rules.entity_margin)
    if candidate.stories or live.stories:
        told = f"Test stories: {candidate.stories_right} of {candidate.stories} right, share"
        yield _may_fall("stories", told, _stories(candidate), _stories(live), rules.story_margin)
    yield _may_rise(
        "calibration", "Calibration error", candidate.ece, live.ece, rules.calibration_margin
    )
    yield _may_rise(
        "fallback",
        "Fallback rate",
        candidate.fallback_rate,
        live.fallback_rate,
        rules.fallback_margin,
    )


def budgets(candidate: Evaluation, live: Evaluation | None, rules: GateRules) -> Iterator[Finding]:
    """Hold time and size against what is allowed."""
    p99, limit = candidate.latency_p99_ms, rules.latency_p99_ms
    text = f"99 of 100 messages are parsed within {p99:.1f} ms; {limit:g} ms are allowed."
    yield Finding("latency", p99 <= limit, text, {"p99_ms": p99, "limit_ms": limit})
    if live is not None:
        before = live.latency_p99_ms
        yield Finding(
            "slower",
            p99 <= before * rules.latency_ratio + ROUNDING,
            f"That is {p99:.1f} ms where the live model takes {before:.1f} ms; "
            f"{rules.latency_ratio:g} times as much is allowed.",
            {"p99_ms": p99, "live_ms": before, "ratio": rules.latency_ratio},
        )
    size, most = candidate.archive_mb, rules.archive_mb
    text = f"The archive has {size:.0f} MB; {most:g} MB are allowed."
    yield Finding("size", size <= most, text, {"mb": size, "limit_mb": most})


def floors(candidate: Evaluation, rules: GateRules) -> Iterator[Finding]:
    """Judge the first model, which has none to be compared with."""
    yield _at_least("intents", "Share of right intents", candidate.accuracy, rules.intent_floor)
    if candidate.entities.f1 is not None:
        yield _at_least("entities", "Entity F1", candidate.entities.f1, rules.entity_floor)
    if candidate.stories:
        yield _at_least(
            "stories", "Share of right test stories", _stories(candidate), rules.story_floor
        )
    error, limit = candidate.ece, rules.calibration_limit
    text = f"Calibration error {error:.3f}; at most {limit:g} is allowed for the first model."
    yield Finding("calibration", error <= limit, text, {"candidate": error, "limit": limit})


def _stories(evaluation: Evaluation) -> float:
    """Give the share of right stories: 0 where none was run, so that leaving them out shows."""
    return evaluation.stories_right / evaluation.stories if evaluation.stories else 0.0


def _at_least(rule: str, name: str, value: float, floor: float) -> Finding:
    text = f"{name} {value:.3f}; at least {floor:g} is needed for the first model."
    return Finding(rule, value >= floor, text, {"candidate": value, "floor": floor})


def _may_fall(rule: str, name: str, value: float, before: float, margin: float) -> Finding:
    text = f"{name} {value:.3f}, live {before:.3f}; it may fall by {margin:g}."
    numbers = {"candidate": value, "live": before, "margin": margin}
    return Finding(rule, before - value <= margin + ROUNDING, text, numbers)


def _may_rise(rule: str, name: str, value: float, before: float, margin: float) -> Finding:
    text = f"{name} {value:.3f}, live {before:.3f}; it may rise by {margin:g}."
    numbers = {"candidate": value, "live": before, "margin": margin}
    return Finding(rule, value - before <= margin + ROUNDING, text, numbers)
