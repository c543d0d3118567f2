"""The throw-away server of the tests: it is there, it is gone afterwards, and CI insists on it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = str(ROOT / ".ci" / "with-postgres")
FOUND = bool(list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))
needs_postgres = pytest.mark.skipif(
    not FOUND and os.environ.get("CI") != "true", reason="PostgreSQL is not installed"
)


def environment(**more: str) -> dict[str, str]:
    without = ("BOT_TEST_POSTGRES_URL", "CI")
    return {**{k: v for k, v in os.environ.items() if k not in without}, **more}


def run(*command: str, **more: str) -> Any:
    return subprocess.run(
        [SCRIPT, *command], env=environment(**more), capture_output=True, text=True, timeout=120
    )


def folder_in(url: str) -> Path:
    return Path(url.strip().rpartition("host=")[2])


@needs_postgres
def test_a_command_gets_a_server_that_is_gone_afterwards() -> None:
    ask = (
        "import os, sqlalchemy as sa; url = os.environ['BOT_TEST_POSTGRES_URL']; print(url);"
        "print(sa.create_engine(url).connect().execute(sa.text('SHOW fsync')).scalar())"
    )
    done = run(str(ROOT / ".venv/bin/python"), "-c", ask)
    assert done.returncode == 0, done.stderr
    url, fsync = done.stdout.split()
    assert fsync == "off"
    assert not folder_in(url).exists()


@needs_postgres
def test_the_exit_code_is_the_commands() -> None:
    assert run("sh", "-c", "exit 3").returncode == 3


@needs_postgres
@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_too(ended_by: signal.Signals) -> None:
    command = [SCRIPT, "sh", "-c", "echo $BOT_TEST_POSTGRES_URL; exec sleep 60"]
    process = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    folder = folder_in(process.stdout.readline())
    assert (folder / "data/postmaster.pid").exists()
    server = int((folder / "data/postmaster.pid").read_text().splitlines()[0])
    process.send_signal(ended_by)
    assert process.wait(timeout=30) == 128 + ended_by
    process.stdout.close()
    assert not folder.exists()
    for _ in range(50):
        if is_gone(server):
            return
        time.sleep(0.1)
    pytest.fail("the server still runs")


def is_gone(process: int) -> bool:
    """Say whether a process ended; one that nobody has asked about yet is a zombie."""
    try:
        return "State:\tZ" in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return True


def test_a_server_that_is_named_is_used() -> None:
    done = run("sh", "-c", "echo $BOT_TEST_POSTGRES_URL", BOT_TEST_POSTGRES_URL="postgresql://x")
    assert done.stdout.strip() == "postgresql://x"


def test_without_postgresql_the_command_runs_but_not_on_ci() -> None:
    nowhere = {"BOT_POSTGRES_BIN": "/nowhere"}
    done = run("sh", "-c", "echo ${BOT_TEST_POSTGRES_URL:-none}", **nowhere)
    assert (done.returncode, done.stdout.strip()) == (0, "none")
    assert "are skipped" in done.stderr
    done = run("echo", "ran", CI="true", **nowhere)
    assert done.returncode == 1
    assert "ran" not in done.stdout


def test_on_ci_the_tests_fail_without_a_server() -> None:
    """The last line of defence: nobody called with-postgres."""
    test = "tests/feedback/test_insights.py::test_days_are_utc"
    command = [str(ROOT / ".venv/bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(CI="true"), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout
    assert "must test PostgreSQL too" in done.stdout
    assert "1 passed" in done.stdout  # on SQLite
