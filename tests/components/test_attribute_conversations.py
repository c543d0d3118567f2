"""AttributePolicy in real conversations: slots, and an action before the answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from rasa.core.agent import Agent
from rasa_project import Project, Talk, load_agent, tiny_project
from test_action_failure import FORM, action_server

from bot.types import Example

pytestmark = pytest.mark.long

CROSS = "stupid bot, hello you stupid thing"
SORRY = "I am sorry. Would you rather talk to a person?"
MOOD = """
attribute: mood
slot: temper
least: 0.6
values:
  cross:
    - stupid bot
    - hello you stupid thing
    - you stupid thing, from berlin to rome I said
    - fly me to rome you stupid bot
  calm:
    - could you help me please
    - hello there
    - to rome please
    - from berlin to rome please
"""
ACTIONS = f"""
from rasa_sdk import Action
from rasa_sdk.events import ActionReverted


class ActionSorry(Action):
    def name(self):
        return "action_on_temper_cross"

    def run(self, dispatcher, tracker, domain):
        if not any(event.get("text") == {SORRY!r} for event in tracker.events):
            dispatcher.utter_message({SORRY!r})
        return [ActionReverted()]
"""


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def agent(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_encoder: Path,
    tiny_examples: tuple[Example, ...],
    port: int,
) -> Agent:
    examples = [*tiny_examples, Example(CROSS, "greet")]
    project = tiny_project(tmp_path_factory.mktemp("moods"), tiny_encoder, examples)
    (project.folder / "data" / "attributes").mkdir()
    (project.folder / "data" / "attributes" / "mood.yml").write_text(MOOD)
    _write_dialogue(project)
    return load_agent(project.train(), f"http://127.0.0.1:{port}/webhook")


def _write_dialogue(project: Project) -> None:
    domain = project.read("domain.yml")
    domain["actions"] = ["action_on_temper_cross"]
    domain["intents"] += ["book"]
    domain["forms"] = {FORM: {"required_slots": ["place"]}}
    domain["slots"] = {
        "temper": {"type": "categorical", "values": ["cross", "calm"]},
        "place": {"type": "text", "influence_conversation": False},
    }
    domain["slots"]["temper"]["mappings"] = [{"type": "custom"}]
    to_city = {"type": "from_entity", "entity": "city", "role": "to"}
    domain["slots"]["place"]["mappings"] = [{**to_city, "conditions": [{"active_loop": FORM}]}]
    for name, text in (("ask_place", "Where to?"), ("booked", "Booked."), ("gently", "Gently.")):
        domain["responses"][f"utter_{name}"] = [{"text": text}]
    project.write("domain.yml", domain)
    rules = project.read("data/rules.yml")
    rules["rules"] += [
        {"rule": "start", "steps": [{"intent": "book"}, {"action": FORM}, {"active_loop": FORM}]},
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
        {
            "rule": "a greeting in anger",
            "condition": [{"slot_was_set": [{"temper": "cross"}]}],
            "steps": [{"intent": "greet"}, {"action": "utter_greet"}, {"action": "utter_gently"}],
        },
    ]
    project.write("data/rules.yml", rules)


@pytest.fixture
def served(port: int, tmp_path: Path) -> Iterator[None]:
    with action_server(tmp_path, port, ACTIONS):
        yield


@pytest.mark.usefixtures("served")
def test_the_action_speaks_once_and_the_answer_follows(agent: Agent) -> None:
    talk = Talk(agent, "cross at once")
    assert talk.say("hello there") == ["Hello."]
    assert talk.tracker.get_slot("temper") == "calm"
    # A rule that asks for the slot holds from the second action of the turn on.
    assert talk.say(CROSS) == [SORRY, "Hello.", "Gently."]
    assert talk.tracker.get_slot("temper") == "cross"
    assert talk.tracker.latest_message.parse_data["attributes"]["mood"]["value"] == "cross"
    assert talk.say(CROSS) == ["Hello.", "Gently."], "the action has said it"
    assert talk.last_action == "action_listen"


@pytest.mark.usefixtures("served")
def test_a_form_goes_on_as_if_the_action_had_not_run(agent: Agent) -> None:
    talk = Talk(agent, "cross in a form")
    assert talk.say("/book") == ["Where to?"]
    assert talk.say("fly me to rome you stupid bot") == [SORRY, "Booked."]
    assert talk.tracker.get_slot("place") == "rome"
    assert talk.tracker.active_loop_name is None


def test_without_the_action_server_it_is_said_and_the_slot_is_kept(agent: Agent) -> None:
    talk = Talk(agent, "cross and alone")
    assert talk.say(CROSS) == ["Try again later."]
    assert talk.tracker.get_slot("temper") == "cross"
    assert talk.say("/greet") == ["Hello.", "Gently."]
