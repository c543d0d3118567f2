"""The contract: what each component of ours has to do, one check a function."""

from __future__ import annotations

import inspect
import json
import math
import shutil
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rasa.engine.validation
import yaml
from bench import Bench
from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.data import TrainingType
from rasa.shared.exceptions import InvalidConfigException, RasaException

from bot.components import edge
from bot.components.action_failure_policy import ActionFailurePolicy
from bot.components.attribute_policy import AttributePolicy
from bot.components.classifier import JointClassifier
from bot.components.featurizer import JointFeaturizer
from bot.components.response_ranker import ResponseRanker
from bot.components.spelling import SpellingCorrector
from bot.components.story_policy import StoryPolicy
from bot.components.tokenizer import VocabularyTokenizer
from bot.components.values import ValueFinder
from bot.components.vocabulary import VocabularyMatcher
from bot.ml import warm

Check = Callable[[type[GraphComponent], Bench], None]

ROOT = Path(__file__).parents[2]
READ_VOCABULARY = (VocabularyTokenizer, SpellingCorrector, VocabularyMatcher)
COMPONENTS: tuple[type[GraphComponent], ...] = (
    *READ_VOCABULARY,
    ValueFinder,
    JointFeaturizer,
    JointClassifier,
    ResponseRanker,
    ActionFailurePolicy,
    AttributePolicy,
    StoryPolicy,
)
LEARNS = (*READ_VOCABULARY, JointFeaturizer, ResponseRanker)
OWNS_THE_ENCODER = (JointFeaturizer,)
READS_MESSAGES = (
    *READ_VOCABULARY,
    ValueFinder,
    JointFeaturizer,
    JointClassifier,
    ResponseRanker,
)
HAS_PARTS = (*READS_MESSAGES, AttributePolicy, StoryPolicy)
ODD_TEXTS = {
    "empty": "",
    "space": " \t\n\u00a0",
    "nul": "hello \x00 there",
    "long": ("book a flight to oslo " * 500)[:10_000],
    "one word": "a" * 10_000,
    "emoji": "👩‍👩‍👧 fly to oslo 🇳🇴 👍🏽",
    "emoji alone": "🙂",
    "half an emoji": "to oslo \ud83d",
    "slips and aliases": "goodd morning, CHRISTIANIA and tigercity for £20.50, j/s",
    "an account": "from GB82 WEST 1234 5698 7654 32 to berlin on friday at 3pm",
    "combining": "caf\u0065\u0301 in oslo",
    "right to left": "\u202e اوسلو oslo",
}
TEXTS = (
    "hello there",
    "from berlin to oslo",
    "a large pizza with ham and a small one with olives",
    "where can I park",
    *ODD_TEXTS.values(),
)
# A file that each component's work depends on beside its own class.
PARTS = {
    JointFeaturizer: (
        "ml/tagging.py",
        "ml/training.py",
        "types.py",
        "components/edge.py",
        "components/featurizer.py",
        "vocabulary/attributes.py",
    ),
    VocabularyTokenizer: ("vocabulary/tokenizing.py", "components/tokenizer.py"),
    SpellingCorrector: ("vocabulary/spelling.py", "components/edge.py", "components/spelling.py"),
    VocabularyMatcher: ("vocabulary/matching.py", "vocabulary/reading.py", "components/edge.py"),
    ValueFinder: ("vocabulary/values.py", "types.py", "components/edge.py"),
    JointClassifier: (
        "types.py",
        "components/attributes.py",
        "components/edge.py",
        "components/rejecting.py",
        "vocabulary/overlaps.py",
    ),
    ResponseRanker: ("ml/answers.py", "ml/ranking.py", "types.py", "components/edge.py"),
    AttributePolicy: ("components/attributes.py", "components/edge.py"),
    StoryPolicy: (
        "ml/dialogue/training.py",
        "ml/calibration.py",
        "components/dialogue.py",
        "components/edge.py",
    ),
}
UNRELATED = ("lifecycle/training.py", "evaluation/__init__.py", "cli.py")
# Dialogue is learned from other data: what changes there must not train the encoder anew.
NOT_MINE = {JointFeaturizer: ("ml/dialogue/training.py", "components/dialogue.py")}
TYPOS = {
    JointFeaturizer: ("learning_rat", "learning_rate"),
    VocabularyTokenizer: ("vocabluary", "vocabulary"),
    SpellingCorrector: ("margn", "margin"),
    VocabularyMatcher: ("langauge", "language"),
    ValueFinder: ("curency", "currency"),
    JointClassifier: ("treshold", "threshold"),
    ResponseRanker: ("treshold", "threshold"),
    ActionFailurePolicy: ("respones", "response"),
    AttributePolicy: ("atributes", "attributes"),
    StoryPolicy: ("max_histroy", "max_history"),
}


