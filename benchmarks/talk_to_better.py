"""From a bot that talks to a better one, through every step of the feedback loop, for real.

A bot is trained on a few examples an intent, and served. Simulated people type the other examples
of the demo's training data over REST, and some are cross with wrong answers. What they said is read
in, put in order and reviewed, by the labels that the messages have in the data; the queue decides
which messages the budget is spent on. Then it is exported, and the bot trained again, from its
model and anew. All models are measured on what was held out of these conversations, and on the
assistant's own test set, which nobody here learns from.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
import yaml

from benchmarks.talking import Talk, free_port, marks, served, talk
from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.project import Project, TrainingExample
from bot.feedback.queueing import Queue
from bot.feedback.relabel import without_lines
from bot.feedback.store import DEFAULT_URL, Store
from bot.lifecycle.scorer import load_scorer
from bot.ml.metrics import span_f1, weighted_f1
from bot.types import INTENT_SEPARATOR, Parse

COPIED = ("actions", "data", "tests/nlu", "tests/paraphrases", "tests/stories")
FILES = ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml", "bot.toml")
KEY = "the key of this run is no secret, it is thrown away"
RANK_AFTER = 100  # reviews
REVIEWER = "the key"


@dataclass(frozen=True)
class Score:
    """A model and its weighted F1 on full labels, and F1 on entities."""

    name: str
    examples: int
    seconds: float
    held_out: float
    held_out_entities: float
    tests: float
    tests_entities: float


@dataclass(frozen=True)
class Plan:
    """What a run does: examples a label to begin with, messages said, reviews, steps a training.

    Without steps the trainings are those of `config.yml`.
    """

    per_label: int
    messages: int
    reviews: int
    steps: int | None
    seed: int


def run(plan: Plan, out: Path | None) -> None:
    """Do it all in a copy of the project, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(Path(folder), plan.seed)
        messages = loop.begin(plan.per_label, plan.messages)
        if plan.steps is not None:
            loop.shorten(plan.steps)
        print(f"{len(loop.examples())} examples to begin with; {len(messages)} messages to say.")
        loop.train("begin")
        said = loop.talk(messages)
        print(f"{said.wrong} answers were wrong; {said.thumbs} got a thumb down.", flush=True)
        reviewed = loop.review(said, plan.reviews)
        loop.bot("export")
        loop.train("warm", "--warm", str(loop.models["begin"]))
        loop.train("cold")
        scores = [loop.score(name, about) for name, about in NAMES.items()]
    print(table(scores))
    if out:
        content = {
            **asdict(plan),
            "reviewed": reviewed,
            **asdict(said),
            "scores": [asdict(s) for s in scores],
        }
        del content["said"]
        out.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


NAMES = {"begin": "before", "warm": "after, from the model before", "cold": "after, anew"}


def table(scores: Iterable[Score]) -> str:
    """Give the table for docs/benchmarks.md."""
    lines = [
        "| model | examples | training s | held out: labels | entities | tests/nlu: labels | "
        "entities |",
        "|---|---|---|---|---|---|---|",
    ]
    for s in scores:
        figures = (s.held_out, s.held_out_entities, s.tests, s.tests_entities)
        cells = " | ".join(f"{figure:.3f}" for figure in figures)
        lines.append(f"| {s.name} | {s.examples} | {s.seconds:.0f} | {cells} |")
    return "\n".join(lines)


