"""The REST calls are what openapi.json says; schemathesis looks for where they are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from serving import Server
from visitors import Rest

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def run(server: Server, rest: Rest, folder: Path, *options: str) -> None:
    rest.say("hello")
    done = subprocess.run(
        [
            str(SCHEMATHESIS),
            "run",
            f"{server.url}/openapi.json",
            "--header",
            f"Authorization: Bearer {rest.session}",
            "--no-color",
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "6 selected / 6 total" in done.stdout


def test_calls_are_as_described(server: Server, rest: Rest, tmp_path: Path) -> None:
    run(server, rest, tmp_path, "--max-examples", "20", "--seed", "1")


@pytest.mark.long
def test_calls_are_as_described_whatever_is_sent(
    server: Server, rest: Rest, tmp_path: Path
) -> None:
    run(server, rest, tmp_path, "--max-examples", "150")
