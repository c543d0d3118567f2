"""What is known of one model after an evaluation: the contract between measuring and judging.

Whoever judges (the gate), shows (`bot models`) or keeps (the model card) a model needs no more
than an `Evaluation`. It is JSON in `report.json`, under the key `evaluation`, and is read back
unchanged.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.errors import ProjectError

SCHEMA = 1


@dataclass(frozen=True)
class IntentOutcome:
    """What a model made of one item.

    Attributes:
        item: the item's key, the same for every model that saw the same items.
        truth: the full label that a person gave, such as `faq/opening_hours`.
        predicted: the likeliest full label, whether or not the bot acts on it; empty where the
            model gave none.
        confidence: the probability of the likeliest intent, in [0, 1].
        fallback: whether the bot would ask again instead of acting on `predicted`.
    """

    item: str
    truth: str
    predicted: str
    confidence: float
    fallback: bool

    @property
    def right(self) -> bool:
        """Say whether the likeliest label is the true one, the fallback left aside."""
        return self.predicted == self.truth

    @property
    def answered_right(self) -> bool:
        """Say whether the bot acts on the message and does so with the true label."""
        return self.right and not self.fallback


@dataclass(frozen=True)
class EntityCounts:
    """Spans in all items: found right (same characters, entity, role and group), in total."""

    right: int = 0
    predicted: int = 0
    annotated: int = 0

    @property
    def precision(self) -> float:
        """The share of predicted spans that are right; 0 where none is predicted."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of annotated spans that were found; 0 where none is annotated."""
        return self.right / self.annotated if self.annotated else 0.0

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where there is neither a span nor a prediction."""
        total = self.predicted + self.annotated
        return 2 * self.right / total if total else None


@dataclass(frozen=True)
class IntentCounts:
    """How often an intent was true, predicted and both, the fallback left aside."""

    intent: str
    right: int
    predicted: int
    true: int


@dataclass(frozen=True)
class Evaluation:
    """One model's figures on one set of items.

    Attributes:
        model: the archive's name without `.tar.gz`.
        items_digest: SHA-256 of the items, hex. Two models may be compared where it is equal.
        outcomes: one for each item with an intent, in the order of the items.
        entities: spans, over all items.
        labels: every label the model can give, sorted: intents, and full retrieval labels.
        stories_right, stories: test stories that are right to the end, of how many; 0 of 0 where
            none was run.
        ece: expected calibration error in [0, 1]: `confidence` against whether the intent is right.
        fallback_rate: the share of items of which the bot would ask again.
        latency_p50_ms, latency_p99_ms: time to parse one message.
        archive_mb: size of the archive in MiB.
        out_of_scope: the intent of what the assistant is not there for; None where none is.
    """

    model: str
    items_digest: str
    outcomes: tuple[IntentOutcome, ...]
    entities: EntityCounts
    labels: tuple[str, ...]
    stories_right: int
    stories: int
    ece: float
    fallback_rate: float
    latency_p50_ms: float
    latency_p99_ms: float
    archive_mb: float
    out_of_scope: str | None = None

    @property
    def accuracy(self) -> float:
        """The share of items whose likeliest label is the true one; 0 where there is none."""
        if not self.outcomes:
            return 0.0
        return sum(outcome.right for outcome in self.outcomes) / len(self.outcomes)

    def per_intent(self) -> tuple[IntentCounts, ...]:
        """Count each label that is true or predicted somewhere, sorted by name."""
        true = Counter(outcome.truth for outcome in self.outcomes)
        predicted = Counter(outcome.predicted for outcome in self.outcomes if outcome.predicted)
        right = Counter(outcome.truth for outcome in self.outcomes if outcome.right)
        return tuple(
            IntentCounts(name, right[name], predicted[name], true[name])
            for name in sorted(true.keys() | predicted.keys())
        )


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Give it as what `json.dumps` takes, with the version of this form under `schema`."""
    content = asdict(evaluation)
    content["outcomes"] = [
        [one.item, one.truth, one.predicted, round(one.confidence, 6), one.fallback]
        for one in evaluation.outcomes
    ]
    return {"schema": SCHEMA, **content}


def from_json(content: Any, file: Path | None = None) -> Evaluation:
    """Read what `to_json` gave.

    Args:
        content: the object under `evaluation` of a `report.json`.
        file: where it was found, for the error.

    Raises:
        ProjectError: it has another schema, or a part is missing or of another type.
    """
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else content
        raise ProjectError(
            f"The evaluation has schema {found!r}; this version reads {SCHEMA}.",
            "Run 'bot evaluate' again.",
            file=file,
        )
    parts = {name: part for name, part in content.items() if name != "schema"}
    try:
        parts["outcomes"] = tuple(IntentOutcome(*outcome) for outcome in parts["outcomes"])
        parts["entities"] = EntityCounts(**parts["entities"])
        parts["labels"] = tuple(parts["labels"])
        return Evaluation(**parts)
    except (KeyError, TypeError) as error:
        raise ProjectError(
            f"The evaluation cannot be read: {error}.", "Run 'bot evaluate' again.", file=file
        ) from None


def read(report: Path) -> Evaluation:
    """Read the evaluation in a `report.json`.

    Raises:
        ProjectError: there is none, or it cannot be read.
    """
    try:
        content = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"The report cannot be read: {error}.", "Run 'bot evaluate' again.", file=report
        ) from None
    found = content.get("evaluation") if isinstance(content, dict) else None
    if found is None:
        raise ProjectError("The report holds no evaluation.", "Run 'bot evaluate'.", file=report)
    return from_json(found, report)
