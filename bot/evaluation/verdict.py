"""What the gate decided, and why: in words with the numbers, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.errors import ProjectError

SCHEMA = 1
Number: TypeAlias = float | int | str


@dataclass(frozen=True)
class Finding:
    """What one rule says.

    Attributes:
        rule: its short name.
        passed: whether the candidate holds it.
        text: a sentence with the numbers, and the remedy where there is one.
        numbers: the same for programs.
    """

    rule: str
    passed: bool
    text: str
    numbers: Mapping[str, Number]


@dataclass(frozen=True)
class Verdict:
    """The gate's decision about one candidate.

    Attributes:
        candidate, live: names of the models; no live one for the first model.
        decision: `better`, `worse`, `tie`, `first`, or `incomparable`.
        findings: of every rule, in a fixed order.
    """

    candidate: str
    live: str | None
    decision: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Say whether every rule is held."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Give why it was refused; where it passed, what spoke for it."""
        return tuple(one.text for one in self.findings if one.passed == self.passed)

    @property
    def headline(self) -> str:
        """Say it in one line."""
        broken = list(dict.fromkeys(one.rule for one in self.findings if not one.passed))
        if self.passed:
            return f"{self.candidate} passes: {self.decision}."
        return f"{self.candidate} is refused: {', '.join(broken) or 'nothing was judged'}."

    def to_json(self) -> dict[str, Any]:
        """Give it as what `json.dumps` takes."""
        return {
            "schema": SCHEMA,
            "candidate": self.candidate,
            "live": self.live,
            "passed": self.passed,
            "decision": self.decision,
            "findings": [
                {
                    "rule": one.rule,
                    "passed": one.passed,
                    "text": one.text,
                    "numbers": dict(one.numbers),
                }
                for one in self.findings
            ],
        }

    def to_markdown(self) -> str:
        """Give a table for a pull request or a model card."""
        rows = [
            f"| {'yes' if one.passed else '**no**'} | {one.rule} | {_cell(one.text)} |"
            for one in self.findings
        ]
        head = ["| held | rule | found |", "|---|---|---|"]
        return "\n".join([_cell(f"**{self.headline}**"), "", *head, *rows, ""])


def from_json(content: Mapping[str, Any]) -> Verdict:
    """Read what `to_json` gave; whether it passed follows from the findings.

    Raises:
        ProjectError: it is of another form.
    """
    try:
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r} instead of {SCHEMA}")
        findings = tuple(Finding(**one) for one in content["findings"])
        return Verdict(content["candidate"], content["live"], content["decision"], findings)
    except (KeyError, TypeError, ValueError) as error:
        raise ProjectError(
            f"A verdict cannot be read ({error}).", "Let the gate judge the model again."
        ) from error


def _cell(text: str) -> str:
    """Keep what a label may hold from ending a cell, or from being read as HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
