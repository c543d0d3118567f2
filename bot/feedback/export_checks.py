"""Whether what was decided still fits the domain: intents, responses, entities, story steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.errors import did_you_mean
from bot.feedback.export import marked, placed
from bot.feedback.project import FALLBACK, Entity, Project
from bot.feedback.provenance import Origin
from bot.feedback.quarantine import Quarantined, of
from bot.types import INTENT_SEPARATOR, base_intent

# What Rasa can do without being told by a domain.
DEFAULT_ACTIONS = frozenset(
    [
        "action_listen",
        "action_restart",
        "action_session_start",
        "action_default_fallback",
        "action_deactivate_loop",
        "action_revert_fallback_events",
        "action_default_ask_affirmation",
        "action_default_ask_rephrase",
        "action_two_stage_fallback",
        "action_unlikely_intent",
        "action_back",
        "action_extract_slots",
    ]
)
DEFAULT_INTENTS = frozenset({"restart", "back", "session_start", "out_of_scope"})
_AGAIN = "Annotate it anew on the review page, or undo the change of the domain."


class Checks:
    """Compares what people decided with the domain as it is now."""

    def __init__(
        self, project: Project, declared: Collection[str], proposed: Mapping[str, str]
    ) -> None:
        """Know the domain.

        Args:
            project: the project.
            declared: the intents that the domain lists.
            proposed: new intents that reviewers made, and who.
        """
        self._declared = frozenset(declared) - {FALLBACK}
        self._proposed = proposed
        self._responses = frozenset(project.responses)
        self._retrieval = {
            base_intent(name.removeprefix("utter_"))
            for name in project.responses
            if INTENT_SEPARATOR in name
        }
        self._entities = {entity.name: entity for entity in project.entities}
        self._slots = {slot.name for slot in project.slots} | {"requested_slot"}
        self._forms = frozenset(project.forms)
        self._actions = DEFAULT_ACTIONS | set(project.actions) | self._forms
        self._actions |= {f"utter_{name}" for name in self._retrieval}

    def example(self, origin: Origin) -> Quarantined | None:
        """Say why an example cannot be written, None where it can."""
        if problem := self.label(origin.label or ""):
            return of(origin, *problem)
        if problem := self._entities_problem(origin.entities):
            return of(origin, *problem)
        if marked(origin.text, origin.entities) is None:
            return of(
                origin,
                "unwritable",
                "Rasa would read something else: brackets in the text, entities that overlap, or "
                "no text at all.",
                "Write it into data/nlu/ by hand in other words, or discard it.",
            )
        return None

    def label(self, label: str) -> tuple[str, str, str] | None:
        """Give code, reason and remedy where a label cannot be trained on."""
        base = base_intent(label)
        if base not in self._declared:
            return "unknown_intent", *self._unknown_intent(label, base)
        if INTENT_SEPARATOR in label:
            if f"utter_{label}" not in self._responses:
                reason = f"There is no response utter_{label}."
                return "no_response", reason, "Write it into data/responses/, or annotate it anew."
        elif base in self._retrieval:
            reason = f"{base} is a retrieval intent; it needs a full label such as {base}/name."
            return "no_response", reason, _AGAIN
        return None

    def _unknown_intent(self, label: str, base: str) -> tuple[str, str]:
        if base in self._proposed or label in self._proposed:
            who = self._proposed.get(base) or self._proposed.get(label)
            return f"{label} is a new intent that {who} proposed.", (
                "Add it to the domain, or run `bot export --add-intents`."
            )
        hint = did_you_mean(base, self._declared)
        return f"The domain has no intent {base}; it was renamed or removed.{hint}", _AGAIN

    def _entities_problem(self, entities: Collection[Mapping[str, Any]]) -> Any:
        for item in entities:
            name, known = str(item.get("entity")), self._entities.get(str(item.get("entity")))
            if known is None:
                reason = f"The domain has no entity {name}.{did_you_mean(name, self._entities)}"
                return "unknown_entity", reason, _AGAIN
            if problem := _part(known, item):
                return "unknown_entity", problem, _AGAIN
        return None

    def story(self, origin: Origin, *, is_test: bool) -> Quarantined | None:
        """Say why a story cannot be written, None where it can."""
        if not any("action" in step for step in origin.steps):
            reason = "The story has no action."
            return of(origin, "unknown_step", reason, "Complete it on the review page.")
        for step in origin.steps:
            if problem := self._step(step, is_test=is_test):
                code, reason, remedy = problem
                code = "unknown_step" if code.startswith("unknown") else code
                return of(origin, code, reason, remedy)
        return None

    def _step(self, step: Mapping[str, Any], *, is_test: bool) -> Any:
        unknown, remedy = "", "Mend the domain, or correct the story on the review page."
        if "action" in step:
            if step["action"] not in self._actions:
                unknown = f"action {step['action']}"
        elif "active_loop" in step:
            if step["active_loop"] is not None and step["active_loop"] not in self._forms:
                unknown = f"form {step['active_loop']}"
        elif isinstance(step.get("slot_was_set"), dict):
            gone = sorted(set(step["slot_was_set"]) - self._slots)
            unknown = f"slot {gone[0]}" if gone else ""
        elif step.get("intent"):
            base = base_intent(step["intent"])
            if base not in self._declared | DEFAULT_INTENTS:
                unknown = f"intent {base}"
            elif problem := self._entities_problem(step.get("entities") or ()):
                return problem
            elif is_test and step.get("text") and marked(step["text"], placed(step)) is None:
                return "unwritable", "Rasa would read something else than was said.", remedy
        else:
            return "unwritable", "A step is neither of the user nor of the bot.", remedy
        return ("unknown_step", f"The domain has no {unknown}.", remedy) if unknown else None


def _part(known: Entity, item: Mapping[str, Any]) -> str:
    for key, among in (("role", known.roles), ("group", known.groups)):
        if item.get(key) and str(item[key]) not in among:
            hint = did_you_mean(item[key], among)
            return f"The entity {known.name} has no {key} {item[key]} in the domain.{hint}"
    return ""
