"""The OpenAPI description of the REST calls, made from the protocol's JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from bot import __version__
from bot.channels.protocol import REST_PATHS, STATUS, schema

_REST_NAMES = {
    "message": "Message",
    "feedback": "Feedback",
    "rating": "Rating",
    "restart": "Restart",
}
_SUMMARIES = {
    "message": "Say something, and get the answer",
    "feedback": "A thumb for one reply",
    "rating": "Rate the conversation",
    "restart": "Begin the conversation anew",
}
_REFUSED = sorted({str(status) for status in STATUS.values()} | {"400"})


def describe(prefix: str) -> dict[str, Any]:
    """Describe the calls below an address such as `/webhooks/web`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Web channel",
            "version": __version__,
            "description": "Talk to the assistant. See docs/reference/web-protocol.md.",
        },
        "servers": [{"url": prefix}],
        "security": [{"session": []}],
        "paths": {
            "/sessions": {"post": _sessions()},
            "/history": {"get": _history()},
            **{f"/{path}": {"post": _said(kind)} for kind, path in REST_PATHS.items()},
        },
        "components": {
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _schemas() -> dict[str, Any]:
    """Give the protocol's definitions, and of each client frame the body without its type."""
    text = json.dumps(schema()["$defs"]).replace("#/$defs/", "#/components/schemas/")
    definitions: dict[str, Any] = json.loads(text)
    for kind, name in _REST_NAMES.items():
        body = json.loads(json.dumps(definitions[kind]))
        body["required"] = [key for key in body["required"] if key != "type"]
        del body["properties"]["type"]
        definitions[name] = body
    return definitions


def _sessions() -> dict[str, Any]:
    return {
        "operationId": "openSession",
        "summary": "Get a session, or renew the one that is sent",
        "security": [{}, {"session": []}],
        "requestBody": _body(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"login": {"type": "string", "maxLength": 8192}},
            },
            required=False,
        ),
        "responses": {"201": _answer("The session", "welcome"), **_errors()},
    }


def _history() -> dict[str, Any]:
    return {
        "operationId": "history",
        "summary": "The conversation so far",
        "responses": {"200": _answer("The conversation", "welcome"), **_errors()},
    }


def _said(kind: str) -> dict[str, Any]:
    answer = _answer("Saved", "turn" if kind == "message" else "saved")
    if kind == "message":
        answer["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return {
        "operationId": kind,
        "summary": _SUMMARIES[kind],
        "requestBody": _body({"$ref": f"#/components/schemas/{_REST_NAMES[kind]}"}),
        "responses": {"200": answer, **_errors()},
    }


def _body(of: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": of}}}


def _answer(description: str, name: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {
        "description": description,
        "content": {"application/json": {"schema": reference}},
    }


def _errors() -> dict[str, Any]:
    return {status: _answer("Refused; the message says why", "error") for status in _REFUSED}
