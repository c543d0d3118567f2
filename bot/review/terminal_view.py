"""What the terminal shows of a message; nothing of it can move the cursor or forge a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

BEFORE, AFTER = 3, 1  # turns of the conversation around the message
MEMBERS = 9  # of a group that are shown
# Control characters, line separators, and marks that turn the direction of writing.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_NEW_LINE = re.compile(r"\s*\n\s*")

HELP = """\
Enter    accept what is chosen
1 - 5    choose a candidate
/        search any intent
o        out of scope
n        propose a new intent
e        entities: amount=50, account:from=savings; several with a semicolon; amount= removes
g        answer some of the group by themselves: g 2 3
d        discard: useless for training
s        skip
c        write a note
u        undo the last decision
q        quit; nothing is lost"""


def plain(text: Any) -> str:
    """Make a text safe for a terminal; a new line in it is a stroke."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", _NEW_LINE.sub(" / ", str(text)))


def written(entities: Iterable[Mapping[str, Any]]) -> str:
    """Write entities as a reviewer edits them: `amount=50; account:from=savings`."""
    return "; ".join(f"{_kind(e)}={e.get('value', '')}" for e in entities)


def _kind(entity: Mapping[str, Any]) -> str:
    role, group = entity.get("role"), entity.get("group")
    return f"{entity['entity']}{f':{role}' if role else ''}{f'#{group}' if group else ''}"


class View:
    """Writes to a terminal, or to a file without any colour."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def say(self, text: str, style: str = "") -> None:
        """Write a line."""
        lines = "\n".join(plain(line) for line in text.split("\n"))
        self._console.print(Text(lines, style=style))

    def pair(self, name: str, text: str, style: str = "") -> None:
        """Write a line with its name before it."""
        line = Text(f"{name:<11}", style="dim")
        line.append(plain(text), style=style)
        self._console.print(line)

    def talk(self, turns: Sequence[Mapping[str, Any]], turn_id: int) -> None:
        """Show what was said around the message."""
        places = [place for place, turn in enumerate(turns) if turn["id"] == turn_id]
        here = places[0] if places else 0
        for place in range(max(0, here - BEFORE), min(len(turns), here + AFTER + 1)):
            turn, is_item = turns[place], place == here
            said = turn["text"] or f"({turn['kind']})"
            self.pair("  > person" if is_item else "    person", said, "bold" if is_item else "dim")
            for reply in turn["replies"]:
                self.pair("    bot", reply["text"] or "(no text)", "dim")

    def item(self, item: Mapping[str, Any], entities: Sequence[Mapping[str, Any]]) -> None:
        """Show the message with what the machine knows about it."""
        for reason in item["reasons"]:
            self.pair("why", reason["words"])
        if item["picked"]:
            self.pair("picked", item["picked"])
        if item["thumb"]:
            comment = f": {item['thumb_comment']}" if item["thumb_comment"] else ""
            self.pair("thumb", f"{item['thumb']}{comment}")
        self.pair("message", item["text"], "bold")
        self.entities(entities)
        near = item["neighbours"]
        for place, candidate in enumerate(item["candidates"], 1):
            example = next((n["text"] for n in near.get(candidate["label"], ())), "")
            like = f"  like: {example}" if example else ""
            self.pair(f"  {place}", f"{candidate['confidence']:4.0%}  {candidate['label']}{like}")
        for place, member in enumerate(item["group"][:MEMBERS], 1):
            times = f"  ({member['times']} times)" if member["times"] > 1 else ""
            marked = f"  [{written(member['entities'])}]" if member["entities"] else ""
            self.pair(f"with it {place}", f"{member['text']}{marked}{times}")
        if len(item["group"]) > MEMBERS:
            self.pair("", f"and {len(item['group']) - MEMBERS} more like these")

    def entities(self, entities: Sequence[Mapping[str, Any]]) -> None:
        """Show the entities of the message."""
        if entities:
            self.pair("entities", written(entities))
