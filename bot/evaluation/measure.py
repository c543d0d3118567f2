"""Run a command as a child and say what it cost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.errors import ProjectError


@dataclass(frozen=True)
class ProcessCost:
    """Wall time in seconds and the largest resident memory in MB of a finished child."""

    seconds: float
    peak_mb: float


def run_rasa(arguments: list[str], out: Path, *, fresh_cache: bool = False) -> ProcessCost:
    """Run `rasa` with its output in `out/rasa.log`.

    Args:
        arguments: what follows `rasa` on the command line.
        out: a folder, made if it is missing.
        fresh_cache: use an empty training cache, so that everything is trained.

    Raises:
        ProjectError: rasa failed; the message holds the end of its log.
    """
    cache = tempfile.mkdtemp() if fresh_cache else None
    try:
        extra = {"RASA_CACHE_DIRECTORY": cache} if cache else {}
        return _run([sys.executable, "-m", "rasa", *arguments], out / "rasa.log", extra)
    finally:
        if cache:
            shutil.rmtree(cache, ignore_errors=True)


def run_measured(archive: Path, messages: Path, out: Path) -> dict[str, float]:
    """Measure loading and parsing in a process of its own; see `bot.evaluation.latency`."""
    result = out / "latency.json"
    _run(
        [sys.executable, "-m", "bot.evaluation.latency", str(archive), str(messages), str(result)],
        out / "latency.log",
        {},
    )
    figures: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    return figures


def _run(command: list[str], log: Path, extra: dict[str, str]) -> ProcessCost:
    log.parent.mkdir(parents=True, exist_ok=True)
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg"}
    began = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **quiet, **extra}
        )
        try:
            peak_mb = _wait(child)
        except BaseException:
            child.terminate()
            raise
    if child.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace")[-1500:]
        raise ProjectError(
            f"'{' '.join(command[1:5])} ...' failed with exit code {child.returncode}. "
            f"The end of {log}:\n{tail}"
        )
    return ProcessCost(time.monotonic() - began, peak_mb)


def _wait(child: subprocess.Popen[bytes]) -> float:
    """Wait for the end, looking at the memory twenty times a second; give the peak in MB.

    What the system itself accounts for a child also counts its parent's memory at the fork.
    """
    process = psutil.Process(child.pid)
    peak = 0
    while child.poll() is None:
        with contextlib.suppress(psutil.Error):
            peak = max(peak, process.memory_info().rss)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.05)
    return peak / 2**20
