"""ResponseRanker: what it learns, what it writes, and Rasa's own ResponseSelector beside it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import RESPONSES, TOKENIZER, Bench, labelled, message, training_data
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa_project import RANKER, Project, load_agent, pack, parse, unpack

from bot.components.classifier import JointClassifier
from bot.components.edge import BotRasaException
from bot.components.features import sentence_of
from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.components.rejection_rule import RejectionRule
from bot.components.response_ranker import ResponseRanker
from bot.types import Example, Parse, RankedLabel

NAME = {
    "utter_chitchat/your_name": [{"text": "They call me Zork."}],
    "utter_chitchat/your_age": [{"text": "I am seven years old."}],
}
SMALL_TALK = [
    *(Example(text, "chitchat/your_name") for text in ("what is your name", "who are you")),
    Example("how old are you", "chitchat/your_age"),
]
REFUNDS = {"utter_faq/refunds": [{"text": "Bring the receipt and you get your money back."}]}


def data_of(examples: Iterable[Example], responses: dict[str, Any]) -> TrainingData:
    return TOKENIZER.process_training_data(
        TrainingData([labelled(example) for example in examples], responses=responses)
    )


class Trained:
    """A featurizer and a ranker of their own."""

    def __init__(
        self, bench: Bench, name: str, examples: Iterable[Example], responses: dict[str, Any]
    ) -> None:
        examples = list(examples)
        self.bench = bench
        self.featurizer = bench.build(
            JointFeaturizer, "create", node=f"{name} featurizer", attributes="none"
        )
        self.featurizer.train(data_of(examples, responses))
        self.data = self.featurizer.process_training_data(data_of(examples, responses))
        self.ranker = bench.build(ResponseRanker, "create", node=f"{name} ranker")
        self.ranker.train(self.data)

    def parse(self, text: str, ranker: ResponseRanker | None = None) -> Message:
        made = message(text)
        self.featurizer.process([made])
        JointClassifier(RejectionRule(reject=False)).process([made])
        (ranker or self.ranker).process([made])
        return made

    def answer(self, text: str) -> tuple[str, str]:
        """The intent and the answer of that intent."""
        made = self.parse(text)
        intent = made.get("intent")["name"]
        selector = made.get("response_selector")
        return intent, selector.get(intent, {}).get("response", {}).get("intent_response_key", "")


@pytest.fixture(scope="module")
def trained(bench: Bench, tiny_examples: tuple[Example, ...]) -> Trained:
    """Two retrieval intents; answers with no, one, two and ten questions."""
    examples = [*tiny_examples, *SMALL_TALK]
    return Trained(bench, "rich", examples, {**RESPONSES, **NAME, **REFUNDS})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("where can I park", "faq/parking"),
        ("when do you close today", "faq/opening_hours"),
        ("do I get my money back", "faq/refunds"),
        ("refunds", "faq/refunds"),
        ("how old are you", "chitchat/your_age"),
        ("what is your name", "chitchat/your_name"),
    ],
)
def test_answers_are_found_by_many_few_and_no_questions(
    trained: Trained, text: str, answer: str
) -> None:
    assert trained.answer(text) == (answer.split("/")[0], answer)


def test_an_answer_without_questions_is_a_label_of_the_model(trained: Trained) -> None:
    labels = set(trained.featurizer._predictor.heads.labels)
    assert "faq/refunds" in labels
    assert not labels & {"greeting", "utter_greet"}


def test_the_output_is_shaped_as_response_selectors(trained: Trained) -> None:
    from rasa.nlu.selectors.response_selector import ResponseSelector

    made = trained.parse("where can I park")
    ours = made.get("response_selector")
    theirs = _run_response_selectors(trained, ResponseSelector)
    assert _shape(ours) == _shape(theirs)
    assert json.loads(json.dumps(ours)) == ours
    assert sorted(ours["all_retrieval_intents"]) == sorted(theirs["all_retrieval_intents"])
    for intent in ("faq", "chitchat"):
        found = ours[intent]["response"]
        assert ours[intent]["ranking"][0] == {
            key: found[key] for key in ("confidence", "intent_response_key")
        }
        assert found["utter_action"] == "utter_" + found["intent_response_key"]
        assert found["responses"] == trained.data.responses[found["utter_action"]]
        assert {item["intent_response_key"] for item in theirs[intent]["ranking"]} <= {
            item["intent_response_key"] for item in ours[intent]["ranking"]
        }
    assert "response_selector" in made.output_properties


def _run_response_selectors(trained: Trained, selector: Any) -> dict[str, Any]:
    """Rasa's component, one for each intent, on the same features."""
    made = message("where can I park")
    trained.featurizer.process([made])
    for intent in ("faq", "chitchat"):
        config = {
            **selector.get_default_config(),
            "retrieval_intent": intent,
            "epochs": 1,
            "constrain_similarities": True,
            "run_eagerly": True,
        }
        component = selector.create(
            config,
            trained.bench.storage,
            Resource(f"selector of {intent}"),
            trained.bench.context(intent),
        )
        component.train(trained.data)
        component.process([made])
    found = made.get("response_selector")
    return json.loads(json.dumps({**found, "all_retrieval_intents": [*found[_ALL]]}, default=float))


