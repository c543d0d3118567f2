"""`bot promote`, `bot rollback`, `bot models`."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from pathlib import Path

import pytest
from registered import KEY, WHEN, archive, candidate, judged, newest

from bot import cli
from bot.errors import ProjectError
from bot.lifecycle import promote as promoting
from bot.lifecycle.promote import promote, rollback
from bot.lifecycle.registry import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models", KEY, tmp_path)


def live(registry: Registry) -> str | None:
    return registry.pointer().live


def chain(registry: Registry, *names: str) -> None:
    """Promote one after another, each judged against the one before."""
    for name in names:
        promote(registry, candidate(registry, name, live(registry)))


def test_a_candidate_that_passed_goes_live(registry: Registry) -> None:
    path = candidate(registry, "one")
    content = path.read_bytes()
    card = promote(registry, path, command="bot promote one")
    assert live(registry) == "one" and registry.archive("one").read_bytes() == content
    assert not path.exists()  # it went
    assert [entry["what"] for entry in card.history] == ["registered", "promoted"]
    assert card.history[-1]["command"] == "bot promote one"
    assert registry.card("one") == card
    assert registry.verify(registry.archive("one")) == card


def test_the_live_one_is_what_plain_rasa_loads(registry: Registry) -> None:
    old = archive(registry.models / "old.tar.gz")
    os.utime(old, (2_000_000_000, 2_000_000_000 - 1))
    chain(registry, "one", "two")
    os.utime(old, (1000, 1000))
    assert newest(registry.models) == "two.tar.gz"
    rollback(registry)
    assert newest(registry.models) == "one.tar.gz"


@pytest.mark.parametrize("name", ["one", "one.tar.gz", "models/candidates/one.tar.gz"])
def test_a_model_is_found_by_path_or_name(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    candidate(registry, "one")
    assert promote(registry, Path(name)).model == "one"


def test_a_model_from_elsewhere_is_copied_and_stays(registry: Registry, tmp_path: Path) -> None:
    path = archive(tmp_path / "shared" / "one.tar.gz")
    promote(registry, path, force=True, why="from the training machine")
    assert path.exists() and registry.archive("one").exists()


def refused(registry: Registry, words: str, model: Path = Path("one"), **options: object) -> None:
    before = {p: p.read_bytes() for p in registry.models.rglob("*") if p.is_file()}
    with pytest.raises(ProjectError, match=words):
        promote(registry, model, **options)  # type: ignore[arg-type]
    after = {p: p.read_bytes() for p in registry.models.rglob("*") if p.is_file()}
    after.pop(registry.models / ".lock", None), before.pop(registry.models / ".lock", None)
    assert after == before, "a refused promotion changed something"


def test_without_a_passing_verdict_it_is_refused_in_words(registry: Registry) -> None:
    candidate(registry, "one", passed=False)
    refused(registry, r"one is refused: intent\.\n  'greet' lost 20\.0 points")


def test_without_a_verdict_or_a_card_it_is_refused(registry: Registry) -> None:
    path = archive(registry.candidates / "one.tar.gz")
    refused(registry, "Nobody has judged")
    registry.register(path, command="bot improve", when=WHEN)
    refused(registry, "The gate has not judged one")


def test_a_verdict_against_another_live_model_is_refused(registry: Registry) -> None:
    chain(registry, "zero")
    candidate(registry, "one", None)
    refused(registry, "against no model, but zero is live now")
    candidate(registry, "two", "minus_one")
    refused(registry, "against minus_one, but zero is live now", Path("two"))


def test_force_needs_a_reason_and_the_card_keeps_it(registry: Registry) -> None:
    candidate(registry, "one", passed=False)
    refused(registry, "--why TEXT", force=True, why=" ")
    card = promote(registry, Path("one"), force=True, why="the intent is retired")
    assert card.history[-1]["what"] == "forced"
    assert card.history[-1]["why"] == "the intent is retired"
    assert card.verdict is not None and card.verdict["passed"] is False
    text = registry.card_file("one").with_suffix(".md").read_text(encoding="utf-8")
    assert "the intent is retired" in text and "one is refused" in text


def test_force_does_not_help_what_was_tampered_with(registry: Registry) -> None:
    path = candidate(registry, "one")
    whole = path.read_bytes()
    archive(path, filling=b"another")
    refused(registry, "not the one that its card", force=True, why="x")
    path.write_bytes(whole[:-9])
    refused(registry, "cannot be read to its end", force=True, why="x")
    archive(path, predict_schema={"nodes": {"x": {"uses": "evil.C"}}})
    refused(registry, "would call|would import", force=True, why="x")


def test_force_signs_anew_what_was_not_signed(registry: Registry) -> None:
    unsigned = Registry(registry.models, None, registry.project)
    chain(unsigned, "one")
    refused(registry, "not signed")
    card = promote(registry, Path("one"), force=True, why="the key is new")
    assert live(registry) == "one" and registry.card("one") == card
    assert card.verdict is None  # nobody vouched for the old one


def test_the_live_one_is_not_promoted_twice(registry: Registry) -> None:
    chain(registry, "one")
    refused(registry, "live already")


def test_what_does_not_exist(registry: Registry) -> None:
    with pytest.raises(ProjectError, match="'bot models' lists"):
        promote(registry, Path("away"))


def test_rollback_goes_back_one_after_another(registry: Registry) -> None:
    chain(registry, "one", "two", "three")
    assert rollback(registry, command="bot rollback").history[-1]["what"] == "rolled back"
    assert live(registry) == "two"
    assert rollback(registry).model == "one"
    assert registry.pointer().earlier == ()
    with pytest.raises(ProjectError, match="Before one no model was live"):
        rollback(registry)
    assert rollback(registry, Path("three")).model == "three"
    assert registry.pointer().earlier == ("one",)
    assert rollback(registry).model == "one"


def test_rollback_to_one_far_back(registry: Registry) -> None:
    chain(registry, "one", "two", "three")
    rollback(registry, Path("models/one.tar.gz"))
    assert live(registry) == "one" and registry.pointer().earlier == ()
    with pytest.raises(ProjectError, match="live already"):
        rollback(registry, Path("one"))


def test_rollback_refuses_what_was_never_live_or_was_changed(registry: Registry) -> None:
    with pytest.raises(ProjectError, match="No model was promoted yet"):
        rollback(registry)
    chain(registry, "one", "two")
    path = archive(registry.archive("other"))
    registry.register(path, command="c", when=WHEN, verdict=judged("other"))
    with pytest.raises(ProjectError, match="other was never live"):
        rollback(registry, Path("other"))
    registry.archive("one").write_bytes(b"x")
    with pytest.raises(ProjectError, match="not the one that its card"):
        rollback(registry)
    registry.archive("one").unlink()
    with pytest.raises(ProjectError, match="is gone"):
        rollback(registry)
    assert live(registry) == "two"


def test_what_a_killed_promotion_left_is_finished_by_the_next_command(registry: Registry) -> None:
    chain(registry, "one", "two")
    shutil.copy(registry.archive("two"), registry.candidates)  # killed before it was removed
    os.utime(registry.archive("two"), (1000, 1000))  # killed before it was made the newest
    scratch = registry.models / ".three.tar.gz.writing"
    scratch.write_bytes(b"half")
    with pytest.raises(ProjectError):
        promote(registry, Path("away"))
    assert newest(registry.models) == "two.tar.gz"
    assert not scratch.exists() and not list(registry.candidates.glob("*.tar.gz"))
    other = archive(registry.candidates / "two.tar.gz", filling=b"another")
    with pytest.raises(ProjectError):
        promote(registry, Path("away"))
    assert other.exists()  # of the same name, and not the same: it is nobody's to remove


def test_an_archive_that_changes_while_it_is_copied_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = candidate(registry, "one")
    copy = promoting._copy

    def exchanged(source: Path, target: Path) -> str:
        archive(source, filling=b"another")
        return copy(source, target)

    monkeypatch.setattr(promoting, "_copy", exchanged)
    with pytest.raises(ProjectError, match="was changed while it was copied"):
        promote(registry, path)
    assert live(registry) is None and not list(registry.models.glob("*.tar.gz*"))
    assert not list(registry.models.glob(".*.writing"))


def test_two_at_once_are_refused(registry: Registry) -> None:
    candidate(registry, "one")
    with (registry.models / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ProjectError, match="Another command is changing"):
            promote(registry, Path("one"))
    assert promote(registry, Path("one")).model == "one"


def test_a_disk_that_is_full_changes_nothing(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    chain(registry, "zero")
    path = archive(registry.candidates / "one.tar.gz")
    path.write_bytes(path.read_bytes())
    registry.register(path, command="c", when=WHEN, verdict=judged("one", "zero"))
    before = sorted(registry.models.rglob("*"))
    process = os.fork()
    if process == 0:  # a limit of the process stands in for the disk
        status = 1
        try:
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            promote(registry, Path("one"))
        except (ProjectError, OSError):
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert sorted(registry.models.rglob("*")) == before
    assert live(registry) == "zero"


# ---- the commands


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOT_SIGNING_KEY", KEY.decode())
    monkeypatch.setenv("COLUMNS", "200")
    return Registry(Path("models"), KEY)


def test_the_commands(project: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models"]) == 0
    assert "There is no model" in capsys.readouterr().out
    candidate(project, "one")
    candidate(project, "two", "one", passed=False)
    assert cli.main(["promote", "one"]) == 0
    assert capsys.readouterr().out == "one is live.\n"
    assert cli.main(["promote", "two"]) == cli.USER_ERROR
    assert "two is refused: intent." in capsys.readouterr().err
    assert cli.main(["promote", "two", "--force", "--why", "retired"]) == 0
    assert capsys.readouterr().out == "two is live.\n'bot rollback' goes back to one.\n"
    assert cli.main(["models"]) == 0
    rows = [re.split(r" {2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    cells = ["2026-03-18T09:00", "0.947", "0.900", "3 of 4"]
    assert rows[1] == ["two", "live", *cells, "refused, forced: retired", "ok"]
    assert rows[2] == ["one", "earlier", *cells, "passed", "ok"]
    assert cli.main(["rollback"]) == 0
    assert cli.main(["rollback", "--to", "two"]) == 0
    card = project.card("two")
    assert card is not None and card.history[-1]["command"] == "bot rollback --to two"
    assert card.history[1]["command"] == "bot promote two --force"


def test_the_table_says_what_is_wrong(
    project: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(project, "one")
    archive(project.models / "trained.tar.gz")
    candidate(project, "two", "one")
    monkeypatch.delenv("BOT_SIGNING_KEY")
    assert cli.main(["models"]) == 0
    out = capsys.readouterr().out
    assert "digest only" in out and "no card" in out and "BOT_SIGNING_KEY is not set" in out
    assert "'trained.tar.gz' is newer than the live model" in out
    project.archive("one").write_bytes(b"x")
    assert cli.main(["models"]) == cli.FAILED
    assert "not the one that its card was written for" in capsys.readouterr().out
    project.pointer_file.write_text("{")
    assert cli.main(["models"]) == cli.FAILED


def test_a_server_does_not_start_with_what_was_tampered_with(
    project: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    chain(project, "one")
    project.archive("one").write_bytes(project.archive("one").read_bytes()[:-30])
    assert cli.main(["serve"]) == cli.USER_ERROR
    assert "not the one that its card was written for" in capsys.readouterr().err
    stranger = archive(project.models / "stranger.tar.gz")
    assert cli.main(["serve", "--model", str(stranger)]) == cli.USER_ERROR
    assert "nobody signed it" in capsys.readouterr().err
