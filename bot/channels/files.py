"""The widget's files and the demo page, by fixed names: no path of a request reaches the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

FOLDER = Path(__file__).parent.parent / "widget"
WIDGET = {
    "widget.js": "text/javascript; charset=utf-8",
    "widget.css": "text/css; charset=utf-8",
}
DEMO = {
    "demo": "text/html; charset=utf-8",
    "demo.css": "text/css; charset=utf-8",
    "demo.js": "text/javascript; charset=utf-8",
}
DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "
    "img-src 'self' data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_routes(blueprint: Blueprint, *, demo: bool) -> None:
    """Add a route for each file."""
    for name, kind in {**WIDGET, **(DEMO if demo else {})}.items():
        path = FOLDER / (f"{name}.html" if "." not in name else name)
        if path.is_file():
            blueprint.add_route(
                _sender(path, kind), f"/{name}", methods=["GET"], name=name.replace(".", "_")
            )


def _sender(path: Path, kind: str) -> Any:
    async def send(_request: Request) -> HTTPResponse:
        headers = {
            "Cache-Control": "public, max-age=300",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if kind.startswith("text/html"):
            headers["Content-Security-Policy"] = DEMO_POLICY
        return HTTPResponse(path.read_bytes(), content_type=kind, headers=headers)

    return send
