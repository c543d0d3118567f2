from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

from bot.errors import BotError, ProjectError
from bot.feedback.project import Entity, Project, Slot
from bot.feedback.training_files import read_markup
from bot.types import Span

ROOT = Path(__file__).parents[2]


def write(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "domain.yml", "intents: [greet]\n")
    return tmp_path


def spans(entities: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(e["start"], e["end"], e["entity"], e.get("role"), e.get("group")) for e in entities}


def test_the_assistant_is_read_as_rasa_reads_it() -> None:
    project = Project.load(ROOT)
    expected = []
    for path in sorted((ROOT / "data").rglob("*.yml")):
        reader = RasaYAMLReader()
        reader.validate = lambda _: None  # its schema check takes seconds, and is not asked for
        reader.filename = str(path)
        for example in reader.reads(path.read_text("utf-8")).intent_examples:
            label = example.get("intent_response_key") or example.get("intent")
            found = spans(example.get("entities") or [])
            expected.append((example.get("text"), label, found))
    assert len(expected) > 1000
    got = [
        (e.text, e.label, {(s.start, s.end, s.entity, s.role, s.group) for s in e.spans})
        for e in project.examples
    ]
    key = repr
    assert sorted(got, key=key) == sorted(expected, key=key)


@pytest.mark.filterwarnings("ignore:Slot auto-fill")
def test_the_domain_is_read_as_rasa_reads_it() -> None:
    project = Project.load(ROOT)
    domain = Domain.load(str(ROOT / "domain.yml"))
    assert {entity.name for entity in project.entities} == set(domain.entities)
    for entity in project.entities:
        assert list(entity.roles) == domain.entity_properties.roles.get(entity.name, [])
    ours = {slot.name: slot for slot in project.slots}
    for slot in domain.slots:
        if slot.name in ours:
            assert ours[slot.name].influences == slot.influence_conversation
    assert set(project.forms) == set(domain.form_names)
    own = {name for name in domain.user_actions if "/" not in name}
    assert set(project.actions) == own
    bases = {label.split("/")[0] for label in project.intents}
    assert bases == set(domain.intents) - {"nlu_fallback", *RASAS_OWN}


RASAS_OWN = {"back", "restart", "session_start"}


def test_each_example_has_its_line() -> None:
    for example in Project.load(ROOT).examples[::37]:
        lines = (ROOT / example.file).read_text("utf-8").split("\n")
        written = lines[example.line - 1].strip().removeprefix("- ")
        text, found = read_markup(written, Path(example.file), example.line)
        assert (text, found) == (example.text, example.spans)


MARKUP = [
    ("plain [NAME_1] text", "plain [NAME_1] text", []),
    ("pay [20 pounds](amount)!", "pay 20 pounds!", [Span(4, 13, "amount")]),
    ("[ny](city:new york) now", "ny now", [Span(0, 2, "city")]),
    (
        'from [a]{"entity": "city", "role": "from", "group": "1", "value": "A"} to [b](city)',
        "from a to b",
        [Span(5, 6, "city", "from", "1"), Span(10, 11, "city")],
    ),
    (
        'x [y][{"entity": "a"}, {"entity": "b", "role": "r"}]',
        "x y",
        [Span(2, 3, "a"), Span(2, 3, "b", "r")],
    ),
    ("🧔 [ü](city)", "🧔 ü", [Span(2, 3, "city")]),
]


@pytest.mark.parametrize(("written", "text", "found"), MARKUP)
def test_markup(written: str, text: str, found: list[Span]) -> None:
    assert read_markup(written, Path("x.yml"), 1) == (text, tuple(found))


def test_split_domains_are_put_together(tmp_path: Path) -> None:
    first = "intents: [greet, faq: {use_entities: []}]\nentities:\n- city: {roles: [from]}\n"
    second = "intents: ['no']\nentities:\n- city: {roles: [to], groups: ['1']}\nforms: {f: {}}\n"
    write(tmp_path, "domain/a.yml", first)
    slots = "slots:\n  a: {type: categorical, values: [x, 1]}\n  b: {type: any}\n"
    write(tmp_path, "domain/deep/b.yml", second + slots)
    write(tmp_path, "data/r.yml", "responses:\n  utter_faq/a:\n  - text: A\n")
    project = Project.load(tmp_path)
    assert project.intents == ("greet", "faq/a", "no")
    assert project.entities == (Entity("city", ("from", "to"), ("1",)),)
    assert project.slots == (
        Slot("a", "categorical", ("x", "1"), True),
        Slot("b", "any", (), False),
    )
    assert project.forms == ("f",)


def test_examples_as_objects_and_all_below_data(project: Path) -> None:
    listed = (
        "nlu:\n- intent: greet\n  examples:\n  - text: |\n      hi [Ana](name)\n"
        "    metadata: {a: 1}\n  - text: hello\n- synonym: x\n  examples: |\n    - y\n"
    )
    write(project, "data/deep/nlu.yaml", listed)
    write(project, "data/stories.yml", "stories:\n- story: s\n  steps:\n  - intent: greet\n")
    write(project, "data/.hidden/nlu.yml", "nlu: nonsense\n")
    examples = Project.load(project).examples
    assert [(e.text, e.line) for e in examples] == [("hi Ana", 4), ("hello", 7)]
    assert examples[0].file == "data/deep/nlu.yaml"


def test_what_is_held_out_is_read_apart(project: Path) -> None:
    write(project, "tests/held_out/nlu.yml", "nlu:\n- intent: greet\n  examples: |\n    - hi\n")
    assert Project.load(project).examples == ()
    assert [e.text for e in Project.held_out(project)] == ["hi"]


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        ("nlu:\n- intent: a\n  examples: [\n", 4, "no YAML"),
        ("nlu:\n- intent: a\n\texamples: x\n", 3, "no YAML"),
        ("nlu: words\n", 1, "'nlu' should be a list"),
        ("nlu:\n- just words\n", 2, "An item of 'nlu' should be keys"),
        ("- nlu\n", 1, "The file should be keys"),
        ('nlu:\n- intent: a\n  examples: |\n    - [x]{"entity": }\n', 4, "cannot be read"),
        (
            'nlu:\n- intent: a\n  examples: |\n    - y\n    - [x]{"role": "r"}\n',
            5,
            "cannot be read",
        ),
    ],
)
def test_what_is_broken_is_named_with_its_line(
    project: Path, content: str, line: int, found: str
) -> None:
    write(project, "data/nlu.yml", content)
    with pytest.raises(ProjectError, match=found) as error:
        Project.load(project)
    assert error.value.line == line
    assert str(error.value).startswith(f"data/nlu.yml:{line}: ")


def test_files_that_are_no_text_are_named(project: Path) -> None:
    (project / "data").mkdir()
    (project / "data" / "nlu.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BotError, match="data/nlu.yml: The file is no UTF-8"):
        Project.load(project)


def test_a_folder_without_a_domain_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(BotError, match="has no domain"):
        Project.load(tmp_path)
