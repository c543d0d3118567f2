"""A candidate beside the live model on the same messages: what became better, what worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.evaluation.intervals import REPLICATES, SEED
from bot.evaluation.items import Item
from bot.evaluation.paired import bootstrap, mcnemar_two_sided
from bot.evaluation.predictions import Prediction
from bot.evaluation.spans import same_spans

BETTER, WORSE, OTHER = "better", "worse", "other"
_TAIL = 0.025  # beyond each end of a 95 % interval


@dataclass(frozen=True)
class Change:
    """A message that the two models do not treat alike.

    Attributes:
        place: of the item in their order.
        kind: `better` or `worse` by what the bot does (it acts rightly, asks again, acts wrongly);
            where that is the same by the label, and then by the entities; else `other`.
        what: the parts that differ: `intent`, `fallback`, `entities`.
    """

    place: int
    kind: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class IntentDelta:
    """The F1 of one label with both models, and how many messages have it."""

    intent: str
    true: int
    live: float
    candidate: float

    @property
    def difference(self) -> float:
        """Candidate less live."""
        return self.candidate - self.live


@dataclass(frozen=True)
class Comparison:
    """Two models on the same items.

    Attributes:
        both_right, candidate_right, live_right, both_wrong: items by whose label is right.
        p_value: McNemar's exact test, two-sided: how often chance alone differs so much.
        f1_difference: weighted F1, candidate less live; with its 95 % interval, paired bootstrap.
        low, high: of that interval.
        intents: the labels, the greatest loss first.
        changes: the messages that the models do not treat alike, in the order of the items.
    """

    both_right: int
    candidate_right: int
    live_right: int
    both_wrong: int
    p_value: float
    f1_difference: float
    low: float
    high: float
    intents: tuple[IntentDelta, ...]
    changes: tuple[Change, ...]


def compare(
    items: Sequence[Item], candidate: Sequence[Prediction], live: Sequence[Prediction]
) -> Comparison:
    """Compare two models; all three sequences are in the same order, and not empty."""
    truth = [item.intent for item in items]
    cells = Counter(
        (new.label == true, old.label == true)
        for true, new, old in zip(truth, candidate, live, strict=True)
    )
    won, lost = cells[True, False], cells[False, True]
    triples = [(t, o.label, n.label) for t, n, o in zip(truth, candidate, live, strict=True)]
    drawn = bootstrap(triples, _TAIL, SEED, REPLICATES)
    return Comparison(
        cells[True, True],
        won,
        lost,
        cells[False, False],
        mcnemar_two_sided(won, lost),
        drawn.difference,
        drawn.low,
        drawn.high,
        _deltas(truth, [p.label for p in candidate], [p.label for p in live]),
        tuple(
            change
            for place, (item, new, old) in enumerate(zip(items, candidate, live, strict=True))
            if (change := _change(place, item, new, old))
        ),
    )


def _deltas(
    truth: Sequence[str], candidate: Sequence[str], live: Sequence[str]
) -> tuple[IntentDelta, ...]:
    new, old, counts = f1_by_label(truth, candidate), f1_by_label(truth, live), Counter(truth)
    found = [IntentDelta(name, counts[name], old[name], new[name]) for name in new]
    return tuple(sorted(found, key=lambda delta: (delta.difference, delta.intent)))


def f1_by_label(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Give the F1 of each label that is true somewhere, by name."""
    true, chosen = Counter(truth), Counter(predicted)
    right = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    return {name: 2 * right[name] / (true[name] + chosen[name]) for name in sorted(true)}


def differing(new: Prediction, old: Prediction) -> tuple[str, ...]:
    """Name the parts in which two models differ: `intent`, `fallback`, `entities`."""
    parts = (
        ("intent", new.label != old.label),
        ("fallback", new.fallback != old.fallback),
        ("entities", not same_spans(new.spans, old.spans)),
    )
    return tuple(name for name, differs in parts if differs)


def _change(place: int, item: Item, new: Prediction, old: Prediction) -> Change | None:
    what = differing(new, old)
    if not what:
        return None
    gain = _merit(item, new) > _merit(item, old)
    loss = _merit(item, new) < _merit(item, old)
    return Change(place, BETTER if gain else WORSE if loss else OTHER, what)


def _merit(item: Item, prediction: Prediction) -> tuple[int, bool, float]:
    """Order what a model does with a message: the deed, then the label, then the entities."""
    right = prediction.label == item.intent
    deed = 1 if prediction.fallback else 2 if right else 0
    wanted = {(s.start, s.end, s.entity, s.role, s.group) for s in item.spans}
    found = {(s.start, s.end, s.entity, s.role, s.group) for s in prediction.spans}
    mistakes = len(wanted ^ found)
    return deed, right, -float(mistakes)
