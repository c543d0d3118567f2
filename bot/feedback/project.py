"""The Rasa project that the feedback loop works for, read without Rasa.

Only what reviewers and the export must know: what the domain declares, and what the training data
says with which file and line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from yaml.nodes import Node

from bot.errors import ProjectError
from bot.feedback.training_files import TrainingExample, read_file, yaml_files
from bot.feedback.yaml_nodes import compose, mapping, names, scalar, sequence
from bot.types import INTENT_SEPARATOR, Span, base_intent

__all__ = ["Entity", "Project", "Slot", "Span", "TrainingExample"]

DATA = Path("data")
HELD_OUT = Path("tests/held_out")
FALLBACK = "nlu_fallback"  # what Rasa says where nothing was understood: nobody annotates it
_ANSWER = "utter_"


@dataclass(frozen=True)
class Entity:
    """An entity of the domain with the roles and groups it may have."""

    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slot:
    """A slot of the domain; `values` are those of a categorical one.

    `influences` says whether its value changes which action comes next.
    """

    name: str
    type: str
    values: tuple[str, ...] = ()
    influences: bool = True


@dataclass(frozen=True)
class Project:
    """What domain and training data say; `intents` are full labels such as `faq/opening_hours`."""

    intents: tuple[str, ...]
    entities: tuple[Entity, ...]
    slots: tuple[Slot, ...]
    forms: tuple[str, ...]
    actions: tuple[str, ...]
    responses: tuple[str, ...]
    examples: tuple[TrainingExample, ...]
    root: Path = field(default=Path("."), compare=False)

    @classmethod
    def load(cls, root: Path = Path(".")) -> Project:
        """Read the project that lies in a folder.

        Raises:
            ProjectError: it has no domain, or a file of it is broken.
        """
        domain = _Domain()
        for path in domain_files(root):
            domain.add(path, root)
        files = [read_file(path, root) for path in yaml_files(root / DATA)]
        examples = tuple(example for file in files for example in file.examples)
        responses = dict.fromkeys(domain.responses)
        responses.update(dict.fromkeys(name for file in files for name in file.responses))
        return cls(
            _labels(domain, examples, responses),
            tuple(domain.entities.values()),
            tuple(domain.slots.values()),
            tuple(domain.forms),
            # A response is an action too, except those that a retrieval intent chooses from.
            tuple({**domain.actions, **{r: None for r in responses if INTENT_SEPARATOR not in r}}),
            tuple(responses),
            examples,
            root,
        )

    @staticmethod
    def held_out(root: Path = Path(".")) -> tuple[TrainingExample, ...]:
        """Read what is kept for tests and must not be trained on.

        Raises:
            ProjectError: a file is broken.
        """
        return Project.examples_below(root / HELD_OUT, root)

    @staticmethod
    def examples_below(folder: Path, root: Path = Path(".")) -> tuple[TrainingExample, ...]:
        """Read the examples of all files below a folder.

        Raises:
            ProjectError: a file is broken.
        """
        found = (read_file(path, root).examples for path in yaml_files(folder))
        return tuple(example for examples in found for example in examples)

    def counts(self) -> Counter[str]:
        """Count the training examples of each label."""
        return Counter(example.label for example in self.examples)


def domain_files(root: Path) -> list[Path]:
    """List the files of the domain: `domain.yml`, or those of the folder `domain`.

    Raises:
        ProjectError: there is none.
    """
    for name in ("domain.yml", "domain.yaml"):
        if (root / name).is_file():
            return [root / name]
    if found := yaml_files(root / "domain"):
        return found
    raise ProjectError(
        f"{root} has no domain: neither domain.yml nor YAML files in the folder domain.",
        "Call the command in the folder of the project.",
    )


class _Domain:
    """A domain that is put together from its files."""

    def __init__(self) -> None:
        self.intents: dict[str, None] = {}
        self.entities: dict[str, Entity] = {}
        self.slots: dict[str, Slot] = {}
        self.forms: dict[str, None] = {}
        self.actions: dict[str, None] = {}
        self.responses: dict[str, None] = {}

    def add(self, path: Path, root: Path) -> None:
        """Take in a file."""
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        content = mapping(compose(path, shown), shown, "The file")
        self.intents.update(dict.fromkeys(names(content.get("intents"), shown, "'intents'")))
        for name, options in names(content.get("entities"), shown, "'entities'").items():
            self._add_entity(name, options, shown)
        for name, node in mapping(content.get("slots"), shown, "'slots'").items():
            self.slots[name] = _slot(name, node, shown)
        self.forms.update(dict.fromkeys(mapping(content.get("forms"), shown, "'forms'")))
        self.actions.update(dict.fromkeys(names(content.get("actions"), shown, "'actions'")))
        responses = mapping(content.get("responses"), shown, "'responses'")
        self.responses.update(dict.fromkeys(responses))

    def _add_entity(self, name: str, options: Node | None, shown: Path) -> None:
        """Take in an entity; another file may have declared other roles of it."""
        content = mapping(options, shown, f"The entity {name!r}")
        known = self.entities.get(name, Entity(name))
        self.entities[name] = Entity(
            name,
            _merged(known.roles, _words(content.get("roles"), shown)),
            _merged(known.groups, _words(content.get("groups"), shown)),
        )


def _slot(name: str, node: Node, shown: Path) -> Slot:
    content = mapping(node, shown, f"The slot {name!r}")
    kind = scalar(content.get("type"), "any")
    influences = scalar(content.get("influence_conversation"), "true").lower() == "true"
    values = tuple(_words(content.get("values"), shown))
    return Slot(name, kind, values, influences and kind != "any")


def _words(node: Node | None, shown: Path) -> list[str]:
    return [scalar(item) for item in sequence(node, shown, "The list")]


def _merged(known: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*known, *more]))


def _labels(
    domain: _Domain, examples: Iterable[TrainingExample], responses: Iterable[str]
) -> tuple[str, ...]:
    """Give all full labels: a retrieval intent stands for what it chooses from."""
    retrieval: dict[str, dict[str, None]] = {}
    seen = [example.label for example in examples]
    for label in [*(name.removeprefix(_ANSWER) for name in responses), *seen]:
        if INTENT_SEPARATOR in label:
            retrieval.setdefault(base_intent(label), {})[label] = None
    plain = dict.fromkeys([*domain.intents, *seen])
    found: dict[str, None] = {}
    for name in plain:
        if name in retrieval:
            found.update(retrieval[name])
        elif name != FALLBACK:
            found[name] = None
    return tuple(found)
