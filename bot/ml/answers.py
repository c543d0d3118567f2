"""The answers of retrieval intents, as something to learn from.

An answer such as `faq/opening_hours` has a label, its texts under `responses:`, and as a rule
questions. Where it has hardly any yet, its name and its own words stand in for some.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bot.errors import TrainingDataError, did_you_mean
from bot.types import INTENT_SEPARATOR, Example, base_intent

Answers = Mapping[str, Sequence[str]]  # the texts of each answer, none where it shows a picture

ENOUGH_QUESTIONS = 4  # of an answer that needs no stand-ins
# After a full stop, and in scripts that set no space behind it, right there.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])\s*")


def retrieval_intents(examples: Iterable[Example]) -> tuple[str, ...]:
    """Give the intents with a question for at least one of their answers, in order."""
    labels = {example.intent for example in examples if example.intent}
    return tuple(sorted({base_intent(label) for label in labels if INTENT_SEPARATOR in label}))


def readable(label: str) -> str:
    """Turn a label into words: `faq/opening_hours` into `opening hours`."""
    return label.split(INTENT_SEPARATOR)[-1].replace("_", " ").replace("-", " ").strip()


def sentences(text: str) -> list[str]:
    """Cut an answer into its sentences; those of one word say too little."""
    found = [sentence.strip() for sentence in _SENTENCE_END.split(text)]
    return [sentence for sentence in found if len(sentence.split()) > 1]


def passages(texts: Iterable[str]) -> list[str]:
    """Give an answer's texts and their sentences, each once: what a question may come close to."""
    found = [part for text in texts if text.strip() for part in (text, *sentences(text))]
    return list(dict.fromkeys(found))


def stand_ins(examples: Sequence[Example], answers: Answers) -> list[Example]:
    """Make examples for the answers with fewer questions than `ENOUGH_QUESTIONS`.

    So the intent head hears of an answer that has no question at all, and takes what is asked
    about it for a question of its retrieval intent in the first place.
    """
    intents = retrieval_intents(examples)
    asked = Counter(example.intent for example in examples)
    known = {example.text for example in examples}
    made: dict[str, Example] = {}
    for label in sorted(answers):
        if base_intent(label) in intents and asked[label] < ENOUGH_QUESTIONS:
            name = readable(label)
            titled = [f"{name}. {text}" for text in answers[label] if text.strip()]
            for text in (name, *titled, *passages(answers[label])):
                if text and text not in known:
                    made.setdefault(text, Example(text, label))
    return list(made.values())


def require_answers(examples: Iterable[Example], answers: Answers) -> None:
    """Refuse questions that nothing answers.

    Raises:
        TrainingDataError: names the labels without a response.
    """
    labels = {example.intent for example in examples if example.intent}
    missing = sorted(
        label for label in labels if INTENT_SEPARATOR in label and label not in answers
    )
    if missing:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        hint = did_you_mean(missing[0], answers)
        raise TrainingDataError(
            f"There are questions without an answer: {shown}.{hint} Add 'utter_{missing[0]}' "
            f"under 'responses:', in domain.yml or data/responses/, or remove the questions."
        )
