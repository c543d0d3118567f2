"""What a finder of values gives, and the one rule by which overlapping findings are settled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KINDS = ("iban", "card", "email", "phone", "reference", "card_digits", "amount", "percent",
         "date", "frequency", "time", "duration", "ordinal")  # fmt: skip
"""All kinds; of two findings of one length, the kind that stands first here wins."""

CHECKED = frozenset({"iban", "card"})
PERSONAL = frozenset({"iban", "card", "email", "phone"})


@dataclass(frozen=True)
class FoundValue:
    """A value in a text.

    Attributes:
        start: where it begins in the text as typed.
        end: where it ends, exclusive.
        kind: one of `KINDS`.
        value: what it means; a text or one of the shapes below.
        personal: whether it belongs to a person, so that logs should show `masked` only.

    The shapes: `{"amount": "1250.00", "currency": "GBP"}` of an amount,
    `{"from": "2026-03-12", "to": "2026-03-12", "grain": "day"}` of a date (grain `day`, `week`,
    `month`, `year`; with `part` where a part of the day is named), `{"time": "15:00"}` of a time,
    `{"value": 2, "unit": "week"}` of a duration and of a frequency (with `times`, `weekday`
    counted from Monday as 0, or `day` of the month where they are named), `{"value": 3}` of an
    ordinal (-1 is the last), `{"value": "3.5"}` of a percentage, and a text of the others: E.164
    of a phone, no gaps in an IBAN or card, capitals in a reference, four digits of `card_digits`.
    """

    start: int
    end: int
    kind: str
    value: dict[str, Any] | str
    personal: bool = False


def found(start: int, end: int, kind: str, value: dict[str, Any] | str) -> FoundValue:
    """Make a finding; whether it is personal follows from its kind."""
    return FoundValue(start, end, kind, value, kind in PERSONAL)


def settle(findings: Iterable[FoundValue]) -> list[FoundValue]:
    """Return findings that do not overlap, in the order of the text.

    Of two that overlap the one with a verified checksum stays, then the longer, then the one whose
    kind stands first in `KINDS`, then the one that begins first.
    """
    kept: list[FoundValue] = []
    starts: list[int] = []  # of what is kept, in the order of the text
    for item in sorted(findings, key=_rank):
        place = bisect_left(starts, item.start)
        before, after = kept[place - 1 : place] if place else [], kept[place : place + 1]
        if all(other.end <= item.start for other in before) and all(
            item.end <= other.start for other in after
        ):
            kept.insert(place, item)
            starts.insert(place, item.start)
    return kept


def _rank(item: FoundValue) -> tuple[bool, int, int, int]:
    return (
        item.kind not in CHECKED,
        item.start - item.end,
        KINDS.index(item.kind),
        item.start,
    )


def masked(item: FoundValue) -> str:
    """Write a finding so that it can be logged: what is personal keeps its two ends at most.

    `GB.. 5432` for an IBAN, `.. 1111` for a card, `+44.. 0123` for a phone number,
    `p..@example.com` for an address. Other findings are written in full.
    """
    value = item.value
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values())
    if item.kind == "iban":
        return f"{value[:2]}.. {value[-4:]}"
    if item.kind == "card":
        return f".. {value[-4:]}"
    if item.kind == "email":
        name, _, host = value.rpartition("@")
        return f"{name[:1]}..@{host}"
    if item.kind == "phone":
        import phonenumbers

        return f"+{phonenumbers.parse(value).country_code}.. {value[-4:]}"
    return value
