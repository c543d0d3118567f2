"""Why a person should look at a message, each reason with a score and in words.

Plain data in, reasons out: no database, no model. `docs/reference/ranking.md` describes each
signal; how they are weighed against each other stands in `WEIGHTS` alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag

from bot.feedback.similar import normal, similarity

# How much each signal alone says that the bot was wrong or that its answer teaches something. In
# the order of their bits, so only append.
WEIGHTS: dict[str, float] = {
    "thumb_down": 0.9,
    "correction": 0.8,
    "picked": 0.6,
    "frustration": 0.6,
    "repeated": 0.5,
    "low_rating": 0.4,
    "asked_for_human": 0.4,
    "rephrase": 0.4,
    "disagreement": 0.8,
    "uncertain": 0.8,
    "fallback": 0.6,
    "out_of_scope": 0.5,
}
# What people did; the rest is what models said.
BY_PEOPLE = frozenset(list(WEIGHTS)[: list(WEIGHTS).index("rephrase") + 1])
BITS = {name: 1 << place for place, name in enumerate(WEIGHTS)}
_OF_ANOTHER = {
    "thumb_down": "A message like this one got a thumbs down.",
    "correction": "Somebody corrected the bot after a message like this one.",
    "picked": "After a message like this one somebody picked the meaning from buttons.",
    "frustration": "Somebody lost patience after a message like this one.",
    "repeated": "A message like this one was sent again at once.",
    "low_rating": "A conversation with a message like this one was rated low.",
    "asked_for_human": "Somebody asked for a person after a message like this one.",
    "rephrase": "A message like this one was a second attempt.",
    "disagreement": "The models disagree about a message like this one.",
    "fallback": "The bot did not understand a message like this one.",
    "out_of_scope": "A message like this one was taken for out of scope.",
}
LOW_RATING = 2  # stars of five
UNSURE = 0.1  # what is less uncertain than this is not worth a reason
SAME = 0.85  # similarity from which a next message is the same again

_CORRECTION = re.compile(
    r"\bi meant?\b|\bnot what i (?:\w+ )?(?:asked|meant|said|want(?:ed)?|need(?:ed)?)\b"
    r"|\b(?:didnt|did not) (?:ask|say|mean|want)\b|\bmis(?:understood|understand)\b"
    r"|\byou (?:got|understood) (?:it|that|me) wrong\b|\bwrong (?:answer|question|one)\b"
    r"|^no+ (?:i|thats|that is|not|its|it is|the)\b|\bi (?:already )?said\b"
    r"|\b(?:thats|that is|this is|its) (?:wrong|incorrect|not it|not right|not that)\b"
    r"|\b(?:doesnt|does not|didnt|did not) answer\b"
)
_FRUSTRATION = re.compile(
    r"\b(?:useless|ridiculous|pathetic|rubbish|idiot|wtf|ffs|for (?:gods|fucks?|christs) sake)\b"
    r"|\b(?:stupid|dumb|damn|bloody|fucking) (?:bot|thing|machine|robot)\b"
    r"|\byou (?:are|re) stupid\b|\bare you (?:deaf|stupid|kidding|serious)\b"
    r"|\bwaste of (?:my )?time\b"
)
_HUMAN = re.compile(
    r"\b(?:human|operator|advisor|adviser|representative|call cent(?:re|er))\b"
    r"|\b(?:real|actual|live) (?:person|agent|one)\b|\bagent\b"
    r"|\b(?:speak|talk|chat) (?:to|with) (?:a |an )?(?:person|someone|somebody|staff)\b"
)
_HUMAN_LABEL = re.compile(r"human|agent|hand_?o(?:ff|ver)|operator")
_SHOUTED = re.compile(r"[!?]{3,}\s*$")
_MIN_LETTERS = 8


class Next(IntFlag):
    """What the person's next message in the session says about the one before."""

    NOTHING = 0
    CORRECTED = 1
    REPEATED = 2
    FRUSTRATED = 4
    HUMAN = 8


@dataclass(frozen=True)
class Reason:
    """Why a message comes up: the signal, its score in [0, 1], a sentence for the reviewer."""

    signal: str
    score: float
    words: str


@dataclass(frozen=True)
class Message:
    """What is known about a message.

    Attributes:
        label: the suggestion of the model that candidates come from, as a full label.
        ranking: its labels with their probabilities, best first.
        other_label: the suggestion of a second model; None where there is none.
        fallback: `nlu`, `core` or empty.
        picked: the intent that was tapped after a fallback.
        rating: stars of the conversation, given at this message.
        following: what the next message says about this one.
        shadow: how a candidate and the live model differ, as score and words; None where they do
            not, or nobody has compared them.
    """

    text: str
    label: str | None = None
    ranking: Sequence[tuple[str, float]] = ()
    other_label: str | None = None
    fallback: str = ""
    rephrase: bool = False
    picked: str | None = None
    thumb: str | None = None
    comment: str | None = None
    rating: int | None = None
    rating_comment: str | None = None
    following: Next = Next.NOTHING
    shadow: tuple[float, str] | None = None


