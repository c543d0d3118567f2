"""The directions of import, read from every import statement below `bot/`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What a package of ours may import of the others, itself and the shared modules apart.
MAY_IMPORT: dict[str, set[str]] = {
    "types": set(),
    "errors": set(),
    "project_settings": set(),
    "settings": {"project_settings"},
    "ml": set(),
    "vocabulary": set(),
    "components": {"ml", "vocabulary"},
    "feedback": set(),
    "evaluation": set(),
    "channels": {"settings"},
    "review": {"feedback", "evaluation", "settings"},
    "lifecycle": {
        "channels",
        "components",
        "evaluation",
        "feedback",
        "ml",
        "settings",
        "vocabulary",
    },
    "command_line": set(),
    "cli": {"command_line", "evaluation", "feedback", "lifecycle", "review", "settings"},
    "__main__": {"cli"},
}
SHARED = {"types", "errors", "__init__"}

DATABASES = {"sqlite3", "sqlalchemy", "psycopg2", "redis"}
RASA = {"rasa", "rasa_sdk"}
TORCH = {"torch", "transformers", "peft", "accelerate"}
FORBIDDEN: dict[str, set[str]] = {
    "types": RASA | TORCH | DATABASES | {"sanic", "numpy"},
    "errors": RASA | TORCH | DATABASES | {"sanic", "numpy"},
    "ml": RASA | DATABASES | {"sanic", "spacy"},
    "vocabulary": RASA | TORCH | {"sanic"},
    "components": TORCH | DATABASES | {"sanic", "spacy"},
    "feedback": TORCH | {"sanic", "rasa.core", "rasa.engine", "rasa.nlu", "rasa_sdk"},
    "evaluation": {"sanic", "rasa.engine"},
    "channels": TORCH,
    "review": TORCH,
}
# Of Rasa, the feedback loop uses the YAML writers, in one module.
FEEDBACK_RASA_MODULE = "export"

# What serving imports: torch and transformers, if at all, inside functions that train.
SERVING = ("checkpoint", "encoder", "heads", "inference", "metrics", "options", "tagging", "text")
SILENT = ("ml", "components")


class Module:
    """A source file of ours, its place in the law, and what it imports."""

    def __init__(self, path: Path, root: Path) -> None:
        self.where = path.relative_to(root).as_posix()
        self.name = ["bot", *path.relative_to(root / "bot").with_suffix("").parts]
        self.package = self.name[1]
        self.tree = ast.parse(path.read_text(encoding="utf-8"), self.where)
        self.is_package = path.name == "__init__.py"

    def imports(self, tree: ast.AST | None = None) -> Iterator[tuple[int, str]]:
        """Yield line and full name of each import, also inside functions."""
        for node in ast.walk(tree or self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Call) and node.args:
                called = ast.unparse(node.func).split(".")[-1]
                first = node.args[0]
                if called in {"import_module", "__import__"} and isinstance(first, ast.Constant):
                    yield node.lineno, str(first.value)

    def imports_at_module_level(self) -> Iterator[tuple[int, str]]:
        """Yield the imports that happen when the module is imported."""
        for statement in self.tree.body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                yield from self.imports(statement)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        up = node.level - (1 if self.is_package else 0)
        package = self.name[:-1] if self.is_package else self.name
        return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def begins(name: str, forbidden: str) -> bool:
    return name == forbidden or name.startswith(f"{forbidden}.")


def modules(root: Path) -> list[Module]:
    return [Module(path, root) for path in sorted((root / "bot").rglob("*.py"))]


def violations(root: Path) -> list[str]:
    """Name every import and every print that breaks the law."""
    found = []
    for module in modules(root):
        for line, name in module.imports():
            if reason := forbidden(module, name):
                found.append(f"{module.where}:{line} imports {name}: {reason}")
        if module.package == "ml" and module.name[-1] in SERVING:
            found += [
                f"{module.where}:{line} imports {name}: serving would load it"
                for line, name in module.imports_at_module_level()
                if name.split(".")[0] in TORCH
            ]
        if module.package in SILENT:
            found += [
                f"{module.where}:{node.lineno} prints: use logging"
                for node in ast.walk(module.tree)
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
            ]
    readers = sorted({m.where for m in modules(root) for _, n in m.imports() if begins(n, "spacy")})
    if len(readers) > 1:
        found.append(f"{', '.join(readers)} import spacy: one module alone may")
    return found


def forbidden(module: Module, name: str) -> str | None:
    """Say why a module may not import a name, None if it may."""
    for prefix in FORBIDDEN.get(module.package, set()):
        if begins(name, prefix):
            return f"{module.package} knows nothing of {prefix}"
    in_export = module.name[-1] == FEEDBACK_RASA_MODULE
    if module.package == "feedback" and begins(name, "rasa") and not in_export:
        return f"of feedback, only {FEEDBACK_RASA_MODULE} writes Rasa's formats"
    if not begins(name, "bot") or name == "bot" or module.package == "__init__":
        return None
    other = name.split(".")[1]
    if other == module.package or other in SHARED or other.startswith("__version"):
        return None
    if module.package not in MAY_IMPORT:
        return f"{module.package} has no place in the law: give it one in MAY_IMPORT"
    if other not in MAY_IMPORT[module.package]:
        return f"{module.package} may not import {other}"
    return None


def test_the_tree_keeps_the_law() -> None:
    assert not violations(ROOT), "\n".join(violations(ROOT))


def test_every_package_has_a_place_in_the_law() -> None:
    found = {module.package for module in modules(ROOT)} - {"__init__"}
    assert {"ml", "components", "cli", "types"} <= found, "the tree was not read"
    assert found <= set(MAY_IMPORT)


PLANTED = [
    ("ml/one.py", "import rasa", "ml knows nothing of rasa"),
    ("ml/one.py", "def f():\n    from rasa.shared import x", "ml knows nothing of rasa"),
    ("ml/one.py", "from sanic import Sanic", "ml knows nothing of sanic"),
    ("ml/one.py", "import os, sqlalchemy.orm as o", "ml knows nothing of sqlalchemy"),
    ("ml/one.py", "import sqlite3", "ml knows nothing of sqlite3"),
    ("ml/one.py", "import spacy", "ml knows nothing of spacy"),
    ("ml/one.py", "from bot.components import edge", "ml may not import components"),
    ("ml/one.py", "from bot import settings", "ml may not import settings"),
    ("ml/one.py", "from ..feedback import store", "ml may not import feedback"),
    ("ml/__init__.py", "from ..feedback import store", "ml may not import feedback"),
    ("ml/deep/one.py", "from ...feedback import store", "ml may not import feedback"),
    ("ml/one.py", "import importlib\nimportlib.import_module('rasa.nlu')", "nothing of rasa"),
    ("ml/one.py", "if True:\n    __import__('sanic')", "nothing of sanic"),
    ("ml/one.py", "class A:\n    def f(self): print(1)", "prints: use logging"),
    ("ml/heads.py", "import torch", "serving would load it"),
    ("ml/text.py", "from transformers import AutoTokenizer", "serving would load it"),
    ("vocabulary/one.py", "def f(): import torch", "vocabulary knows nothing of torch"),
    ("vocabulary/one.py", "import bot.ml.text", "vocabulary may not import ml"),
    ("components/one.py", "import torch", "components knows nothing of torch"),
    ("components/one.py", "print('x')", "prints: use logging"),
    ("components/one.py", "from bot.feedback import store", "may not import feedback"),
    ("feedback/one.py", "from torch import nn", "feedback knows nothing of torch"),
    ("feedback/one.py", "import sanic", "feedback knows nothing of sanic"),
    ("feedback/store.py", "import rasa.shared.nlu", "only export writes"),
    ("feedback/export.py", "import rasa.core", "nothing of rasa.core"),
    ("evaluation/one.py", "import sanic", "evaluation knows nothing of sanic"),
    ("channels/one.py", "import torch", "channels knows nothing of torch"),
    ("channels/one.py", "from bot.feedback.store import Store", "may not import feedback"),
    ("channels/one.py", "from bot import review", "may not import review"),
    ("lifecycle/one.py", "from bot.cli import main", "lifecycle may not import cli"),
    ("review/one.py", "from bot import cli", "review may not import cli"),
    ("newcomer/one.py", "from bot.ml import text", "has no place in the law"),
    ("types.py", "from bot.ml import text", "types may not import ml"),
]


@pytest.mark.parametrize(("path", "source", "reason"), PLANTED)
def test_a_planted_violation_is_found(path: str, source: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "bot" / path
    file.parent.mkdir(parents=True)
    file.write_text(source, encoding="utf-8")
    (found,) = violations(tmp_path)
    assert reason in found
    assert found.startswith(f"bot/{path}:")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("ml/training.py", "import torch, transformers"),
        ("ml/checkpoint.py", "def save():\n    import torch"),
        ("ml/one.py", "from bot.types import Span\nfrom . import text\nfrom .text import Word"),
        ("components/one.py", "from bot.ml import text\nimport rasa.engine.graph"),
        ("feedback/export.py", "from rasa.shared.nlu.training_data.formats import rasa_yaml"),
        ("__main__.py", "from bot.cli import main"),
        ("cli.py", "from bot import __version__\nprint(__version__)"),
        ("vocabulary/matcher.py", "import spacy"),
    ],
)
def test_what_the_law_allows_is_left_alone(path: str, source: str, tmp_path: Path) -> None:
    file = tmp_path / "bot" / path
    file.parent.mkdir(parents=True)
    file.write_text(source, encoding="utf-8")
    assert violations(tmp_path) == []


def test_two_modules_that_import_spacy_are_one_too_many(tmp_path: Path) -> None:
    for name in ("matcher", "spelling"):
        file = tmp_path / "bot" / "vocabulary" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("import spacy", encoding="utf-8")
    (found,) = violations(tmp_path)
    assert "one module alone" in found
