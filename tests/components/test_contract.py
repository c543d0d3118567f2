"""Every component of ours against the same contract."""

from __future__ import annotations

import pytest
from bench import Bench
from checks import COMPONENTS, CONTRACT, Check
from rasa.engine.graph import GraphComponent

PAIRS = [
    pytest.param(component, check, id=f"{component.__name__}-{check.__name__}")
    for component in COMPONENTS
    for check, held_by in CONTRACT.items()
    if component in held_by
]


@pytest.mark.parametrize(("component", "check"), PAIRS)
def test_component_contract(component: type[GraphComponent], check: Check, bench: Bench) -> None:
    check(component, bench)


def test_the_contract_covers_all_our_components() -> None:
    from rasa.engine.recipes.default_recipe import DefaultV1Recipe

    ours = {
        found.clazz
        for found in DefaultV1Recipe._registered_components.values()
        if found.clazz.__module__.startswith("bot.")
    }
    assert ours == set(COMPONENTS)
