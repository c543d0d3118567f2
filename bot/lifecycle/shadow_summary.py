"""What a shadow found: counted, and told in a terminal."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.evaluation.paired import mcnemar_two_sided
from bot.feedback.shadow import Logged, Pair

LEVEL = 0.05  # what chance explains more seldom than this counts as a difference
SHOWN = 15  # changes in the table


@dataclass
class Summary:
    """Counts over the messages of a window.

    Attributes:
        messages: how many were compared.
        differing: how many the two do not treat alike in some way.
        intents, fallbacks, entities: how many differ in the likeliest label, in whether the bot
            asks again, in the entities; a message may count in each.
        changes: what the bot does with the live model and with the candidate, where that differs.
        reviewed: messages whose label people decided and no model was taught.
        taught: messages whose label people decided, of conversations that are trained on.
        candidate_right, live_right: reviewed messages whose label only this one has right.
    """

    messages: int = 0
    differing: int = 0
    intents: int = 0
    fallbacks: int = 0
    entities: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    reviewed: int = 0
    taught: int = 0
    candidate_right: int = 0
    live_right: int = 0

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: how often chance alone differs so much."""
        return mcnemar_two_sided(self.candidate_right, self.live_right)


def summarise(found: Iterable[Logged], trained: Collection[str]) -> Summary:
    """Count what two models make of logged messages.

    Args:
        found: the messages.
        trained: the conversations of which something was exported as training data: what a
            model has learned says nothing about which of the two is right.
    """
    done = Summary()
    for one in found:
        made = one.compared
        done.messages += 1
        done.differing += bool(made.words)
        done.intents += made.live != made.candidate
        done.fallbacks += made.live_asks != made.candidate_asks
        done.entities += made.entities_differ
        before, after = deed(made.live, made.live_asks), deed(made.candidate, made.candidate_asks)
        if before != after:
            done.changes[before, after] += 1
        if one.label is None:
            continue
        if one.conversation in trained:
            done.taught += 1
            continue
        done.reviewed += 1
        done.candidate_right += made.candidate == one.label != made.live
        done.live_right += made.live == one.label != made.candidate
    return done


def deed(label: str, asks: bool) -> str:
    """Say what the bot does: it acts on a label, or asks again."""
    return "asks again" if asks else label or "nothing"


def verdict(done: Summary) -> str:
    """Say in a sentence which of the two is right more often, or why that is not known."""
    if not done.differing:
        return "Verdict: the two treat all these messages alike."
    right = (
        f"of {_count(done.reviewed, 'reviewed message')} the candidate alone is right on "
        f"{done.candidate_right:,}, the live model alone on {done.live_right:,}"
    )
    if done.candidate_right + done.live_right == 0:
        return (
            f"Verdict: undecided: among {_count(done.reviewed, 'reviewed message')} is none that "
            f"only one of them has right. What differs waits in the queue: bot review"
        )
    chance = f"(p = {done.p_value:.2g})"
    if done.p_value > LEVEL:
        return f"Verdict: undecided: {right}, which chance explains {chance}."
    better = "candidate" if done.candidate_right > done.live_right else "live model"
    return f"Verdict: the {better} is right more often: {right} {chance}."


def tell(pair: Pair, done: Summary, queued: int, times: tuple[Sequence[float], ...]) -> None:
    """Print a summary.

    Args:
        pair: the two models.
        done: the counts.
        queued: differing messages that wait for a reviewer.
        times: seconds a text, of the candidate and of the live model.
    """
    console = Console(highlight=False)
    print(f"Candidate {pair.candidate}, live model {pair.live}.")
    share = f"{done.differing / done.messages:.1%}" if done.messages else "0%"
    print(
        f"Of {_count(done.messages, 'message')} {done.differing:,} differ ({share}): "
        f"{done.intents:,} in the intent, {done.fallbacks:,} in whether the bot asks again, "
        f"{done.entities:,} in the entities."
    )
    if done.changes:
        console.print(_table(done.changes))
    if done.taught:
        print(
            f"{_count(done.taught, 'reviewed message')} of conversations that are trained on: "
            f"left out of the verdict."
        )
    new, old = (f"{1000 * statistics.median(one):.1f} ms" if one else "-" for one in times)
    print(f"A message takes the candidate {new} and the live model {old} (median).")
    print(f"{_count(queued, 'message')} on which they differ wait in the queue.")
    print(verdict(done))


def _table(changes: Counter[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("live model", overflow="fold")
    table.add_column("candidate", overflow="fold")
    table.add_column("messages", justify="right")
    ordered = sorted(changes.items(), key=lambda pair: (-pair[1], pair[0]))
    for (before, after), count in ordered[:SHOWN]:
        table.add_row(Text(before), Text(after), f"{count:,}")
    if len(ordered) > SHOWN:
        rest = sum(count for _, count in ordered[SHOWN:])
        table.add_row(Text(f"{len(ordered) - SHOWN:,} other changes"), "", f"{rest:,}")
    return table


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
