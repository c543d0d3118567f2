"""From which strangeness on a message is taken to be out of scope.

A message is the stranger, the farther it is from every intent of the assistant. What the bot will
be asked beside its scope is not known when it is trained. A message whose own intent is hidden
stands for it: to the other intents it is a stranger. On CLINC150 these look like real ones; see
docs/decisions/008.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.ml.heads import Heads
from bot.types import base_intent

FloatArray = NDArray[np.float32]
OUTSIDE_SHARE = 0.05  # of the messages people will send; what they really send is unknown
MOST_REFUSED = 0.015  # of the messages that would be understood; a needless question annoys
CAUGHT_UNTESTED = 0.9  # of the strangers among the training messages, where none validate
MOST_CANDIDATES = 2000
FEWEST_INTENTS = 3  # hiding one of two leaves a single direction to be far from


@dataclass(frozen=True)
class StrangenessThreshold:
    """A threshold and the evidence for it.

    Attributes:
        above: strangeness above which a message is out of scope.
        wrong_answer_cost: what acting on a wrong intent costs, where asking again costs 1.
        refused: share of the messages in scope, understood otherwise, that it refuses; None where
            none were kept apart to tell.
        caught: share of the strangers that it refuses.
        messages: in scope, on which it was chosen.
        strangers: of how many strangers.
    """

    above: float
    wrong_answer_cost: float
    refused: float | None
    caught: float
    messages: int
    strangers: int

    def as_dict(self) -> dict[str, Any]:
        """Give it as `model.json` keeps it."""
        return asdict(self)


def choose_threshold(
    heads: Heads,
    sentences: FloatArray,
    truth: Sequence[str],
    *,
    wrong_answer_cost: float,
    validated: bool,
) -> StrangenessThreshold | None:
    """Choose the threshold at which mistakes cost least.

    Args:
        heads: the trained heads.
        sentences: (n, hidden) vectors of length 1.
        truth: (n,) their full labels.
        wrong_answer_cost: of acting on a wrong intent; asking again costs 1.
        validated: whether the messages were kept apart. If not, they look more familiar than new
            ones will, and what stands for strangers decides.

    Returns:
        None where there are too few intents or messages to choose by.
    """
    labels = np.array([label != heads.out_of_scope for label in truth], dtype=bool)
    if len({base_intent(label) for label in heads.labels}) < FEWEST_INTENTS or not labels.any():
        return None
    cosines = sentences @ heads.prototypes.T
    own = np.array([[base_intent(a) == base_intent(b) for b in heads.labels] for a in truth])
    strangers = np.concatenate(
        [
            heads.strangeness(np.where(own, -1.0, cosines)[labels]),
            heads.strangeness(cosines)[~labels],
        ]
    )
    inside = heads.strangeness(cosines)[labels]
    if not validated:
        above = max(
            float(np.quantile(strangers, 1 - CAUGHT_UNTESTED)),
            float(np.quantile(inside, 1 - MOST_REFUSED)),  # even what was learned may be far
        )
        return StrangenessThreshold(
            above, wrong_answer_cost, None, float((strangers > above).mean()), 0, len(strangers)
        )
    right = own[np.arange(len(own)), cosines.argmax(1)][labels]
    above = _cheapest(inside, right, strangers, wrong_answer_cost)
    return StrangenessThreshold(
        above,
        wrong_answer_cost,
        float((right & (inside > above)).mean()),
        float((strangers > above).mean()),
        len(inside),
        len(strangers),
    )


def _cheapest(
    inside: FloatArray, right: NDArray[np.bool_], strangers: FloatArray, wrong: float
) -> float:
    """Look at every threshold that refuses few enough of what would be understood."""
    values = np.unique(np.concatenate([inside, strangers]))
    middles = (values[1:] + values[:-1]) / 2  # in the middle of a gap there is room on both sides
    candidates = np.append(middles[:: 1 + len(middles) // MOST_CANDIDATES], values[-1])
    places = candidates[:, None]
    refused = (right & (inside > places)).mean(1)
    misread = (~right & (inside <= places)).mean(1)
    missed = (strangers <= places).mean(1)
    cost = (1 - OUTSIDE_SHARE) * (refused + wrong * misread) + OUTSIDE_SHARE * wrong * missed
    cost[refused > MOST_REFUSED] = np.inf  # at the largest strangeness nothing is refused
    return float(candidates[int(cost.argmin())])
