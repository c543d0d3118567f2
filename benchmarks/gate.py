"""How often the gate promotes: equal candidates, better and worse ones, one that lost an intent.

`python -m benchmarks.gate` prints the table of docs/how-to/promote.md. No model is needed: the
answers of two models are drawn, so that the truth about them is known.

The live model is right on 92 of 100 messages. Two trainings on the same data differ on some of
them: here on 6 of 100, as many each way for an equal candidate. Intents differ in size as they
do in real test sets, the largest ten times the smallest.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bot.evaluation.gate import GateRules, judge
from bot.evaluation.outcome import EntityCounts, Evaluation, IntentOutcome
from bot.settings import GateSettings

N_INTENTS = 40
ACCURACY = 0.92
DIFFERING = 0.06
SIZES = (300, 850, 3000)


@dataclass(frozen=True)
class Candidate:
    """What is true of a candidate.

    Attributes:
        points: by how many points it is more often right.
        lost_intent: whether it never gives one label of middling size.
    """

    points: float = 0.0
    lost_intent: bool = False


CANDIDATES = {
    "equal": Candidate(),
    "1 point better": Candidate(1),
    "2 points better": Candidate(2),
    "3 points better": Candidate(3),
    "1 point worse": Candidate(-1),
    "2 points worse": Candidate(-2),
    "3 points worse": Candidate(-3),
    "lost an intent": Candidate(lost_intent=True),
    "3 points better, lost an intent": Candidate(3, lost_intent=True),
}


def draw(candidate: Candidate, n_items: int, seed: int) -> tuple[Evaluation, Evaluation]:
    """Draw the answers of a candidate and of the live model to the same items."""
    chance = np.random.default_rng([seed, n_items])
    shares = np.geomspace(10, 1, N_INTENTS)
    truth = chance.choice(N_INTENTS, n_items, p=shares / shares.sum())
    gain = candidate.points / 100
    gained, lost = (DIFFERING + gain) / 2, (DIFFERING - gain) / 2
    kind = chance.choice(
        4, n_items, p=[ACCURACY - lost, lost, gained, 1 - ACCURACY - gained]
    )  # right with both, with live alone, with the candidate alone, with neither
    wrong = (truth + chance.integers(1, N_INTENTS, (2, n_items))) % N_INTENTS
    wrong[1] = np.where(chance.random(n_items) < 0.5, wrong[0], wrong[1])  # the same mistake
    live = np.where(kind <= 1, truth, wrong[0])
    new = np.where((kind == 0) | (kind == 2), truth, wrong[1])
    if candidate.lost_intent:
        gone = N_INTENTS // 2
        new = np.where(new == gone, gone + 1, new)
    return evaluation("candidate", truth, new), evaluation("live", truth, live)


def evaluation(model: str, truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> Evaluation:
    """Put labels, given by number, into an evaluation that breaks no other rule."""
    names = [f"intent_{number:02}" for number in range(N_INTENTS)]
    outcomes = tuple(
        IntentOutcome(str(place), names[true], names[said], 0.9, False)
        for place, (true, said) in enumerate(zip(truth, predicted, strict=True))
    )
    entities = EntityCounts(90, 100, 100)
    return Evaluation(
        model, "0" * 64, outcomes, entities, tuple(names), 20, 20, 0.05, 0.05, 10.0, 20.0, 60.0
    )


def shares(name: str, n_items: int, repeats: int) -> dict[str, float]:
    """Give how often a candidate is promoted, called worse, and accused of losing an intent."""
    rules = GateRules(**asdict(GateSettings()))
    verdicts = [judge(*draw(CANDIDATES[name], n_items, seed), rules) for seed in range(repeats)]
    return {
        "promoted": sum(verdict.passed for verdict in verdicts) / repeats,
        "worse": sum(verdict.decision == "worse" for verdict in verdicts) / repeats,
        "intent": sum(
            any(one.rule == "intent" and not one.passed for one in verdict.findings)
            for verdict in verdicts
        )
        / repeats,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    repeats = parser.parse_args().repeats
    print("| candidate | " + " | ".join(f"{size} items" for size in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for name in CANDIDATES:
        cells = []
        for size in SIZES:
            found = shares(name, size, repeats)
            cells.append(
                f"{found['promoted']:.0%} (worse {found['worse']:.0%}, "
                f"intent {found['intent']:.0%})"
            )
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
