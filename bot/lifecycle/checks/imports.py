"""Can every class that the project names be imported, and is it of the right kind?

The imports happen in a process of their own: one that hangs, or ends Python, cannot take the
doctor with it.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import bot
from bot.lifecycle.checks.findings import Finding, Project
from bot.lifecycle.checks.pipeline import components
from bot.lifecycle.checks.services import CREDENTIALS, ENDPOINTS, TYPES
from bot.lifecycle.checks.sources import entry, line_of, pairs, text_of

NAME = "classes"
TIMEOUT_S = 120.0  # Rasa itself takes ten seconds, on a busy machine forty
MARK = "bot-doctor-answer:"  # libraries print on standard output as they are imported
_COMPONENTS_FILE = "default_components.py"


@dataclass(frozen=True)
class Reference:
    """One name of a class, where it stands, and what kind of class it must be."""

    name: str
    kind: str
    where: str


def references(project: Project) -> Iterator[Reference]:
    """Collect the names: all components, and of stores, brokers and channels the dotted ones."""
    config = project.source("config.yml")
    for section in ("pipeline", "policies"):
        for component in components(config, section) if config else []:
            where = f"config.yml:{line_of(component.node)}"
            yield Reference(component.name, "component", where)
    endpoints = project.source(ENDPOINTS)
    for section in TYPES:
        node = entry(endpoints.section(section), "type") if endpoints else None
        name = text_of(node)
        if node is not None and name and "." in name:
            yield Reference(name, section, f"{ENDPOINTS}:{line_of(node)}")
    credentials = project.source(CREDENTIALS)
    for key, _ in pairs(credentials.root if credentials else None):
        if "." in key.value:
            yield Reference(str(key.value), "channel", f"{CREDENTIALS}:{line_of(key)}")


def check_classes(project: Project) -> Iterator[Finding]:
    """Compare short names with Rasa's own, import the others; name what fails with its line."""
    wanted = list(references(project))
    short = [item for item in wanted if "." not in item.name]
    dotted = [item for item in wanted if "." in item.name]
    known = rasas_components() if short else set()
    faults = [_unknown(item, known) for item in short if item.name not in known]
    try:
        answers = _ask(dotted, project.root) if dotted else []
    except subprocess.TimeoutExpired:
        answers = [""] * len(dotted)
        faults.append(
            Finding(
                NAME,
                "warning",
                f"Importing the classes took longer than {TIMEOUT_S:.0f} s and was given up.",
                "Look for a module that waits for something while it is imported.",
            )
        )
    for item, fault in zip(dotted, answers, strict=True):
        if fault:
            what = "registered component" if item.kind == "component" else item.kind
            remedy = f"Write the dotted path of a {what.replace('_', ' ')}'s class."
            faults.append(Finding(NAME, "problem", f"{item.where}: {fault}", remedy))
    yield from faults
    if not faults:
        yield Finding(NAME, "ok", f"all {len(wanted)} are there and of the right kind")


def rasas_components() -> set[str]:
    """Read the names of Rasa's components from its source: importing them takes ten seconds."""
    rasa = importlib.util.find_spec("rasa")
    if rasa is None or not rasa.submodule_search_locations:
        raise RuntimeError("Rasa is not installed")
    path = Path(rasa.submodule_search_locations[0]) / "engine" / "recipes" / _COMPONENTS_FILE
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            return {item.id for item in node.value.elts if isinstance(item, ast.Name)}
    raise RuntimeError(f"{path} holds no list of components")


def _unknown(item: Reference, known: set[str]) -> Finding:
    close = difflib.get_close_matches(item.name, sorted(known), n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    detail = f"{item.where}: Rasa knows no component '{item.name}'."
    remedy = f"{hint}Write a name of Rasa's, or the dotted path of a class."
    return Finding(NAME, "problem", detail, remedy)


def _ask(wanted: list[Reference], root: Path) -> list[str]:
    """Let a child process import them; what it prints beside its answer does not matter."""
    paths = [str(root.resolve()), str(Path(bot.__file__).parent.parent)]
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths + ([inherited] if inherited else [])),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bot.lifecycle.checks.probe"],
        input=json.dumps([asdict(item) for item in wanted]),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=root,
        env=environment,
        check=False,
    )
    for line in child.stdout.splitlines():
        if line.startswith(MARK):
            answer: list[str] = json.loads(line.removeprefix(MARK))
            return answer
    last = (child.stderr.strip().splitlines() or ["it said nothing"])[-1]
    raise RuntimeError(f"Rasa cannot be imported (exit code {child.returncode}): {last}")
