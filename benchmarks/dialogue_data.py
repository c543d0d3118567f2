"""The MultiWOZ story sets of the TED paper, from Rasa 1's Markdown to Rasa 3's YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MODULAR = ("modular", "modular-status")
_USER = re.compile(r"\* (\w+)(\{.*\})?$")
_CHUNK = 60  # stories a file: Rasa's YAML reader checks a file as a whole


@dataclass(frozen=True)
class Story:
    """A dialogue: its name, and user, action and slot steps in order."""

    name: str
    steps: tuple[tuple[str, Any], ...]


def convert(source: Path, target: Path) -> None:
    """Write a modular set as `domain.yml`, `train/` and `test/`, if it is not there yet."""
    if (target / "done").is_file():
        return
    target.mkdir(parents=True, exist_ok=True)
    (target / "domain.yml").write_text(_dump(domain_of(source)), "utf-8")
    for split in ("train", "test"):
        stories = [_as_rasa(story) for story in modular_stories(source, split)]
        for start in range(0, len(stories), _CHUNK):
            chunk = {"version": "3.1", "stories": stories[start : start + _CHUNK]}
            path = target / split / f"{split}_{start:04d}.yml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(_dump(chunk), "utf-8")
    (target / "done").touch()


def domain_of(source: Path) -> dict[str, Any]:
    """Read a modular domain; Rasa 3 wants a mapping for each slot."""
    old = yaml.safe_load((source / "domain.yml").read_text("utf-8"))
    slots = {
        name: {**slot, "mappings": [{"type": "from_entity", "entity": name}]}
        for name, slot in old["slots"].items()
    }
    keys = {key: old[key] for key in ("intents", "entities", "actions")}
    return {"version": "3.1", **keys, "slots": slots}


def modular_stories(source: Path, split: str) -> Iterator[Story]:
    """Read stories whose turns are intents with entities, actions and slots."""
    for name, lines in _blocks(source / "data" / split / "stories.md"):
        steps: list[tuple[str, Any]] = []
        for line in lines:
            if line.startswith("* "):
                intent, entities = _parse_user(line)
                steps.append(("user", (intent, entities)))
            elif line.startswith("- slot"):
                steps.append(("slot", json.loads(line[len("- slot") :])))
            else:
                steps.append(("action", line[2:]))
        yield Story(name, tuple(steps))


def spoken_stories(source: Path, split: str) -> Iterator[Story]:
    """Read stories whose turns are texts of both sides."""
    for name, lines in _blocks(source / "data" / split / "stories.md"):
        steps = []
        for line in lines:
            if not line.startswith("- slot{"):
                steps.append(("user" if line.startswith("* ") else "action", line[2:].strip()))
        yield Story(name, tuple(steps))


def spoken_candidates(source: Path) -> list[str]:
    """Read the texts that the domain of an end-to-end set lists; its YAML holds tabs."""
    texts = []
    for line in (source / "domain.yml").read_text("utf-8").splitlines():
        if line.startswith("  - "):
            texts.append(line[4:].strip().strip("\"'"))
        elif texts and not line.startswith(" "):
            break
    return sorted(set(texts))


def _blocks(path: Path) -> Iterator[tuple[str, list[str]]]:
    name = ""
    lines: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("## "):
            if lines:
                yield name, lines
            name, lines = line[3:].strip(), []
        elif line.strip():
            lines.append(line.strip())
    if lines:
        yield name, lines


def _parse_user(line: str) -> tuple[str, dict[str, str]]:
    match = _USER.match(line)
    if match is None:
        raise ValueError(f"No intent with entities: {line!r}")
    return match[1], json.loads(match[2]) if match[2] else {}


def _as_rasa(story: Story) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for kind, content in story.steps:
        if kind == "user":
            intent, entities = content
            step: dict[str, Any] = {"intent": intent}
            if entities:
                step["entities"] = [{name: value} for name, value in entities.items()]
            steps.append(step)
        elif kind == "slot":
            steps.append({"slot_was_set": [{name: value} for name, value in content.items()]})
        else:
            steps.append({"action": content})
    return {"story": story.name, "steps": steps}


def _dump(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
