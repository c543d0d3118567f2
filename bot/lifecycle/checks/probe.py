"""Import classes by their names, as a process of its own: see `imports`.

It reads the references as JSON from standard input and writes one line with what is wrong with
each.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Container

from bot.lifecycle.checks.imports import MARK

KINDS = {
    "component": "rasa.engine.graph.GraphComponent",
    "tracker_store": "rasa.core.tracker_store.TrackerStore",
    "event_broker": "rasa.core.brokers.broker.EventBroker",
    "lock_store": "rasa.core.lock_store.LockStore",
    "channel": "rasa.core.channels.channel.InputChannel",
}


def main() -> None:
    """Answer for every reference; what one import raises does not concern the others."""
    wanted: list[dict[str, str]] = json.load(sys.stdin)
    faults = [fault_of(item["name"], item["kind"]) for item in wanted]
    print(f"\n{MARK}{json.dumps(faults)}", flush=True)


def fault_of(name: str, kind: str) -> str:
    """Say what is wrong with a dotted path; nothing where it is right."""
    module, _, class_name = name.rpartition(".")
    base_module, _, base_name = KINDS[kind].rpartition(".")
    base = getattr(importlib.import_module(base_module), base_name)
    try:
        found = getattr(importlib.import_module(module), class_name, None)
    except BaseException as error:  # a module may even call sys.exit
        return f"'{module}' cannot be imported: {type(error).__name__}: {error}"
    if found is None:
        return f"'{module}' has no class '{class_name}'."
    if not (inspect.isclass(found) and issubclass(found, base)):
        return f"'{name}' is no {base_name}."
    if kind == "component" and class_name not in _registered():
        return f"'{name}' is not registered: '@DefaultV1Recipe.register(...)' is missing."
    return ""


def _registered() -> Container[str]:
    recipe = importlib.import_module("rasa.engine.recipes.default_recipe").DefaultV1Recipe
    registered: Container[str] = recipe._registered_components
    return registered


if __name__ == "__main__":
    main()
