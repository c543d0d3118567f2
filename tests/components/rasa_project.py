"""A Rasa project on disk: write it, train it, load it, talk to it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.model_training import train as rasa_train
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.types import Example, Span

ROOT = Path(__file__).parents[2]
FEATURIZER = "bot.components.featurizer.JointFeaturizer"
CLASSIFIER = "bot.components.classifier.JointClassifier"
RANKER = "bot.components.response_ranker.ResponseRanker"
STORY_POLICY = "bot.components.story_policy.StoryPolicy"
FAILURE_POLICY = "bot.components.action_failure_policy.ActionFailurePolicy"

TINY_OPTIONS: dict[str, Any] = {
    "epochs": 20,
    "min_steps": 0,
    "learning_rate": 5e-3,
    "batch_size": 8,
    "max_length": 64,
    "validation_split": 0.0,
}
DOMAIN: dict[str, Any] = {
    "intents": ["greet", "goodbye", "book_flight", "order_pizza", "faq"],
    "entities": [
        {"city": {"roles": ["from", "to"]}},
        {"size": {"groups": ["1", "2"]}},
        {"topping": {"groups": ["1", "2"]}},
        "x",
    ],
    "responses": {
        "utter_greet": [{"text": "Hello."}],
        "utter_goodbye": [{"text": "Bye."}],
        "utter_flight": [{"text": "A flight."}],
        "utter_account_unreachable": [{"text": "Try again later."}],
        "utter_faq/opening_hours": [{"text": "From nine to five."}],
        "utter_faq/parking": [{"text": "Behind the house."}],
    },
}
RULES = {"greet": "utter_greet", "goodbye": "utter_goodbye", "faq": "utter_faq"}
BY_LOOKUP = ("hello lima", "hi lima", "hey lima", "good morning lima")  # not annotated
STORY = [
    {"intent": "greet"},
    {"action": "utter_greet"},
    {"intent": "book_flight"},
    {"action": "utter_flight"},
]


class _BlockDumper(yaml.SafeDumper):
    """Writes texts of several lines as people do, after `|`."""


def _write_text(dumper: _BlockDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_BlockDumper.add_representer(str, _write_text)


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Change into a folder: Rasa keeps its cache below the working folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@dataclass(frozen=True)
class Project:
    """The folder of a project."""

    folder: Path

    def write(self, name: str, content: Any) -> None:
        """Write a YAML file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.dump(content, Dumper=_BlockDumper, allow_unicode=True, sort_keys=False)
        path.write_text(text, "utf-8")

    def read(self, name: str) -> Any:
        """Read a YAML file."""
        return yaml.safe_load((self.folder / name).read_text("utf-8"))

    def configure(self, component: str, **options: Any) -> None:
        """Set options of a component in `config.yml`."""
        config = self.read("config.yml")
        for entry in [*config["pipeline"], *config["policies"]]:
            if entry["name"] == component:
                entry.update(options)
        self.write("config.yml", config)

    def train(self, **options: Any) -> Path:
        """Train as `rasa train` does and give the archive."""
        with working_in(self.folder):
            result = rasa_train("domain.yml", "config.yml", ["data"], output="models", **options)
        assert result.code == 0
        assert result.model
        return self.folder / result.model

    def copy(self, target: Path) -> Project:
        """Copy everything, models and Rasa's cache too."""
        shutil.copytree(self.folder, target)
        return Project(target)


@dataclass(frozen=True)
class Scene:
    """A project and the model that was trained on it."""

    project: Project
    model: Path


@dataclass
class Talk:
    """A conversation through a channel, which gives each message an id."""

    agent: Agent
    sender: str = "visitor"
    count: int = field(default=0)

    def say(self, text: str) -> list[str]:
        """Say something and give the texts that the bot answers."""
        return asyncio.run(self._say(text))

    async def _say(self, text: str) -> list[str]:
        self.count += 1
        channel = CollectingOutputChannel()
        message = UserMessage(
            text, channel, self.sender, input_channel="rest", message_id=f"m{self.count}"
        )
        await self.agent.handle_message(message)
        return [reply["text"] for reply in channel.messages if "text" in reply]

    @property
    def tracker(self) -> DialogueStateTracker:
        """What Rasa remembers of the conversation."""
        return asyncio.run(self.agent.tracker_store.retrieve(self.sender))

    @property
    def last_action(self) -> str:
        """The action that ran last; `action_listen` where the bot waits."""
        return str(self.tracker.latest_action_name)


def load_agent(model: Path, action_server: str | None = None) -> Agent:
    """Load a model as a running bot does."""
    return Agent.load(model, action_endpoint=EndpointConfig(action_server or "http://127.0.0.1:9"))


def parse(agent: Agent, text: str) -> dict[str, Any]:
    """Give what the pipeline says about a text."""
    return asyncio.run(agent.parse_message(text))


def pipeline(encoder: Path, **options: Any) -> list[dict[str, Any]]:
    """Our own pipeline, as `config.yml` has it, on a tiny encoder."""
    entries: list[dict[str, Any]] = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))[
        "pipeline"
    ]
    for entry in entries:
        if entry["name"] == FEATURIZER:
            entry.clear()
            entry.update({"name": FEATURIZER, "model": str(encoder), **TINY_OPTIONS, **options})
    return entries


def tiny_project(folder: Path, encoder: Path, examples: Iterable[Example]) -> Project:
    """Write a project with our configuration and `examples`."""
    project = Project(folder)
    config = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
    for policy in config["policies"]:
        if policy["name"] == STORY_POLICY:
            policy.update({"model": str(encoder), "epochs": 1})
    project.write("config.yml", {**config, "pipeline": pipeline(encoder)})
    project.write("domain.yml", {"version": "3.1", **DOMAIN})
    rules = [
        {"rule": intent, "steps": [{"intent": intent}, {"action": action}]}
        for intent, action in RULES.items()
    ]
    project.write("data/rules.yml", {"version": "3.1", "rules": rules})
    story = {"story": "a flight", "steps": STORY}
    project.write("data/stories.yml", {"version": "3.1", "stories": [story]})
    write_nlu(project, examples)
    return project


def write_nlu(project: Project, examples: Iterable[Example]) -> None:
    """Write training messages, with a lookup table for the entity `city`."""
    by_intent: dict[str, list[str]] = {}
    for example in examples:
        by_intent.setdefault(example.intent or "", []).append(f"- {marked(example)}\n")
    entries: list[dict[str, str]] = [
        {"intent": intent, "examples": "".join(lines)} for intent, lines in by_intent.items()
    ]
    entries.append({"intent": "greet", "examples": "".join(f"- {text}\n" for text in BY_LOOKUP)})
    entries.append({"lookup": "city", "examples": "- lima\n- new york\n"})
    project.write("data/nlu.yml", {"version": "3.1", "nlu": entries})


def marked(example: Example) -> str:
    """Write an example as Rasa's training data has it."""
    text = example.text
    for span in sorted(example.spans, key=lambda span: -span.start):
        text = (
            f"{text[: span.start]}[{text[span.start : span.end]}]{_label(span)}{text[span.end :]}"
        )
    return text


def _label(span: Span) -> str:
    parts = {"entity": span.entity, "role": span.role, "group": span.group}
    inner = ", ".join(f'"{key}": "{value}"' for key, value in parts.items() if value)
    return "{" + inner + "}"


def unpack(model: Path, target: Path) -> Path:
    """Unpack an archive."""
    with tarfile.open(model) as tar:
        tar.extractall(target)
    return target


def pack(folder: Path, model: Path) -> Path:
    """Pack an archive as Rasa does."""
    with tarfile.open(model, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return model
