"""Personal data is masked before anything is stored.

`Priya's number is 07700 900123` becomes `[NAME_1]'s number is [PHONE_1]`. Within a conversation the
same value gets the same mask, also in another ingest: the conversation remembers which value got
which number, not as the value but as a digest under the key of the store. Offsets of entities move
with the text. What is masked by its shape is listed in `bot.feedback.shapes`; names are masked
where they are known: given in a list, or tagged by the model, from that message on.

Not masked: addresses, dates of birth, names that nobody knew, and what a story gives away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.feedback import shapes
from bot.feedback.shapes import Found
from bot.feedback.spans import EntitySpan
from bot.feedback.words import CALENDAR, RELATIONS, WORDS

NAME_ENTITIES = ("payee",)
_SINGLE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# A word; in scripts without spaces each character is one, so that names are found inside of runs.
_WORD = re.compile(
    rf"[{_SINGLE}]|(?:(?![{_SINGLE}])[^\s!-&(-,./:-@\[-`{{-~\u2018\u201c-\u201f«»…])+"
)
MAX_WORDS = 8


class Memory:
    """Which value of a conversation got which mask, kept as digests."""

    def __init__(self, digest: Callable[..., str]) -> None:
        """Take the function that turns values into digests; one conversation's alone."""
        self._digest = digest
        self._numbers: dict[str, dict[str, int]] = {}
        self._longest = 0  # words of the longest name

    def mask(self, kind: str, value: str) -> str:
        """Give the mask of a value, a new one where it has none."""
        known = self._numbers.setdefault(kind, {})
        digest = self._short(kind, value)
        if digest not in known:
            known[digest] = max(known.values(), default=0) + 1
        return f"[{kind}_{known[digest]}]"

    def learn_name(self, words: list[str], parts: list[str]) -> None:
        """Know a name from now on, and the parts by which it may be called."""
        words = words[:MAX_WORDS]
        whole = " ".join(words)
        known = self._numbers.setdefault("NAME", {})
        self.mask("NAME", whole)
        number = known[self._short("NAME", whole)]
        self._longest = max(self._longest, len(words))
        for part in parts:
            known.setdefault(self._short("NAME", part), number)

    def knows_name(self, words: list[str]) -> bool:
        """Say whether these words are a name of this conversation."""
        known = self._numbers.get("NAME")
        return bool(known) and self._short("NAME", " ".join(words)) in (known or {})

    @property
    def longest(self) -> int:
        """Words of the longest name; 0 where none is known."""
        return self._longest

    def as_dict(self) -> dict[str, Any]:
        """Give what is kept between two ingests."""
        return {"numbers": self._numbers, "longest": self._longest}

    def load(self, kept: dict[str, Any]) -> None:
        """Take back what `as_dict` gave."""
        self._numbers = {kind: dict(known) for kind, known in kept["numbers"].items()}
        self._longest = int(kept["longest"])

    def _short(self, kind: str, value: str) -> str:
        return self._digest(kind, value)[:16]


