"""What a shadow counts and says, and how two readings of a message differ in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.evaluation.predictions import Fallback
from bot.feedback.shadow import Compared, Logged, Pair
from bot.lifecycle.shadow_readings import DEED, ENTITIES, INTENT, Comparer, Reader
from bot.lifecycle.shadow_summary import SHOWN, Summary, summarise, tell, verdict
from bot.types import Parse, RankedLabel, Span

BATH = Span(6, 10, "city", role="to")
MASKED = "tell [NAME_1] hello"


class Known:
    """A model that knows its answers by heart."""

    model = "0a0a"

    def __init__(self, answers: dict[str, Parse]) -> None:
        self.answers = answers
        self.read: list[str] = []

    def parse(self, text: str) -> Parse:
        self.read.append(text)
        return self.answers.get(text, Parse())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.ones((len(texts), 1), np.float32)


def said(label: str, confidence: float = 1.0, *spans: Span) -> Parse:
    return Parse((RankedLabel(label, confidence),), spans=spans)


def compare(new: Parse, old: Parse, text: str = "go to Bath") -> Compared:
    rule = Fallback(threshold=0.5)
    candidate = Reader("tall-elm", Known({text: new}), rule)
    return Comparer(candidate, Reader("old-oak", Known({text: old}), rule)).compare(text)


@pytest.mark.parametrize(
    ("new", "old", "score", "words"),
    [
        (said("a"), said("a"), 0.0, ""),
        (said("a"), said("b"), DEED, "The candidate tall-elm says a, the live model says b."),
        (
            said("a", 0.2),
            said("a"),
            DEED,
            "The candidate tall-elm asks again, the live model says a.",
        ),
        (
            said("a", 0.2),
            said("b", 0.2),
            INTENT,
            "Both ask again; the candidate tall-elm leans to a, the live model to b.",
        ),
        (
            said("a", 1.0, BATH),
            said("a"),
            ENTITIES,
            "The candidate tall-elm finds city (to) “Bath”, the live model no entity.",
        ),
        (
            said("a", 1.0, BATH),
            said("b"),
            DEED,
            "The candidate tall-elm says a, the live model says b. They also find other entities.",
        ),
        (
            Parse(),
            said("b", 0.2),
            INTENT,
            "Both ask again; the candidate tall-elm leans to nothing",
        ),
    ],
)
def test_how_two_models_differ_is_said_in_words(
    new: Parse, old: Parse, score: float, words: str
) -> None:
    found = compare(new, old)
    assert found.score == score
    assert found.entities_differ == (" find" in words)
    assert found.words.startswith(words) and bool(found.words) == bool(words)


def test_a_retrieval_intent_counts_with_its_answer() -> None:
    answers = [(RankedLabel(f"faq/{name}", 1.0),) for name in ("hours", "fees")]
    new, old = (Parse((RankedLabel("faq", 1.0),), responses=one) for one in answers)
    assert "says faq/hours, the live model says faq/fees" in compare(new, old).words


def test_masks_are_read_as_values_and_shown_as_masks() -> None:
    known = Known({})
    candidate = Reader("tall-elm", known, None)
    comparer = Comparer(candidate, Reader("old-oak", Known({}), None))
    comparer.compare(MASKED)
    plain = known.read[-1]
    assert plain != MASKED and plain.startswith("tell ")
    end = len(plain) - len(" hello")
    known.answers[plain] = said("", 1.0, Span(5, end, "person"))
    assert "person “[NAME_1]”" in Comparer(candidate, comparer.live).compare(MASKED).words


def test_each_text_is_read_once_and_timed() -> None:
    comparer = Comparer(Reader("a", Known({}), None), Reader("b", Known({}), None))
    for text in ("x", "y", "x", "x"):
        comparer.compare(text)
    assert len(comparer.candidate.seconds) == len(comparer.live.seconds) == 2


def logged(new: str, old: str, truth: str | None = None, who: str = "s1") -> Logged:
    words = "They differ." if new != old else ""
    return Logged(Compared(old, new, False, False, False, 1.0, words), "text", truth, who)


def test_both_sides_of_a_disagreement_are_counted() -> None:
    found = [
        logged("a", "a", "a"),
        logged("a", "b", "a"),
        logged("b", "a", "a"),
        logged("b", "c", "a"),
        logged("b", "a"),
        logged("b", "a", "a", who="trained"),
        Logged(Compared("a", "a", True, False, True, 1.0, "x"), "text", None, "s1"),
    ]
    done = summarise(found, {"trained"})
    assert (done.messages, done.differing) == (7, 6)
    assert (done.intents, done.fallbacks, done.entities) == (5, 1, 1)
    assert (done.reviewed, done.taught) == (4, 1)
    assert (done.candidate_right, done.live_right) == (1, 1)
    assert done.changes["a", "b"] == 3
    assert done.changes["asks again", "a"] == 1


@pytest.mark.parametrize(
    ("candidate", "live", "words"),
    [
        (0, 0, "undecided: among 20 reviewed messages is none"),
        (5, 2, "undecided: of 20 reviewed messages the candidate alone is right on 5"),
        (12, 2, r"the candidate is right more often: .* \(p = 0.013\)"),
        (2, 12, r"the live model is right more often: .* \(p = 0.013\)"),
    ],
)
def test_the_verdict_leaves_chance_aside(candidate: int, live: int, words: str) -> None:
    done = Summary(
        messages=99, differing=30, reviewed=20, candidate_right=candidate, live_right=live
    )
    assert re.search(f"^Verdict: {words}", verdict(done))
    assert verdict(Summary(messages=9)) == "Verdict: the two treat all these messages alike."


def test_the_most_frequent_changes_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = [logged(f"l{n:02d}", "old") for n in range(SHOWN + 3) for _ in range(n + 1)]
    tell(Pair("c", "l", "1", "2"), summarise(found, ()), 4, ([0.002, 0.004, 0.003], []))
    shown = capsys.readouterr().out
    assert f"l{SHOWN + 2}" in shown and "l03" in shown and "l02" not in shown
    assert "3 other changes" in shown
    assert "takes the candidate 3.0 ms and the live model -" in shown
    assert "4 messages on which they differ wait in the queue." in shown
