"""Child processes that are always stopped: signals unwind, and stopping is not cut short."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOP_TIMEOUT_S = 5.0
# Rasa's dependencies greet with deprecations that its users can do nothing about.
SILENCE = {
    "PYTHONWARNINGS": "ignore",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@contextmanager
def signals_unwind() -> Iterator[None]:
    """Make SIGTERM and a closed terminal leave through `finally`, where children are stopped."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)  # a second one must not cut the stopping short
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop(process: subprocess.Popen[bytes], send: Callable[[int], None]) -> None:
    """Ask a process to end, then make it; Ctrl-C meanwhile changes nothing."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                send(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
    finally:
        signal.signal(signal.SIGINT, before)
