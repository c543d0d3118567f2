"""`bot doctor`: look for what usually goes wrong silently, and say what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.lifecycle.checks.assembly import check_assembly
from bot.lifecycle.checks.content import (
    check_denial,
    check_files,
    check_model,
    check_test_files,
)
from bot.lifecycle.checks.findings import Check, Finding, Project, Verdict, run
from bot.lifecycle.checks.imports import check_classes
from bot.lifecycle.checks.installation import (
    check_encoder,
    check_machine,
    check_packages,
    check_python,
    check_telemetry,
)
from bot.lifecycle.checks.services import check_action_server, check_types, check_variables
from bot.lifecycle.checks.trackers import check_trackers
from bot.lifecycle.checks.web import check_web

CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", check_python),
    ("packages", check_packages),
    ("encoder", check_encoder),
    ("project files", check_files),
    ("test files", check_test_files),
    ("out_of_scope", check_denial),
    ("pipeline", check_assembly),
    ("types", check_types),
    ("classes", check_classes),
    ("tracker store", check_trackers),
    ("secrets", check_variables),
    ("web channel", check_web),
    ("action server", check_action_server),
    ("model", check_model),
    ("telemetry", check_telemetry),
    ("machine", check_machine),
)
STYLES: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def examine(*, as_json: bool, root: Path = Path(".")) -> bool:
    """Run every check and print what was found.

    Returns:
        Whether nothing was found that keeps the assistant from working.
    """
    found = findings(root)
    if as_json:
        content = {"verdict": verdict_of(found), "findings": [asdict(item) for item in found]}
        print(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        _print(found)
    return verdict_of(found) != "problem"


def findings(root: Path) -> list[Finding]:
    """Give what all checks found, in the order of the table."""
    project = Project(root)
    return [item for name, check in CHECKS for item in run(name, check, project)]


def verdict_of(found: list[Finding]) -> Verdict:
    """Give the worst verdict."""
    verdicts = {item.verdict for item in found}
    if "problem" in verdicts:
        return "problem"
    return "warning" if "warning" in verdicts else "ok"


def closing_line(found: list[Finding]) -> str:
    """Say in one line how it stands."""
    problems = sum(item.verdict == "problem" for item in found)
    warnings = sum(item.verdict == "warning" for item in found)
    if not problems and not warnings:
        return "Everything is in order."
    counts = [_count(problems, "problem")] * bool(problems)
    counts += [_count(warnings, "warning")] * bool(warnings)
    advice = "mend the problems first." if problems else "nothing that keeps it from working."
    return f"{' and '.join(counts)}: {advice}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _print(found: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in found:
        said = Text(item.detail)  # not a str: rich would take [words] for its own markup
        if item.remedy:
            said.append(f"\n{item.remedy}", style="italic")
        table.add_row(Text(item.verdict, style=STYLES[item.verdict]), Text(item.name), said)
    console = Console(highlight=False)
    console.print(table)
    console.print()
    console.print(Text(closing_line(found), style=STYLES[verdict_of(found)]))
