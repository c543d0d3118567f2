"""Run test stories with `rasa test core`, and read what it leaves: each story and its first error.

Rasa writes the stories that failed with a comment behind each wrong turn, and those that went
right on request; both files are read by their lines, since the comments are what matters.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.errors import ProjectError
from bot.evaluation.measure import run_rasa
from bot.evaluation.stories import StoryOutcome

_FAILED, _RIGHT = "failed_test_stories.yml", "successful_test_stories.yml"
_STORY = re.compile(r"^- story: (?P<name>.*)$")
_FILE = re.compile(r"^(?P<name>.*?) \((?P<file>[^()]*\.ya?ml)\)$")
_SAID = re.compile(r"^\s*(?:- )?(?P<key>user|intent): ?(?P<value>.*)$")
_WRONG = re.compile(r"^\s*(?:- )?(?P<expected>[^#]*?)\s*# predicted: (?P<predicted>.*)$")


def run_stories(archive: Path, paths: Sequence[Path]) -> tuple[StoryOutcome, ...]:
    """Run the test stories below some paths; wrong ones come first, each part by name.

    Raises:
        ProjectError: Rasa failed; the error holds the end of its log.
    """
    found: list[StoryOutcome] = []
    for path in paths:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch)
            run_rasa(
                ["test", "core", "--model", str(archive), "--stories", str(path)]
                + ["--out", str(out), "--successes", "--no-plot"],
                out,
            )
            found += _read(out)
    return tuple(sorted(found, key=lambda story: (story.right, story.file, story.name)))


def _read(out: Path) -> list[StoryOutcome]:
    """Read what Rasa left in a folder, and check that no story was lost on the way."""
    found = [
        outcome
        for name, right in ((_FAILED, False), (_RIGHT, True))
        if (out / name).is_file()
        for outcome in read_outcomes((out / name).read_text(encoding="utf-8"), right=right)
    ]
    scores = json.loads((out / "story_report.json").read_text(encoding="utf-8"))
    total = int(scores["conversation_accuracy"]["total"])
    if total != len(found):
        raise ProjectError(
            f"Rasa ran {total} test stories, but {len(found)} could be read from its files.",
            "Give every test story a name of its own.",
        )
    return found


def read_outcomes(content: str, *, right: bool) -> Iterator[StoryOutcome]:
    """Yield the stories of a file that Rasa wrote.

    Args:
        content: the file.
        right: whether it holds the stories that went right.
    """
    for name, lines in _stories(content):
        place = _FILE.match(name)
        title, file = (place["name"], place["file"]) if place else (name, "")
        if right:
            yield StoryOutcome(title, file, True)
        else:
            yield _first_error(title, file, lines)


def _stories(content: str) -> Iterator[tuple[str, list[str]]]:
    name: str | None = None
    lines: list[str] = []
    for line in content.splitlines():
        match = _STORY.match(line)
        if match:
            if name is not None:
                yield name, lines
            name, lines = match["name"].strip().strip("'\""), []
        else:
            lines.append(line)
    if name is not None:
        yield name, lines


def _first_error(title: str, file: str, lines: Sequence[str]) -> StoryOutcome:
    turn, said = 0, ""
    for place, line in enumerate(lines):
        spoken = _SAID.match(line.split(" # predicted:")[0])
        if spoken and line.lstrip().startswith("-"):
            turn, said = turn + 1, _value(spoken["value"], lines, place)
        wrong = _WRONG.match(line)
        if wrong:
            return StoryOutcome(
                title, file, False, turn, said, _name(wrong["expected"]), wrong["predicted"].strip()
            )
    return StoryOutcome(title, file, False)


def _value(value: str, lines: Sequence[str], place: int) -> str:
    """Give what stands behind a key; of a text over several lines, its first."""
    shown = value.strip()
    if shown.startswith("|") and place + 1 < len(lines):
        return lines[place + 1].strip()
    return shown


def _name(step: str) -> str:
    """Turn `action: utter_ok` into `utter_ok`."""
    key, separator, value = step.partition(": ")
    return value.strip() if separator and key in ("action", "bot", "intent", "user") else step