def has_a_complete_default_configuration(component: type[GraphComponent], bench: Bench) -> None:
    default = component.get_default_config()
    assert default == component.get_default_config()
    assert default is not component.get_default_config(), "callers change what they get"
    json.dumps(default)
    bench.build(component, "create")
    for key, value in default.items():  # each key can be named with its own default
        bench.build(component, "create", **{key: bench.options(component).get(key, value)})


def names_options_that_it_does_not_know(component: type[GraphComponent], bench: Bench) -> None:
    typo, meant = TYPOS[component]
    for how in ("create", "load"):
        with pytest.raises(InvalidConfigException) as raised:
            bench.build(component, how, **{typo: 1})
        assert f"'{typo}'" in str(raised.value)
        assert component.__name__ in str(raised.value)
        assert meant is None or f"Did you mean '{meant}'?" in str(raised.value)


def has_a_name_of_its_own(component: type[GraphComponent], bench: Bench) -> None:
    from rasa.engine.recipes import default_components

    theirs = {given.__name__ for given in default_components.DEFAULT_COMPONENTS}
    assert component.__name__ not in theirs
    registered = DefaultV1Recipe._registered_components[component.__name__]
    assert registered.clazz is component


def has_signatures_that_the_graph_reads(component: type[GraphComponent], bench: Bench) -> None:
    config = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
    graph = DefaultV1Recipe().graph_config_for_recipe(config, {}, TrainingType.BOTH)
    rasa.engine.validation.validate(graph)
    nodes = {**graph.train_schema.nodes, **graph.predict_schema.nodes}.values()
    used = [node for node in nodes if node.uses is component]
    assert used, "config.yml does not use it"
    for node in used:
        for name in {node.constructor_name, node.fn}:
            hints = typing.get_type_hints(getattr(component, name))
            parameters = inspect.signature(getattr(component, name)).parameters
            unbound = set(parameters) - {"self", "args", "kwargs"}
            assert hints.get("return") not in (None, Any), f"{name} says not what it returns"
            assert unbound <= set(hints), f"{name} has parameters without a type"


def loads_what_it_saved(component: type[GraphComponent], bench: Bench) -> None:
    fitted, loaded = bench.fitted(component), bench.build(component, "load")
    for text in TEXTS:
        assert bench.run(loaded, text) == bench.run(fitted, text)


def refuses_to_start_untrained(component: type[GraphComponent], bench: Bench) -> None:
    with pytest.raises(RasaException, match=f"no trained {component.__name__}"):
        bench.build(component, "load", node="nothing was saved here")
    created = bench.build(component, "create", node="nothing was saved here")
    with pytest.raises(RasaException, match="before it was trained"):
        bench.run(created, "hello")


def says_the_same_again(component: type[GraphComponent], bench: Bench) -> None:
    fitted = bench.fitted(component)
    first = {name: bench.run(fitted, text) for name, text in ODD_TEXTS.items()}
    for name, text in reversed(ODD_TEXTS.items()):
        assert bench.run(fitted, text) == first[name], name


def is_idempotent(component: type[GraphComponent], bench: Bench) -> None:
    from bench import message

    fitted = bench.fitted(component)
    for name, text in ODD_TEXTS.items():
        made = message(text)
        bench.featurizer.process([made])
        fitted.process([made])
        once = json.dumps(made.as_dict(only_output_properties=True))
        fitted.process([made])
        assert json.dumps(made.as_dict(only_output_properties=True)) == once, name


def gives_offsets_into_the_text(component: type[GraphComponent], bench: Bench) -> None:
    fitted = bench.fitted(component)
    found = 0
    for text in TEXTS:
        output = bench.run(fitted, text)
        spans = output.get("spans") or [
            (entity["start"], entity["end"], entity["value"])
            for entity in output.get("entities", [])
        ]
        for start, end, value in spans:
            assert 0 <= start < end <= len(text)
            assert text[start:end] == value
            assert value == value.strip()
        found += len(spans)
    assert found >= 4, "the texts must hold entities that the model knows"


def gives_confidences_between_0_and_1(component: type[GraphComponent], bench: Bench) -> None:
    fitted = bench.fitted(component)
    for text in TEXTS:
        found = list(_confidences(bench.run(fitted, text)))
        assert found or not text.strip()
        assert all(math.isfinite(value) and 0.0 <= value <= 1.0 for value in found), found


def gives_plain_values(component: type[GraphComponent], bench: Bench) -> None:
    fitted = bench.fitted(component)
    for text in TEXTS:
        output = bench.run(fitted, text)
        assert json.loads(json.dumps(output)) == json.loads(json.dumps(output))
        for value in _leaves(output):
            assert type(value) in (str, int, float, bool, type(None)), f"{value!r} is {type(value)}"


def has_a_stable_fingerprint(component: type[GraphComponent], bench: Bench) -> None:
    config = bench.options(component)
    first = component.fingerprint_addon(config)
    edge._source_digest.cache_clear()
    assert component.fingerprint_addon(dict(config)) == first


