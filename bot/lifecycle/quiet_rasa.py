"""Rasa's command line as it is, but `--quiet` silences warnings too, and Ctrl-D leaves the shell.

Run by `bot chat` and `bot serve` as a process of its own: `python -m bot.lifecycle.quiet_rasa`.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any


def main() -> None:
    """Run the command line of Rasa with the two changes."""
    if "--quiet" in sys.argv:
        # Sanic undoes PYTHONWARNINGS while it is imported; so nothing is shown, whatever passes.
        warnings.showwarning = lambda *_, **__: None
    from rasa.__main__ import main as rasa
    from rasa.core.channels import console

    ask = console._get_user_input

    async def ask_or_leave(previous_response: dict[str, Any] | None) -> str | None:
        # Rasa lets the end of the input end its prompt with a stack trace, and goes on without
        # one for ever. None is what it takes as leaving.
        try:
            answer: str | None = await ask(previous_response)
        except EOFError:
            return None
        return answer

    console._get_user_input = ask_or_leave
    rasa()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # while it loads; the prompt itself takes Ctrl-C as leaving
        sys.exit(130)
