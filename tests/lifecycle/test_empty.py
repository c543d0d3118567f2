"""The demo is moved, never deleted, and what takes its place is sound."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from projects import write_project

from bot.errors import ProjectError
from bot.lifecycle import empty
from bot.lifecycle.empty import REPLACED, empty_project
from bot.lifecycle.preflight import problems

REAL = Path(__file__).parent.parent.parent
KEPT = ("config.yml", "endpoints.yml", "credentials.yml", "README.md", "tests/ml/test_kept.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = write_project(tmp_path)
    shutil.copy(REAL / "config.yml", root / "config.yml")
    for name in [
        "actions/bank/store.py",
        "tests/nlu/cards.yml",
        "tests/stories/test_cards.yml",
        "tests/actions/test_bank.py",
        "tests/digests.json",
        "models/20260318-093000.tar.gz",
        *KEPT[3:],
    ]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"the demo's {name}\n")
    return root


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git/" not in path.as_posix()
    }


def test_everything_is_in_the_backup(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(project)
    assert empty_project(ask=False, root=project)
    (backup,) = (project / ".bot").iterdir()
    assert backup.name.startswith("demo-backup-") and backup.name in capsys.readouterr().out
    after = files(project)
    assert {**files(backup), **{name: before[name] for name in KEPT}} == before
    same = [name for name in KEPT if name != "config.yml"]  # one line of it names the demo
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert not [name for name, text in after.items() if name in before and name not in KEPT
                and text == before[name]]  # fmt: skip


def test_a_model_of_the_demo_would_go_on_talking_so_it_is_moved(project: Path) -> None:
    empty_project(ask=False, root=project)
    assert not list((project / "models").iterdir())
    assert list((project / ".bot").glob("*/models/*.tar.gz"))


def test_the_counts_of_the_demos_data_go_with_it(project: Path) -> None:
    empty_project(ask=False, root=project)
    assert not (project / "tests/digests.json").exists()


def test_the_new_project_is_sound(project: Path) -> None:
    empty_project(ask=False, root=project)
    assert [str(error) for error in problems(project)] == []
    for name in REPLACED:
        assert any((project / name).rglob("*")) or (project / name).is_file(), name
    assert not list(project.glob("**/*.template"))


def test_the_new_test_messages_are_not_training_messages(project: Path) -> None:
    empty_project(ask=False, root=project)
    training = set(_messages(project / "data/nlu/conversation.yml"))
    tests = set(_messages(project / "tests/nlu/conversation.yml"))
    assert len(training) >= 48 and len(tests) >= 12
    assert not training & tests


def _messages(path: Path) -> Iterator[str]:
    for item in yaml.safe_load(path.read_text())["nlu"]:
        assert path.parent.parent.name == "tests" or len(item["examples"].splitlines()) == 8
        for line in item["examples"].splitlines():
            yield line.removeprefix("- ").lower()


def test_the_domain_has_what_the_config_says(project: Path) -> None:
    """`config.yml` stays, and names a response that is said when an action failed."""
    empty_project(ask=False, root=project)
    config = yaml.safe_load((REAL / "config.yml").read_text())
    domain = yaml.safe_load((project / "domain.yml").read_text())
    for policy in config["policies"]:
        if "response" in policy:
            assert policy["response"] in domain["responses"]


def test_the_new_actions_pass_the_new_tests(project: Path) -> None:
    """The SDK takes ten seconds to import, and a first action needs two names of it."""
    empty_project(ask=False, root=project)
    sdk = project / "rasa_sdk"
    sdk.mkdir()
    (sdk / "__init__.py").write_text("class Action: pass\nclass Tracker: pass\n")
    (sdk / "executor.py").write_text("class CollectingDispatcher: pass\n")
    check = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/actions"],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0 and "5 passed" in check.stdout, check.stdout + check.stderr


@pytest.mark.parametrize("answer", ["n", "", "no", None])
def test_anything_but_a_yes_changes_nothing(
    project: Path,
    answer: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def reply(prompt: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", reply)
    before = files(project)
    assert not empty_project(ask=True, root=project)
    assert files(project) == before
    out = capsys.readouterr().out
    assert all(f"  {name}\n" in out for name in REPLACED)


def test_a_yes_empties(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    assert empty_project(ask=True, root=project)
    assert (project / "actions/greeting.py").is_file()


def test_uncommitted_changes_are_refused_unless_told_otherwise(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "The demo")
    (project / "data/nlu/mine.yml").write_text("nlu: []\n")
    before = files(project)
    with pytest.raises(ProjectError, match=r"data/nlu/mine\.yml.*--yes"):
        empty_project(ask=True, root=project)
    assert files(project) == before
    assert empty_project(ask=False, root=project)


def test_changes_elsewhere_do_not_matter(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "The demo")
    (project / "README.md").write_text("Mine\n")
    assert empty_project(ask=True, root=project)


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def test_twice_keeps_both_backups(project: Path) -> None:
    assert empty_project(ask=False, root=project)
    assert empty_project(ask=False, root=project)
    assert len(list((project / ".bot").iterdir())) == 2


def test_a_failure_in_the_middle_puts_everything_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = shutil.move
    calls = []

    def move_three_times(source: Path, target: Path) -> object:
        calls.append(source)
        if len(calls) == 4:
            raise OSError("No space left on device")
        return move(source, target)

    monkeypatch.setattr(empty.shutil, "move", move_three_times)
    before = files(project)
    with pytest.raises(ProjectError, match=r"No space left.*where it was"):
        empty_project(ask=False, root=project)
    assert files(project) == before


def test_outside_a_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"config\.yml"):
        empty_project(ask=False, root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_files_that_stay_do_not_name_an_intent_of_the_demo(project: Path) -> None:
    shutil.copy(REAL / "bot.toml", project / "bot.toml")
    before = (project / "config.yml").read_text()
    assert "out_of_scope: not_banking" in before
    empty_project(ask=False, root=project)
    after = (project / "config.yml").read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == [
        line for line in before.splitlines() if "not_banking" in line
    ]
    assert "not_banking" not in (project / "bot.toml").read_text()
    (kept,) = project.glob(".bot/demo-backup-*/config.yml")
    assert kept.read_text() == before
