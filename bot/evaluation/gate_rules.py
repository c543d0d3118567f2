"""What a candidate must hold to go live; `bot.toml` gives the numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GateRules:
    """What a candidate must hold; docs/reference/bot-toml.md, section `[gate]`.

    Attributes:
        level: the chance that is accepted that an equal candidate passes as a better one; also
            that any intent is taken for a loser which is none.
        tie: who goes on where no difference can be shown, `live` or `candidate`.
        intent_margin: recall that no intent may lose, in [0, 1].
        minimum_examples: messages from which on an intent is judged.
        minimum_items: items without which nothing is judged.
        minimum_covered: share of the items' intents that need `minimum_examples`.
        entity_margin, story_margin: F1, and share of the stories, that may be lost.
        calibration_margin, fallback_margin: by how much they may rise.
        latency_p99_ms, archive_mb: budgets.
        latency_ratio: how much slower than the live model it may be.
        intent_floor, entity_floor, story_floor, calibration_limit: for the first model, which
            has none to be compared with.
    """

    level: float
    tie: str
    intent_margin: float
    minimum_examples: int
    minimum_items: int
    minimum_covered: float
    entity_margin: float
    story_margin: float
    calibration_margin: float
    fallback_margin: float
    latency_p99_ms: float
    latency_ratio: float
    archive_mb: float
    intent_floor: float
    entity_floor: float
    story_floor: float
    calibration_limit: float
