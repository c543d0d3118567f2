"""docs/reference/review-api.md names every route, and every parameter that a route reads."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from bot.feedback.queueing import FILTERS
from bot.feedback.selection import Selection
from bot.feedback.transcripts import FILTERS as OF_CONVERSATIONS
from bot.review import api, lists
from bot.review.calls import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "review-api.md"
TEXT = PAGE.read_text(encoding="utf-8")
WRITTEN = re.compile(r"`(GET|POST|DELETE) (/api/[^?`]*)(?:\?([^`]*))?`")
READ = {
    "query": re.compile(r'query\.get\("(\w+)"\)'),
    "body": re.compile(r'(?:call\.)?body\.get\("(\w+)"\)'),
}


def shape(path: str) -> str:
    return re.sub(r"<[^>]*>", "<>", path)


def documented() -> dict[tuple[str, str], str]:
    """Give, for each route, the lines that describe it."""
    found: dict[tuple[str, str], str] = {}
    for line in TEXT.splitlines():
        for method, path, _ in WRITTEN.findall(line):
            key = (method, shape(path))
            found[key] = f"{found.get(key, '')}{line}\n"
    return found


def test_every_route_is_there_and_no_other() -> None:
    session = {("POST", "/api/session"), ("DELETE", "/api/session")}
    assert documented().keys() - session == {(method, shape(path)) for method, path, _ in ROUTES}


@pytest.mark.parametrize(("method", "path", "handler"), ROUTES)
def test_what_a_route_reads_is_named(method: str, path: str, handler: Any) -> None:
    source = inspect.getsource(handler)
    line = documented()[method, shape(path)]
    for name in READ["query"].findall(source):
        assert f"{name}=<" in line, name
    for name in READ["body"].findall(source):
        assert f'"{name}"' in line or f"`{name}`" in line, name


def test_every_filter_is_named() -> None:
    queue, _, rest = TEXT.partition("## Decisions")
    for name in FILTERS:
        assert f"`{name}`" in queue
    (talks,) = [line for line in rest.splitlines() if "/api/conversations?" in line]
    for name in OF_CONVERSATIONS:
        assert f"`{name}`" in talks
    table = rest.partition("/api/messages")[2]
    named = {"start": "from", "end": "to"}
    rows = re.findall(r"^\| (`[^|]*) \|", table, flags=re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == {named.get(name, name) for name in Selection.__dataclass_fields__}


def test_the_modules_of_the_routes_are_loaded() -> None:
    assert {handler.__module__ for *_, handler in ROUTES} == {api.__name__, lists.__name__}
