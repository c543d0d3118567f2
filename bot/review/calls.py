"""The calls of the API as data, and which function answers which; nothing here knows HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.review import bodies
from bot.review.desk import Desk


@dataclass(frozen=True)
class Call:
    """What a client sent: the parts of the path, the query, and the body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """Give the id that the body names."""
        return bodies.number(self.body.get("id"), "id")


Answer = dict[str, Any]
Handler = Callable[[Desk, str, Call], Answer]
ROUTES: list[tuple[str, str, Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler."""

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, path, handler))
        return handler

    return register
