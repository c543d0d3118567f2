"""Who may come in: pages by origin, and how often each internet address and session."""

from __future__ import annotations

from urllib.parse import urlsplit

from sanic.request import Request

from bot.channels.limits import Rate
from bot.channels.options import WebOptions
from bot.channels.protocol import Refusal

SESSION_BURST = 10
ADDRESS_BURST = 60
NEW_SESSIONS_PER_MINUTE = 120
NEW_SESSIONS_BURST = 60


class Gate:
    """Checks what a request says about itself before anything is done for it."""

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        self._sessions = Rate(options.messages_per_minute, SESSION_BURST)
        self._addresses = Rate(options.address_messages_per_minute, ADDRESS_BURST)
        self._new = Rate(NEW_SESSIONS_PER_MINUTE, NEW_SESSIONS_BURST)

    def check_origin(self, request: Request) -> str | None:
        """Give the origin of the page that asks; None where it is no page of a browser.

        Raises:
            Refusal: `origin_refused`.
        """
        origin: str | None = request.headers.get("origin")
        if origin is None or "*" in self._options.origins or origin in self._options.origins:
            return origin
        if urlsplit(origin).netloc.lower() == (request.headers.get("host") or "").lower():
            return origin
        raise Refusal(
            "origin_refused",
            "This page's origin may not use the chat. Add it under 'origins' of the web channel in "
            "credentials.yml.",
        )

    def address_of(self, request: Request) -> str:
        """Give the internet address that asks, as the outermost proxy of ours saw it."""
        if self._options.proxies:
            header = ",".join(request.headers.getall("x-forwarded-for", []))
            seen = [part.strip() for part in header.split(",") if part.strip()]
            if len(seen) >= self._options.proxies:
                return str(seen[-self._options.proxies])
        return str(request.ip)

    def count_message(self, sender: str, address: str, about: str | None) -> None:
        """Count something sent by a session.

        Raises:
            Refusal: `too_fast`, with the seconds to wait.
        """
        wait = self._addresses.wait(address) or self._sessions.wait(sender)
        if wait:
            raise Refusal(
                "too_fast",
                f"Expected at most {self._options.messages_per_minute} messages a minute and "
                f"{SESSION_BURST} at once. Wait {wait:.1f} s.",
                about=about,
                retry_after=wait,
            )

    def count_new_session(self, address: str) -> None:
        """Count a session that is about to be made for an address.

        Raises:
            Refusal: `too_fast`, with the seconds to wait.
        """
        wait = self._new.wait(address)
        if wait:
            raise Refusal(
                "too_fast",
                f"Too many new sessions from this address. Wait {wait:.1f} s.",
                retry_after=wait,
            )
