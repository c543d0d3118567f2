"""What all forms share: check what was typed, ask for a yes, act or not, and clear.

A `Task` knows one piece of banking; the three actions around it are the same for every form.
Values are checked again before anything is done, because the action server may have been away
when they were given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.bank import accounts, store
from actions.desk import BankAction, Button, Desk, Event, button
from actions.values import texts

CONFIRMED = "confirmed"
Values = Mapping[str, str]
YES_NO = (button("Yes", "affirm"), button("No", "deny"))


@dataclass(frozen=True)
class Problem:
    """What is wrong with a value, in words that say what would be accepted."""

    slot: str
    text: str
    buttons: Sequence[Button] = ()


class Task(ABC):
    """What a form collects values for."""

    form: ClassVar[str]
    required: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    declined: ClassVar[str] = "All right, I have not done anything."

    @property
    def details(self) -> tuple[str, ...]:
        """Return the names of the slots that describe the task."""
        return self.required + self.optional

    @abstractmethod
    def check(self, desk: Desk, slot: str, text: str) -> str | Problem:
        """Turn what was typed for one slot into its canonical text."""

    def review(self, desk: Desk, values: Values) -> Problem | None:
        """Look at the values together, as far as they are known."""
        return None

    @abstractmethod
    def summary(self, desk: Desk, values: Values) -> str:
        """Ask for a yes with every detail."""

    @abstractmethod
    def perform(self, desk: Desk, values: Values) -> str:
        """Do it; return what to tell the customer."""

    def check_value(self, desk: Desk, slot: str, value: Any) -> str | Problem:
        """Check a slot that may hold several candidates; the first good one counts."""
        found = [self.check(desk, slot, text) for text in texts(value)]
        good = [result for result in found if isinstance(result, str)]
        return good[0] if good else found[0] if found else Problem(slot, "")

    def settle(self, desk: Desk) -> dict[str, str] | Problem:
        """Check everything anew, as the last thing before money moves."""
        values: dict[str, str] = {}
        for slot in self.details:
            if desk.slot(slot) is None and slot in self.optional:
                continue
            result = self.check_value(desk, slot, desk.slot(slot))
            if isinstance(result, Problem):
                return result
            values[slot] = result
        return self.review(desk, values) or values


class ValidateTask(FormValidationAction, ABC):  # type: ignore[misc]
    """Check the values of one turn of a form."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """Return whose values are checked."""

    def name(self) -> str:
        """Return the name that Rasa derives from the form's."""
        return f"validate_{self.task.form}"

    async def required_slots(
        self,
        domain_slots: list[str],
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],
    ) -> list[str]:
        """Leave out optional slots: the domain must list them, but nobody asks for them."""
        return [slot for slot in domain_slots if slot not in self.task.optional]

    async def get_validation_events(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[Event]:
        """Return the checked slots; nothing if the message gave none, so that Rasa may step aside.

        Rasa offers only required slots as candidates; optional ones are found among the events
        since the latest message.
        """
        with store.session() as db:
            customer = accounts.identify(db, tracker.sender_id)
            desk = Desk(db, customer, tracker, dispatcher)
            given = {**_set_this_turn(tracker), **tracker.slots_to_validate()}
            checked = self._check(desk, given)
        return [SlotSet(slot, value) for slot, value in checked.items()]

    def _check(self, desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
        checked: dict[str, Any] = {}
        problems: list[Problem] = []
        for slot in self.task.details:
            if given.get(slot) is None:
                continue
            result = self.task.check_value(desk, slot, given[slot])
            checked[slot] = None if isinstance(result, Problem) else result
            if isinstance(result, Problem):
                problems.append(result)
            desk.tracker.slots[slot] = checked[slot]
        known = {slot: desk.slot(slot) for slot in self.task.details
                 if isinstance(desk.slot(slot), str)}  # fmt: skip
        problem = self.task.review(desk, known) if checked and not problems else None
        if problem:
            problems.append(problem)
            checked[problem.slot] = None
        for problem in problems:
            if problem.text:
                desk.say(problem.text, problem.buttons)
        return {**checked, **self._confirmation(desk, given, checked)}

    def _confirmation(
        self, desk: Desk, given: dict[str, Any], checked: dict[str, Any]
    ) -> dict[str, Any]:
        """Drop a yes or no that came with new values: they must be seen before they count."""
        asked = desk.slot("requested_slot") == CONFIRMED
        before = _before_this_turn(desk.tracker)
        changed = any(before.get(slot) != value for slot, value in checked.items())
        answered = given.get(CONFIRMED) is not None or desk.slot(CONFIRMED) is not None
        if not answered:
            return {}
        keep = asked and not changed and given.get(CONFIRMED) is not None
        return {CONFIRMED: given.get(CONFIRMED) if keep else None}


class AskConfirmed(BankAction, ABC):
    """Show every detail and ask for a yes."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """Return what is asked about."""

    def name(self) -> str:
        """Return the name that Rasa derives from the form's."""
        return f"action_ask_{self.task.form}_{CONFIRMED}"

    def serve(self, desk: Desk) -> list[Event]:
        """Ask, or say what has become wrong since the value was given."""
        events: list[Event] = []
        values = self.task.settle(desk)
        while isinstance(values, Problem):
            desk.say(values.text or "Something is missing for that.", values.buttons)
            events.append(SlotSet(values.slot, None))
            if values.slot not in self.task.optional:
                return [*events, SlotSet("requested_slot", values.slot)]
            desk.tracker.slots[values.slot] = None
            values = self.task.settle(desk)
        desk.say(self.task.summary(desk, values), YES_NO)
        return events + [SlotSet(slot, value) for slot, value in values.items()]


class PerformTask(BankAction, ABC):
    """Act on a yes, and only then; forget the task's values either way."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """Return what is done."""

    def serve(self, desk: Desk) -> list[Event]:
        """Do it if it is confirmed and still possible."""
        if desk.slot(CONFIRMED) is True:
            values = self.task.settle(desk)
            if isinstance(values, Problem):
                desk.say(f"{values.text} Nothing has been done.".strip(), values.buttons)
            else:
                desk.say(self.task.perform(desk, values))
        else:
            desk.say(self.task.declined)
        return clear(*self.task.details)


def clear(*slots: str) -> list[Event]:
    """Empty slots, and the confirmation with them."""
    return [SlotSet(slot, None) for slot in (*slots, CONFIRMED)]


def _set_this_turn(tracker: Tracker) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            break
        if event.get("event") == "slot" and event["value"] is not None:
            found.setdefault(event["name"], event["value"])
    found.pop(CONFIRMED, None)  # an earlier yes is not an answer; candidates bring a new one
    return found


def _before_this_turn(tracker: Tracker) -> dict[str, Any]:
    last = max((number for number, event in enumerate(tracker.events)
                if event.get("event") == "user"), default=0)  # fmt: skip
    return {event["name"]: event["value"] for event in tracker.events[:last]
            if event.get("event") == "slot"}  # fmt: skip
