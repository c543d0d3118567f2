"""What was decided but could not be exported, one line of JSON each, for people to read.

The list is written anew by each export, below `results/`: what lies in `data/` is trained on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.feedback.provenance import Origin

LIST = Path("results/feedback/quarantine.jsonl")
_TITLES = {
    "unknown_intent": "have an intent that the domain does not know",
    "no_response": "have a label without a response",
    "unknown_entity": "have an entity that the domain does not know",
    "unknown_step": "are stories with a name that the domain does not know",
    "conflict": "are labelled otherwise elsewhere",
    "held_out": "are nearly a message that is held out for tests",
    "trained": "were to be held out, but are nearly a message that is trained on",
    "side": "are stories on the wrong side of the split",
    "unwritable": "cannot be written as an example of Rasa's",
    "gone": "label checks are about lines that have changed",
}
_OTHER = "need a look"


@dataclass(frozen=True)
class Quarantined:
    """Something that was not exported: why, and what to do."""

    turn: str
    conversation: str
    text: str
    label: str | None
    code: str
    reason: str
    remedy: str


def of(origin: Origin, code: str, reason: str, remedy: str) -> Quarantined:
    """Say why an origin is not written."""
    return Quarantined(origin.turn, origin.sender, origin.text, origin.label, code, reason, remedy)


def written(found: Iterable[Quarantined]) -> str | None:
    """Give the list as it lies in the file; None where it is empty."""
    ordered = sorted(found, key=lambda item: (item.code, item.turn, item.conversation))
    lines = (json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in ordered)
    return "".join(lines) or None


def read(path: Path) -> list[Quarantined]:
    """Read the list; what cannot be read is left out, the next export writes it anew."""
    found = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").split("\n"):
            try:
                found.append(Quarantined(**json.loads(line)))
            except (ValueError, TypeError):
                continue
    return found


def told(found: Iterable[Quarantined]) -> list[str]:
    """Tell a person how many there are of each kind, with one as an example."""
    items = sorted(found, key=lambda item: (item.code, item.turn))
    counts = Counter(item.code for item in items)
    first = {item.code: item for item in reversed(items)}
    lines = []
    for code, count in counts.most_common():
        item = first[code]
        lines.append(f"  {count:,} {_TITLES.get(code, _OTHER)}")
        lines.append(f"    {_short(item.text)} ({item.label or 'story'}): {item.reason}")
        lines.append(f"    {item.remedy}")
    return lines


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
