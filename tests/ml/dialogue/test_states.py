"""Tokens, conversations, and the arrays made of them."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ml.dialogue.batching import batches_an_epoch, prepare, training_batches
from bot.ml.dialogue.names import words_of_action, words_of_token
from bot.ml.dialogue.splitting import split_stories
from bot.ml.dialogue.states import (
    State,
    columns_of,
    input_of,
    kind_and_name,
    text_input_of,
    token_name,
)

from .talks import talk, talks, vocabulary


@given(st.sampled_from(["intent", "slot", "action"]), st.text())
def test_a_token_comes_apart_as_it_was_put_together(kind: str, name: str) -> None:
    assert kind_and_name(token_name(kind, name)) == (kind, name)


def test_unknown_tokens_are_left_out() -> None:
    rows = input_of(
        [State((("intent:a", 1.0), ("intent:new", 1.0))), State((("slot:b_0", 0.25),))],
        columns_of(["intent:a", "slot:b_0"]),
    )
    assert rows.tolist() == [[1.0, 0.0], [0.0, 0.25]]


def test_words_stand_where_they_were_said() -> None:
    vector = np.ones(3, dtype=np.float32)
    rows = text_input_of([State(()), State((), "hi"), State((), "ho")], {"hi": vector}, 3)
    assert rows.tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_the_next_intent_is_known_where_the_user_speaks_next() -> None:
    assert talk("greet", "broken").next_intents == ("greet", None, "broken", None, None)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("utter_ask_name", "ask name"),
        ("action_check_balance", "check balance"),
        ("transfer_money_form", "transfer money form"),
        ("Shall I go on?", "Shall I go on?"),
    ],
)
def test_an_action_is_read_as_words(action: str, words: str) -> None:
    assert words_of_action(action, ("Said.",)) == (words, "Said.")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("intent:ask_price", ("ask price",)),
        ("entity:city#from", ("city from",)),
        ("slot:card_lost_0", ("card lost",)),
        ("action:utter_hi", ("hi", "Hello!")),
        ("action:utter_new", ("new",)),
        ("loop:order_form", ("order form",)),
    ],
)
def test_a_token_is_read_as_words(token: str, words: tuple[str, ...]) -> None:
    assert words_of_token(token, {"utter_hi": ("hi", "Hello!")}) == words


def test_joined_stories_add_contexts_and_no_frequencies() -> None:
    told = talk("greet", "price")
    joined = replace(talk("joke", "greet", "price"), is_augmented=True)
    items = prepare([joined, told, told], vocabulary(), {}, 0, 2)
    assert [item.weights.sum() for item in items] == [5, 5, 3]  # twice told counts twice
    again = prepare([told, joined, joined], vocabulary(), {}, 0, 2)
    assert len(again) == 2


def test_an_epoch_takes_all_stories_and_as_many_joined_ones() -> None:
    told = talks()[:6]
    joined = [replace(c, is_augmented=True, stories=("x",)) for c in talks()[6:]]
    items = prepare([*told, *joined], vocabulary(), {}, 0, 8)
    for seed in range(3):
        batches = list(training_batches(items, 4, random.Random(seed)))
        kinds = [item.conversation.is_augmented for batch in batches for item in batch]
        assert (kinds.count(False), kinds.count(True)) == (6, 6)
        assert len(batches) == batches_an_epoch(items, 4)


def test_a_story_stays_on_its_side_whatever_else_is_told() -> None:
    told = [replace(talk("greet"), stories=(f"story {n}",)) for n in range(60)]
    learn, keep = split_stories(told, 0.2, 1)
    assert len(keep) == 12 and len(learn) == 48
    _, again = split_stories(told[::-1], 0.2, 1)
    assert {c.stories for c in again} == {c.stories for c in keep}
    assert {c.stories for c in split_stories(told, 0.2, 2)[1]} != {c.stories for c in keep}


def test_joined_stories_do_not_tell_what_was_kept_apart() -> None:
    told = [replace(talk("greet"), stories=(f"s{n}",)) for n in range(30)]
    joined = [
        replace(talk("greet"), stories=(f"s{n}", f"s{n + 1}"), is_augmented=True) for n in range(29)
    ]
    learn, keep = split_stories([*told, *joined], 0.2, 3)
    held = {c.stories[0] for c in keep}
    assert held and all(held.isdisjoint(c.stories) for c in learn)
    assert any(c.is_augmented for c in learn)


def test_of_few_stories_none_is_kept_apart() -> None:
    assert split_stories(talks(), 0.1, 1) == (talks(), [])