_ALL = "all_retrieval_intents"


def _shape(value: Any) -> Any:
    """Keys and types, the items of a list as one."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value)


def test_the_same_data_rank_the_same(trained: Trained) -> None:
    again = trained.bench.build(ResponseRanker, "create", node="again")
    again.train(trained.data)
    loaded = trained.bench.build(ResponseRanker, "load", node="again")
    for text in ("where can I park", "refund please", "who are you", "hello"):
        first = trained.parse(text).get("response_selector")
        assert trained.parse(text, again).get("response_selector") == first
        assert trained.parse(text, loaded).get("response_selector") == first


def test_a_message_is_not_encoded_again(trained: Trained) -> None:
    encoder = trained.featurizer._predictor.encoder
    before = encoder.passes
    trained.parse("can my aunt park there on a monday")
    assert encoder.passes == before + 1


def test_ranking_takes_a_tenth_of_a_millisecond_at_most(trained: Trained) -> None:
    made = message("where can I park")
    trained.featurizer.process([made])
    times = []
    for _ in range(200):
        began = time.perf_counter()
        trained.ranker.process([made])
        times.append(time.perf_counter() - began)
    assert np.median(times) < 1e-3, "ten times the promise: the machine may be busy"


# --- Options


def test_one_ranker_an_intent_adds_up_to_one_for_all(trained: Trained) -> None:
    made = trained.parse("where can I park")
    expected = made.get("response_selector")
    single = message("where can I park")
    trained.featurizer.process([single])
    for intent in ("faq", "chitchat"):
        ranker = trained.bench.build(ResponseRanker, "create", node=intent, retrieval_intent=intent)
        ranker.train(trained.data)
        ranker.process([single])
        assert set(single.get("response_selector")) >= {"all_retrieval_intents", intent}
    assert single.get("response_selector") == expected


def test_an_intent_that_has_no_questions_is_refused(trained: Trained) -> None:
    ranker = trained.bench.build(ResponseRanker, "create", retrieval_intent="fqa", node="typo")
    with pytest.raises(InvalidConfigException, match=r"Did you mean 'faq'\?"):
        ranker.train(trained.data)


def test_the_ranking_is_as_long_as_wanted(trained: Trained) -> None:
    for length, expected in ((1, 1), (2, 2), (0, 3)):
        ranker = trained.bench.build(
            ResponseRanker, "create", node=f"length {length}", ranking_length=length
        )
        ranker.train(trained.data)
        selector = trained.parse("where can I park", ranker).get("response_selector")
        assert len(selector["faq"]["ranking"]) == expected


# --- Doubt


def doubtful(trained: Trained, threshold: float) -> Message:
    """A question that no answer fits, after the fallback has seen it."""
    ranker = trained.bench.build(
        ResponseRanker, "create", node=f"threshold {threshold}", threshold=threshold
    )
    ranker.train(trained.data)
    text = "where can I park"
    made = message(text)
    trained.featurizer.process([made])
    shares = tuple(RankedLabel(f"faq/{name}", 1 / 3) for name in ("opening_hours", "parking"))
    parse = Parse(ranking=(RankedLabel("faq", 0.9), RankedLabel("greet", 0.1)), responses=shares)
    made.set(PARSE_KEY, parse)
    JointClassifier(RejectionRule(reject=False)).process([made])
    ranker.process([made])
    return made


def test_a_sure_intent_without_a_sure_answer_is_left_to_the_fallback(trained: Trained) -> None:
    sure, unsure = doubtful(trained, 0.0), doubtful(trained, 1.0)
    best = unsure.get("response_selector")["faq"]["response"]["confidence"]
    assert sure.get("intent") == {"name": "faq", "confidence": 0.9}
    assert unsure.get("intent")["confidence"] == pytest.approx(0.9 * best)
    assert unsure.get("intent_ranking")[0] == unsure.get("intent")
    assert unsure.get("intent_ranking")[1] == {"name": "greet", "confidence": 0.1}

    config = {**FallbackClassifier.get_default_config(), "threshold": 0.9}
    FallbackClassifier(config).process([sure, unsure])
    assert sure.get("intent")["name"] == "faq"
    assert [item["name"] for item in unsure.get("intent_ranking")[:2]] == ["nlu_fallback", "faq"]


def test_the_doubt_about_answers_leaves_other_intents_alone(trained: Trained) -> None:
    ranker = trained.bench.build(ResponseRanker, "create", node="strict", threshold=1.0)
    ranker.train(trained.data)
    for text in ("hello there", "a large pizza with ham"):
        assert trained.parse(text, ranker).get("intent") == trained.parse(text).get("intent")


# --- What cannot work is said


def test_questions_without_an_answer_are_refused(
    bench: Bench, tiny_examples: tuple[Example, ...]
) -> None:
    data = training_data(tiny_examples)
    data.responses.pop("utter_faq/parking")
    processed = bench.featurizer.process_training_data(data)
    ranker = bench.build(ResponseRanker, "create", node="unanswered")
    with pytest.raises(RasaException, match=r"faq/parking.*Add 'utter_faq/parking'"):
        ranker.train(processed)


def test_without_our_featurizer_it_says_what_is_missing(
    bench: Bench, tiny_examples: tuple[Example, ...]
) -> None:
    ranker = bench.build(ResponseRanker, "create", node="bare")
    with pytest.raises(BotRasaException, match="JointFeaturizer"):
        ranker.train(training_data(tiny_examples))


def test_a_model_of_another_training_is_refused(trained: Trained, bench: Bench) -> None:
    made = message("where can I park")
    bench.featurizer.process([made])
    with pytest.raises(BotRasaException, match="different trainings"):
        trained.ranker.process([made])


def test_training_encodes_only_what_somebody_reads(
    trained: Trained, tiny_examples: tuple[Example, ...]
) -> None:
    encoder = trained.featurizer._predictor.encoder
    before = encoder.passes
    new = [Example(f"{example.text} or so", example.intent) for example in tiny_examples]
    data = trained.featurizer.process_training_data(data_of(new, RESPONSES))
    data.fingerprint()
    assert encoder.passes == before
    ranker = trained.bench.build(ResponseRanker, "create", node="lazy")
    ranker.train(data)
    asked = sum("/" in (example.intent or "") for example in new)
    assert encoder.passes - before == asked, "names and answers are remembered"
    first = data.training_examples[0]
    before = encoder.passes
    for _ in range(2):
        sequence, sentence = first.get_dense_features("text", [])
        assert sequence.features.shape == (len(first.get("text_tokens")), sentence.features.size)
    assert encoder.passes <= before + 1


def test_features_of_another_model_have_another_fingerprint(trained: Trained) -> None:
    made = message("where can I park")
    trained.featurizer.process([made])
    features = sentence_of(made)
    assert features is not None
    before = features.fingerprint()
    features.encoder = "of another training"
    assert features.fingerprint() != before


def test_the_vectors_and_answers_are_under_the_manifest(trained: Trained) -> None:
    resource = Resource("damaged")
    for name in ("ranking.safetensors", "responses.json"):
        with (
            trained.bench.storage.read_from(Resource("rich ranker")) as source,
            trained.bench.storage.write_to(resource) as target,
        ):
            shutil.copytree(source, target, dirs_exist_ok=True)
            (target / name).unlink()
        with pytest.raises(BotRasaException, match=name):
            trained.bench.build(ResponseRanker, "load", node="damaged")


# --- In Rasa's graph


def test_a_model_without_the_ranker_does_not_start(tiny_model: Path, tmp_path: Path) -> None:
    folder = unpack(tiny_model, tmp_path / "model")
    (vectors,) = folder.rglob("ranking.safetensors")
    shutil.rmtree(vectors.parent)
    with pytest.raises(RasaException, match="no trained ResponseRanker"):
        load_agent(pack(folder, tmp_path / "damaged.tar.gz"))


@pytest.mark.long
def test_rasas_finetuning_and_a_changed_option_train_it_again(
    project: Project, tiny_model: Path
) -> None:
    nlu = project.read("data/nlu.yml")
    nlu["nlu"][0]["examples"] += "- hello my friend\n"
    project.write("data/nlu.yml", nlu)
    finetuned = project.train(
        model_to_finetune=str(tiny_model),
        finetuning_epoch_fraction=0.05,
        fixed_model_name="finetuned",
    )
    project.configure(RANKER, ranking_length=1)
    shorter = project.train(fixed_model_name="shorter")
    for model, length in ((finetuned, 2), (shorter, 1)):
        found = parse(load_agent(model), "where can I park")["response_selector"]["faq"]
        assert found["response"]["utter_action"] == "utter_faq/parking"
        assert len(found["ranking"]) == length
