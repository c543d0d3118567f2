"""Exported examples in Rasa's own notation: the only module that asks Rasa how it is written.

What is written follows from the origins in `provenance.jsonl` alone, in a fixed order, one example
a line, so that a second export changes no byte and a git diff shows single examples.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import ProjectError
from bot.feedback.provenance import FILE, NLU, Origin, line
from bot.types import base_intent

VERSION = "3.1"
TRAINING, HELD_OUT = Path("data/feedback"), Path("tests/held_out")
STORIES = {TRAINING: "stories.yml", HELD_OUT: "test_stories.yml"}
# The dash is no decoration: Rasa reads a file of ASCII alone with backslashes as escapes, and a
# message such as `C:\users` would make it unreadable.
_HEADER = "# Written by `bot export` – change annotations on the review page, not here.\n"
_PURPOSE = {
    TRAINING: "# Reviewed messages to train on. provenance.jsonl says where each comes from.\n",
    HELD_OUT: "# Reviewed messages to test with; none of them may be trained on.\n",
}
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_SPECIAL = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])


def files_of(folder: Path, origins: Iterable[Origin]) -> dict[str, str | None]:
    """Give each generated file of a folder with its content; None for one that is not needed.

    Args:
        folder: `data/feedback` or `tests/held_out`, relative to the project.
        origins: what belongs into it.
    """
    ordered = sorted(origins, key=order)
    stories = STORIES[folder]
    head = _HEADER + _PURPOSE[folder] + f'version: "{VERSION}"\n\n'
    examples = [origin for origin in ordered if origin.file == NLU]
    told = [origin for origin in ordered if origin.file == stories]
    return {
        NLU: head + _nlu(examples) if examples else None,
        stories: head + _stories(told, is_test=folder == HELD_OUT) if told else None,
        FILE: "".join(map(line, ordered)) or None,
    }


def is_writable(origin: Origin) -> bool:
    """Say whether an origin can stand in its file, as all can that an export has checked."""
    if origin.steps:
        texts = [step for step in origin.steps if step.get("text")]
        return all(marked(step["text"], placed(step)) is not None for step in texts)
    return bool(origin.label) and marked(origin.text, origin.entities) is not None


def order(origin: Origin) -> tuple[str, str, float, str, str]:
    """Give the place of an origin: within a label, the latest comes last."""
    return origin.file, origin.label or "", origin.time or 0.0, origin.turn, origin.sender


def marked(text: str, entities: Iterable[Mapping[str, Any]]) -> str | None:
    """Write an example with its entities; None where Rasa would read something else."""
    from rasa.shared.exceptions import RasaException
    from rasa.shared.nlu.training_data.formats.readerwriter import TrainingDataWriter

    try:
        wanted = [_entity(text, item) for item in entities]
        written = TrainingDataWriter.generate_message({"text": text, "entities": wanted})
        found = read_marked(written)
    except (RasaException, ValueError, KeyError, TypeError):
        return None
    same = found == (text, sorted(wanted, key=_by_place))
    whole = bool(text) and written == written.strip("\n\r ") and len(written.splitlines()) == 1
    return written if same and whole else None


def read_marked(written: str) -> tuple[str, list[dict[str, Any]]]:
    """Read an example as Rasa does: the plain text, and the entities in order."""
    from rasa.shared.nlu.training_data import entities_parser

    text = entities_parser.replace_entities(written)
    entities = entities_parser.find_entities_in_training_example(written)
    return text, sorted((_entity(text, item) for item in entities), key=_by_place)


def placed(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the entities of a step that have a place in its text."""
    return [item for item in step.get("entities") or () if "start" in item and "end" in item]


def _entity(text: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is written of an entity; a value that is the text itself is left out."""
    start, end = item["start"], item["end"]
    kept: dict[str, Any] = {"start": start, "end": end, "entity": item["entity"]}
    for key in ("role", "group", "value"):
        value = item.get(key)
        if value not in (None, "") and not (key == "value" and str(value) == text[start:end]):
            kept[key] = str(value)
    return kept


def _by_place(item: Mapping[str, Any]) -> tuple[int, int, str]:
    return item["start"], item["end"], json.dumps(item, sort_keys=True)


def _nlu(origins: Sequence[Origin]) -> str:
    """Give the examples below their labels, each once."""
    by_label: dict[str, dict[str, None]] = {}
    for origin in origins:
        written = marked(origin.text, origin.entities)
        if written is None or not origin.label:
            raise ProjectError(f"{origin.text!r} in {FILE} cannot be written as an example.")
        by_label.setdefault(origin.label, {})[written] = None
    blocks = []
    for label, examples in by_label.items():
        lines = "".join(f"    - {example}\n" for example in examples)
        blocks.append(f"- intent: {_name(label)}\n  examples: |\n{lines}")
    return "nlu:\n" + "\n".join(blocks)


def _name(name: str) -> str:
    plain = _PLAIN.fullmatch(name) and name.casefold() not in _SPECIAL
    return name if plain else json.dumps(name, ensure_ascii=False)


def _stories(origins: Sequence[Origin], *, is_test: bool) -> str:
    from rasa.shared.utils.io import write_yaml

    stories: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for origin in origins:
        steps = [_step(step, is_test=is_test) for step in origin.steps]
        once = json.dumps(steps, sort_keys=True)
        if once in stories:
            continue
        name, number = origin.text, 1
        while name in names:
            number += 1
            name = f"{origin.text} ({number})"
        names.add(name)
        stories[once] = {"story": name, "steps": steps}
    written = io.StringIO()
    write_yaml({"stories": [*stories.values()]}, written, True)
    return written.getvalue()


def _step(step: Mapping[str, Any], *, is_test: bool) -> dict[str, Any]:
    """Give a step as Rasa writes it; only test stories hold what was said."""
    if "slot_was_set" in step:
        # A value that was personal data is not known: the story then says only that it was set.
        slots = step["slot_was_set"].items()
        return {"slot_was_set": [k if isinstance(v, dict) else {k: v} for k, v in slots]}
    if "active_loop" in step:
        return {"active_loop": step["active_loop"]}
    if "action" in step:
        return {"action": step["action"]}
    if is_test and step.get("text"):
        return {"user": _literal(step), "intent": step["intent"]}
    said: dict[str, Any] = {"intent": step["intent"] if is_test else base_intent(step["intent"])}
    if entities := [_in_story(item) for item in step.get("entities") or ()]:
        said["entities"] = entities
    return said


def _block(text: str) -> str:
    from ruamel.yaml.scalarstring import LiteralScalarString

    block: str = LiteralScalarString(text + "\n")
    return block


def _literal(step: Mapping[str, Any]) -> str:
    written = marked(step["text"], placed(step))
    if written is None:
        raise ProjectError(f"{step['text']!r} in {FILE} cannot be written into a story.")
    return _block(written)


def _in_story(item: Mapping[str, Any]) -> dict[str, Any] | str:
    """Give an entity of a step, by name alone where no value is known."""
    value = item.get("value")
    if value in (None, ""):
        return str(item["entity"])
    more = {key: str(item[key]) for key in ("role", "group") if item.get(key)}
    return {str(item["entity"]): value, **more}
