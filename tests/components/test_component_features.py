"""What the featurizer writes into messages, and what stands on it."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from bench import TOKENIZER, Bench, labelled, message, training_data
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import (
    ACTION_NAME,
    ACTION_TEXT,
    ENTITIES,
    INTENT,
    INTENT_RANKING_KEY,
    RESPONSE,
    TEXT,
)
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.classifier import JointClassifier
from bot.components.edge import examples_of
from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.components.rejection_rule import RejectionRule
from bot.types import Example, Parse, RankedLabel, Span

HIDDEN = 32


def features(made: Message, attribute: str) -> dict[str, np.ndarray]:
    return {
        feature.type: feature.features
        for feature in made.features
        if feature.attribute == attribute
    }


def story_message(attribute: str, text: str) -> Message:
    """A message as end-to-end stories make it: one attribute, tokenized."""
    made = Message({attribute: text})
    TOKENIZER.process([made])
    return made


@pytest.mark.parametrize("attribute", [TEXT, RESPONSE, ACTION_TEXT])
def test_each_text_has_a_vector_for_each_token_and_one_for_all(
    bench: Bench, attribute: str
) -> None:
    made = story_message(attribute, "from berlin to oslo tomorrow")
    bench.featurizer.process([made])
    found = features(made, attribute)
    assert {kind: rows.shape for kind, rows in found.items()} == {
        "sequence": (5, HIDDEN),
        "sentence": (1, HIDDEN),
    }
    assert all(rows.dtype == np.float32 and np.isfinite(rows).all() for rows in found.values())
    assert np.linalg.norm(found["sentence"]) == pytest.approx(1.0, abs=1e-5)
    assert len({row.tobytes() for row in found["sequence"]}) == 5
    assert {feature.origin for feature in made.features} == {"JointFeaturizer"}


@pytest.mark.parametrize(
    "made",
    [
        story_message(TEXT, "from berlin to oslo"),
        story_message(ACTION_TEXT, "here you are"),
        Message({ACTION_NAME: "utter_greet"}),
        Message({INTENT: "greet"}),
    ],
    ids=["text", "bot text", "action", "intent"],
)
def test_a_message_keeps_what_it_had(bench: Bench, made: Message) -> None:
    before = dict(made.data)
    bench.featurizer.process([made])
    added = {key: value for key, value in made.data.items() if key not in before}
    assert {key: made.data[key] for key in before} == before
    assert set(added) == ({PARSE_KEY} if TEXT in before else set())
    assert not made.output_properties & {PARSE_KEY, INTENT, ENTITIES}


def test_training_data_keep_what_people_annotated(
    bench: Bench, tiny_examples: tuple[Example, ...]
) -> None:
    data = training_data(tiny_examples)
    before = [copy.deepcopy(made.data) for made in data.training_examples]
    processed = bench.featurizer.process_training_data(data)
    assert [made.data for made in processed.training_examples] == before
    for made in processed.training_examples:
        shape = features(made, TEXT)["sequence"].shape
        assert shape == (len(made.get("text_tokens")), HIDDEN)


def test_training_data_are_read_whole(tiny_examples: tuple[Example, ...]) -> None:
    data = TrainingData([labelled(example) for example in tiny_examples])
    assert sorted(map(repr, examples_of(data))) == sorted(map(repr, tiny_examples))


def test_rasas_own_classifier_trains_on_the_features(
    bench: Bench, tiny_examples: tuple[Example, ...]
) -> None:
    from rasa.nlu.classifiers.diet_classifier import DIETClassifier

    data = bench.featurizer.process_training_data(training_data(tiny_examples))
    config = {
        **DIETClassifier.get_default_config(),
        "epochs": 1,
        "min_steps": 0,
        "constrain_similarities": True,
        "run_eagerly": True,
    }
    diet = DIETClassifier.create(config, bench.storage, Resource("diet"), bench.context("diet"))
    diet.train(data)
    made = message("from berlin to oslo")
    bench.featurizer.process([made])
    diet.process([made])
    assert made.get(INTENT)["name"] in {"greet", "goodbye", "book_flight", "order_pizza", "faq"}


# --- JointClassifier reads a parse that somebody else made


def classified(text: str, parse: Parse, entities: list[dict[str, object]]) -> Message:
    made = message(text, **{PARSE_KEY: parse, ENTITIES: entities})
    return JointClassifier(RejectionRule(reject=False)).process([made])[0]


def regex_entity(text: str, value: str, entity: str = "code") -> dict[str, object]:
    start = text.index(value)
    return {
        "entity": entity,
        "start": start,
        "end": start + len(value),
        "value": value,
        "extractor": "RegexEntityExtractor",
    }


def test_the_learned_span_stands_where_extractors_overlap() -> None:
    text = "ab1234 from new york to oslo"
    parse = Parse(spans=(Span(12, 20, "city", "from", "1", 0.75),))
    others = [regex_entity(text, "ab1234"), regex_entity(text, "york", "city")]
    found = classified(text, parse, others).get(ENTITIES)
    assert [(entity["value"], entity["extractor"]) for entity in found] == [
        ("ab1234", "RegexEntityExtractor"),
        ("new york", "JointClassifier"),
    ]
    assert found[1] == {
        "entity": "city",
        "role": "from",
        "group": "1",
        "start": 12,
        "end": 20,
        "value": "new york",
        "confidence": 0.75,
        "extractor": "JointClassifier",
    }


@pytest.mark.parametrize("where", [(0, 6), (7, 11)])
def test_entities_that_only_touch_are_both_kept(where: tuple[int, int]) -> None:
    text = "ab1234 oslo"
    parse = Parse(spans=(Span(*where, "city"),))
    found = classified(text, parse, [regex_entity(text, "ab1234")]).get(ENTITIES)
    assert len(found) == (1 if where == (0, 6) else 2)
    assert [entity["start"] for entity in found] == sorted(entity["start"] for entity in found)


def test_the_ranking_is_the_parses_and_its_first_is_the_intent() -> None:
    labels = tuple(RankedLabel(f"label{i}", 0.2 - i / 100) for i in range(15))
    made = classified("hello", Parse(ranking=labels), [])
    ranking = made.get(INTENT_RANKING_KEY)
    assert [(item["name"], item["confidence"]) for item in ranking] == [
        (label.name, label.confidence) for label in labels[:10]
    ]
    assert made.get(INTENT) == ranking[0]
    assert made.get(INTENT) is not ranking[0], "FallbackClassifier changes one of them"


def test_without_labels_there_is_no_intent() -> None:
    assert classified("hello", Parse(), []).get(INTENT) == {"name": None, "confidence": 0.0}


def test_messages_without_a_parse_pass_untouched(bench: Bench) -> None:
    made = Message({ACTION_TEXT: "here you are"})
    JointClassifier(RejectionRule(reject=False)).process([made])
    bench.ranker.process([made])
    assert made.data == {ACTION_TEXT: "here you are"}


# --- Continuing from weights


def test_fine_tuning_starts_from_the_saved_weights(
    bench: Bench, tiny_examples: tuple[Example, ...], tmp_path: Path
) -> None:
    texts = [example.text for example in tiny_examples]
    before = [bench.featurizer._predictor.parse(text) for text in texts]
    resource = Resource("continued")
    with (
        bench.storage.read_from(Resource(JointFeaturizer.__name__)) as source,
        bench.storage.write_to(resource) as target,
    ):
        for path in source.rglob("*"):
            if path.is_file():
                copied = target / path.relative_to(source)
                copied.parent.mkdir(parents=True, exist_ok=True)
                copied.write_bytes(path.read_bytes())
    component = JointFeaturizer.load(
        bench.options(JointFeaturizer, epochs=1, learning_rate=1e-9),
        bench.storage,
        resource,
        bench.context("continued", is_finetuning=True),
    )
    component.train(training_data(tiny_examples))
    after = [component._predictor.parse(text) for text in texts]
    assert [parse.ranking[0].name for parse in after] == [parse.ranking[0].name for parse in before]
    confidences = [[parse.ranking[0].confidence for parse in parses] for parses in (before, after)]
    assert np.allclose(*confidences, atol=0.05)
    assert [_places(parse) for parse in after] == [_places(parse) for parse in before]


def _places(parse: Parse) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.entity) for span in parse.spans]


def test_copies_of_a_component_share_one_encoder(bench: Bench) -> None:
    first, again = (bench.build(JointFeaturizer, "load") for _ in range(2))
    assert again._predictor is not first._predictor
    assert again._predictor.encoder is first._predictor.encoder


def test_features_say_where_they_come_from(bench: Bench) -> None:
    made = message("hello")
    bench.featurizer.process([made])
    assert all(isinstance(feature, Features) and feature.is_dense() for feature in made.features)
