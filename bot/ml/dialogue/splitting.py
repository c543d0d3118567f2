"""Keep stories apart for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bot.ml.dialogue.states import Conversation

MINIMUM = 3  # fewer stories could neither stop nor calibrate anything


def split_stories(
    conversations: Sequence[Conversation], share: float, seed: int
) -> tuple[list[Conversation], list[Conversation]]:
    """Split by a seeded hash of the story's name, so that a story stays on its side.

    Of the conversations that augmentation joined, those that hold a story kept apart are left
    out.

    Returns:
        The conversations to learn from and those kept apart.
    """
    told = [c for c in conversations if not c.is_augmented]
    ranked = sorted(range(len(told)), key=lambda index: (_rank(told[index], seed), index))
    kept = set(ranked[: int(len(told) * share + 1e-9)])
    if len(kept) < MINIMUM:
        return list(conversations), []
    learn = [told[index] for index in range(len(told)) if index not in kept]
    keep = [told[index] for index in sorted(kept)]
    learned = {story for conversation in learn for story in conversation.stories}
    held = {story for conversation in keep for story in conversation.stories} - learned
    learn += [c for c in conversations if c.is_augmented and held.isdisjoint(c.stories)]
    return learn, keep


def _rank(conversation: Conversation, seed: int) -> bytes:
    name = "\n".join((str(seed), *conversation.stories))
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