class Loop:
    """A copy of the project, and each step of the loop in it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self._seed = root, seed
        self.models: dict[str, Path] = {}
        self._trained: dict[str, tuple[int, float]] = {}
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(Path.cwd()),
            "BOT_FEEDBACK_KEY": KEY,
            "RASA_TELEMETRY_ENABLED": "false",
        }

    def begin(self, per_label: int, n_messages: int) -> list[TrainingExample]:
        """Copy the project with a few examples a label; give some of the others, as people come."""
        for name in COPIED:
            if Path(name).is_dir():
                shutil.copytree(name, self.root / name, ignore=shutil.ignore_patterns("feedback"))
        for name in FILES:
            shutil.copy(name, self.root / name)
        endpoints = (self.root / "endpoints.yml").read_text("utf-8")
        moved = endpoints.replace("localhost:5055", f"localhost:{free_port()}")
        (self.root / "endpoints.yml").write_text(moved, "utf-8")
        self._let_many_talk()
        self._without_story_policy()
        chance, by_label = random.Random(self._seed), defaultdict(list)
        for example in self.examples():
            by_label[example.label].append(example)
        others: list[TrainingExample] = []
        for label in sorted(by_label):
            chance.shuffle(by_label[label])
            others += by_label[label][per_label:]
        gone: dict[str, list[int]] = defaultdict(list)
        for example in others:
            gone[example.file].append(example.line)
        for name, lines in gone.items():
            (self.root / name).write_bytes(without_lines(self.root / name, lines))
        chance.shuffle(others)
        return others[:n_messages]

    def shorten(self, steps: int) -> None:
        """Let each training take about so many steps."""
        path = self.root / "config.yml"
        content = yaml.safe_load(path.read_text("utf-8"))
        for component in content["pipeline"]:
            if component["name"].endswith(".JointFeaturizer"):
                component |= {"epochs": 1, "min_steps": steps}
        path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")

    def _let_many_talk(self) -> None:
        path = self.root / "credentials.yml"
        content = yaml.safe_load(path.read_text("utf-8"))
        limits = ("messages_per_minute", "address_messages_per_minute")
        content["bot.channels.web.WebChannel"].update(dict.fromkeys(limits, 1_000_000))
        path.write_text(yaml.safe_dump(content), "utf-8")

    def _without_story_policy(self) -> None:
        """Leave out the policy that is learned: nothing here is about dialogue."""
        path = self.root / "config.yml"
        content = yaml.safe_load(path.read_text("utf-8"))
        kept = [p for p in content["policies"] if not p["name"].endswith(".StoryPolicy")]
        content["policies"] = kept
        path.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")

    def examples(self) -> tuple[TrainingExample, ...]:
        """Give the training data as it is now."""
        return Project.load(self.root).examples

    def bot(self, *arguments: str) -> None:
        """Call a command of the bot, and show what it says."""
        print(f"$ bot {' '.join(arguments)}", flush=True)
        command = [sys.executable, "-m", "bot", *arguments]
        done = subprocess.run(command, cwd=self.root, env=self._environment, check=False)
        if done.returncode:
            raise SystemExit(f"bot {arguments[0]} ended with {done.returncode}.")

    def train(self, name: str, *arguments: str) -> None:
        """Train, and remember the model under a name."""
        began, before = time.monotonic(), set((self.root / "models").glob("*.tar.gz"))
        self.bot("train", "--force", *arguments)
        (made,) = set((self.root / "models").glob("*.tar.gz")) - before
        self.models[name] = made
        self._trained[name] = len(self.examples()), time.monotonic() - began

    def talk(self, messages: Sequence[TrainingExample]) -> Talk:
        """Serve the bot, let people talk to it, and read in what they said."""
        with served(self.root, self._environment) as url:
            began = time.monotonic()
            said = talk(url, self.root / "trackers.sqlite", messages, self._seed)
            print(f"{len(messages)} messages said in {time.monotonic() - began:.0f} s.", flush=True)
        self.bot("ingest")
        return said

    def review(self, said: Talk, budget: int) -> int:
        """Review in the order of the queue; a group takes one review, as on the page."""
        store = Store(
            f"sqlite:///{self.root / DEFAULT_URL.removeprefix('sqlite:///')}", KEY.encode()
        )
        queue, decisions, corrected = Queue(store), Decisions(store, overlap=0.0), 0
        try:
            for number in range(budget):
                if number % RANK_AFTER == 0:
                    self.bot("rank", "--model", str(self.models["begin"]))
                turn_id = queue.next(REVIEWER)
                if turn_id is None:
                    break
                corrected += self._decide(store, decisions, turn_id, said)
            with store.read() as db:
                accepted = sa.select(sa.func.count()).where(t.turns.c.status == "accepted")
                count = int(db.execute(accepted).scalar_one())
        finally:
            store.close()
        print(f"{number + 1} reviews: {count} messages accepted, {corrected} labels corrected.")
        return count

    def _decide(self, store: Store, decisions: Decisions, turn_id: int, said: Talk) -> bool:
        columns = t.turns.c
        with store.read() as db:
            wanted = sa.select(columns.id, columns.text, columns.message_id, columns.group_id)
            item = db.execute(wanted.where(columns.id == turn_id)).one()
            waiting = columns.group_id == turn_id, columns.head == 0, columns.status == "open"
            members = db.execute(wanted.where(*waiting)).all()
            live = sa.select(t.suggestions.c.label).where(t.suggestions.c.turn_id == turn_id)
            suggested = db.execute(live).scalars().first()
        example = said.said[item.message_id]
        same = [row for row in members if said.said[row.message_id].label == example.label]
        group = {row.id: marks(said.said[row.message_id], row.text) for row in same}
        decisions.submit(
            REVIEWER,
            turn_id,
            example.label,
            marks(example, item.text),
            group=group,
            suggested=suggested,
        )
        return bool(suggested != example.label)

    def score(self, name: str, about: str) -> Score:
        """Measure a model on what was held out and on the assistant's tests."""
        scorer = load_scorer(self.models[name])
        assert scorer is not None
        figures: list[float] = []
        for examples in (
            Project.held_out(self.root),
            Project.examples_below(self.root / "tests/nlu", self.root),
        ):
            parses = [scorer.parse(example.text) for example in examples]
            truth = [example.label for example in examples]
            figures.append(weighted_f1(truth, [label_of(parse) for parse in parses]))
            figures.append(span_f1([e.spans for e in examples], [p.spans for p in parses]))
        return Score(about, *self._trained[name], *figures)


def label_of(parse: Parse) -> str:
    """Give the likeliest full label."""
    top = parse.ranking[0].name
    return next((r.name for r in parse.responses if r.name.startswith(top + INTENT_SEPARATOR)), top)