@dataclass(frozen=True)
class Redacted:
    """A text without personal data, and its entities in that text."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()


class Redactor:
    """Masks texts; the same instance for all conversations, a `Memory` for each."""

    def __init__(
        self, names: Iterable[str] = (), *, name_entities: Iterable[str] = NAME_ENTITIES
    ) -> None:
        """Know some names everywhere: customers, staff, payees.

        Args:
            names: full names; each is also found by its parts.
            name_entities: entities whose values are names.
        """
        self._name_entities = frozenset(name_entities)
        self._names: set[tuple[str, ...]] = set()
        for name in names:
            words = [word for word, _, _ in _words(name)]
            if words:
                self._names.add(tuple(words))
                self._names.update((part,) for part in _parts(name))
        self._longest = min(MAX_WORDS, max((len(name) for name in self._names), default=0))

    def redact(
        self,
        text: str,
        memory: Memory,
        entities: Iterable[dict[str, Any]] = (),
        *,
        by_bot: bool = False,
    ) -> Redacted:
        """Mask a text until nothing in it looks like personal data any more.

        Args:
            text: what was said.
            memory: the masks of the conversation; new ones are added.
            entities: what the model tagged in the text, as Rasa's dictionaries.
            by_bot: the bot said it, which may add the surname to a name that it was told.
        """
        spans = [EntitySpan(dict(entity), text) for entity in entities]
        tagged = list(self._tagged(text, spans, memory))
        while True:
            found = _apart([*tagged, *self._find(text, memory, by_bot=by_bot)], text)
            if not found:
                break
            text = self._replace(text, found, spans, memory)
            tagged = []
        return Redacted(text, tuple(self._entity(span, text, memory) for span in spans))

    def _tagged(self, text: str, spans: list[EntitySpan], memory: Memory) -> Iterator[Found]:
        for span in spans:
            if span.entity not in self._name_entities or span.start is None or span.end is None:
                continue
            value = text[span.start : span.end]
            words = [word for word, _, _ in _words(value)]
            own = [word for word in words if word not in ("my", "our", "the", "a", "an")]
            if not own or all(word in RELATIONS for word in own):
                continue
            if not shapes.MASK.search(value):
                memory.learn_name(words, _parts(value))
                yield Found(span.start, span.end, "NAME", " ".join(words))

    def _find(self, text: str, memory: Memory, *, by_bot: bool) -> Iterator[Found]:
        if "@" in text:
            for match in shapes.EMAIL.finditer(text):
                yield Found(*match.span(), "EMAIL", match[0].casefold())
        if "://" in text or "www." in text.lower():
            for match in shapes.URL.finditer(text):
                if shapes.has_token(match[0]):
                    yield Found(*match.span(), "URL", match[0])
        if any(char.isdecimal() for char in text):
            for pattern, kind in ((shapes.SECRET, "SECRET"), (shapes.IDENTIFIER, "ID")):
                for match in pattern.finditer(text):
                    yield Found(*match.span("value"), kind, match["value"].casefold())
            for match in shapes.NATIONAL_INSURANCE.finditer(text):
                yield Found(*match.span(), "ID", match[0].replace(" ", "").casefold())
            yield from shapes.find_ibans(text)
            yield from shapes.find_numbers(text)
        yield from self._find_names(text, memory, by_bot=by_bot)

    def _find_names(self, text: str, memory: Memory, *, by_bot: bool) -> Iterator[Found]:
        longest = max(self._longest, memory.longest)
        if not longest:
            return
        words = list(_words(text))
        for begin in range(len(words)):
            for length in range(min(longest, len(words) - begin), 0, -1):
                group = words[begin : begin + length]
                name = [word for word, _, _ in group]
                start, end = group[0][1], group[-1][2]
                if tuple(name) in self._names and _is_written_as_name(text, start, name):
                    parts = _parts(text[start:end]) if length > 1 else []
                    memory.learn_name(name, parts)
                elif not memory.knows_name(name) or not _is_written_as_name(text, start, name):
                    continue
                if by_bot and text[start].isupper():
                    end = _surname_end(text, words[begin + length :], end, memory, name)
                yield Found(start, end, "NAME", " ".join(name))
                break

    def _replace(
        self, text: str, found: list[Found], spans: list[EntitySpan], memory: Memory
    ) -> str:
        pieces, position, edits = [], 0, []
        for item in found:
            mask = memory.mask(item.kind, item.value)
            pieces += [text[position : item.start], mask]
            edits.append((item.start, item.end, len(mask)))
            position = item.end
        for span in spans:
            span.move(edits)
        return "".join(pieces) + text[position:]

    def _entity(self, span: EntitySpan, text: str, memory: Memory) -> dict[str, Any]:
        """Give an entity with its place in the masked text, and a value without secrets."""
        keys = ("entity", "role", "group", "confidence", "extractor")
        kept = {key: span.data[key] for key in keys if span.data.get(key) is not None}
        value = span.data.get("value")
        if span.start is not None and span.end is not None:
            kept["start"], kept["end"] = span.start, span.end
            inside = text[span.start : span.end]
            value = inside if span.masked or not isinstance(value, str) else value
        if isinstance(value, str):
            value = self.redact(value, memory).text
        kept["value"] = value if isinstance(value, (str, int, float)) else None
        return kept


def _apart(found: list[Found], text: str) -> list[Found]:
    """Order what was found and leave out what overlaps: checksums first, then what is longer."""
    rank = {"IBAN": 0, "CARD": 0, "EMAIL": 1, "URL": 1, "SECRET": 2, "ID": 2}
    masks = [match.span() for match in shapes.MASK.finditer(text)]
    chosen: list[Found] = []
    for item in sorted(found, key=lambda f: (rank.get(f.kind, 3), f.start - f.end, f.start)):
        taken = [(other.start, other.end) for other in chosen] + masks
        if item.start < item.end and all(b <= item.start or item.end <= a for a, b in taken):
            chosen.append(item)
    return sorted(chosen, key=lambda f: f.start)


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word as it is compared, with its place; `'s` is no part of it."""
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        stripped = word.strip("'’-")
        start += len(word) - len(word.lstrip("'’-"))
        for ending in ("'s", "’s", "'S", "’S"):
            stripped = stripped.removesuffix(ending)
        if stripped:
            plain = unicodedata.normalize("NFKC", stripped).casefold()
            yield plain, start, start + len(stripped)


def _parts(name: str) -> list[str]:
    """Give the words by which somebody may be called: written as names, and no common words."""
    found = [(word, name[start:end]) for word, start, end in _words(name)]
    if len(found) < 2:
        return []
    return [
        word
        for word, raw in found
        if len(word) > 2 and raw[:1].isupper() and word not in WORDS and word not in RELATIONS
    ]


def _surname_end(
    text: str, after: list[tuple[str, int, int]], end: int, memory: Memory, name: list[str]
) -> int:
    """Give the end of a name with the surname that follows it, and know the surname as well."""
    for word, start, stop in after[:2]:
        if text[end:start] != " " or not text[start].isupper() or word in WORDS | CALENDAR:
            break
        memory.learn_name(name, [word])
        end = stop
    return end


def _is_written_as_name(text: str, start: int, name: list[str]) -> bool:
    """Say whether a name that is a word too stands in the text as a name."""
    if len(name) > 1 or name[0] not in WORDS:
        return True
    begins_sentence = not text[:start].strip() or text[:start].rstrip()[-1] in ".!?\n"
    return text[start].isupper() and not begins_sentence