def reasons(message: Message, out_of_scope: str = "out_of_scope") -> list[Reason]:
    """Give every reason to look at a message, the weightiest first."""
    return weightiest_first([*_told(message), *_said(message, out_of_scope)])


def weightiest_first(found: Sequence[Reason]) -> list[Reason]:
    """Put reasons in the order in which a reviewer reads them."""
    return sorted(found, key=lambda reason: -WEIGHTS[reason.signal] * reason.score)


def follow(text: str, later: str, later_label: str | None = None) -> Next:
    """Read the next message of the same session as a comment on the one before."""
    form, after = normal(text), normal(later)
    found = Next.NOTHING
    if _CORRECTION.search(after):
        found |= Next.CORRECTED
    if form == after or (" " in form and similarity(form, after) >= SAME):
        found |= Next.REPEATED
    if _FRUSTRATION.search(after) or _shouts(later):
        found |= Next.FRUSTRATED
    if not _HUMAN.search(form) and (
        _HUMAN.search(after) or (later_label and _HUMAN_LABEL.search(later_label))
    ):
        found |= Next.HUMAN
    return found


def uncertainty(ranking: Sequence[tuple[str, float]]) -> float:
    """Give how close the second label is to the first: 1 where the model is torn."""
    if not ranking:
        return 1.0
    second = ranking[1][1] if len(ranking) > 1 else 0.0
    return min(1.0, max(0.0, 1.0 - (ranking[0][1] - second)))


def of_another(signal: str) -> Reason | None:
    """Give the reason that another message of the group has, where it can be said of a group."""
    words = _OF_ANOTHER.get(signal)
    return Reason(signal, 1.0, words) if words else None


def _told(message: Message) -> list[Reason]:
    """What people said and did."""
    found = []
    if message.thumb == "down":
        said = f": “{message.comment}”" if message.comment else "."
        found.append(Reason("thumb_down", 1.0, f"The answer got a thumbs down{said}"))
    if message.rating is not None and message.rating <= LOW_RATING:
        said = f": “{message.rating_comment}”" if message.rating_comment else "."
        stars = "1 star" if message.rating == 1 else f"{message.rating} stars"
        found.append(Reason("low_rating", 1.0, f"The conversation was rated {stars}{said}"))
    if message.picked:
        words = f"The bot asked back, and the person picked {message.picked}."
        found.append(Reason("picked", 1.0, words))
    if message.rephrase:
        words = "This is a second attempt: the bot had not understood the first."
        found.append(Reason("rephrase", 1.0, words))
    if not message.following:
        return found
    return found + [
        Reason(signal, 1.0, words)
        for flag, (signal, words) in _FOLLOWING.items()
        if message.following & flag
    ]


_FOLLOWING: Mapping[Next, tuple[str, str]] = {
    Next.CORRECTED: ("correction", "The next message corrects the bot."),
    Next.REPEATED: ("repeated", "The person sent the same again at once."),
    Next.FRUSTRATED: ("frustration", "The next message sounds impatient."),
    Next.HUMAN: ("asked_for_human", "The person asked for a human right after."),
}


def _said(message: Message, out_of_scope: str) -> list[Reason]:
    """What models and the bot said."""
    found = []
    if message.fallback == "core":
        found.append(Reason("fallback", 1.0, "The bot did not know what to do next."))
    elif message.fallback:
        found.append(Reason("fallback", 1.0, "The bot did not understand this."))
    if message.label is not None and message.label == out_of_scope:
        words = "It was taken for something that the assistant is not there for."
        found.append(Reason("out_of_scope", 1.0, words))
    if message.other_label is not None and message.label not in (None, message.other_label):
        words = f"Two models disagree: {message.label} and {message.other_label}."
        found.append(Reason("disagreement", 1.0, words))
    if message.shadow is not None:
        found.append(Reason("disagreement", *message.shadow))
    score = uncertainty(message.ranking)
    if score >= UNSURE:
        found.append(Reason("uncertain", round(score, 3), _doubt(message.ranking)))
    return found


def _doubt(ranking: Sequence[tuple[str, float]]) -> str:
    if not ranking:
        return "There is no suggestion for this message."
    (first, high), *rest = ranking
    if not rest or high - rest[0][1] > 0.5:
        return f"The model is only {high:.0%} sure that this is {first}."
    second, low = rest[0]
    return f"The model hesitates between {first} ({high:.0%}) and {second} ({low:.0%})."


def _shouts(text: str) -> bool:
    if _SHOUTED.search(text):
        return True
    letters = [letter for letter in text if letter.isalpha()] if text[-4:].isupper() else []
    upper = sum(letter.isupper() for letter in letters)
    return len(letters) >= _MIN_LETTERS and upper >= 0.8 * len(letters)
