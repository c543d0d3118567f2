"""Which conversations are kept for tests: a whole one, or nothing of it.

A conversation's place is a fixed number in [0, 1) made from its pseudonym. It is held out where the
number is below the share, so a larger share adds conversations and takes none away. What was once
written to a side stays on it, whatever the share becomes: a message that a model has learned must
not test a later one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection


def place_of(conversation: str) -> float:
    """Give the place of a conversation in [0, 1), the same on every machine."""
    digest = hashlib.sha256(f"held out\x1f{conversation}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def is_held_out(conversation: str, share: float) -> bool:
    """Say whether a conversation is kept for tests.

    Args:
        conversation: its pseudonym.
        share: the share of the conversations that are kept, in [0, 1).
    """
    return place_of(conversation) < share


class Split:
    """The side of each conversation, with what earlier exports have decided."""

    def __init__(self, share: float, trained: Collection[str], held_out: Collection[str]) -> None:
        """Know which conversations lie in `data/feedback/` and which in `tests/held_out/`.

        One that lies in both, as a merge of two branches can leave it, counts as held out.
        """
        self._share = share
        self._trained, self._held_out = frozenset(trained), frozenset(held_out)

    def is_held_out(self, conversation: str) -> bool:
        """Say whether a conversation is kept for tests."""
        if conversation in self._held_out:
            return True
        return conversation not in self._trained and is_held_out(conversation, self._share)

    def is_trained(self, conversation: str) -> bool:
        """Say whether an earlier export has put the conversation into the training data."""
        return conversation in self._trained and conversation not in self._held_out
