"""Near-duplicates are found, others are not, and many texts cost little."""

from __future__ import annotations

import random
import time

import pytest
from rapidfuzz import fuzz

from bot.feedback.similar import NearIndex, normal, similarity

SENTENCE = (
    "please can you tell me how much money went out of my current account since last monday "
    "because the card payment for groceries looks wrong and nobody called back about refund "
    "transfer abroad fee rate mortgage balance statement address change close freeze lost"
)
WORDS = SENTENCE.split()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Pay [NAME_3] £20,50 today!!", "pay [name] 0 today"),
        ("pay [NAME_12] 7 today", "pay [name] 0 today"),
        ("What's   my balance?", "whats my balance"),
        ("WHATS MY BALANCE", "whats my balance"),
        ("at 14:30 on 2024-05-01", "at 0 on 0"),
        ("sooooo slow", "soo slow"),
        ("a/b_c", "a b c"),
        ("👍", "👍"),
        ("???", "???"),
        ("", ""),
        ("Straße", "strasse"),
        ("卡丢了!", "卡丢了"),
    ],
)
def test_normal_form(text: str, form: str) -> None:
    assert normal(text) == form
    assert normal(form) == form


def test_finds_what_is_nearly_the_same_best_first() -> None:
    index: NearIndex[int] = NearIndex(0.85)
    for number, text in enumerate(
        ["What is my balance?", "what is my balence", "freeze my card", "What's my balance"]
    ):
        index.add(text, number)
    found = index.find("what is my balance")
    assert [near.value for near in found][0] == 0
    assert {near.value for near in found} == {0, 1, 3}
    assert found[0].similarity == 1.0
    assert found == sorted(found, key=lambda near: -near.similarity)
    assert [near.value for near in index.find("what is my balance", limit=1)] == [0]
    assert index.find("close the account") == []


def test_the_same_text_keeps_each_value() -> None:
    index: NearIndex[str] = NearIndex()
    index.add("Pay 20", "one")
    index.add("pay 30!", "two")
    assert len(index) == 2
    assert [(near.text, near.value) for near in index.find("PAY 1")] == [
        ("Pay 20", "one"),
        ("pay 30!", "two"),
    ]


def test_an_empty_index_and_short_texts() -> None:
    index: NearIndex[int] = NearIndex()
    assert index.find("anything") == []
    index.add("", 0)
    index.add("ok", 1)
    assert [near.value for near in index.find("ok")] == [1]
    assert [near.value for near in index.find("")] == [0]


def _texts(count: int, chance: random.Random) -> list[str]:
    return [" ".join(chance.choices(WORDS, k=chance.randint(4, 12))) for _ in range(count)]


def _slip(text: str, chance: random.Random) -> str:
    """Change a few letters anywhere, as hurried people do."""
    letters = list(text)
    for _ in range(max(1, len(letters) // 25)):
        at = chance.randrange(len(letters))
        letters[at] = chance.choice(["", letters[at] * 2, chance.choice("abcdeilnorst")])
    return "".join(letters)


def test_misses_almost_nothing_that_comparing_with_all_would_find() -> None:
    chance = random.Random(4)
    texts = _texts(3000, chance)
    forms = [normal(text) for text in texts]
    index: NearIndex[int] = NearIndex()
    for number, text in enumerate(texts):
        index.add(text, number)
    wanted = found = 0
    for text in chance.sample(texts, 200):
        asked = normal(_slip(text, chance))
        real = {i for i, other in enumerate(forms) if fuzz.ratio(asked, other) >= 90}
        got = {near.value for near in index.find(asked, limit=50)}
        assert got <= real
        wanted, found = wanted + len(real), found + len(got)
    assert wanted > 100
    assert found >= 0.99 * wanted


@pytest.mark.long
def test_a_hundred_thousand_texts() -> None:
    chance = random.Random(5)
    syllables = [a + b for a in "bdfghklmnprstvw" for b in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(3000)]
    texts = [" ".join(chance.choices(words, k=chance.randint(4, 12))) for _ in range(100_000)]
    index: NearIndex[int] = NearIndex()
    start = time.process_time()
    for number, text in enumerate(texts):
        index.add(text, number)
    added = time.process_time() - start
    asked = chance.sample(range(len(texts)), 100)
    start = time.process_time()
    for number in asked:
        assert number in {near.value for near in index.find(_slip(texts[number], chance))}
    assert added < 25
    assert time.process_time() - start < 10


def test_similarity_is_of_the_letters_in_order() -> None:
    assert similarity("abc", "abc") == 1
    assert similarity("abc", "xyz") == 0
    assert 0.8 < similarity("what is my balance", "what is my balnce") < 1
