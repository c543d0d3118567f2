"""`bot doctor` on the web channel, and `bot serve` where it cannot start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from projects import write_archive, write_project

from bot.errors import ProjectError
from bot.lifecycle.checks.findings import Finding, Project
from bot.lifecycle.checks.web import check_web
from bot.lifecycle.serve import serve

CHANNEL = "bot.channels.web.WebChannel:\n"
SLOT = "    type: any\n    influence_conversation: false\n    mappings: [{type: custom}]\n"
SLOTS = f"slots:\n  feedback:\n{SLOT}  rating:\n{SLOT}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = write_project(tmp_path)
    domain = (root / "domain.yml").read_text("utf-8")
    assert domain.count("\nslots:\n") == 1
    whole = domain.replace("\nslots:\n", f"\n{SLOTS}")
    (root / "domain.yml").write_text(whole, "utf-8")
    return root


def look(project: Path, credentials: str) -> Finding:
    (project / "credentials.yml").write_text(credentials, "utf-8")
    (finding,) = check_web(Project(project))
    return finding


def test_a_channel_with_its_slots_is_in_order(project: Path) -> None:
    finding = look(project, CHANNEL + "  demo: true\n  login: off\n")
    assert (finding.verdict, finding.detail) == ("ok", "login off, the demo page is on")


def test_without_the_channel_there_is_nothing_to_look_at(project: Path) -> None:
    assert look(project, "rest:\n").detail == "not used"


def test_a_wrong_option_is_a_problem(project: Path) -> None:
    finding = look(project, CHANNEL + "  origin: []\n")
    assert finding.verdict == "problem"
    assert "Did you mean 'origins'?" in finding.detail


@pytest.mark.parametrize("slot", ["feedback", "rating"])
def test_a_missing_slot_is_named(project: Path, slot: str) -> None:
    domain = (project / "domain.yml").read_text("utf-8")
    (project / "domain.yml").write_text(domain.replace(f"  {slot}:\n{SLOT}", ""), "utf-8")
    finding = look(project, CHANNEL)
    assert finding.verdict == "warning"
    assert slot in finding.detail


def test_a_port_that_is_taken_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    write_archive(project / "models" / "one.tar.gz")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ProjectError, match=f"Port {port} .* --port"):
            serve(None, interface="127.0.0.1", port=port, debug=False)


def test_credentials_that_are_no_yaml_are_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    write_archive(project / "models" / "one.tar.gz")
    (project / "credentials.yml").write_text("rest: [", "utf-8")
    with pytest.raises(ProjectError, match=r"credentials\.yml"):
        serve(None, interface="127.0.0.1", port=5999, debug=False)
