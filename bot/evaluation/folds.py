"""Folds of training examples, so that each is read by a model that has seen nothing like it.

Examples that say nearly the same, or come from one conversation, always share a fold: parted, one
would be learned by heart and the other counted as understood.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from bot.errors import ProjectError

FEWEST_FOLDS = 2


@dataclass(frozen=True)
class Labelled:
    """An example as folds see it; `group` is the same for all that must stay together."""

    text: str
    label: str
    group: int


@dataclass(frozen=True)
class Folds:
    """Which examples are tested together.

    Attributes:
        count: how many folds.
        fold_of: (n_examples,) from 0; None for what stays in training always, since its label
            would lack examples without it.
        unmeasured: labels of which no example is in a fold, sorted.
    """

    count: int
    fold_of: tuple[int | None, ...]
    unmeasured: tuple[str, ...]

    def tested(self, fold: int) -> tuple[int, ...]:
        """Give the places of a fold's examples, in order."""
        return tuple(place for place, own in enumerate(self.fold_of) if own == fold)

    def trained(self, fold: int) -> tuple[int, ...]:
        """Give the places of all other examples, in order."""
        return tuple(place for place, own in enumerate(self.fold_of) if own != fold)


def groups_of(count: int, links: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Give for each place the smallest one that links lead to, directly or by others.

    Args:
        count: how many places there are.
        links: pairs of places that must stay together.

    Returns:
        (count,)
    """
    roots = list(range(count))

    def root_of(place: int) -> int:
        while roots[place] != place:
            roots[place] = roots[roots[place]]
            place = roots[place]
        return place

    for one, other in links:
        first, second = sorted((root_of(one), root_of(other)))
        roots[second] = first
    return tuple(root_of(place) for place in range(count))


def make_folds(examples: Sequence[Labelled], count: int, seed: int) -> Folds:
    """Spread groups over folds so that each fold has its share of every label.

    The rarest labels choose first; a group goes where its labels are fewest so far. K. Sechidis,
    G. Tsoumakas and I. Vlahavas, On the stratification of multi-label data, ECML PKDD 2011. The
    order of the examples does not matter.

    Args:
        examples: what is parted.
        count: how many folds.
        seed: of what is left to chance.

    Raises:
        ProjectError: there are fewer folds than two, or too few groups for so many.
    """
    groups = _Groups(examples, seed)
    movable = [name for name in groups.ordered() if groups.can_be_tested(name)]
    if not FEWEST_FOLDS <= count <= len(movable):
        raise ProjectError(
            f"{len(movable)} groups of examples that differ cannot be parted into {count} folds.",
            f"Ask for {FEWEST_FOLDS} folds or more"
            + (f", and at most {len(movable)}." if len(movable) >= FEWEST_FOLDS else ".")
            + " A group can be tested where another one has the same intent.",
        )
    spread = _Spread(groups, count)
    for name in movable:
        spread.place(name)
    chosen = tuple(spread.fold_of.get(example.group) for example in examples)
    tested = {e.label for e, fold in zip(examples, chosen, strict=True) if fold is not None}
    missing = sorted({example.label for example in examples} - tested)
    return Folds(count, chosen, tuple(missing))


def nested_subsets(
    examples: Sequence[Labelled], places: Sequence[int], shares: Sequence[float], seed: int
) -> tuple[tuple[int, ...], ...]:
    """Choose smaller and smaller parts of a training set: groups whole, and each label its share.

    A smaller share's examples are all among a larger one's. Of each label at least one group is
    kept; as much of it as the share asks for, or a little more.

    Args:
        examples: all of them.
        places: (n_training,) which of them may be chosen.
        shares: in (0, 1].
        seed: of what is left to chance.

    Returns:
        The chosen places of each share, in order.
    """
    chosen_from = [examples[place] for place in places]
    groups = _Groups(chosen_from, seed)
    by_label: dict[str, list[int]] = defaultdict(list)
    for name in groups.shuffled():
        for label in groups.counts[name]:
            by_label[label].append(name)
    found = []
    for share in shares:
        kept: set[int] = set()
        for label, names in by_label.items():
            wanted = math.ceil(share * groups.totals[label] - 1e-9)
            before = accumulate((groups.counts[name][label] for name in names), initial=0)
            kept.update(name for name, had in zip(names, before, strict=False) if had < wanted)
        found.append(tuple(place for place in places if examples[place].group in kept))
    return tuple(found)


class _Groups:
    """The labels of each group, and an order that follows from what the groups hold."""

    def __init__(self, examples: Sequence[Labelled], seed: int) -> None:
        self.counts: dict[int, Counter[str]] = defaultdict(Counter)
        contents: dict[int, list[str]] = defaultdict(list)
        for example in examples:
            self.counts[example.group][example.label] += 1
            contents[example.group].append(f"{example.label}\n{example.text}")
        self.totals = Counter(example.label for example in examples)
        self.having = Counter(label for counts in self.counts.values() for label in counts)
        self._chance = {name: _hash(seed, *sorted(contents[name])) for name in contents}

    def shuffled(self) -> list[int]:
        """Give the groups in an order of chance."""
        return sorted(self._chance, key=self._chance.__getitem__)

    def ordered(self) -> list[int]:
        """Give the groups with the rarest label first, the larger before the smaller ones."""
        return sorted(self.shuffled(), key=lambda name: (self._rarest(name), -self._size(name)))

    def can_be_tested(self, name: int) -> bool:
        """Say whether each of a group's labels has another group to learn from."""
        return all(self.having[label] > 1 for label in self.counts[name])

    def _rarest(self, name: int) -> int:
        return min(self.having[label] for label in self.counts[name])

    def _size(self, name: int) -> int:
        return self.counts[name].total()


class _Spread:
    """Folds that are being filled."""

    def __init__(self, groups: _Groups, count: int) -> None:
        self.fold_of: dict[int, int] = {}
        self._groups = groups
        self._labels: list[Counter[str]] = [Counter() for _ in range(count)]
        # Of each label: the folds that hold it, and the groups that are not placed yet. A group
        # that stays in training stands as a fold of its own: it is learned from everywhere.
        self._folds_with: dict[str, set[int | None]] = defaultdict(set)
        self._left = Counter(groups.having)
        for name, counts in groups.counts.items():
            if not groups.can_be_tested(name):
                self._note(counts, None)

    def place(self, name: int) -> None:
        """Put a group into the fold that needs it most; where none may have it, into none."""
        counts = self._groups.counts[name]
        allowed = [fold for fold in range(len(self._labels)) if self._leaves_others(counts, fold)]
        if not allowed:
            self._note(counts, None)
            return
        fold = min(allowed, key=lambda fold: (self._price(counts, fold), self._size(fold), fold))
        self.fold_of[name] = fold
        self._labels[fold] += counts
        self._note(counts, fold)

    def _note(self, counts: Counter[str], fold: int | None) -> None:
        for label in counts:
            self._folds_with[label].add(fold)
            self._left[label] -= 1

    def _leaves_others(self, counts: Counter[str], fold: int) -> bool:
        """Say whether each label has, or will have, something outside of this fold."""
        return all(self._left[label] > 1 or self._folds_with[label] - {fold} for label in counts)

    def _price(self, counts: Counter[str], fold: int) -> float:
        """Give by how much the squared shares of the labels in a fold would grow."""
        held = self._labels[fold]
        return sum(
            ((held[label] + more) ** 2 - held[label] ** 2) / self._groups.totals[label] ** 2
            for label, more in counts.items()
        )

    def _size(self, fold: int) -> int:
        return self._labels[fold].total()


def _hash(seed: int, *parts: str) -> bytes:
    content = "\0".join((str(seed), *parts))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()
