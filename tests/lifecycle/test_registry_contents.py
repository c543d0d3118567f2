"""What an archive would import is known before Rasa opens it."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from projects import write_archive
from registered import FEATURIZER, TOKENIZER, archive, metadata, node

from bot.errors import ProjectError
from bot.lifecycle.contents import inspect
from bot.lifecycle.known_classes import CONSTRUCTORS, KNOWN, METHODS

ROOT = Path(__file__).parents[2]


def refusal(path: Path, project: Path) -> str:
    with pytest.raises(ProjectError) as raised:
        inspect(path, project)
    assert str(path) in str(raised.value)
    return str(raised.value)


def with_metadata(path: Path, raw: bytes, **more: bytes) -> Path:
    return write_archive(path, {"metadata.json": raw, **more})


def test_a_model_of_rasas_and_ours_passes(tmp_path: Path) -> None:
    contents = inspect(archive(tmp_path / "a.tar.gz"), tmp_path)
    assert contents.classes == (FEATURIZER, TOKENIZER)
    assert contents.encoder == {"name": "all-MiniLM-L6-v2", "revision": "53aa"}


STRANGE = [
    {"predict_schema": {"nodes": {"x": node("os.system")}}},
    {"train_schema": {"nodes": {"x": node("evil.Component")}}},
    {"predict_schema": {"nodes": {"x": node("rasa.nlu.persistor.AWSPersistor")}}},
    {"predict_schema": {"nodes": {"x": node("bot.components.evil.Component")}}},
    {"predict_schema": {"nodes": {"x": node(config={"featurizer": [{"name": "evil.F"}]})}}},
    {
        "predict_schema": {
            "nodes": {
                "x": node(config={"featurizer": [{"state_featurizer": [{"name": "evil.F"}]}]})
            }
        }
    },
    {"domain": {"slots": {"place": {"type": "evil.Slot"}}}},
]


@pytest.mark.parametrize("change", STRANGE)
def test_a_class_that_nobody_knows_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    text = refusal(with_metadata(tmp_path / "a.tar.gz", metadata(**change)), tmp_path)
    assert "would import" in text and ("evil" in text or "os.system" in text or "AWS" in text)


@pytest.mark.parametrize("call", [{"constructor_name": "__init__"}, {"fn": "system"}, {"fn": None}])
def test_a_call_that_no_training_writes_is_refused(tmp_path: Path, call: dict[str, Any]) -> None:
    raw = metadata(node(**call))
    assert "would call" in refusal(with_metadata(tmp_path / "a.tar.gz", raw), tmp_path)


def test_the_domain_file_is_looked_at_as_well(tmp_path: Path) -> None:
    domain = b"slots:\n  place:\n    type: evil.Slot\n"
    files = {"components/domain_provider/domain.yml": domain}
    path = with_metadata(tmp_path / "a.tar.gz", metadata(), **files)
    assert "evil.Slot" in refusal(path, tmp_path)


def test_what_the_project_names_is_allowed(tmp_path: Path) -> None:
    raw = metadata(
        node("own.Component"),
        node(config={"featurizer": [{"name": "own.Featurizer"}]}),
        domain={"slots": {"place": {"type": "own.Slot"}}},
    )
    path = with_metadata(tmp_path / "a.tar.gz", raw)
    assert "own.Component, own.Featurizer, own.Slot" in refusal(path, tmp_path)
    (tmp_path / "config.yml").write_text(
        "pipeline:\n- name: own.Component\npolicies:\n- name: TEDPolicy\n  featurizer:\n"
        "  - name: own.Featurizer\n"
    )
    assert "would import own.Slot," in refusal(path, tmp_path)
    (tmp_path / "domain.yml").write_text("slots:\n  place:\n    type: own.Slot\n")
    assert "own.Slot" in inspect(path, tmp_path).classes


@pytest.mark.parametrize("name", ["metadata.json", "././metadata.json", "Metadata.json"])
def test_a_second_metadata_cannot_hide_behind_the_first(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.tar.gz")
    evil = metadata(node("evil.Component"))
    with tarfile.open(path) as tar:
        kept = [(m, tar.extractfile(m)) for m in tar if m.isfile()]
        kept = [(m, file.read()) for m, file in kept if file]
    with tarfile.open(path, "w:gz") as tar:
        for member, raw in [*kept, (tarfile.TarInfo(name), evil)]:
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    assert "twice" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    "change", [{"predict_schema": {"nodes": {"x": {}}}}, {"predict_schema": []}, {"domain": [1]}]
)
def test_a_graph_that_cannot_be_read_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = with_metadata(tmp_path / "a.tar.gz", metadata(**change))
    assert "cannot be read" in refusal(path, tmp_path)


def test_paths_outside_and_links_are_refused(tmp_path: Path) -> None:
    members = {"metadata.json": metadata(), "../outside.txt": b"x"}
    assert "not safe" in refusal(write_archive(tmp_path / "a.tar.gz", members), tmp_path)


def test_the_list_holds_our_components_and_no_others() -> None:
    found = set()
    for path in (ROOT / "bot" / "components").glob("*.py"):
        for one in ast.parse(path.read_text(encoding="utf-8")).body:
            marks = [ast.unparse(mark) for mark in getattr(one, "decorator_list", [])]
            if isinstance(one, ast.ClassDef) and any("Recipe.register" in m for m in marks):
                found.add(f"bot.components.{path.stem}.{one.name}")
    assert found == {name for name in KNOWN if name.startswith("bot.")}


READ_RASA = """
import inspect, json, re
from rasa.engine.recipes.default_components import DEFAULT_COMPONENTS
from rasa.engine.recipes import default_recipe
from rasa.engine.graph import GraphComponent
from rasa.graph_components.validators import default_recipe_validator, finetuning_validator
from rasa.nlu.classifiers import regex_message_handler
found = set(DEFAULT_COMPONENTS)
modules = (default_recipe, default_recipe_validator, finetuning_validator, regex_message_handler)
for module in modules:
    for one in vars(module).values():
        if inspect.isclass(one) and issubclass(one, GraphComponent) and one is not GraphComponent:
            found.add(one)
source = inspect.getsource(default_recipe)
print(json.dumps({
    "classes": sorted(f"{one.__module__}.{one.__name__}" for one in found),
    "methods": re.findall(r'fn="(\\w+)"', source),
    "constructors": re.findall(r'constructor_name="(\\w+)"', source),
}))
"""


def test_the_list_holds_what_rasa_writes() -> None:
    """In a process of its own: Rasa takes ten seconds and warns of its packages."""
    command = [sys.executable, "-W", "ignore", "-c", READ_RASA]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT)
    found = json.loads(done.stdout.splitlines()[-1])
    assert {name for name in KNOWN if name.startswith("rasa.")} <= set(found["classes"])
    assert set(found["classes"]) - KNOWN == BASES
    assert set(found["methods"]) == METHODS
    assert {*found["constructors"], "load"} == CONSTRUCTORS


# What the recipe imports to recognise kinds of components; no graph names them.
BASES = {"rasa.core.policies.policy.Policy", "rasa.nlu.tokenizers.tokenizer.Tokenizer"}
