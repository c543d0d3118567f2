"""Who may come in: pages by origin, and how often each internet address and session."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from sanic.request import Request

from bot.channels.limits import Rate
from bot.channels.options import WebOptions
from bot.channels.protocol import Refusal

LEAST_BURST = 10
IPV6_NETWORK = 64  # bits; who has one IPv6 address usually has all that share these


class Gate:
    """Checks what a request says about itself before anything is done for it."""

    def __init__(self, options: WebOptions) -> None:
        self._options = options
        by_session, by_address = options.messages_per_minute, options.address_messages_per_minute
        self._burst = max(LEAST_BURST, by_session // 6)
        self._sessions = Rate(by_session, self._burst)
        self._addresses = Rate(by_address, max(LEAST_BURST, by_address // 10))
        self._new = Rate(by_address / 5, max(LEAST_BURST, by_address // 10))

    def check_origin(self, request: Request) -> str | None:
        """Give the origin of the page that asks; None where it is no page of a browser.

        Raises:
            Refusal: `origin_refused`.
        """
        said = request.headers.getall("origin", [])
        origin = ", ".join(said) if said else None
        if origin is None or "*" in self._options.origins or origin in self._options.origins:
            return origin
        host = (request.headers.get("host") or "").lower()
        if host and origin.lower() in (f"http://{host}", f"https://{host}"):
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
                return _network(seen[-self._options.proxies])
        return _network(str(request.ip))

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
                f"{self._burst} at once. Wait {wait:.1f} s.",
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


def _network(text: str) -> str:
    """Give an address as it is counted: without a port, and of IPv6 the network."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return text[:64]
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address, IPV6_NETWORK), strict=False))
