"""What several annotations of one message come to; nothing here touches a database."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPEN, ACCEPTED, DISCARDED, DISPUTED = "open", "accepted", "discarded", "disputed"
DRAFT, SUBMITTED, SKIPPED = "draft", "submitted", "skipped"  # and discarded, of an annotation
ANSWERS = (SUBMITTED, DISCARDED)

Verdict = tuple[str | None, frozenset[tuple[Any, ...]]]
NOTHING: Verdict = (None, frozenset())  # of a discarded message


@dataclass(frozen=True)
class Annotation:
    """What one reviewer decided about a message; `entities` are those of Rasa."""

    id: int
    reviewer: str
    status: str
    label: str | None
    entities: Sequence[Mapping[str, Any]]
    adjudicates: bool = False

    @property
    def is_answer(self) -> bool:
        """Say whether it decides, unlike a draft or a skip."""
        return self.status in ANSWERS

    @property
    def verdict(self) -> Verdict:
        """Give what must be equal where two reviewers agree."""
        if self.status == DISCARDED:
            return NOTHING
        return self.label, frozenset(
            (e["start"], e["end"], e["entity"], e.get("role") or None, e.get("group") or None)
            for e in self.entities
        )


def settle(annotations: Iterable[Annotation], needed: int) -> tuple[str, int | None]:
    """Give the status of a message, and the id of the annotation that counts where it is accepted.

    Args:
        annotations: all of the message.
        needed: how many reviewers must have answered.
    """
    answers = sorted((a for a in annotations if a.is_answer), key=lambda a: a.id)
    if decisive := [a for a in answers if a.adjudicates]:
        answers, needed = decisive[-1:], 1
    if len({a.verdict for a in answers}) > 1:
        return DISPUTED, None
    if len(answers) < needed:
        return OPEN, None
    if answers[0].status == DISCARDED:
        return DISCARDED, None
    return ACCEPTED, answers[0].id


def needed(key: str, overlap: float) -> int:
    """Say how many reviewers answer a message; its key decides, so that it stays so."""
    digest = hashlib.sha256(f"overlap\x1f{key}".encode()).digest()
    return 2 if int.from_bytes(digest[:8], "big") < overlap * 2**64 else 1


@dataclass(frozen=True)
class Agreement:
    """How well reviewers agree where two answered the same message.

    Attributes:
        pairs: pairs of answers to one message.
        agreed: pairs that agree in label and entities.
        kappa: Cohen's kappa of the labels, None where chance alone explains everything.
    """

    pairs: int
    agreed: int
    kappa: float | None

    @property
    def share(self) -> float | None:
        """Give the share of the pairs that agree."""
        return self.agreed / self.pairs if self.pairs else None


def agreement(pairs: Iterable[tuple[Verdict, Verdict]]) -> Agreement:
    """Measure the agreement of pairs of verdicts.

    The two raters of kappa are "one" and "the other" of each pair, in both orders, because the
    same people are not paired throughout.
    """
    known = list(pairs)
    agreed = sum(one == other for one, other in known)
    return Agreement(len(known), agreed, _kappa([(one[0], two[0]) for one, two in known]))


def _kappa(pairs: list[tuple[str | None, str | None]]) -> float | None:
    if not pairs:
        return None
    both = Counter(label for pair in pairs for label in pair)
    total = 2 * len(pairs)
    observed = sum(one == other for one, other in pairs) / len(pairs)
    chance = sum((count / total) ** 2 for count in both.values())
    return None if chance >= 1 else (observed - chance) / (1 - chance)
