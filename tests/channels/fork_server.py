"""Imports Rasa once and forks a process for each `rasa …` it is asked for.

`rasa run` takes seconds to import TensorFlow and milliseconds for the rest. What the child runs is
Rasa's own command line, so it can be killed and started again as the real one.

Reads one JSON object a line on stdin, and answers one on stdout; ends, and ends what it forked,
with its stdin.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import warnings
from typing import Any


def main() -> None:
    """Answer commands until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    children: set[int] = set()
    preload()
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        command = json.loads(line)
        if "run" in command:
            pid = os.fork()
            if not pid:
                become(command)
            children.add(pid)
            print(json.dumps({"pid": pid}), file=answers)
        else:
            status = wait(command["wait"], command["within"])
            print(json.dumps({"status": status}), file=answers)
            if status is not None:
                children.discard(command["wait"])
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def preload() -> None:
    """Import what `rasa run` and `rasa train` import."""
    warnings.simplefilter("ignore")
    import rasa.__main__
    import rasa.cli.run
    import rasa.cli.train
    import rasa.core.agent
    import rasa.core.run
    import rasa.engine.recipes.default_components
    import rasa.model_training
    import rasa.server  # noqa: F401
    import uvloop  # noqa: F401

    import bot.channels.web  # noqa: F401


def become(command: dict[str, Any]) -> None:
    """Turn into `rasa` with the given arguments; never returns."""
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 64)
    os.chdir(command["folder"])
    os.environ.update(command["environment"])
    sys.argv = ["rasa", *command["run"]]
    sys.stdin, sys.stdout = open(0), open(1, "w", buffering=1)  # noqa: SIM115
    code = 1
    try:
        import rasa.__main__

        rasa.__main__.main()
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(pid: int, within: float) -> int | None:
    """Wait for a child; None where it still runs."""
    until = time.monotonic() + within
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if time.monotonic() > until:
            return None
        time.sleep(0.005)


if __name__ == "__main__":
    main()
