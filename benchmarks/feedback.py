"""How many reviews the queue saves, beside reading the log in random order.

A model starts with a few labelled examples an intent; the rest of the training split is the log,
and whoever reviews a message gives it the label of the data set. Each round the model is learned
anew, `bot.feedback` puts the log in order, and the next messages are reviewed. A group of
near-duplicates costs one review, and one more for each member whose label is another one. Random
order, and the order by the model's uncertainty alone, review message by message. Nobody's label is
taken over that was not reviewed or shown.

The model of the curves is a logistic regression on the vectors of the bundled encoder, which is
not fine-tuned: it learns in a second. Nothing was tuned on the test splits.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.feedback_data import OUT_OF_SCOPE, Labels, Texts, Vectors, load
from benchmarks.feedback_report import ORDERS, Curve, draw, table
from bot.feedback import ranking
from bot.feedback.grouping import group
from bot.feedback.signals import Message, reasons, uncertainty

Numbers = NDArray[np.int64]
Known = NDArray[np.bool_]

_SCALE = 3.0  # of the vectors, so that the regression need not be told to be less shy
_RANKED = 10  # labels that a log keeps


class Learned:
    """A logistic regression on vectors."""

    def __init__(self, vectors: Vectors, labels: Labels) -> None:
        from sklearn.linear_model import LogisticRegression

        self._model = LogisticRegression(C=10, max_iter=300, tol=0.01)
        self._model.fit(vectors * _SCALE, labels)

    def predict(self, vectors: Vectors) -> Labels:
        """Give the likeliest label of each vector."""
        return np.asarray(self._model.predict(vectors * _SCALE))

    def rankings(self, vectors: Vectors) -> list[list[tuple[str, float]]]:
        """Give the likeliest labels of each vector, best first."""
        shares = self._model.predict_proba(vectors * _SCALE)
        best = np.argsort(-shares, axis=1)[:, :_RANKED]
        names = self._model.classes_
        return [
            [(str(names[label]), float(row[label])) for label in chosen]
            for row, chosen in zip(shares, best, strict=True)
        ]


def run(data: Path, options: Options) -> None:
    """Run all orders on both data sets, print the table and draw the picture."""
    curves: list[Curve] = []
    for name in ("banking77", "clinc150"):
        log, test = load(name, data, options.vectors)
        for seed in range(options.seeds):
            for order in ORDERS:
                curves.append(simulate(name, order, seed, log, test, options)[0])
        for order, reviews in options.fine_tune:
            budget = replace(options, budget=reviews)
            known = simulate(name, order, 0, log, test, budget)[1]
            accuracy = fine_tuned(log, known, test)
            print(f"{name}, fine-tuned, {order}, {reviews} reviews: {accuracy:.3f}", flush=True)
    print(table(curves, options.budget))
    if options.json:
        options.json.write_text(json.dumps([asdict(c) for c in curves]) + "\n", "utf-8")
    if options.picture:
        draw(curves, options.picture)


@dataclass(frozen=True)
class Options:
    """What to run: `start` examples an intent, `budget` reviews, `batch` between trainings.

    `fine_tune` names orders and numbers of reviews after which the project's own training is run,
    for the first seed; `vectors` is a folder that keeps the encoder's output between two calls.
    """

    start: int = 5
    budget: int = 1500
    batch: int = 100
    seeds: int = 3
    fine_tune: Sequence[tuple[str, int]] = ()
    vectors: Path | None = None
    json: Path | None = None
    picture: Path | None = None


def simulate(
    name: str, order: str, seed: int, log: Texts, test: Texts, options: Options
) -> tuple[Curve, Known]:
    """Review the log in one order; give the curve, and what was labelled in the end."""
    chance = np.random.default_rng(seed)
    known = _first_examples(log.labels, options.start, chance)
    curve = Curve(name, order, seed, [], [], [], [])
    cost = 0
    rounds = tqdm(total=options.budget, desc=f"{name} {order} {seed}", leave=False)
    while True:
        model = Learned(log.vectors[known], log.labels[known])
        right = model.predict(test.vectors) == test.labels
        outside = test.labels == OUT_OF_SCOPE
        curve.reviews.append(cost)
        curve.accuracy.append(float(right[~outside].mean()))
        curve.out_of_scope.append(float(right[outside].mean()) if outside.any() else 0.0)
        curve.labelled.append(int(known.sum()))
        if cost >= options.budget:
            rounds.close()
            return curve, known
        spent = _review(log, known, model, order, min(options.batch, options.budget - cost), chance)
        cost += spent
        rounds.update(spent)


def _review(
    log: Texts,
    known: Known,
    model: Learned,
    order: str,
    batch: int,
    chance: np.random.Generator,
) -> int:
    """Label the next messages in `known`; give what that cost."""
    waiting = np.flatnonzero(~known)
    if order == "random":
        known[chance.permutation(waiting)[:batch]] = True
        return batch
    if order == "uncertain":
        doubt = [uncertainty(ranked) for ranked in model.rankings(log.vectors[waiting])]
        known[waiting[np.argsort(-np.array(doubt), kind="stable")[:batch]]] = True
        return batch
    groups = group(log.texts[place] for place in waiting)
    cost = 0
    for head in first_of_queue(log.vectors[waiting], groups, model, batch):
        members = waiting[groups == head]
        label = log.labels[waiting[head]]
        cost += 1 + int((log.labels[members] != label).sum())
        known[members] = True
        if cost >= batch:
            break
    return cost


def first_of_queue(vectors: Vectors, groups: Numbers, model: Learned, limit: int) -> Numbers:
    """Give the heads of the groups that the queue of `bot rank` begins with."""
    found = [
        reasons(Message("", ranked[0][0], ranked), OUT_OF_SCOPE)
        for ranked in model.rankings(vectors)
    ]
    heads, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    needs, tolds = np.zeros(len(heads)), np.zeros(len(heads))
    np.maximum.at(needs, of, [ranking.need(why) for why in found])
    np.maximum.at(tolds, of, [ranking.told(why) for why in found])
    values = ranking.value_of(needs, sizes)
    chosen = ranking.candidates(values, heads)
    order = ranking.in_order(values[chosen], tolds[chosen], vectors[heads[chosen]], limit)
    return np.asarray(heads[chosen[order.picked]], np.int64)


def fine_tuned(log: Texts, known: Known, test: Texts) -> float:
    """Run the project's own training on what is labelled; give the accuracy in scope."""
    from bot.ml import checkpoint
    from bot.ml.options import JointOptions
    from bot.ml.training import train_joint
    from bot.types import Example

    examples = [
        Example(log.texts[place], str(log.labels[place]).replace("/", "-"))
        for place in np.flatnonzero(known)
    ]
    pipeline = yaml.safe_load(Path("config.yml").read_text("utf-8"))["pipeline"]
    (entry,) = [dict(item) for item in pipeline if item["name"].endswith("JointFeaturizer")]
    options = JointOptions.read(entry, entry.pop("name"))
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_joint(examples, options, Path(scratch) / "work")
        checkpoint.save(trained, examples, Path(scratch) / "model")
        predictor = checkpoint.load_predictor(Path(scratch) / "model")
    inside = np.flatnonzero(test.labels != OUT_OF_SCOPE)
    said = [predictor.parse(test.texts[place]).ranking[0].name for place in inside]
    return float(np.mean(np.array(said) == test.labels[inside]))


def _first_examples(labels: Labels, count: int, chance: np.random.Generator) -> Known:
    """Choose a few examples of each intent; of what is out of scope, none are known at first."""
    known = np.zeros(len(labels), bool)
    for label in sorted(set(labels.tolist()) - {OUT_OF_SCOPE}):
        known[chance.choice(np.flatnonzero(labels == label), count, replace=False)] = True
    return known
