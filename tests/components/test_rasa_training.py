"""Training through Rasa: its cache, `--finetune`, and our warm start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa_project import (
    FAILURE_POLICY,
    FEATURIZER,
    Project,
    load_agent,
    parse,
    unpack,
    working_in,
    write_nlu,
)

from bot.ml import checkpoint
from bot.types import Example, Span


class Learned(RasaException):
    """Raised in place of a training."""


@pytest.fixture
def no_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training fail that Rasa's cache should have made unnecessary."""
    import bot.ml.training

    def refuse(*_: Any, **__: Any) -> None:
        raise Learned("train_joint was called")

    monkeypatch.setattr(bot.ml.training, "train_joint", refuse)


@pytest.fixture
def rasas_logging() -> Iterator[None]:
    """Take back what Rasa sets at the root of all logs."""
    import structlog

    level, structured = logging.getLogger().level, structlog.get_config()
    yield
    logging.getLogger().setLevel(level)
    structlog.configure(**structured)


def joint_folder(model: Path, target: Path) -> Path:
    (heads,) = unpack(model, target).rglob("heads.safetensors")
    return heads.parent


def add_message(project: Project, line: str) -> None:
    nlu = project.read("data/nlu.yml")
    nlu["nlu"][0]["examples"] += f"- {line}\n"
    project.write("data/nlu.yml", nlu)


@pytest.mark.usefixtures("no_learning")
def test_an_unchanged_training_comes_from_the_cache(
    project: Project, tiny_model: Path, tmp_path: Path
) -> None:
    model = project.train(fixed_model_name="again")
    manifests = [
        (joint_folder(path, tmp_path / name) / "manifest.json").read_bytes()
        for path, name in ((tiny_model, "first"), (model, "second"))
    ]
    assert manifests[0] == manifests[1]
    assert parse(load_agent(model), "from berlin to oslo")["intent"]["name"] == "book_flight"


@pytest.mark.usefixtures("no_learning")
@pytest.mark.parametrize("change", ["data", "options", "start"])
def test_a_changed_training_does_not(
    project: Project, tiny_model: Path, tmp_path: Path, change: str
) -> None:
    from contextlib import nullcontext

    from bot.ml.warm import warm_start

    start: Any = nullcontext()
    if change == "data":
        add_message(project, "hello my friend")
    elif change == "options":
        project.configure(FEATURIZER, epochs=3)
    else:
        start = warm_start(joint_folder(tiny_model, tmp_path / "unpacked"))
    with start, pytest.raises(Learned):
        project.train()


def test_an_unknown_option_is_said_without_a_stack_trace(project: Project) -> None:
    project.configure(FEATURIZER, epoch=3)
    with pytest.raises(InvalidConfigException, match="'epoch'.*Did you mean 'epochs'"):
        project.train()


def test_a_response_that_is_missing_is_said_at_training(project: Project) -> None:
    project.configure(FAILURE_POLICY, response="utter_nothing")
    with pytest.raises(InvalidConfigException, match="utter_nothing"):
        project.train()


def test_an_unusable_encoder_is_said_without_a_stack_trace(project: Project) -> None:
    project.configure(FEATURIZER, model="./no/such/folder")
    with pytest.raises(RasaException, match="no/such/folder"):
        project.train()


def test_rasas_finetuning_goes_on_from_the_earlier_model(
    project: Project, tiny_model: Path, tiny_examples: tuple[Example, ...], tmp_path: Path
) -> None:
    add_message(project, "hello my friend")
    model = project.train(
        model_to_finetune=str(tiny_model),
        finetuning_epoch_fraction=0.05,
        fixed_model_name="finetuned",
    )
    folder = joint_folder(model, tmp_path / "unpacked")
    training = checkpoint.read_description(folder)["training"]
    assert training["options"]["epochs"] == 1
    before = checkpoint.read_description(joint_folder(tiny_model, tmp_path / "before"))
    assert training["training_examples"] == before["training"]["training_examples"] + 1
    agent = load_agent(model)
    right = [parse(agent, e.text)["intent"]["name"] == _intent(e) for e in tiny_examples]
    assert np.mean(right) >= 0.85
    entities = [
        {(span.start, span.end) for span in example.spans}
        == {(e["start"], e["end"]) for e in parse(agent, example.text)["entities"]}
        for example in tiny_examples
    ]
    assert np.mean(entities) >= 0.8, "one epoch from scratch finds hardly any"


def _likeliest(parsed: dict[str, Any]) -> str:
    """Give the likeliest intent, also of a message that is rejected."""
    names = [label["name"] for label in parsed["intent_ranking"]]
    return str(next(name for name in names if name != "nlu_fallback"))


def _intent(example: Example) -> str:
    return (example.intent or "").split("/")[0]


@pytest.mark.usefixtures("rasas_logging")
def test_a_warm_training_survives_changed_labels(
    project: Project, tiny_model: Path, tiny_examples: tuple[Example, ...], tmp_path: Path
) -> None:
    """An intent is added, one removed, one renamed; an entity is added, one removed."""
    from bot.lifecycle.training import train

    examples = _relabelled(tiny_examples)
    write_nlu(project, examples)
    domain = project.read("domain.yml")
    domain["intents"] = ["greet", "fly", "order_pizza", "faq", "weather"]
    domain["entities"] = [entity for entity in domain["entities"] if "topping" not in entity]
    domain["entities"].append("day")
    del domain["responses"]["utter_goodbye"]
    project.write("domain.yml", domain)
    rules = project.read("data/rules.yml")
    rules["rules"] = [rule for rule in rules["rules"] if rule["rule"] != "goodbye"]
    project.write("data/rules.yml", rules)
    stories = project.read("data/stories.yml")
    stories["stories"][0]["steps"][2]["intent"] = "fly"
    project.write("data/stories.yml", stories)
    project.configure(FEATURIZER, epochs=2, learning_rate=1e-9)  # what is there, is from before

    with working_in(project.folder):
        model = train(Path("warm"), warm=tiny_model, if_needed=False, force=False).resolve()

    before = checkpoint.load_predictor(joint_folder(tiny_model, tmp_path / "before"))
    folder = joint_folder(model, tmp_path / "after")
    after = checkpoint.load_predictor(folder)
    assert after.heads.labels == ("faq/opening_hours", "faq/parking", "fly", "greet",
                                  "order_pizza", "weather")  # fmt: skip
    assert {label.entity for label in after.heads.tags.labels} == {"city", "size", "day"}
    assert checkpoint.read_description(folder)["training"]["options"]["epochs"] == 1
    for example in tiny_examples:
        same = float(np.dot(before.encoder.encode(example.text).sentence,
                            after.encoder.encode(example.text).sentence))  # fmt: skip
        assert same > 0.99, example.text
    agent = load_agent(model)
    right = [_likeliest(parse(agent, e.text)) == _intent(e) for e in examples]
    assert np.mean(right) >= 0.9
    cities = [e["role"] for e in parse(agent, "book a flight from berlin to oslo")["entities"]]
    assert cities == ["from", "to"]


def _relabelled(examples: tuple[Example, ...]) -> list[Example]:
    changed = [
        Example(
            example.text,
            "fly" if example.intent == "book_flight" else example.intent,
            tuple(span for span in example.spans if span.entity != "topping"),
        )
        for example in examples
        if example.intent != "goodbye"
    ]
    days = ["sunday", "monday", "today", "friday", "tomorrow"]
    for day in days:
        text = f"what is the weather on {day}"
        changed.append(Example(text, "weather", (Span(len(text) - len(day), len(text), "day"),)))
    return changed
