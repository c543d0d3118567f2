"""The jargon set: messages about words that no training example holds, for the vocabulary.

A vocabulary may well hold the words; only examples must not, or the set would no longer show what a
vocabulary adds. The comment at the head of each file lists its words.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from test_assistant_data import conflicts, load, nlu_messages, normal, story_messages

ROOT = Path(__file__).parent.parent
JARGON = ROOT / "tests" / "jargon"
LEARNED = ("data/nlu", "data/feedback")
TOO_LIKE = 90  # of 100, whatever the order of the words


def terms_of(text: str) -> list[str]:
    """Read the terms from the comment at the head of a file."""
    comment = text.partition("# Terms:\n")[2].partition("nlu:")[0]
    lines = (line.removeprefix("#") for line in comment.splitlines())
    return [term.strip() for line in lines for term in line.split(" | ")]


def holds(text: str, term: str) -> bool:
    """Say whether a text holds a term as a whole word, in whatever case."""
    return re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text, re.IGNORECASE) is not None


def near(learned: Iterable[str], tested: Iterable[str]) -> list[str]:
    """Name each tested text that is nearly one to learn from."""
    fuzz = pytest.importorskip("rapidfuzz", reason="pip install rapidfuzz")
    choices = sorted({normal(text) for text in learned})
    return [
        f"{score:.0f} {text!r} ~ {twin!r}"
        for text in tested
        for twin, score, _ in fuzz.process.extract(
            normal(text), choices, scorer=fuzz.fuzz.token_sort_ratio, score_cutoff=TOO_LIKE
        )
    ]


@pytest.fixture(scope="module")
def terms() -> list[str]:
    return [t for path in sorted(JARGON.glob("*.yml")) for t in terms_of(path.read_text("utf-8"))]


@pytest.fixture(scope="module")
def read_by_rasa() -> list[dict[str, Any]]:
    """The messages as Rasa's own reader gives them: text, intent, entities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Rasa's packages say of each other
        from rasa.shared.nlu.training_data.loading import load_data

        examples = load_data(str(JARGON)).intent_examples
    return [{**message.data, "intent": message.get_full_intent()} for message in examples]


def test_there_is_enough_of_it(terms: list[str], read_by_rasa: list[dict[str, Any]]) -> None:
    texts = {normal(message["text"]) for message in read_by_rasa}
    assert len(read_by_rasa) == len(nlu_messages("tests/jargon"))
    assert len(texts) >= 300
    assert len({message["intent"] for message in read_by_rasa}) >= 25
    assert len(terms) >= 90


def test_rasa_reads_the_labels_of_the_domain(read_by_rasa: list[dict[str, Any]]) -> None:
    domain = load(ROOT / "domain.yml")
    intents = {i if isinstance(i, str) else next(iter(i)) for i in domain["intents"]}
    roles = {
        name: set((options or {}).get("roles", []))
        for entity in domain["entities"]
        for name, options in (entity.items() if isinstance(entity, dict) else [(entity, {})])
    }
    answers = {m.intent for m in nlu_messages("data/nlu") if "/" in m.intent}
    for message in read_by_rasa:
        intent = message["intent"]
        assert intent.split("/")[0] in intents, message
        assert "/" not in intent or intent in answers, message
        for entity in message.get("entities", []):
            assert entity["entity"] in roles, message
            assert entity.get("role") in {None, *roles[entity["entity"]]}, message


def test_entities_begin_and_end_with_words(read_by_rasa: list[dict[str, Any]]) -> None:
    spans = [(m["text"], e) for m in read_by_rasa for e in m.get("entities", [])]
    cut = []
    for text, entity in spans:
        start, end = entity["start"], entity["end"]
        marked = text[start:end]
        before, after = text[:start][-1:], text[end:][:1]
        if marked != marked.strip() or (before and (before + marked[0]).isalnum()):
            cut.append((text, marked))
        if after and (marked[-1] + after).isalnum():
            cut.append((text, marked))
    assert spans
    assert not cut


def test_each_message_is_about_a_term_and_each_term_in_some(terms: list[str]) -> None:
    texts = [message.text for message in nlu_messages("tests/jargon")]
    assert len(terms) == len({term.casefold() for term in terms})
    assert not [text for text in texts if not any(holds(text, term) for term in terms)]
    used = {term: sum(holds(text, term) for text in texts) for term in terms}
    assert not {term: count for term, count in used.items() if not 2 <= count <= 5}


def test_no_training_example_holds_a_term(terms: list[str]) -> None:
    """Examples only: a vocabulary, a synonym or a lookup table may come to hold it."""
    learned = [message.text for message in nlu_messages("data/nlu")]
    assert len(learned) > 1000, "the training data were not read"
    found = [f"{term}: {text!r}" for term in terms for text in learned if holds(text, term)]
    assert not found, "\n".join(found)


def test_no_message_was_learned_from() -> None:
    learned = [m.text for folder in LEARNED for m in nlu_messages(folder)]
    learned += [m.text for m in story_messages("data/stories")]
    found = near(learned, [m.text for m in nlu_messages("tests/jargon")])
    assert not found, "\n".join(found)


def test_no_message_carries_two_intents() -> None:
    assert not conflicts(nlu_messages("tests/jargon"))


# The checks themselves


@pytest.mark.parametrize(
    ("text", "term", "held"),
    [
        ("my J/A, please", "j/a", True),
        ("stop PS+", "ps+", True),
        ("the magpies", "magpie", False),
        ("spaghetti", "pa", False),
    ],
)
def test_a_term_is_found_as_a_whole_word(text: str, term: str, held: bool) -> None:
    assert holds(text, term) is held


def test_near_duplicates_are_found_in_any_order() -> None:
    assert near(["Send £5 to Ana now!"], ["now send £5 to ana"])
    assert not near(["Send £5 to Ana now!"], ["how much is in my account"])


def test_terms_are_read_from_the_comment() -> None:
    assert terms_of("# Head.\n# Terms:\n#   S&S ISA | c/a\n#   pw\nnlu:\n- x | y\n") == [
        "S&S ISA",
        "c/a",
        "pw",
    ]
