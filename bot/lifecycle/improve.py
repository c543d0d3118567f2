"""`bot improve`: from accepted annotations to a better live model, or to the same one as before.

Five steps, each a command of its own as well: `bot export`, `bot train --warm`, `bot evaluate
--against`, the gate, `bot promote`. What stands between two steps lies on disk: after an
interruption the next call goes on with the candidate that is named.
"""

from __future__ import annotations

from pathlib import Path

from bot.errors import BotError
from bot.evaluation.verdict import Verdict
from bot.feedback.export_command import export
from bot.lifecycle.accepted_terms import write_accepted
from bot.lifecycle.card_facts import ENDING
from bot.lifecycle.evaluate import evaluate
from bot.lifecycle.judging import judge_candidate
from bot.lifecycle.live_model import live_or_newest
from bot.lifecycle.promote import promote
from bot.lifecycle.registry import Registry
from bot.lifecycle.training import train
from bot.settings import ProjectSettings

COLD_EVERY = 5  # promotions: what an encoder picked up once is not carried along for ever
EVALUATIONS = Path("results/evaluation")


def improve(
    registry: Registry,
    settings: ProjectSettings,
    *,
    feedback: tuple[bytes, str] | None,
    candidate: Path | None = None,
    cold: bool = False,
    keep: bool = False,
    command: str = "bot improve",
) -> Verdict:
    """Export, train, evaluate, judge, and promote what passes.

    Args:
        registry: of the project's models.
        settings: of `bot.toml`.
        feedback: key and URL of the feedback store; None exports nothing.
        candidate: an archive that is trained already: begin with its evaluation.
        cold: train from the pretrained encoder, not from the live model.
        keep: judge, but leave the live model.
        command: as it was typed, for the model's card.

    Raises:
        BotError: a step needs something that a person must mend first.
    """
    live = registry.live()
    if live is not None:
        registry.verify(live)  # now, and not after a training that begins with it
    if candidate is None:
        if feedback:
            _headline(1, "Export what reviewers accepted")
            _export(feedback, settings)
        _headline(2, "Train a candidate")
        candidate = _train(registry, cold=cold or _is_cold_turn(registry))
    archive = registry.find(candidate)
    _headline(3, "Evaluate it" + (f" against '{live.name}'" if live else ""))
    model = archive.name.removesuffix(ENDING)
    report = evaluate(archive, against=live, out=EVALUATIONS / model)
    if report.candidate is None:  # never, where an archive is named; for the type
        raise BotError("The candidate was not evaluated.")
    _headline(4, "Judge it")
    verdict = judge_candidate(
        registry,
        archive,
        report.candidate.evaluation,
        report.live.evaluation if report.live else None,
        settings=settings.gate,
        command=command,
    )
    for reason in verdict.reasons:
        print(f"  {reason}")
    if not verdict.passed:
        print(f"The gate keeps the live model. The candidate stays at {archive}.")
    elif keep:
        print(f"The gate lets it pass. Promote it by: bot promote {model}")
    else:
        _headline(5, "Promote it")
        promote(registry, archive, command=command)
        print(f"'{model}' is live.")
    return verdict


def _export(feedback: tuple[bytes, str], settings: ProjectSettings) -> None:
    key, url = feedback
    export(key=key, url=url, held_out_share=settings.feedback.held_out_share)
    write_accepted(key=key, url=url)


def _train(registry: Registry, *, cold: bool) -> Path:
    """Train into the folder of candidates, warm from the live model, or else from the newest."""
    has_model = any(registry.models.glob(f"*{ENDING}"))
    start = live_or_newest(registry) if has_model and not cold else None
    print(f"It starts from {start or 'the pretrained encoder'}.")
    registry.candidates.mkdir(parents=True, exist_ok=True)
    return train(registry.candidates, warm=start, if_needed=False, force=False)


def _is_cold_turn(registry: Registry) -> bool:
    pointer = registry.pointer()
    promoted = len(pointer.earlier) + (pointer.live is not None)
    return promoted > 0 and promoted % COLD_EVERY == 0


def _headline(step: int, words: str) -> None:
    print(f"\n== {step}/5 {words}", flush=True)
