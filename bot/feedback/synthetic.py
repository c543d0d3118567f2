"""Synthetic values in place of masks, so that what was masked stays trainable.

The values have the shape of the real ones and belong to nobody: phone numbers from the range that
Ofcom keeps free for fiction, addresses under example.org (RFC 2606), an IBAN of a bank named TEST,
card numbers that begin with 999999, sort codes that begin with 00. The same seed gives the same
values, and the same mask the same value, wherever it occurs in a conversation.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from bot.feedback.redaction import Redacted
from bot.feedback.shapes import MASK, iban_checksum, is_card
from bot.feedback.spans import EntitySpan
from bot.feedback.words import FIRST, LAST


def synthesize(text: str, entities: Iterable[dict[str, Any]] = (), *, seed: str) -> Redacted:
    """Put synthetic values in place of the masks of a text; the entities move with it.

    Args:
        text: a redacted text.
        entities: its entities.
        seed: the conversation, and whatever else shall change the values.
    """
    pieces, position, edits = [], 0, []
    for match in MASK.finditer(text):
        kind, _, number = match[0][1:-1].rpartition("_")
        value = value_for(kind, number, seed=seed)
        pieces += [text[position : match.start()], value]
        edits.append((match.start(), match.end(), len(value)))
        position = match.end()
    whole = "".join(pieces) + text[position:]
    moved = []
    for entity in entities:
        span = EntitySpan(dict(entity), text)
        span.move(edits)
        shown = dict(entity)
        if span.start is not None and span.end is not None:
            shown["start"], shown["end"] = span.start, span.end
            if span.masked:
                shown["value"] = whole[span.start : span.end]
        moved.append(shown)
    return Redacted(whole, tuple(moved))


def value_for(kind: str, number: str, *, seed: str) -> str:
    """Give the value that stands for a mask; an unknown kind keeps its mask."""
    make = _MAKERS.get(kind)
    if make is None:
        return f"[{kind}_{number}]"
    return make(random.Random(f"{seed}\x1f{kind}\x1f{number}"))


def _digits(chance: random.Random, n: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(n))


def _name(chance: random.Random) -> str:
    return f"{chance.choice(FIRST)} {chance.choice(LAST)}"


def _email(chance: random.Random) -> str:
    return f"{chance.choice(FIRST)}.{chance.choice(LAST)}@example.org".lower()


def _phone(chance: random.Random) -> str:
    return f"07700 900{_digits(chance, 3)}"


def _iban(chance: random.Random) -> str:
    account = f"TEST{_digits(chance, 14)}"
    whole = f"GB{iban_checksum('GB', account)}{account}"
    return " ".join(whole[begin : begin + 4] for begin in range(0, len(whole), 4))


def _card(chance: random.Random) -> str:
    body = f"999999{_digits(chance, 9)}"
    whole = next(body + last for last in "0123456789" if is_card(body + last))
    return " ".join(whole[begin : begin + 4] for begin in range(0, 16, 4))


def _sort_code(chance: random.Random) -> str:
    return f"00-{_digits(chance, 2)}-{_digits(chance, 2)}"


def _account(chance: random.Random) -> str:
    return f"9{_digits(chance, 7)}"


def _identifier(chance: random.Random) -> str:
    return f"CU{_digits(chance, 6)}"


def _secret(chance: random.Random) -> str:
    return _digits(chance, 4)


def _url(chance: random.Random) -> str:
    return f"https://example.org/{_digits(chance, 6)}"


_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "NAME": _name,
    "EMAIL": _email,
    "PHONE": _phone,
    "IBAN": _iban,
    "CARD": _card,
    "SORTCODE": _sort_code,
    "ACCOUNT": _account,
    "ID": _identifier,
    "SECRET": _secret,
    "URL": _url,
}
