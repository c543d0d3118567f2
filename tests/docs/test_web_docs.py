"""The pages about the web channel name what the code has, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from bot.channels.options import WebOptions
from bot.channels.protocol import MAY_RETRY, STATUS, schema

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs/how-to/secure-the-web-channel.md").read_text("utf-8")
PROTOCOL = (ROOT / "docs/reference/web-protocol.md").read_text("utf-8")
CHANNELS = (ROOT / "docs/how-to/channels.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z_]+)` \|([^|]*)\|", re.MULTILINE)


def test_every_option_is_documented_with_its_default() -> None:
    table = SECURITY.partition("## All options")[2]
    said = {name: default.strip().strip("`") for name, default in ROW.findall(table)}
    for field in fields(WebOptions):
        default = field.default
        shown = json.dumps(list(default)) if isinstance(default, tuple) else str(default)
        shown = shown.removesuffix(".0").lower() if not isinstance(default, str) else shown
        assert said.pop(field.name) == shown, field.name
    assert said == {}


def test_every_error_is_documented_with_its_retry() -> None:
    table = PROTOCOL.partition("### Errors")[2].partition("## REST")[0]
    said = {code: again.strip().startswith("yes") for code, again in ROW.findall(table)}
    assert said == {code: code in MAY_RETRY for code in STATUS}
    assert set(schema()["$defs"]["error"]["properties"]["code"]["enum"]) == set(STATUS)


def test_every_rest_call_is_documented() -> None:
    from bot.channels.openapi import describe

    for path in describe("/webhooks/web")["paths"]:
        assert f"/webhooks/web{path}`" in PROTOCOL


def test_every_channel_in_credentials_is_documented() -> None:
    text = (ROOT / "credentials.yml").read_text("utf-8")
    keys = set(re.findall(r"^(?:# )?([a-z]+|bot\.channels\.web\.WebChannel):$", text, re.MULTILINE))
    said = set(re.findall(r"^\| `([A-Za-z.]+)` \| `/", CHANNELS, re.MULTILINE))
    assert keys == said
