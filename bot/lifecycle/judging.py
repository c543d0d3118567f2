"""Lets the gate judge a candidate by the rules of `bot.toml`, and writes its card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from bot.evaluation.gate import GateRules, judge
from bot.evaluation.outcome import Evaluation
from bot.evaluation.verdict import Verdict
from bot.lifecycle.promote import now
from bot.lifecycle.registry import Registry
from bot.settings import GateSettings


def judge_candidate(
    registry: Registry,
    archive: Path,
    candidate: Evaluation,
    live: Evaluation | None,
    *,
    settings: GateSettings,
    command: str,
) -> Verdict:
    """Judge a candidate and keep scores and verdict in its card, so that it can be promoted.

    Args:
        registry: of the project's models.
        archive: the candidate, of the name that its evaluation has.
        candidate: its evaluation.
        live: that of the live model on the same items; None where none is live.
        settings: the section `[gate]` of `bot.toml`.
        command: by which command, for the card.

    Raises:
        ProjectError: the archive must not be opened, or the evaluation is another model's.
    """
    verdict = judge(candidate, live, GateRules(**asdict(settings)))
    registry.register(archive, command=command, when=now(), evaluation=candidate, verdict=verdict)
    return verdict
