"""Our components inside Rasa's graph: one trained model, asked in many ways."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa_project import (
    FEATURIZER,
    Project,
    Scene,
    Talk,
    load_agent,
    pack,
    parse,
    unpack,
    working_in,
)

from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.ml.inference import OnnxEncoder
from bot.types import Example


@pytest.fixture(scope="module")
def agent(tiny_model: Path) -> Agent:
    return load_agent(tiny_model)


def featurizers(agent: Agent) -> dict[str, JointFeaturizer]:
    """The featurizers that the loaded graph holds, by node."""
    nodes = agent.processor.graph_runner._instantiated_nodes
    return {
        name: node._component
        for name, node in nodes.items()
        if isinstance(node._component, JointFeaturizer)
    }


def test_the_pipeline_gives_what_rasa_stores(agent: Agent) -> None:
    result = parse(agent, "book a flight from berlin to oslo")
    del result["text_tokens"]  # Rasa's own, in tuples
    assert json.loads(json.dumps(result)) == result
    assert PARSE_KEY not in result
    assert result["intent"]["name"] == "book_flight"
    confidences = [item["confidence"] for item in result["intent_ranking"]]
    assert confidences == sorted(confidences, reverse=True)
    roles = [(e["value"], e["entity"], e["role"], e["extractor"]) for e in result["entities"]]
    assert roles == [
        ("berlin", "city", "from", "JointClassifier"),
        ("oslo", "city", "to", "JointClassifier"),
    ]


def test_entities_of_a_lookup_table_are_kept(agent: Agent) -> None:
    found = [(e["value"], e["extractor"]) for e in parse(agent, "hello lima")["entities"]]
    assert found == [("lima", "RegexEntityExtractor")]


def test_groups_reach_the_message(agent: Agent) -> None:
    entities = parse(agent, "a large pizza with ham")["entities"]
    assert [(e["value"], e["entity"], e["group"]) for e in entities] == [
        ("large", "size", "1"),
        ("ham", "topping", "1"),
    ]


def test_where_a_lookup_table_overlaps_the_model_stands(agent: Agent) -> None:
    known = parse(agent, "book me a seat to new york")["entities"]
    assert [(entity["value"], entity["extractor"]) for entity in known] == [
        ("new york", "JointClassifier")
    ]


@pytest.mark.parametrize(
    ("text", "intent", "entities"),
    [
        ("/greet", "greet", {}),
        ('/greet{"x": "y"}', "greet", {"x": "y"}),
        ('/book_flight{"city": "berlin"}', "book_flight", {"city": "berlin"}),
    ],
)
def test_slash_intents_are_untouched(
    agent: Agent, text: str, intent: str, entities: dict[str, str]
) -> None:
    result = parse(agent, text)
    assert result["text"] == text
    assert result["intent"] == {"name": intent, "confidence": 1.0}
    assert result["intent_ranking"] == [{"name": intent, "confidence": 1.0}]
    assert {entity["entity"]: entity["value"] for entity in result["entities"]} == entities
    assert all(entity.get("extractor") != "JointClassifier" for entity in result["entities"])
    assert "response_selector" not in result


def test_a_retrieval_action_finds_its_response(agent: Agent) -> None:
    assert Talk(agent, "faq").say("is there a car park") == ["Behind the house."]
    assert Talk(agent, "faq 2").say("when do you close") == ["From nine to five."]


def test_a_message_is_encoded_once(agent: Agent) -> None:
    (featurizer,) = featurizers(agent).values()
    encoder = featurizer._predictor.encoder
    for text in ("good morning to you all", "fly me to oslo and rome", "do you have parking here"):
        before = encoder.passes
        asyncio.run(agent.handle_text(text, sender_id="counted"))
        assert encoder.passes == before + 1, text


def test_rasa_test_nlu_reads_intents_entities_and_responses(
    agent: Agent, trained_scene: Scene, tmp_path: Path
) -> None:
    from rasa.nlu.test import run_evaluation

    with working_in(tmp_path):
        report = asyncio.run(
            run_evaluation(
                str(trained_scene.project.folder / "data" / "nlu.yml"),
                agent.processor,
                output_directory=str(tmp_path),
                disable_plotting=True,
                report_as_dict=True,
            )
        )
    assert report["intent_evaluation"]["accuracy"] >= 0.95
    assert report["response_selection_evaluation"]["accuracy"] >= 0.95
    entities = report["entity_evaluation"]["JointClassifier"]["report"]
    assert entities["city.from"]["support"] >= 5
    assert entities["weighted avg"]["f1-score"] >= 0.9


@pytest.mark.long
def test_with_end_to_end_stories_the_encoder_is_shared_and_runs_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.configure(FEATURIZER, epochs=1)
    config = project.read("config.yml")
    config["policies"].append({"name": "TEDPolicy", "epochs": 1, "run_eagerly": True})
    project.write("config.yml", config)
    stories = project.read("data/stories.yml")
    steps = [{"user": "hello my dear bot"}, {"bot": "Hello my dear human."}]
    stories["stories"].append({"story": "end to end", "steps": steps})
    project.write("data/stories.yml", stories)
    agent = load_agent(project.train(core_additional_arguments={"augmentation_factor": 0}))

    both = featurizers(agent)
    assert sorted(name.split("_")[0] for name in both) == ["e2e", "run"]
    first, second = both.values()
    assert first is not second
    encoder = first._predictor.encoder
    assert second._predictor.encoder is encoder

    encoded: list[str] = []
    run = OnnxEncoder._run

    def counted(self: OnnxEncoder, text: str) -> Any:
        encoded.append(text)
        return run(self, text)

    monkeypatch.setattr(OnnxEncoder, "_run", counted)
    texts = ["hello my dear", "fly me to oslo", "what a day", "bye for now", "is parking free now"]
    for text in texts:
        before = encoder.passes
        asyncio.run(agent.handle_text(text, sender_id="counted"))
        new = encoded[len(encoded) - (encoder.passes - before) :]
        assert new.count(text) == 1
        assert set(new) - {text} <= {"Hello my dear human."}, "only what the bot said"
    assert len(encoded) == len(set(encoded))


def _lose(path: Path) -> None:
    path.unlink()


def _change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("encoder.onnx", _lose),
        ("heads.safetensors", _change),
        ("tokenizer.json", _cut),
        ("model.json", _change),
        ("manifest.json", _lose),
        ("manifest.json", _cut),
        ("encoder/model.safetensors", _lose),
    ],
)
def test_a_damaged_model_does_not_start_and_names_the_file(
    tiny_model: Path, tmp_path: Path, name: str, damage: Any
) -> None:
    from bot.components.edge import BotRasaException

    folder = unpack(tiny_model, tmp_path / "model")
    (heads,) = folder.rglob("heads.safetensors")
    damage(heads.parent / name)
    with pytest.raises(BotRasaException) as raised:
        load_agent(pack(folder, tmp_path / "damaged.tar.gz"))
    assert name in str(raised.value)


def test_a_model_without_the_featurizer_does_not_start(tiny_model: Path, tmp_path: Path) -> None:
    import shutil

    from rasa.shared.exceptions import RasaException

    folder = unpack(tiny_model, tmp_path / "model")
    (heads,) = folder.rglob("heads.safetensors")
    shutil.rmtree(heads.parent)
    with pytest.raises(RasaException, match="no trained JointFeaturizer"):
        load_agent(pack(folder, tmp_path / "damaged.tar.gz"))


def test_the_trained_labels_are_all_there(agent: Agent, tiny_examples: tuple[Example, ...]) -> None:
    (featurizer,) = featurizers(agent).values()
    labels = featurizer._predictor.heads.labels
    assert set(labels) == {example.intent for example in tiny_examples}
