"""What is decided before a request reaches its route: preflights, and broken handshakes.

Rasa switches on a CORS extension for the whole server, which would answer every preflight by rules
of its own, and add its headers to our answers.
"""

from __future__ import annotations

import binascii
from base64 import b64decode

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic_cors.core import SANIC_CORS_EVALUATED  # type: ignore[import-untyped]

from bot.channels.gate import Gate
from bot.channels.protocol import REST_PATHS, Refusal
from bot.channels.rest import as_json, as_refusal, cors

ALLOWED_HEADERS = "authorization, content-type, x-login"
METHODS = {
    **{path: "GET" for path in ("/", "/ws", "/history", "/protocol.json", "/openapi.json")},
    **{f"/{path}": "POST" for path in ("sessions", *REST_PATHS.values())},
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Max-Age": "600",
}


def stand_in_front(app: Sanic, prefix: str, gate: Gate) -> None:
    """Let every request below an address pass here first; call it when the server starts."""

    async def look(request: Request) -> HTTPResponse | None:
        if not request.path.startswith(f"{prefix}/"):
            return None
        setattr(request.ctx, SANIC_CORS_EVALUATED, "1")
        if request.method == "OPTIONS":
            return _preflight(request, gate)
        method = METHODS.get(request.path.removeprefix(prefix), request.method)
        if request.method != method:
            response = as_json(Refusal("bad_frame", f"Expected {method}.").frame, 405)
            response.headers["Allow"] = f"{method}, OPTIONS"
            return response
        if request.path == f"{prefix}/ws" and not _is_handshake(request):
            refusal = Refusal("bad_frame", "Expected the handshake of a WebSocket, version 13.")
            return as_json(refusal.frame, 400)
        return None

    app.request_middleware.appendleft(look)


def _preflight(request: Request, gate: Gate) -> HTTPResponse:
    """Answer a browser's question before a call across origins."""
    try:
        origin = gate.check_origin(request)
    except Refusal as refusal:
        return as_refusal(refusal)
    return HTTPResponse(status=204, headers={**PREFLIGHT, **cors(origin)})


def _is_handshake(request: Request) -> bool:
    """Say whether the WebSocket library will accept it; Sanic breaks where it does not."""
    headers = request.headers
    asked = ",".join(headers.getall("connection", [])).lower().replace(" ", "").split(",")
    try:
        key = b64decode(headers.get("sec-websocket-key", "").encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return (
        "upgrade" in asked
        and [name.lower() for name in headers.getall("upgrade", [])] == ["websocket"]
        and headers.getall("sec-websocket-version", []) == ["13"]
        and len(headers.getall("sec-websocket-key", [])) == 1
        and len(key) == 16
    )
