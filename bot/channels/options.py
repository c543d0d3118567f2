"""What `credentials.yml` can say about the web channel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from bot.errors import OptionError, did_you_mean


@dataclass(frozen=True)
class WebOptions:
    """The options of `bot.channels.web.WebChannel`.

    Attributes:
        origins: web pages that may embed the chat, such as `https://www.example.org`; pages of
            the bot's own address always may. A single `*` lets every page.
        session_days: a session that is not used for so long is no longer valid.
        message_characters: the longest message.
        messages_per_minute: of one session, on average; ten at once at most.
        address_messages_per_minute: of one internet address, on average.
        connections_per_session: open WebSockets of one session, such as tabs.
        connections_per_address: open WebSockets of one internet address.
        history_turns: how much of a conversation comes back after a reload.
        payloads: payloads such as `/greet` that may be sent though the bot offered no button.
        login: `off`; `optional` ties a session to the site's login where a page sends one;
            `required` lets nobody talk without. The key is in `BOT_LOGIN_KEY`.
        login_algorithm: how the site signs its JWT: `HS256`, `RS256`, `ES256` or `EdDSA`.
        login_audience: what the JWT's `aud` must be; without it the JWT must have none.
        metadata_schema: a JSON Schema file that the metadata of every message must meet.
        proxies: how many proxies of yours stand in front and add to `X-Forwarded-For`.
        demo: serve the demo page at `/webhooks/web/demo`.
    """

    origins: tuple[str, ...] = ()
    session_days: float = 30.0
    message_characters: int = 2000
    messages_per_minute: int = 60
    address_messages_per_minute: int = 600
    connections_per_session: int = 10
    connections_per_address: int = 100
    history_turns: int = 200
    payloads: tuple[str, ...] = ()
    login: str = "off"
    login_algorithm: str = "HS256"
    login_audience: str = ""
    metadata_schema: str = ""
    proxies: int = 0
    demo: bool = False

    @classmethod
    def read(cls, credentials: Mapping[str, Any] | None, file: Path) -> WebOptions:
        """Read the options from the channel's part of `credentials.yml`.

        Raises:
            OptionError: an unknown key or an unusable value; says the remedy.
        """
        known = [field.name for field in fields(cls)]
        types = get_type_hints(cls)
        values: dict[str, Any] = {}
        for key, value in (credentials or {}).items():
            if key not in known:
                raise OptionError(
                    f"{file}: unknown option '{key}' for the web channel."
                    f"{did_you_mean(key, known)} Known: {', '.join(known)}."
                )
            values[key] = _typed(key, value, types[key], file)
        options = cls(**values)
        options._check(file)
        return options

    def _check(self, file: Path) -> None:
        rules = [
            ("login", self.login in LOGINS, f"one of {', '.join(LOGINS)}"),
            (
                "login_algorithm",
                self.login_algorithm in ALGORITHMS,
                f"one of {', '.join(ALGORITHMS)}",
            ),
            ("proxies", self.proxies >= 0, "0 or more"),
            (
                "origins",
                all(origin == "*" or _is_origin(origin) for origin in self.origins),
                "a list of origins as browsers say them, such as https://www.example.org: in "
                "small letters, without a path, without the port that goes without saying",
            ),
            (
                "payloads",
                all(payload.startswith("/") for payload in self.payloads),
                "a list of payloads that begin with a slash",
            ),
            ("session_days", self.session_days <= MOST_DAYS, f"at most {MOST_DAYS}"),
            *((name, getattr(self, name) > 0, "above 0") for name in POSITIVE),
        ]
        for name, holds, allowed in rules:
            if not holds:
                raise OptionError(
                    f"{file}: option '{name}' of the web channel is {getattr(self, name)!r}, but "
                    f"must be {allowed}."
                )


LOGINS = ("off", "optional", "required")
ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
MOST_DAYS = 3650
POSITIVE = (
    "session_days",
    "message_characters",
    "messages_per_minute",
    "address_messages_per_minute",
    "connections_per_session",
    "connections_per_address",
    "history_turns",
)


def _is_origin(text: str) -> bool:
    found = re.fullmatch(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+])(?::([0-9]{1,5}))?", text)
    return found is not None and (found[1], found[3]) not in (("http", "80"), ("https", "443"))


def _typed(key: str, value: Any, kind: Any, file: Path) -> Any:
    """Check a value against the type of its field; one text may stand for a list of one."""
    if value is False and kind is str:
        return "off"  # YAML 1.1 reads off as false
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (float, int, str, bool):
        if type(value) is kind:
            return value
    elif isinstance(value, str):
        return (value,)
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    names = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
    raise OptionError(
        f"{file}: option '{key}' of the web channel is {value!r}, but must be "
        f"{names.get(kind, 'a list of texts')}."
    )
