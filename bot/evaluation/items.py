"""Messages with what a person decided about them: what a model is evaluated on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from bot.errors import ProjectError
from bot.types import Span


class WrittenExample(Protocol):
    """An example as it stands in a Rasa NLU file; `label` is the full one."""

    @property
    def text(self) -> str:
        """Without markup."""

    @property
    def label(self) -> str:
        """Such as `faq/opening_hours`."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """The entities that are marked."""

    @property
    def file(self) -> str:
        """As a person would open it."""

    @property
    def line(self) -> int:
        """Counted from 1."""


@dataclass(frozen=True)
class Item:
    """One message that a model is asked about.

    Attributes:
        key: file and line, made unique where one line holds two examples.
        text: what the person wrote.
        intent: the full label.
        spans: the entities in it.
        file, line: where it stands.
        source: the folder it comes from, `tests/nlu`; a slice of the report.
        typo: whether a speller would correct something in it.
        channel: where the message was written; empty where nobody knows.
    """

    key: str
    text: str
    intent: str
    spans: tuple[Span, ...]
    file: str
    line: int
    source: str
    typo: bool = False
    channel: str = ""

    @property
    def words(self) -> int:
        """Its length in words."""
        return len(self.text.split())


def items_of(
    examples: Iterable[WrittenExample],
    *,
    has_typo: Callable[[str], bool] | None = None,
    channel_of: Callable[[WrittenExample], str] | None = None,
) -> tuple[Item, ...]:
    """Turn examples of NLU files into items, in their order.

    Args:
        examples: what the files hold.
        has_typo: whether a speller would correct a text; without it no item has a typo.
        channel_of: where an example was written, if that is known.

    Raises:
        ProjectError: there is not one example.
    """
    seen: Counter[str] = Counter()
    found = []
    for example in examples:
        place = f"{example.file}:{example.line}"
        seen[place] += 1
        key = place if seen[place] == 1 else f"{place}#{seen[place]}"
        typo = has_typo is not None and has_typo(example.text)
        found.append(_item(example, key, typo, channel_of(example) if channel_of else ""))
    if not found:
        raise ProjectError(
            "There is no message to evaluate on.",
            "Name a file or folder with examples under 'nlu:', or put some into tests/nlu/.",
        )
    return tuple(found)


def _item(example: WrittenExample, key: str, typo: bool, channel: str) -> Item:
    return Item(
        key,
        example.text,
        example.label,
        example.spans,
        example.file,
        example.line,
        PurePosixPath(example.file).parent.as_posix(),
        typo,
        channel,
    )


def digest_of(items: Sequence[Item]) -> str:
    """Give a SHA-256, hex, of what is asked and what is right; where it stands does not matter."""
    asked = [
        [item.text, item.intent, [[s.start, s.end, s.entity, s.role, s.group] for s in item.spans]]
        for item in items
    ]
    content = json.dumps(asked, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
