"""ActionFailurePolicy in real conversations: the action server goes away and comes back."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rasa.core.agent import Agent
from rasa.shared.core.events import ActionExecuted
from rasa_project import FAILURE_POLICY, FEATURIZER, Project, Talk, load_agent, tiny_project

from bot.types import Example

APOLOGY = "Try again later."
START_S = 60.0
ACTIONS = """
from rasa_sdk import Action, FormValidationAction


class ActionLook(Action):
    def name(self):
        return "action_look"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message("Found it.")
        return []


class ValidateTripForm(FormValidationAction):
    def name(self):
        return "validate_trip_form"

    def validate_city(self, value, dispatcher, tracker, domain):
        return {"city": value.title()}

    def validate_day(self, value, dispatcher, tracker, domain):
        return {"day": None if value == "never" else value.upper()}
"""
FORM = "trip_form"


@pytest.fixture(scope="module")
def model(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_encoder: Path,
    tiny_examples: tuple[Example, ...],
) -> Path:
    project = tiny_project(tmp_path_factory.mktemp("failing"), tiny_encoder, tiny_examples[:12])
    project.configure(FEATURIZER, epochs=1)
    project.configure(FAILURE_POLICY, response="utter_account_unreachable")
    _write_dialogue(project)
    return project.train()


def _write_dialogue(project: Project) -> None:
    domain = project.read("domain.yml")
    domain["intents"] += ["look", "book", "inform"]
    domain["entities"] = ["city", "day", "size", "topping"]
    domain["actions"] = ["action_look", "validate_trip_form"]
    domain["forms"] = {FORM: {"required_slots": ["city", "day"]}}
    domain["slots"] = {
        name: {
            "type": "text",
            "influence_conversation": False,
            "mappings": [
                {"type": "from_entity", "entity": name, "conditions": [{"active_loop": FORM}]}
            ],
        }
        for name in ("city", "day")
    }
    for name, text in (("ask_city", "Where to?"), ("ask_day", "When?"), ("booked", "Booked.")):
        domain["responses"][f"utter_{name}"] = [{"text": text}]
    project.write("domain.yml", domain)
    rules = project.read("data/rules.yml")
    rules["rules"] += [
        {"rule": "look", "steps": [{"intent": "look"}, {"action": "action_look"}]},
        {
            "rule": "start",
            "steps": [{"intent": "book"}, {"action": FORM}, {"active_loop": FORM}],
        },
        {
            "rule": "finish",
            "condition": [{"active_loop": FORM}],
            "steps": [
                {"action": FORM},
                {"active_loop": None},
                {"slot_was_set": [{"requested_slot": None}]},
                {"action": "utter_booked"},
            ],
        },
    ]
    project.write("data/rules.yml", rules)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def agent(model: Path, port: int) -> Agent:
    return load_agent(model, f"http://127.0.0.1:{port}/webhook")


@contextmanager
def action_server(folder: Path, port: int, actions: str = ACTIONS) -> Iterator[None]:
    """Run a real action server."""
    (folder / "their_actions.py").write_text(actions, encoding="utf-8")
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "their_actions", "-p", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_for(port, process)
            yield
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the action server did not start")


def test_a_custom_action_that_fails_is_answered(agent: Agent) -> None:
    talk = Talk(agent, "alone")
    assert talk.say("/look") == [APOLOGY]
    assert talk.last_action == "action_listen"
    ran = [event for event in talk.tracker.events if isinstance(event, ActionExecuted)]
    assert [event.action_name for event in ran[-3:]] == [
        "action_look",
        "utter_account_unreachable",
        "action_listen",
    ]
    assert talk.say("/greet") == ["Hello."], "the conversation goes on"
    assert talk.say("/look") == [APOLOGY], "and fails again if it must"


def test_a_form_that_cannot_start_is_answered(agent: Agent) -> None:
    talk = Talk(agent, "at the start")
    assert talk.say('/book{"city": "oslo"}') == [APOLOGY]
    assert talk.last_action == "action_listen"


def test_a_form_goes_on_where_it_was_when_the_server_is_back(
    agent: Agent, port: int, tmp_path: Path
) -> None:
    talk = Talk(agent, "in the middle")
    with action_server(tmp_path, port):
        assert talk.say("/look") == ["Found it."]
        assert talk.say("/book") == ["Where to?"]
        assert talk.say('/inform{"city": "oslo"}') == ["When?"]

    assert talk.say('/inform{"day": "friday"}') == [APOLOGY]
    assert talk.last_action == "action_listen"
    assert talk.tracker.active_loop_name == FORM
    assert talk.tracker.get_slot("city") == "Oslo"
    assert talk.say("/look") == [APOLOGY]
    assert talk.tracker.active_loop_name == FORM

    with action_server(tmp_path, port):
        assert talk.say('/inform{"day": "monday"}') == ["Booked."]
    assert talk.tracker.active_loop_name is None
    assert talk.tracker.get_slot("city") == "Oslo"
    assert talk.tracker.get_slot("day") == "MONDAY", "validated, now that there is a server"


def test_a_story_is_not_a_failure(agent: Agent) -> None:
    """Without a channel there is no message id: `rasa test` does not run actions either."""
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    events = [
        ActionExecuted("action_listen"),
        UserUttered("look", {"name": "look", "confidence": 1.0}),
        ActionExecuted("action_look"),
    ]
    tracker = DialogueStateTracker.from_events("story", events, domain=agent.domain)
    prediction = agent.processor._predict_next_with_tracker(tracker)
    names = agent.domain.action_names_or_texts
    assert names[prediction.max_confidence_index] == "action_listen"
