"""Messages that say the same are one group; a word that matters keeps them apart."""

from __future__ import annotations

import random
import time

import pytest

from bot.feedback.grouping import group, is_slip, key_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pay [NAME_1] £20 please", "pay [NAME_7] 350"),
        ("what's my balance", "Whats my balance???"),
        ("hi, cancel my transfer", "please cancel my transfer!"),
        ("I would like to change my address", "i would like to change my adress"),
        ("can you recieve it", "can you receive it"),
        ("show my transactions now", "show my transaction now"),
        ("👍", "👍"),
    ],
)
def test_one_answer_is_enough(one: str, other: str) -> None:
    assert group([one, other]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("i want to pay my bill", "i do not want to pay my bill"),
        ("why is my cash withdrawal pending", "why is my card withdrawal pending"),
        ("transfer from savings to current", "transfer from current to savings"),
        ("why was i charged a fee abroad", "why was i charged a fee"),
        ("did you send it", "did you lend it"),
        ("is it from there", "is it for them"),
        ("yes", "no"),
        ("thanks", "hi"),
        ("no thanks", "no"),
    ],
)
def test_other_meanings_stay_apart(one: str, other: str) -> None:
    assert group([one, other]).tolist() == [0, 1]


def test_the_first_of_a_group_stands_for_it() -> None:
    texts = ["show my balance", "cancel my card", "Show my balance!", "shoow my ballance"]
    assert group(texts).tolist() == [0, 1, 0, 3]  # two slips are one too many
    assert group([*texts, "show my ballance"]).tolist() == [0, 1, 0, 3, 0]
    assert group([]).tolist() == []


def test_no_chain_of_slips_leads_from_one_meaning_to_another() -> None:
    """The last is one slip from the second, but two from the one that stands for that."""
    texts = ["stop stalling quickly", "stop stalking quickly", "stop stalking quirkly"]
    assert group(texts).tolist() == [0, 0, 2]
    assert group(texts[1:]).tolist() == [0, 0]


def test_where_a_word_stands_matters() -> None:
    assert group(["balance transfer now", "transfer balance now"]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("adress", "address", True),
        ("beneficiery", "beneficiary", True),
        ("card", "cord", False),
        ("transferred", "transferring", False),
        ("transferring", "transfering", True),
    ],
)
def test_slips(one: str, other: str, same: bool) -> None:
    assert is_slip(one, other) is same


def test_key_keeps_all_there_is_of_short_messages() -> None:
    assert key_of("Hi!") == "hi"
    assert key_of("please, the balance") == "please the balance"
    assert key_of("please show the balance") == "show balance"


def _log(count: int) -> list[str]:
    chance = random.Random(3)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("ala", "ero", "ine") for c in "rstnx"]
    return [
        " ".join(chance.choices(words, k=chance.randint(3, 9))) + f" {chance.randint(1, 999)}"
        for _ in range(count)
    ]


def test_time_grows_with_the_number_of_messages_not_its_square() -> None:
    small, large = _log(4_000), _log(32_000)
    took = []
    for texts in (small, large):
        start = time.process_time()
        group(texts)
        took.append(time.process_time() - start)
    assert took[1] < 8 * took[0] * 2.5 + 0.5
    assert took[1] < 15


def test_one_word_after_the_same_words_does_not_cost_its_square() -> None:
    chance = random.Random(6)
    words = {"b" + "".join(chance.choices("acdefghiklmnoprstu", k=7)) for _ in range(9_000)}
    texts = [f"send money to {word} quickly" for word in sorted(words)]
    start = time.process_time()
    assert len(set(group(texts).tolist())) > 8_000
    assert time.process_time() - start < 5
