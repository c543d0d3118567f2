"""Small archives with a real graph, verdicts, and a registry to put them into."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from projects import write_archive

from bot.evaluation.outcome import EntityCounts, Evaluation, IntentOutcome
from bot.evaluation.verdict import Finding, Verdict
from bot.lifecycle.registry import Registry

KEY = b"a key of more than thirty-two characters"
WHEN = "2026-03-18T09:30:00+00:00"
TOKENIZER = "rasa.nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer"
FEATURIZER = "bot.components.featurizer.JointFeaturizer"


def node(uses: str = TOKENIZER, **parts: Any) -> dict[str, Any]:
    return {"uses": uses, "constructor_name": "load", "fn": "process", "config": {}, **parts}


def metadata(*nodes: dict[str, Any], **changes: Any) -> bytes:
    content = {
        "model_id": "4d1f",
        "trained_at": "2026-03-18T09:00:00.500000",
        "rasa_open_source_version": "3.6.21",
        "domain": {"slots": {"place": {"type": "text"}}},
        "train_schema": {"nodes": {"a": node(FEATURIZER, fn="train", config={"epochs": 3})}},
        "predict_schema": {"nodes": dict(enumerate(nodes or (node(),)))},
    }
    return json.dumps({**content, **changes}).encode()


def archive(path: Path, *, filling: bytes = b"", **changes: Any) -> Path:
    """Write an archive whose content differs from that of others by its filling."""
    members = {
        "metadata.json": metadata(**changes),
        "components/a.json": (filling or path.name.encode()) * 99,
        "components/train_bot.components.featurizer.JointFeaturizer2/model.json": json.dumps(
            {"training": {"options": {"model": "all-MiniLM-L6-v2"}, "base_revision": "53aa"}}
        ).encode(),
    }
    return write_archive(path, members)


def evaluated(model: str) -> Evaluation:
    outcomes = tuple(IntentOutcome(str(n), "a", "a" if n else "b", 0.9, False) for n in range(10))
    spans = EntityCounts(9, 10, 10)
    return Evaluation(model, "d" * 64, outcomes, spans, ("a", "b"), 3, 4, 0.1, 0.2, 5.0, 9.0, 60.0)


def judged(model: str, live: str | None = None, *, passed: bool = True) -> Verdict:
    text = "It is better." if passed else "'greet' lost 20.0 points of recall; 5 are allowed."
    decision = "better" if live else "first"
    return Verdict(model, live, decision, (Finding("intent", passed, text, {"lost": 3}),))


def candidate(
    registry: Registry, name: str, live: str | None = None, *, passed: bool = True
) -> Path:
    """Put a candidate with a card into the registry."""
    path = archive(registry.candidates / f"{name}.tar.gz")
    registry.register(
        path,
        command="bot improve",
        when=WHEN,
        evaluation=evaluated(name),
        verdict=judged(name, live, passed=passed),
    )
    return path


def newest(models: Path) -> str:
    """Give what plain Rasa would load."""
    return max(models.glob("*.tar.gz"), key=os.path.getmtime).name
