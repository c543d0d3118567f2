"""What a reviewer types: single keys in a terminal, lines where the input is a pipe."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

# Over a slow line, the answer to "where is the cursor" would be taken for what somebody typed.
os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")

ENTER = "\n"
_END = "\x04"  # Ctrl-D
_ESCAPE = b"\x1b"
_LOCAL_MODES = 3  # where `termios` has them


class Key(NamedTuple):
    """A key, and in a pipe what stood after it on its line."""

    name: str
    rest: str = ""


class Keyboard:
    """Reads what is typed; all methods raise `EOFError` at the end of the input."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdin.isatty()
        self._before: list[Any] = []

    def key(self) -> Key:
        """Wait for a key; a line of a pipe is one, `/balance` is the key `/` with `balance`."""
        with _waiting():
            if self.is_terminal:
                return Key(_read_key())
            line = sys.stdin.readline()
        if not line:
            raise EOFError
        line = line.strip()
        return Key(line[:1] or ENTER, line[1:].strip())

    def line(self, prompt: str, key: Key, words: Sequence[str] = ()) -> str:
        """Ask for a line; in a pipe it stood after the key.

        Args:
            prompt: what is asked.
            key: the key that led to the question.
            words: what the line may be completed to.
        """
        if not self.is_terminal:
            return key.rest
        with self._set(self._before), _waiting():
            if not words:
                print(prompt, end="", flush=True)
                # Where a signal comes between prompt and reading, `input` notices it a line later.
                select.select([sys.stdin], [], [])
                return input().strip()
            from prompt_toolkit import prompt as ask
            from prompt_toolkit.completion import FuzzyWordCompleter

            return str(ask(prompt, completer=FuzzyWordCompleter(list(words)))).strip()

    @contextmanager
    def single_keys(self) -> Iterator[None]:
        """Let keys through as they are pressed, without showing them; Ctrl-C stays what it is.

        What was typed ahead is kept: a reviewer may be faster than the machine.
        """
        if not self.is_terminal:
            yield
            return
        self._before = termios.tcgetattr(sys.stdin)
        wanted = termios.tcgetattr(sys.stdin)
        wanted[_LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
        with self._set(wanted):
            yield

    @contextmanager
    def _set(self, modes: list[Any]) -> Iterator[None]:
        before = termios.tcgetattr(sys.stdin)
        try:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, modes)
            yield
        finally:
            with suppress(termios.error):  # the terminal itself may be gone
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


class _Leaving:
    """Whether somebody wants to leave, and whether it is a moment to do so.

    Only while a key is waited for: raised in the middle of other work, the exception may be
    swallowed there, or leave a connection half closed.
    """

    wanted = False
    waiting = False


@contextmanager
def hang_up_ends() -> Iterator[None]:
    """Let Ctrl-C, a terminal that goes away and a polite kill end the work at the next key."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Leaving.wanted = False
    names = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    before = {name: signal.signal(name, _leave) for name in names}
    try:
        yield
    finally:
        for name, action in before.items():
            signal.signal(name, action)


def _leave(*_: object) -> None:
    _Leaving.wanted = True
    if _Leaving.waiting:
        raise KeyboardInterrupt


@contextmanager
def _waiting() -> Iterator[None]:
    """Mark the time in which a signal may end the work, also one that came before."""
    _Leaving.waiting = True
    try:
        if _Leaving.wanted:
            raise KeyboardInterrupt
        yield
    finally:
        _Leaving.waiting = False


def _read_key() -> str:
    descriptor = sys.stdin.fileno()
    try:
        typed = os.read(descriptor, 1)
    except OSError:  # the terminal is gone
        raise EOFError from None
    if typed == _ESCAPE:
        _pass_over_sequence(descriptor)
        return ""
    while typed and typed[0] >= 0xC0 and len(typed) < 4:
        try:
            typed.decode()
            break
        except UnicodeDecodeError:
            typed += os.read(descriptor, 1)
    found = typed.decode(errors="replace")
    if found in ("", _END):
        raise EOFError
    return ENTER if found in "\r\n" else found


def _pass_over_sequence(descriptor: int) -> None:
    """Read what an arrow or the like sends after its escape, and nothing that was typed later."""
    first = _at_once(descriptor)
    if first == b"O":  # as some terminals send arrows and F1
        _at_once(descriptor)
    while first == b"[":
        following = _at_once(descriptor)
        if not following or 0x40 <= following[0] <= 0x7E:
            return


def _at_once(descriptor: int) -> bytes:
    """Read a byte that is there, or comes within an instant."""
    return os.read(descriptor, 1) if select.select([descriptor], [], [], 0.02)[0] else b""
