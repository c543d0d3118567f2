"""The web server of the review page: routes, sessions and what keeps other sites out."""

from __future__ import annotations

import asyncio
import json
import logging
import mimetypes
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sanic import Sanic
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import BotError
from bot.feedback.deciding import Conflict, Gone
from bot.review import api, lists
from bot.review.access import SESSION_S, Access, Refusal
from bot.review.calls import ROUTES, Call, Handler
from bot.review.desk import Desk

NAME = "bot-review"
PAGE = Path(__file__).parent / "page"
MAX_BODY = 1_000_000  # bytes
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_THREADS = 8
_KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_CODES = {401: "signed_out", 403: "forbidden", 404: "gone", 409: "conflict", 429: "too_many"}
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
log = logging.getLogger(__name__)
__all__ = ["api", "lists", "make_app"]  # the first two are imported for the routes they register


@dataclass(frozen=True)
class Web:
    """What the routes share; `hosts` are the names it answers to, empty for any."""

    desk: Desk
    access: Access
    hosts: frozenset[str]
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS))


def make_app(desk: Desk, access: Access, hosts: frozenset[str]) -> Any:
    """Make the server's app; one a process."""
    web = Web(desk, access, hosts)
    app = Sanic(NAME, configure_logging=False)
    app.config.REQUEST_MAX_SIZE = MAX_BODY
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.KEEP_ALIVE_TIMEOUT = 30
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 2.0
    app.register_middleware(_host_check(web), "request")
    app.register_middleware(_add_headers, "response")
    app.error_handler.add(Exception, _on_error)
    app.add_route(_sign_in(web), "/api/session", methods=["POST"], name="sign_in")
    app.add_route(_sign_out(web), "/api/session", methods=["DELETE"], name="sign_out")
    for method, path, handler in ROUTES:
        app.add_route(_served(web, method, handler), path, [method], name=handler.__name__)
    _add_files(app, PAGE)
    return app


def _served(web: Web, method: str, handler: Handler) -> Callable[..., Awaitable[HTTPResponse]]:
    async def serve(request: Request, **path: str) -> HTTPResponse:
        session = web.access.read(request.cookies.get(web.access.cookie))
        body: Mapping[str, Any] = {}
        if method != "GET":
            _check_origin(request)
            web.access.check_csrf(session, request.headers.get("x-csrf-token"))
            body = _body(request)
        query = {name: str(values[-1]) for name, values in request.args.items()}
        call = Call(path, query, body)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(web.threads, handler, web.desk, session.reviewer, call)
        found = await asyncio.shield(work)
        if handler.__name__ == "project":
            found = {"reviewer": session.reviewer, "csrf": session.csrf, **found}
        return _json(found)

    return serve


def _sign_in(web: Web) -> Callable[[Request], Awaitable[HTTPResponse]]:
    async def sign_in(request: Request) -> HTTPResponse:
        _check_origin(request)
        body = _body(request)
        address = str(request.ip or "")
        cookie, session = web.access.sign_in(body.get("token"), body.get("reviewer"), address)
        answer = _json({"reviewer": session.reviewer, "csrf": session.csrf})
        _set_cookie(request, answer, web.access.cookie, cookie, SESSION_S)
        return answer

    return sign_in


def _sign_out(web: Web) -> Callable[[Request], Awaitable[HTTPResponse]]:
    async def sign_out(request: Request) -> HTTPResponse:
        _check_origin(request)
        session = web.access.read(request.cookies.get(web.access.cookie))
        web.access.check_csrf(session, request.headers.get("x-csrf-token"))
        answer = _json({})
        _set_cookie(request, answer, web.access.cookie, "", 0)
        return answer

    return sign_out


def _set_cookie(request: Request, answer: HTTPResponse, name: str, value: str, age_s: int) -> None:
    answer.cookies[name] = value
    answer.cookies[name]["httponly"] = True
    answer.cookies[name]["samesite"] = "Strict"
    answer.cookies[name]["path"] = "/"
    answer.cookies[name]["max-age"] = age_s
    if "https" in (request.scheme, request.headers.get("x-forwarded-proto", "").lower()):
        answer.cookies[name]["secure"] = True


def _host_check(web: Web) -> Callable[[Request], Awaitable[None]]:
    async def check(request: Request) -> None:
        """Refuse a name that is not ours: another site's may be made to lead here."""
        name = _host_of(request.headers.get("host", ""))
        if web.hosts and name not in web.hosts:
            message = "The server is not known under this name. BOT_REVIEW_HOSTS can allow it."
            raise Refusal(403, "forbidden", message)

    return check


def _host_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _check_origin(request: Request) -> None:
    """Refuse what another site's page sends, whatever else comes with it."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Refusal(403, "forbidden", "The request comes from another site.")


def _body(request: Request) -> Mapping[str, Any]:
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(400, "bad_request", "Send JSON, with Content-Type: application/json.")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "bad_request", "The body is no JSON.") from error
    if not isinstance(body, dict):
        raise Refusal(400, "bad_request", "The body is no JSON object.")
    return body


def _json(content: Any, status: int = 200) -> HTTPResponse:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    # What no encoding has must not break the answer for all the rest.
    body = text.encode("utf-8", "replace")
    return HTTPResponse(body, status, content_type="application/json")


async def _add_headers(request: Request, response: HTTPResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value
    is_api = str(getattr(request, "path", "")).startswith("/api/")
    response.headers["Cache-Control"] = "no-store" if is_api else "no-cache"


async def _on_error(request: Request, error: Exception) -> HTTPResponse:
    status, code, message = _told(error)
    if status >= 500:
        log.error("%s failed: %s", getattr(request, "path", "A request"), error, exc_info=error)
    answer = _json({"error": {"code": code, "message": message}}, status)
    # Errors that are found before the request is whole pass no middleware.
    await _add_headers(request, answer)
    return answer


def _told(error: Exception) -> tuple[int, str, str]:
    """Give status, code and sentence for what went wrong."""
    if isinstance(error, Refusal):
        return error.status, error.code, error.message
    if isinstance(error, Gone):
        return 404, "gone", str(error)
    if isinstance(error, Conflict):
        return 409, "conflict", str(error)
    if isinstance(error, BotError):
        if isinstance(error.__cause__, (SQLAlchemyError, sqlite3.Error)):
            return 503, "failed", str(error)
        return 400, "bad_request", str(error)
    if isinstance(error, SanicException):
        status = int(getattr(error, "status_code", 500) or 500)
        messages = {404: "There is nothing here.", 413: "The request is too large."}
        code = _CODES.get(status, "too_large" if status == 413 else "bad_request")
        return status, code, messages.get(status, str(error) or "The request cannot be read.")
    return 500, "failed", "Something failed in the server; its log says what. Try again."


def _add_files(app: Any, folder: Path) -> None:
    """Add a route for each file of the page: no path of a request ever reaches the disk."""
    for number, path in enumerate(sorted(folder.rglob("*"))):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            addresses = [f"/{name.as_posix()}", f"/page/{name.as_posix()}"]
            if name.as_posix() == "index.html":
                addresses.insert(0, "/")
            for place, address in enumerate(addresses):
                app.add_route(_file(path), address, ["GET"], name=f"file_{number}_{place}")


def _file(path: Path) -> Callable[[Request], Awaitable[HTTPResponse]]:
    guessed = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    kind = guessed or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"

    async def send(_request: Request) -> HTTPResponse:
        return HTTPResponse(path.read_bytes(), content_type=kind)

    return send
