"""Collects what a model card says: from the archive, the project, git and the evaluation."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

import bot
from bot.evaluation.outcome import Evaluation
from bot.evaluation.paired import weighted_f1
from bot.evaluation.verdict import Verdict
from bot.lifecycle.cards import Card, digest_of
from bot.lifecycle.checks.sources import REQUIRED_FILES, data_files
from bot.lifecycle.contents import Contents

ENDING = ".tar.gz"
_GIT_TIMEOUT_S = 20.0


def describe(
    archive: Path,
    contents: Contents,
    *,
    evaluation: Evaluation | None = None,
    verdict: Verdict | None = None,
    project: Path = Path("."),
) -> Card:
    """Write the card of an archive that was inspected, without a history.

    Args:
        archive: the file.
        contents: what `bot.lifecycle.contents.inspect` gave for it.
        evaluation: its figures, where it was measured.
        verdict: the gate's, where it was judged.
        project: the folder of `data/` and of the git repository.
    """
    metadata = contents.metadata
    trained_at = str(metadata.get("trained_at", ""))
    return Card(
        model=archive.name.removesuffix(ENDING),
        manifest={
            "sha256": digest_of(archive),
            "size": archive.stat().st_size,
            "classes": list(contents.classes),
        },
        model_id=str(metadata["model_id"]),
        trained_at=trained_at,
        versions={"rasa": str(metadata["rasa_open_source_version"]), "bot": bot.__version__},
        data=_data(project, trained_at),
        git=_git(project),
        encoder=contents.encoder,
        options=_options(metadata),
        scores=None if evaluation is None else scores(evaluation),
        verdict=None if verdict is None else verdict.to_json(),
    )


def scores(evaluation: Evaluation) -> dict[str, Any]:
    """Give the figures of an evaluation that a card keeps."""
    outcomes = evaluation.outcomes
    f1 = weighted_f1(
        np.ones((1, len(outcomes))),
        [outcome.truth for outcome in outcomes],
        [outcome.predicted for outcome in outcomes],
    )
    return {
        "items": len(outcomes),
        "items_digest": evaluation.items_digest,
        "intent_weighted_f1": float(f1[0]) if outcomes else None,
        "intent_accuracy": evaluation.accuracy,
        "entity_f1": evaluation.entities.f1,
        "stories_right": evaluation.stories_right,
        "stories": evaluation.stories,
        "calibration_error": evaluation.ece,
        "fallback_rate": evaluation.fallback_rate,
        "latency_p50_ms": evaluation.latency_p50_ms,
        "latency_p99_ms": evaluation.latency_p99_ms,
        "archive_mb": evaluation.archive_mb,
    }


def _options(metadata: dict[str, Any]) -> dict[str, Any]:
    """Give the options of each component, as its node in the graph has them."""
    nodes = {**metadata["predict_schema"]["nodes"], **metadata["train_schema"]["nodes"]}
    return {
        str(node["uses"]).rsplit(".", 1)[-1]: node["config"]
        for node in nodes.values()
        if node.get("config")
    }


def _data(project: Path, trained_at: str) -> dict[str, Any] | None:
    """Digest what a training reads, and say whether it is what this training read."""
    files = [*data_files(project), *(project / name for name in REQUIRED_FILES)]
    files = sorted(path for path in files if path.is_file())
    if not files:
        return None
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(project).as_posix()}\0{digest_of(path)}\n".encode())
    try:
        trained = datetime.fromisoformat(trained_at).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        trained = 0.0
    newest = max(path.stat().st_mtime for path in files)
    return {"digest": digest.hexdigest(), "as_trained": newest <= trained}


def _git(project: Path) -> dict[str, Any] | None:
    """Give the revision that is checked out, and whether files were changed since."""
    answers = []
    for question in (["rev-parse", "HEAD"], ["status", "--porcelain"]):
        try:
            answer = subprocess.run(
                ["git", "-C", str(project), *question],
                capture_output=True,
                text=True,
                timeout=_GIT_TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        answers.append(answer.stdout.strip())
    return {"revision": answers[0], "dirty": bool(answers[1])}
