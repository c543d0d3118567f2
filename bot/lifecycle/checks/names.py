"""Compare the names that the training data uses with those that `domain.yml` declares.

Rasa turns an undeclared intent or entity into a warning, or into an error without a line; a
mistyped name is the commonest mistake of all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml

from bot.errors import ProjectError
from bot.lifecycle.checks.examples import Label, annotated, blocks, fault_in, labels_in
from bot.lifecycle.checks.sources import Source, entry, items, line_of, pairs, text_of
from bot.types import INTENT_SEPARATOR, base_intent

DEFAULT_INTENTS = {"restart", "back", "out_of_scope", "session_start", "nlu_fallback"}
DEFAULT_SLOTS = {
    "requested_slot",
    "session_started_metadata",
    "knowledge_base_listed_objects",
    "knowledge_base_last_object",
    "knowledge_base_last_object_type",
}
TWO_STAGE_FALLBACK = "action_two_stage_fallback"
DEFAULT_ACTIONS = {
    "action_listen",
    "action_restart",
    "action_session_start",
    "action_default_fallback",
    "action_deactivate_loop",
    "action_revert_fallback_events",
    "action_default_ask_affirmation",
    "action_default_ask_rephrase",
    "action_unlikely_intent",
    "action_back",
    "action_extract_slots",
    "...",
    TWO_STAGE_FALLBACK,
}


@dataclass
class Declared:
    """Every name that training data may use."""

    intents: set[str] = field(default_factory=set)
    entities: set[str] = field(default_factory=set)
    roles: dict[str, set[str]] = field(default_factory=dict)
    slots: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    loops: set[str] = field(default_factory=set)
    responses: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Use:
    """One name in the data: of which kind, where, and in whose list it must stand."""

    kind: str
    label: Label
    source: Source


def declared_in(domain: Source, data: Iterable[Source]) -> Declared:
    """Collect the declared names: of the domain, of answers in `data/`, and Rasa's own."""
    found = Declared(
        intents=DEFAULT_INTENTS | set(_names(domain.section("intents"))),
        entities=set(_names(domain.section("entities"))),
        slots=DEFAULT_SLOTS | set(_names(domain.section("slots"))),
        loops={TWO_STAGE_FALLBACK} | set(_names(domain.section("forms"))),
    )
    for item in items(domain.section("entities")):
        for name, options in pairs(item):
            found.roles[name.value] = set(_names(entry(options, "roles")))
    for source in [domain, *data]:
        found.responses |= set(_names(source.section("responses")))
    # Rasa adds `utter_faq` itself, which chooses among `utter_faq/...`
    shared = {base_intent(name) for name in found.responses if INTENT_SEPARATOR in name}
    listed = set(_names(domain.section("actions")))
    found.actions = DEFAULT_ACTIONS | listed | found.loops | found.responses | shared
    return found


def check_names(domain: Source, data: list[Source]) -> Iterator[ProjectError]:
    """Find names in the data that nothing declares, each once a line, with the likeliest meant."""
    declared = declared_in(domain, data)
    known = {
        "intent": declared.intents,
        "entity": declared.entities,
        "slot": declared.slots,
        "action": declared.actions,
        "form": declared.loops,
        "response": declared.responses,
    }
    for source in data:
        for use in uses(source):
            if use.kind == "response" and use.label.owner not in declared.intents:
                continue  # the mistake lies in the intent, and is reported there
            if use.kind == "role":
                allowed = declared.roles.get(use.label.owner, set())
            else:
                allowed = known[use.kind]
            if use.label.name not in allowed:
                yield _undeclared(use, allowed)


def uses(source: Source) -> Iterator[Use]:
    """Walk over all names that one file uses."""
    for block in blocks(source):
        if block.kind != "intent" or not block.name:
            continue
        line = line_of(block.node)
        intent = base_intent(block.name)
        yield Use("intent", Label(intent, line), source)
        if INTENT_SEPARATOR in block.name:
            yield Use("response", Label(f"utter_{block.name}", line, intent), source)
        for number, text in annotated(block):
            yield from _entity_uses(source, number, text)
    for section in ("stories", "rules"):
        for item in items(source.section(section)):
            for key in ("condition", "steps"):
                for step in items(entry(item, key)):
                    yield from _step_uses(source, step)


def _entity_uses(source: Source, line: int, text: str) -> Iterator[Use]:
    if fault_in(text):
        return  # reported already
    for entity, role in labels_in(line, text):
        yield Use("entity", entity, source)
        if role is not None:
            yield Use("role", role, source)


def _step_uses(source: Source, step: yaml.Node) -> Iterator[Use]:
    for key, value in pairs(step):
        text = text_of(value)
        line = line_of(value)
        if key.value == "or":
            for choice in items(value):
                yield from _step_uses(source, choice)
        elif key.value == "intent" and text:
            yield Use("intent", Label(base_intent(text), line), source)
        elif key.value == "action" and text:
            yield Use("action", Label(text, line), source)
        elif key.value == "active_loop" and text:
            yield Use("form", Label(text, line), source)
        elif key.value == "user" and text:
            yield from _entity_uses(source, line, text)
        elif key.value == "slot_was_set":
            for node in _name_nodes(value):
                yield Use("slot", Label(str(node.value), line_of(node)), source)
        elif key.value == "entities":
            for node in _entity_nodes(value):
                yield Use("entity", Label(str(node.value), line_of(node)), source)


def _names(node: yaml.Node | None) -> Iterator[str]:
    for name in _name_nodes(node):
        yield str(name.value)


def _name_nodes(node: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Walk over names written as a mapping's keys, as a list, or as a list of mappings."""
    for key, _ in pairs(node):
        yield key
    for item in items(node):
        if isinstance(item, yaml.ScalarNode):
            yield item
        else:
            for key, _ in pairs(item):
                yield key


def _entity_nodes(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Leave out `role:` and `group:`, which stand beside an entity's name in a step."""
    for name in _name_nodes(node):
        if name.value not in ("role", "group", "value"):
            yield name


def _undeclared(use: Use, known: set[str]) -> ProjectError:
    name = use.label.name
    close = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    where = {
        "intent": "'intents:' in domain.yml",
        "entity": "'entities:' in domain.yml",
        "slot": "'slots:' in domain.yml",
        "action": "'actions:' or 'responses:' in domain.yml",
        "form": "'forms:' in domain.yml",
        "role": f"the 'roles:' of '{use.label.owner}' in domain.yml",
        "response": "'responses:' in domain.yml or data/responses/",
    }[use.kind]
    found = f"The {use.kind} '{name}' is used here, but does not stand under {where}.{hint}"
    return use.source.error(use.label.line, found, "Correct the name, or add it there.")
