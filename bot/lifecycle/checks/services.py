"""What `endpoints.yml` and `credentials.yml` name: are the words right, and is it there?

Rasa answers a mistyped type with a warning and keeps conversations in memory, or sends events
nowhere, and says no more of it.
"""

from __future__ import annotations

import difflib
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import yaml

from bot.lifecycle.checks.findings import Finding, Project
from bot.lifecycle.checks.sources import Source, entry, items, line_of, pairs, text_of

ENDPOINTS = "endpoints.yml"
CREDENTIALS = "credentials.yml"
KEYS = (
    "action_endpoint",
    "event_broker",
    "lock_store",
    "models",
    "nlg",
    "nlu",
    "tracing",
    "tracker_store",
)
# Rasa reads the types of stores and brokers in any case, those of lock stores as they are.
TYPES = {
    "tracker_store": ("dynamo", "mongod", "redis", "sql"),
    "event_broker": ("file", "kafka", "pika", "sql"),
    "lock_store": ("in_memory", "redis"),
}
IN_MEMORY = ("inmemory", "in_memory", "memory", "inmemorytrackerstore")
CHANNELS = (
    "botframework",
    "callback",
    "cmdline",
    "facebook",
    "hangouts",
    "mattermost",
    "rasa",
    "rest",
    "rocketchat",
    "slack",
    "socketio",
    "telegram",
    "twilio",
    "twilio_voice",
    "webexteams",
)
TIMEOUT_S = 2.0
_SECRET = re.compile(
    r"pass(word|phrase|wd)|secret|token|(api|access|private|jwt|account)[-_]key", re.IGNORECASE
)
_VARIABLE = re.compile(r"\$\{?\w+\}?")
_LOGIN_IN_URL = re.compile(r"://[^/\s:@]*:(?P<password>[^/\s@]+)@")


def type_of(endpoints: Source, section: str) -> str | None:
    """Give the type of a store or broker; None where Rasa takes its default."""
    return text_of(entry(endpoints.section(section), "type"))


def check_types(project: Project) -> Iterator[Finding]:
    """Compare sections, types and channels with those that Rasa knows."""
    found = []
    endpoints, credentials = project.source(ENDPOINTS), project.source(CREDENTIALS)
    if endpoints is not None:
        for key, _ in pairs(endpoints.root):
            if key.value not in KEYS:
                found.append(_unknown(endpoints, key, "section", KEYS, "Rasa does not read it"))
        found.extend(_unknown_types(endpoints))
    if credentials is not None:
        for key, _ in pairs(credentials.root):
            if key.value not in CHANNELS and "." not in key.value:
                effect = "the server stops when it starts"
                found.append(_unknown(credentials, key, "channel", CHANNELS, effect))
    yield from found
    if not found:
        yield Finding("types", "ok", f"{ENDPOINTS} and {CREDENTIALS} name what Rasa knows")


def _unknown_types(endpoints: Source) -> Iterator[Finding]:
    effects = {
        "tracker_store": "Rasa silently keeps conversations in memory and loses them",
        "event_broker": "Rasa silently sends its events nowhere",
        "lock_store": "the server stops when it starts",
    }
    for section, known in TYPES.items():
        node = entry(endpoints.section(section), "type")
        name = text_of(node)
        if node is None or name is None or "." in name:
            continue
        if section == "tracker_store" and name.lower() in IN_MEMORY:
            continue  # what was wanted is what Rasa does
        if (name if section == "lock_store" else name.lower()) not in known:
            yield _unknown(endpoints, node, f"type of {section}", known, effects[section])


def _unknown(
    source: Source, node: yaml.Node, what: str, known: tuple[str, ...], effect: str
) -> Finding:
    name = text_of(node) or ""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    detail = f"{source.path}:{line_of(node)}: '{name}' is no {what} that Rasa knows: {effect}."
    remedy = f"{hint}Known: {', '.join(known)}; a class of your own by its dotted path."
    return Finding("types", "problem", detail, remedy)


def check_variables(project: Project) -> Iterator[Finding]:
    """Find variables that are not set, at which Rasa stops, and secrets that stand in the file."""
    found = []
    for name in (ENDPOINTS, CREDENTIALS):
        source = project.source(name)
        for key, node in _scalars(source.root if source else None):
            value = text_of(node) or ""
            unset = [word for word in _VARIABLE.findall(os.path.expandvars(value)) if word in value]
            where = f"{name}:{line_of(node)}"
            if unset:
                detail = f"{where}: the environment variable {unset[0]} is not set; Rasa stops."
                found.append(Finding("variables", "problem", detail, f"Export it for '{key}'."))
            elif _is_secret(key, value):
                variable = re.sub(r"\W+", "_", key).upper()
                detail = f"{where}: '{key}' stands here in plain text."
                remedy = f"Write ${{{variable}}} and set the variable; then change the secret."
                found.append(Finding("secrets", "warning", detail, remedy))
    yield from found
    if not found:
        yield Finding("secrets", "ok", "none in plain text, and all variables are set")


def _is_secret(key: str, value: str) -> bool:
    if not value or _VARIABLE.search(value):
        return False
    return bool(_SECRET.search(key) or _LOGIN_IN_URL.search(value))


def _scalars(node: yaml.Node | None, key: str = "") -> Iterator[tuple[str, yaml.ScalarNode]]:
    for name, value in pairs(node):
        yield from _scalars(value, str(name.value))
    for item in items(node):
        yield from _scalars(item, key)
    if isinstance(node, yaml.ScalarNode):
        yield key, node


def check_action_server(project: Project) -> Iterator[Finding]:
    """Say whether the action server answers; it need not run yet."""
    endpoints = project.source(ENDPOINTS)
    url = text_of(entry(endpoints.section("action_endpoint"), "url")) if endpoints else None
    if not url:
        yield Finding("action server", "ok", f"none is named in {ENDPOINTS}")
        return
    url = os.path.expandvars(url)
    health = urllib.parse.urljoin(url, "health")
    if not health.startswith(("http://", "https://")):
        yield Finding("action server", "warning", f"'{url}' is no web address.", "Correct it.")
        return
    try:
        with urllib.request.urlopen(health, timeout=TIMEOUT_S):
            yield Finding("action server", "ok", f"answers at {url}")
    except urllib.error.HTTPError as error:
        yield Finding("action server", "ok", f"something answers at {url} ({error.code})")
    except OSError:
        detail = f"not running at {url}; 'make chat' starts it, 'rasa run actions' as well"
        yield Finding("action server", "ok", detail)
