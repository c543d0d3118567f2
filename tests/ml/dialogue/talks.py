"""Conversations of a small shop, made of few words."""

from __future__ import annotations

import itertools

from bot.ml.dialogue.states import (
    ACTION,
    INTENT,
    LISTEN,
    SLOT,
    Conversation,
    State,
    Vocabulary,
    token_name,
)

ANSWERS = {"greet": "utter_greet", "price": "utter_price", "joke": "utter_joke"}
OFFERS = {"broken": "utter_offer_repair", "late": "utter_offer_refund"}
TAKEN = {"utter_offer_repair": "action_repair", "utter_offer_refund": "action_refund"}


def talk(*turns: str, name: str = "", slots: tuple[str, ...] = ()) -> Conversation:
    """Write down a conversation: what the user says, and what the shop's rules answer."""
    states, actions = [], []
    tokens = tuple((token_name(SLOT, slot), 1.0) for slot in slots)
    previous, intent, offered = None, None, None

    def step(action: str) -> None:
        nonlocal previous
        known = list(tokens)
        if intent:
            known.append((token_name(INTENT, intent), 1.0))
        if previous:
            known.append((token_name(ACTION, previous), 1.0))
        states.append(State(tuple(known)))
        actions.append(action)
        previous = action

    step(LISTEN)
    for intent in turns:
        if intent == "yes":
            step(TAKEN[offered] if offered else "utter_ok")
            offered = None
        elif intent in OFFERS:
            offered = OFFERS[intent]
            step(offered)
        else:
            step(ANSWERS[intent])
        step(LISTEN)
    return Conversation((name or " ".join(turns),), tuple(states), tuple(actions))


def talks() -> list[Conversation]:
    """An offer, up to two questions, though not every pair, and a yes; and no offer."""
    told = [talk(offer, "yes") for offer in OFFERS]
    told += [talk(offer, question, "yes") for offer in OFFERS for question in ANSWERS]
    told += [talk(a, b, "yes") for a, b in itertools.permutations(ANSWERS, 2)]
    pairs = list(itertools.permutations(ANSWERS, 2))[::2]
    told += [talk(offer, a, b, "yes") for offer in OFFERS for a, b in pairs]
    told += [talk(a, offer, "yes", "yes") for a in ANSWERS for offer in OFFERS]
    return told


def vocabulary(conversations: list[Conversation] | None = None) -> Vocabulary:
    """Give the vocabulary of the shop."""
    return Vocabulary.of(conversations or talks(), [LISTEN], {})
