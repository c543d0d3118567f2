"""Whether the steps of a story can be one, and what about them a person should look at again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import yaml

from bot.errors import BotError, did_you_mean
from bot.feedback.project import DATA, Project
from bot.feedback.training_files import yaml_files
from bot.types import base_intent

Warnings = list[dict[str, str]]
KINDS = ("intent", "action", "active_loop", "slot_was_set")
MOST = 200  # steps of a story
# Actions that Rasa brings along; no domain names them.
BUILT_IN = (
    "action_listen",
    "action_restart",
    "action_session_start",
    "action_default_fallback",
    "action_deactivate_loop",
    "action_revert_fallback_events",
    "action_default_ask_affirmation",
    "action_default_ask_rephrase",
    "action_two_stage_fallback",
    "action_back",
    "action_unlikely_intent",
    "action_extract_slots",
)
# Intents that Rasa brings along.
DEFAULT_INTENTS = ("nlu_fallback", "restart", "back", "out_of_scope", "session_start")


def check_shape(steps: Any, *, ready: bool) -> None:
    """Refuse steps that are none.

    Args:
        steps: what a reviewer sent.
        ready: it is no draft, so that each message needs an intent and an action after it.

    Raises:
        BotError: it can be no story.
    """
    if not isinstance(steps, list) or not steps:
        raise BotError("A correction needs steps: what should have happened, from first to last.")
    if len(steps) > MOST:
        raise BotError(
            f"The correction has {len(steps)} steps. Choose a stretch of {MOST} at most."
        )
    for number, step in enumerate(steps, 1):
        kinds = [kind for kind in KINDS if isinstance(step, dict) and kind in step]
        if len(kinds) != 1 or not _fits(kinds[0], step):
            raise BotError(
                f"Step {number} is none of a story. Expected one of intent, action, active_loop "
                f"and slot_was_set, each with its value."
            )
    if not ready:
        return
    if not any("intent" in step for step in steps):
        raise BotError(
            "Nobody says anything in these steps, so that they are no story. Begin the stretch "
            "with the message that the bot answers, or add one."
        )
    for number, step in enumerate(steps, 1):
        if "intent" in step and not step["intent"]:
            raise BotError(
                f"Step {number} has no intent. Choose one, or keep the story as a draft."
            )
        if "intent" in step and "action" not in _next(steps, number):
            raise BotError(
                f"Nothing follows the message of step {number} ({step['intent']}). Add the action "
                f"that should have, or take the message out."
            )


def _fits(kind: str, step: dict[str, Any]) -> bool:
    value = step[kind]
    if kind == "slot_was_set":
        return isinstance(value, dict) and bool(value) and all(isinstance(k, str) for k in value)
    if kind == "intent":
        entities, text = step.get("entities", []), step.get("text", "")
        named = isinstance(entities, list) and all(
            isinstance(e, dict) and isinstance(e.get("entity"), str) for e in entities
        )
        return named and isinstance(text, str) and (value is None or isinstance(value, str))
    if kind == "active_loop" and value is None:
        return True
    return isinstance(value, str) and bool(value.strip())


def _next(steps: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """Give the step after one, but for the slots that are set before the bot acts."""
    return next((step for step in steps[number:] if "slot_was_set" not in step), {})


def look_over(steps: list[dict[str, Any]], project: Project) -> Warnings:
    """Tell what of a story the project does not know, and where it contradicts a rule."""
    found: Warnings = []
    for number, step in enumerate(steps, 1):
        for code, sentence in [*_unknown(step, project), *_loose(steps, number)]:
            warning = {"code": code, "message": f"Step {number}: {sentence}"}
            found.append(warning)
    return found + _against_rules(steps, project.root)


def _unknown(step: dict[str, Any], project: Project) -> Iterator[tuple[str, str]]:
    for what, name, known in _names(step, project):
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"unknown_{what.replace(' ', '_')}", f"the domain has no {what} {name!r}.{hint}"
    if "slot_was_set" in step:
        values = {slot.name: slot.values for slot in project.slots if slot.values}
        for name, value in step["slot_was_set"].items():
            allowed = [*values.get(name, ()), None, "__other__"]
            if name in values and value not in allowed:
                told = ", ".join(values[name])
                yield "unknown_value", f"the slot {name!r} takes {told}; the step says {value!r}."


def _names(step: dict[str, Any], project: Project) -> Iterator[tuple[str, str, Collection[str]]]:
    if step.get("intent"):
        labels = {*project.intents, *map(base_intent, project.intents), *DEFAULT_INTENTS}
        yield "intent", step["intent"], labels
    for entity in step.get("entities", []):
        yield "entity", entity["entity"], [known.name for known in project.entities]
    if "action" in step:
        yield "action", step["action"], {*project.actions, *project.forms, *BUILT_IN}
    if step.get("active_loop"):
        yield "form", step["active_loop"], {*project.forms, "action_two_stage_fallback"}
    for name in step.get("slot_was_set", {}):
        yield "slot", name, {*(slot.name for slot in project.slots), "requested_slot"}


def _loose(steps: list[dict[str, Any]], number: int) -> Iterator[tuple[str, str]]:
    step = steps[number - 1]
    if "intent" in step and not step["intent"]:
        yield "no_intent", "choose the intent."
    if "intent" in step and "action" not in _next(steps, number):
        yield "no_action", "nothing follows the message. Add the action that should have."
    if step.get("active_loop"):
        acted = [earlier["action"] for earlier in steps[: number - 1] if "action" in earlier]
        if step["active_loop"] not in acted[-1:]:
            yield "no_action", f"the form begins without its action {step['active_loop']!r}."


def _against_rules(steps: list[dict[str, Any]], root: Path) -> Warnings:
    """Find messages outside of forms that a rule without a condition answers otherwise."""
    rules = simple_rules(root)
    found: Warnings = []
    loop = None
    for number, step in enumerate(steps, 1):
        loop = step.get("active_loop", loop)
        intent, then = step.get("intent"), _next(steps, number).get("action")
        if not intent or not then or loop is not None:
            continue
        rule, action = rules.get(intent) or rules.get(base_intent(intent)) or ("", then)
        if action != then:
            message = (
                f"Step {number}: the rule {rule!r} answers {intent} with {action}, the story with "
                f"{then}. Change the rule too, or the policies cannot be trained."
            )
            found.append({"code": "rule", "message": message})
    return found


def simple_rules(root: Path) -> dict[str, tuple[str, str]]:
    """Give name and action of the rules that hold everywhere, by their intent.

    Only rules of an intent alone that an action follows; intents with several are left out.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for path in yaml_files(root / DATA):
        text = path.read_text(encoding="utf-8", errors="replace")
        if not text.startswith("rules:") and "\nrules:" not in text:
            continue  # training examples are long, and slow to read
        try:
            content = yaml.load(text, Loader=_LOADER)
        except yaml.YAMLError:
            continue  # `bot doctor` tells it with its line
        for rule in content.get("rules") or [] if isinstance(content, dict) else []:
            steps = rule.get("steps") if isinstance(rule, dict) else None
            if not isinstance(steps, list) or len(steps) < 2 or rule.get("condition"):
                continue
            first, second = steps[:2]
            if rule.get("conversation_start") or not isinstance(first, dict):
                continue
            plain = isinstance(first.get("intent"), str) and not first.get("entities")
            if plain and isinstance(second, dict) and isinstance(second.get("action"), str):
                pair = (str(rule.get("rule", "")), second["action"])
                found.setdefault(first["intent"], []).append(pair)
    return {intent: pairs[0] for intent, pairs in found.items() if len({p[1] for p in pairs}) == 1}


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
