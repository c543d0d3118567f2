"""`bot review`: the review page on a port of this machine, or the same work in the terminal."""

from __future__ import annotations

import getpass
import ipaddress
import logging
import secrets
import socket
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bot.errors import BotError
from bot.feedback.project import Project
from bot.feedback.scoring import Scorer
from bot.feedback.store import Store
from bot.settings import (
    REVIEW_TOKENS,
    ReviewSettings,
    review_hosts,
    review_token,
    review_tokens,
)


def review(
    *,
    key: bytes,
    url: str,
    settings: ReviewSettings,
    scorer: Scorer | None,
    in_terminal: bool,
    reviewer: str | None,
    interface: str,
    port: int,
) -> int:
    """Let people review what waits in the feedback store, until Ctrl-C; give the exit status.

    Args:
        key: the key of the feedback store.
        url: the feedback store.
        settings: the section `[review]` of `bot.toml`.
        scorer: the model whose embeddings find like examples; None does without.
        in_terminal: ask in the terminal instead of serving the page.
        reviewer: the name of the reviewer, for the terminal; by default that of the user.
        interface: the address to listen on.
        port: the port to listen on; 0 for any that is free.

    Raises:
        BotError: something a person must mend first.
    """
    project = Project.load(Path("."))
    with closing(Store(url, key)) as store:
        if in_terminal:
            from bot.review.terminal import review_in_terminal

            name = reviewer or getpass.getuser()
            return review_in_terminal(store, project, scorer, name, settings)
        return _serve(store, project, key, settings, scorer, interface, port)


def _serve(
    store: Store,
    project: Project,
    key: bytes,
    settings: ReviewSettings,
    scorer: Scorer | None,
    interface: str,
    port: int,
) -> int:
    from bot.review.access import Access
    from bot.review.app import LOOPBACK, make_app
    from bot.review.desk import Desk

    tokens, local = review_tokens(), is_loopback(interface)
    if not local and not tokens:
        raise BotError(
            f"{interface} can be reached from other machines, but reviewers have no tokens of "
            f"their own. Set {REVIEW_TOKENS}=ana:...,ben:..., or leave --interface out and let a "
            f"proxy or ssh lead to the page."
        )
    shared = None if tokens else review_token() or secrets.token_urlsafe(24)
    hosts = review_hosts() | (LOOPBACK if local else frozenset())
    listening = _listen(interface, port)
    desk = Desk(store, project, settings, scorer)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    app = make_app(desk, Access(key, tokens, shared), hosts)
    here = f"http://{_shown(interface)}:{listening.getsockname()[1]}/"

    async def started(*_: object) -> None:
        desk.start()
        link = f"{here}#token={quote(shared)}" if shared else here
        print(f"Review at {link}\nStop with Ctrl-C.", flush=True)

    async def stopped(*_: object) -> None:
        desk.stop()

    app.register_listener(started, "after_server_start")
    app.register_listener(stopped, "before_server_stop")
    app.run(sock=listening, access_log=False, motd=False, debug=False)
    return 0


def is_loopback(interface: str) -> bool:
    """Say whether only this machine can reach an address."""
    if interface == "localhost":
        return True
    try:
        return ipaddress.ip_address(interface).is_loopback
    except ValueError:
        return False


def _listen(interface: str, port: int) -> socket.socket:
    """Take the port before anything else is started.

    Raises:
        BotError: it is taken, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            interface, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise BotError(
            f"The review page cannot listen on {interface}:{port} ({error.strerror}). Name "
            f"another port with --port, or stop what listens there."
        ) from error
    return listening


def _shown(interface: str) -> str:
    return f"[{interface}]" if ":" in interface else interface
