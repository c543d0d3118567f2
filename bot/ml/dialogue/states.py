"""What is known before an action, as named tokens, and conversations made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Token = tuple[str, float]

LISTEN = "action_listen"
INTENT, ENTITY, SLOT, ACTION, LOOP = "intent", "entity", "slot", "action", "loop"
_SEPARATOR = ":"


def token_name(kind: str, name: str) -> str:
    """Name a token: `intent:greet`."""
    return f"{kind}{_SEPARATOR}{name}"


def kind_and_name(token: str) -> tuple[str, str]:
    """Take a token's name apart."""
    kind, _, name = token.partition(_SEPARATOR)
    return kind, name


@dataclass(frozen=True)
class State:
    """What is known before an action.

    Attributes:
        tokens: names and weights; a weight other than 1 comes from a slot that holds a number.
        text: the user's words where they, and not an intent, say what the user wants.
    """

    tokens: tuple[Token, ...]
    text: str | None = None

    @property
    def intent(self) -> str | None:
        """The user's latest intent."""
        prefix = token_name(INTENT, "")
        names = (name for name, _ in self.tokens if name.startswith(prefix))
        return next((name[len(prefix) :] for name in names), None)


@dataclass(frozen=True)
class Conversation:
    """States, and the action that followed each.

    Attributes:
        stories: the stories it is made of; augmentation joins several.
        states: one before each action.
        actions: names, or the words of an end-to-end story.
        is_augmented: whether stories were joined that nobody wrote in a row.
    """

    stories: tuple[str, ...]
    states: tuple[State, ...]
    actions: tuple[str, ...]
    is_augmented: bool = False

    @property
    def next_intents(self) -> tuple[str | None, ...]:
        """The intent that the user came with after each action; None where none did."""
        following = [state.intent for state in self.states[1:]] + [None]
        return tuple(
            intent if action == LISTEN else None
            for action, intent in zip(self.actions, following, strict=True)
        )


@dataclass(frozen=True)
class Vocabulary:
    """The tokens, actions and intents that a model knows, with the words behind their names.

    Attributes:
        tokens: names of the input's columns.
        actions: what can be predicted.
        intents: what the user may come with.
        words: readable words for names, see `bot.ml.dialogue.names`.
    """

    tokens: tuple[str, ...]
    actions: tuple[str, ...]
    intents: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        conversations: Iterable[Conversation],
        actions: Iterable[str],
        words: Mapping[str, tuple[str, ...]],
    ) -> Vocabulary:
        """Collect what occurs in conversations; `actions` may hold more than occur."""
        tokens: set[str] = set()
        intents: set[str] = set()
        known = set(actions)
        for conversation in conversations:
            known.update(conversation.actions)
            for state in conversation.states:
                tokens.update(name for name, _ in state.tokens)
                if state.intent:
                    intents.add(state.intent)
        return cls(tuple(sorted(tokens)), tuple(sorted(known)), tuple(sorted(intents)), words)


def columns_of(names: Sequence[str]) -> dict[str, int]:
    """Give each name its position."""
    return {name: position for position, name in enumerate(names)}


def input_of(states: Sequence[State], columns: Mapping[str, int]) -> FloatArray:
    """Write states as rows of token weights (n_states, n_tokens); unknown tokens are left out."""
    rows = np.zeros((len(states), len(columns)), dtype=np.float32)
    for row, state in zip(rows, states, strict=True):
        for name, weight in state.tokens:
            column = columns.get(name)
            if column is not None:
                row[column] = weight
    return rows


def text_input_of(
    states: Sequence[State], vectors: Mapping[str, FloatArray], width: int
) -> FloatArray:
    """Write the users' words as rows of vectors (n_states, width), zeros where there are none."""
    rows = np.zeros((len(states), width), dtype=np.float32)
    for row, state in zip(rows, states, strict=True):
        if state.text is not None and state.text in vectors:
            row[:] = vectors[state.text]
    return rows
