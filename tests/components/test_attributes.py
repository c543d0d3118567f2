"""Attributes in messages, in slots, and an action before the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench import MOOD, Bench, message
from rasa.core.policies.policy import PolicyPrediction
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionReverted,
    BotUttered,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException

from bot.components.attribute_policy import AttributePolicy
from bot.components.attributes import ATTRIBUTES_KEY
from bot.components.classifier import JointClassifier
from bot.components.featurizer import JointFeaturizer

SLOTS = {"temper": {"type": "text", "mappings": [{"type": "custom"}]}}
ACTION = "action_on_temper_cross"
LISTEN = ActionExecuted(ACTION_LISTEN_NAME)


def domain(actions: list[str] | None = None, slots: Any = None) -> Domain:
    return Domain.from_dict(
        {
            "intents": ["greet"],
            "actions": [ACTION] if actions is None else actions,
            "slots": SLOTS if slots is None else slots,
            "responses": {"utter_greet": [{"text": "Hello."}]},
        }
    )


def user(value: str | None = "cross", slot: str | None = "temper") -> UserUttered:
    said = {"mood": {"value": value, "confidence": 0.9, "slot": slot}}
    return UserUttered("hm", {"name": "greet"}, [], {ATTRIBUTES_KEY: said} if value else {})


def predict(bench: Bench, *events: Event, known: Domain | None = None) -> PolicyPrediction:
    known = known or domain()
    tracker = DialogueStateTracker.from_events("visitor", [LISTEN, *events], slots=known.slots)
    policy: AttributePolicy = bench.build(AttributePolicy, "load")
    return policy.predict_action_probabilities(tracker, known)


def chosen(prediction: PolicyPrediction, known: Domain | None = None) -> str | None:
    if prediction.max_confidence == 0:
        return None
    names = (known or domain()).action_names_or_texts
    return str(names[prediction.max_confidence_index])


def test_the_pipeline_writes_attributes_and_no_entity_of_them(bench: Bench) -> None:
    made = message("what a stupid bot")
    bench.featurizer.process([made])
    bench.build(JointClassifier, "create").process([made])
    output = made.as_dict(only_output_properties=True)
    assert output[ATTRIBUTES_KEY]["mood"]["value"] == "cross"
    assert output[ATTRIBUTES_KEY]["mood"]["slot"] == "temper"
    assert 0.5 <= output[ATTRIBUTES_KEY]["mood"]["confidence"] <= 1
    assert all(entity["entity"] != "mood" for entity in output["entities"])
    json.dumps(output[ATTRIBUTES_KEY])


def test_a_text_without_a_word_says_nothing(bench: Bench) -> None:
    made = message(" ")
    bench.featurizer.process([made])
    bench.build(JointClassifier, "create").process([made])
    assert made.get(ATTRIBUTES_KEY) is None


def test_a_changed_attribute_trains_anew(bench: Bench, tmp_path: Path) -> None:
    for component in (JointFeaturizer, AttributePolicy):
        config = bench.options(component, attributes=str(tmp_path))
        nothing = component.fingerprint_addon(config)
        (tmp_path / "mood.yml").write_text(MOOD)
        written = component.fingerprint_addon(config)
        (tmp_path / "mood.yml").write_text(MOOD.replace("thank you", "thanks"))
        assert len({nothing, written, component.fingerprint_addon(config)}) == 3
        (tmp_path / "mood.yml").unlink()


def test_a_message_fills_its_slot_before_the_first_action(bench: Bench) -> None:
    plain = domain(actions=[])
    prediction = predict(bench, user(), known=plain)
    assert prediction.events == [SlotSet("temper", "cross")]
    assert chosen(prediction, plain) is None, "another policy says what comes next"


@pytest.mark.parametrize(
    "events",
    [
        [user(slot=None)],
        [user(value=None)],
        [],
        [user(), SlotSet("temper", "cross"), ActionExecuted("utter_greet")],
    ],
    ids=["not sure enough", "no attribute", "nobody spoke", "later in the turn"],
)
def test_otherwise_nothing_happens(bench: Bench, events: list[Event]) -> None:
    prediction = predict(bench, *events)
    assert prediction.events == []
    assert chosen(prediction) is None


def test_a_slot_that_says_so_already_is_left_alone(bench: Bench) -> None:
    prediction = predict(bench, SlotSet("temper", "cross"), user())
    assert prediction.events == []
    assert chosen(prediction) == ACTION
    assert predict(bench, SlotSet("temper", "cross"), user("calm")).events == [
        SlotSet("temper", "calm")
    ]


def test_the_action_of_a_value_runs_before_the_answer_once_a_turn(bench: Bench) -> None:
    first = predict(bench, user())
    assert chosen(first) == ACTION
    assert first.is_no_user_prediction, "else it would not be heard inside a form"
    assert first.events == [SlotSet("temper", "cross")]
    turn = [
        user(),
        SlotSet("temper", "cross"),
        ActionExecuted(ACTION),
        BotUttered("Sorry."),
        ActionReverted(),
    ]
    assert chosen(predict(bench, *turn)) is None, "now the answer"
    again = [*turn, ActionExecuted("utter_greet"), LISTEN, user()]
    assert chosen(predict(bench, *again)) == ACTION, "the action says whether it speaks again"


def test_a_value_without_an_action_asks_for_none(bench: Bench) -> None:
    assert chosen(predict(bench, user("calm"))) is None


def trained(bench: Bench, known: Domain) -> None:
    bench.build(AttributePolicy, "create").train([], known)


def test_the_domain_must_have_slot_and_values(bench: Bench) -> None:
    file = bench.scratch / "attributes" / "mood.yml"
    trained(bench, domain())
    with pytest.raises(RasaException, match="no slot 'temper'. Did you mean 'tempr'") as raised:
        trained(bench, domain(slots={"tempr": SLOTS["temper"]}))
    assert str(raised.value).startswith(f"{file}:3: ")
    categorical = {"temper": {**SLOTS["temper"], "type": "categorical", "values": ["cross"]}}
    with pytest.raises(RasaException, match="does not take the value 'calm'"):
        trained(bench, domain(slots=categorical))


def test_an_action_for_no_value_is_refused(bench: Bench) -> None:
    with pytest.raises(RasaException, match="Did you mean 'action_on_temper_cross'"):
        trained(bench, domain(actions=["action_on_temper_crss"]))
