"""From `config.yml` to a conversation, with nothing replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rasa.core.agent import Agent
from rasa_project import ROOT, Talk, load_agent, parse

UNSEEN = {
    "hello there": "greet",
    "good afternoon": "greet",
    "see you tomorrow": "goodbye",
    "bye bye": "goodbye",
    "yeah, sure": "affirm",
    "nope": "deny",
    "I do not think so": "deny",
    "I feel really good": "mood_great",
    "what a wonderful day": "mood_great",
    "I am very unhappy": "mood_unhappy",
    "my day was terrible": "mood_unhappy",
    "is this a robot or a person?": "bot_challenge",
}
SERVING = """
import asyncio, json, sys
from rasa.core.agent import Agent
agent = Agent.load(sys.argv[1])
replies = asyncio.run(agent.handle_text("hello"))
heavy = [name for name in ("torch", "transformers") if sys.modules.get(name)]
print(json.dumps({"replies": [reply["text"] for reply in replies], "heavy": heavy}))
"""


@pytest.fixture(scope="module")
def mood_agent(moodbot: Path) -> Agent:
    return load_agent(moodbot)


@pytest.fixture(scope="module")
def form_agent(formbot: Path) -> Agent:
    return load_agent(formbot)


def test_unseen_messages_are_understood(mood_agent: Agent) -> None:
    wrong = {
        text: found
        for text, intent in UNSEEN.items()
        if (found := parse(mood_agent, text)["intent"]["name"]) != intent
    }
    assert len(wrong) <= 0.2 * len(UNSEEN), wrong


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_message_without_a_word_falls_back(mood_agent: Agent, text: str) -> None:
    assert parse(mood_agent, text)["intent"]["name"] == "nlu_fallback"


def test_a_story_is_followed(mood_agent: Agent) -> None:
    talk = Talk(mood_agent)
    assert talk.say("hi there") == ["Hey! How are you?"]
    assert talk.say("I am so sad") == [
        "Here is something to cheer you up.",
        "Did that help you?",
    ]
    assert talk.say("yes please") == ["Great, carry on!"]
    assert talk.say("are you a machine?") == ["I am a bot."]
    assert talk.say("see you later") == ["Bye"]
    assert talk.last_action == "action_listen"


def test_serving_loads_neither_torch_nor_transformers(moodbot: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SERVING, str(moodbot)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert said == {"replies": ["Hey! How are you?"], "heavy": []}


def test_a_form_is_filled_and_corrected(form_agent: Agent) -> None:
    talk = Talk(form_agent)
    assert talk.say("I want to book a train") == ["Where do you start?"]
    assert talk.tracker.active_loop_name == "train_form"
    assert talk.say("from Berlin") == ["Where do you want to go?"]
    assert talk.say("to Munich") == ["On which day?"]
    assert talk.say("no, I meant to Dresden") == ["On which day?"]
    assert talk.tracker.get_slot("destination") == "Dresden"
    assert talk.say("on Friday") == ["Booked from Berlin to Dresden on Friday."]
    assert talk.tracker.active_loop_name is None


def test_one_message_fills_two_roles(form_agent: Agent) -> None:
    talk = Talk(form_agent, "roles")
    assert talk.say("book a ticket from Vienna to Rome") == ["On which day?"]
    assert talk.tracker.get_slot("origin") == "Vienna"
    assert talk.tracker.get_slot("destination") == "Rome"
    assert talk.say("forget it") == ["Cancelled."]
    assert talk.tracker.active_loop_name is None
