"""Answers as something to learn from."""

from __future__ import annotations

import pytest

from bot.errors import TrainingDataError
from bot.ml.answers import (
    ENOUGH_QUESTIONS,
    passages,
    require_answers,
    retrieval_intents,
    sentences,
    stand_ins,
)
from bot.types import Example

QUESTIONS = [
    *(Example(f"when do you open {day}", "faq/opening_hours") for day in range(ENOUGH_QUESTIONS)),
    Example("where can I park", "faq/parking"),
    Example("hello", "greet"),
    Example("to oslo", None),
]
ANSWERS = {
    "faq/opening_hours": ["From nine to five."],
    "faq/parking": ["Behind the house. It is free."],
    "faq/lost_and-found": ["Ask at the desk."],
    "chitchat/name": ["I have none."],
}


def test_retrieval_intents_are_those_with_a_question() -> None:
    assert retrieval_intents(QUESTIONS) == ("faq",)
    assert retrieval_intents([Example("hello", "greet")]) == ()


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Behind the house. It is free!", ["Behind the house.", "It is free!"]),
        ("Yes. It costs £1.50 a day.", ["It costs £1.50 a day."]),
        ("From nine to five", ["From nine to five"]),
        ("営業 は 九時 から。 休み は 日曜。", ["営業 は 九時 から。", "休み は 日曜。"]),
        ("", []),
    ],
)
def test_sentences(text: str, cut: list[str]) -> None:
    assert sentences(text) == cut


def test_passages_are_texts_and_their_sentences_each_once() -> None:
    assert passages(["Behind the house. It is free.", "It is free.", " "]) == [
        "Behind the house. It is free.",
        "Behind the house.",
        "It is free.",
    ]


def test_an_answer_with_few_questions_is_stood_in_for_by_name_and_words() -> None:
    made = stand_ins(QUESTIONS, ANSWERS)
    assert {example.intent for example in made} == {"faq/parking", "faq/lost_and-found"}
    assert [example.text for example in made if example.intent == "faq/lost_and-found"] == [
        "lost and found",
        "lost and found. Ask at the desk.",
        "Ask at the desk.",
    ]


def test_without_any_question_an_intent_is_not_made_up() -> None:
    assert not [e for e in stand_ins(QUESTIONS, ANSWERS) if e.intent == "chitchat/name"]
    assert stand_ins([Example("hello", "greet")], ANSWERS) == []


def test_a_text_gets_one_label_only() -> None:
    shared = {"faq/a": ["Ask at the desk."], "faq/b": ["Ask at the desk."]}
    asked = [Example("Ask at the desk.", "faq/c"), Example("who", "faq/a")]
    texts = [example.text for example in [*asked, *stand_ins(asked, shared)]]
    assert len(texts) == len(set(texts))


def test_questions_without_an_answer_are_refused_with_what_to_write() -> None:
    require_answers(QUESTIONS, ANSWERS)
    with pytest.raises(TrainingDataError) as raised:
        require_answers([*QUESTIONS, Example("how much", "faq/parkin")], ANSWERS)
    for part in ("faq/parkin", "'utter_faq/parkin'", "Did you mean 'faq/parking'?", "domain.yml"):
        assert part in str(raised.value)