def has_a_fingerprint_of_its_code(component: type[GraphComponent], bench: Bench) -> None:
    config = bench.options(component)
    before = component.fingerprint_addon(config)
    for part in PARTS[component]:
        with _changed_copy(bench.scratch, part):
            assert component.fingerprint_addon(config) != before, part
    for part in (*UNRELATED, *NOT_MINE.get(component, ())):
        with _changed_copy(bench.scratch, part):
            assert component.fingerprint_addon(config) == before, part


def has_a_fingerprint_of_its_encoder(component: type[GraphComponent], bench: Bench) -> None:
    copied = Path(
        shutil.copytree(bench.encoder, bench.scratch / f"encoder of {component.__name__}")
    )
    config = bench.options(component, model=str(copied))
    before = component.fingerprint_addon(config)
    assert before == component.fingerprint_addon(bench.options(component)), "same bytes"
    (copied / "notes.md").write_text("read me")
    assert component.fingerprint_addon(config) == before
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    assert component.fingerprint_addon(config) != before


def has_a_fingerprint_of_its_terms(component: type[GraphComponent], bench: Bench) -> None:
    folder = bench.scratch / f"terms of {component.__name__}"
    shutil.copytree(bench.scratch / "vocabulary", folder)
    config = bench.options(component, vocabulary=str(folder))
    before = component.fingerprint_addon(config)
    assert before == component.fingerprint_addon(bench.options(component)), "same bytes"
    (folder / "notes.md").write_text("read me")
    assert component.fingerprint_addon(config) == before
    with (folder / "terms.yml").open("a") as file:
        file.write("  - term: Bergen\n")
    assert component.fingerprint_addon(config) != before


def keeps_the_terms_it_was_trained_with(component: type[GraphComponent], bench: Bench) -> None:
    fitted = bench.fitted(component)
    expected = [bench.run(fitted, text) for text in TEXTS]
    loaded = bench.build(component, "load", vocabulary="no such folder")
    assert [bench.run(loaded, text) for text in TEXTS] == expected


def has_a_fingerprint_of_its_start(component: type[GraphComponent], bench: Bench) -> None:
    config = bench.options(component)
    before = component.fingerprint_addon(config)
    with bench.saved() as folder, warm.warm_start(folder):
        started = component.fingerprint_addon(config)
        assert started != before
        assert started == component.fingerprint_addon(config)
    assert component.fingerprint_addon(config) == before


CONTRACT: dict[Check, tuple[type[GraphComponent], ...]] = {
    has_a_complete_default_configuration: COMPONENTS,
    names_options_that_it_does_not_know: COMPONENTS,
    has_a_name_of_its_own: COMPONENTS,
    has_signatures_that_the_graph_reads: COMPONENTS,
    loads_what_it_saved: COMPONENTS,
    refuses_to_start_untrained: LEARNS,
    says_the_same_again: COMPONENTS,
    is_idempotent: READS_MESSAGES,
    gives_offsets_into_the_text: (
        VocabularyTokenizer,
        VocabularyMatcher,
        ValueFinder,
        JointFeaturizer,
        JointClassifier,
    ),
    gives_confidences_between_0_and_1: (
        JointFeaturizer,
        JointClassifier,
        ResponseRanker,
        ActionFailurePolicy,
        AttributePolicy,
        StoryPolicy,
    ),
    gives_plain_values: COMPONENTS,
    has_a_stable_fingerprint: COMPONENTS,
    has_a_fingerprint_of_its_code: HAS_PARTS,
    has_a_fingerprint_of_its_encoder: (JointFeaturizer, StoryPolicy),
    has_a_fingerprint_of_its_start: OWNS_THE_ENCODER,
    has_a_fingerprint_of_its_terms: READ_VOCABULARY,
    keeps_the_terms_it_was_trained_with: READ_VOCABULARY,
}


class _changed_copy:
    """Let fingerprints see a copy of our package in which one byte of one file changed."""

    def __init__(self, scratch: Path, part: str) -> None:
        self._root = scratch / "package" / part.replace("/", "_")
        self._part = part
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(edge.PACKAGE, self._root, ignore=ignore, dirs_exist_ok=True)
        path = self._root / self._part
        text = path.read_bytes()
        path.write_bytes(text[:-1] + b" ")
        assert path.read_bytes() != text
        self._patch.setattr(edge, "PACKAGE", self._root)
        edge._source_digest.cache_clear()

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        edge._source_digest.cache_clear()


def _confidences(output: dict[str, Any]) -> Iterator[float]:
    yield from output.get("confidences", [])
    yield from (confidence for _, confidence in output.get("ranking", []))
    yield from _named(output, "confidence")


def _named(value: Any, key: str) -> Iterator[float]:
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for inner in value.values():
            yield from _named(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, key)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
