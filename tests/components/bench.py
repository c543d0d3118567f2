"""Each component of ours on its own: create it, train it, load it, run it over a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.graph_components.providers.responses_provider import Responses
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa_project import TINY_OPTIONS

from bot.components.action_failure_policy import ActionFailurePolicy
from bot.components.attribute_policy import AttributePolicy
from bot.components.edge import reading_of
from bot.components.featurizer import PARSE_KEY, JointFeaturizer
from bot.components.response_ranker import ResponseRanker
from bot.components.spelling import SpellingCorrector
from bot.components.story_policy import StoryPolicy
from bot.components.tokenizer import VocabularyTokenizer
from bot.components.values import ValueFinder
from bot.components.vocabulary import VocabularyMatcher
from bot.types import Example, Parse

TOKENIZER = WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())
APOLOGY = "utter_sorry"
TERMS = """
vocabulary:
  - term: Oslo
    entity: city
    aliases: [Christiania, "Tiger city"]
  - term: berlin
    entity: city
  - term: ham
    entity: topping
    aliases: [j/s]
  - term: park
    aliases: [leave my car]
"""
MOOD = """
attribute: mood
slot: temper
least: 0
values:
  calm: [could you help me please, thank you, that would be nice]
  cross: [stupid bot, I hate this, what a stupid thing to say]
"""
READERS = (VocabularyTokenizer, SpellingCorrector, VocabularyMatcher)
RESPONSES = {
    "utter_greet": [{"text": "Hello."}],
    "utter_faq/opening_hours": [{"text": "From nine to five. On Sundays we rest."}],
    "utter_faq/parking": [{"text": "Behind the house."}, {"text": "Park behind the house."}],
}
DOMAIN = Domain.from_dict(
    {
        "intents": ["greet"],
        "actions": ["action_look"],
        "slots": {"temper": {"type": "text", "mappings": [{"type": "custom"}]}},
        "responses": {APOLOGY: [{"text": "Sorry."}]},
    }
)


def message(text: str, **more: Any) -> Message:
    """A tokenized message."""
    made = Message({TEXT: text, **more})
    TOKENIZER.process([made])
    return made


def labelled(example: Example) -> Message:
    """A training message of Rasa's."""
    entities = []
    for span in example.spans:
        entity = {
            "entity": span.entity,
            "start": span.start,
            "end": span.end,
            "value": example.text[span.start : span.end],
            "role": span.role,
            "group": span.group,
        }
        entities.append({key: value for key, value in entity.items() if value is not None})
    return Message.build(example.text, example.intent, entities)


def training_data(examples: Iterable[Example]) -> TrainingData:
    """Tokenized training data."""
    return TOKENIZER.process_training_data(
        TrainingData([labelled(example) for example in examples], responses=dict(RESPONSES))
    )


@dataclass
class Bench:
    """What a component needs around it."""

    encoder: Path
    storage: LocalModelStorage
    examples: tuple[Example, ...]
    scratch: Path
    featurizer: JointFeaturizer = field(init=False)
    ranker: ResponseRanker = field(init=False)
    story: StoryPolicy = field(init=False)

    def context(self, name: str, *, is_finetuning: bool = False) -> ExecutionContext:
        """An execution context."""
        return ExecutionContext(GraphSchema({}), node_name=name, is_finetuning=is_finetuning)

    def options(self, component: type[GraphComponent], **changes: Any) -> dict[str, Any]:
        """The default configuration with what a test needs."""
        config = dict(component.get_default_config())
        if component is JointFeaturizer:
            config.update(TINY_OPTIONS, model=str(self.encoder))
        if component in (JointFeaturizer, AttributePolicy):
            config["attributes"] = str(self.scratch / "attributes")
        if component is ActionFailurePolicy:
            config["response"] = APOLOGY
        if component is StoryPolicy:
            config.update(model=str(self.encoder), epochs=1)
        if component in READERS:
            config.update(vocabulary=str(self.scratch / "vocabulary"))
        return {**config, **changes}

    def build(
        self, component: type[GraphComponent], how: str, node: str | None = None, **changes: Any
    ) -> Any:
        """Create or load a component (`how`) as Rasa's graph does."""
        name = node or component.__name__
        return getattr(component, how)(
            self.options(component, **changes), self.storage, Resource(name), self.context(name)
        )

    def fitted(self, component: type[GraphComponent]) -> Any:
        """The component as it is right after training."""
        if component is JointFeaturizer:
            return self.featurizer
        if component is ResponseRanker:
            return self.ranker
        if component is StoryPolicy:
            return self.story
        made = self.build(component, "create")
        if component in READERS:
            made.train(training_data(self.examples))
        if component in (ActionFailurePolicy, AttributePolicy):
            made.train([], DOMAIN)
        return made

    def run(self, component: Any, text: str) -> dict[str, Any]:
        """What a component adds to a message, or a policy predicts after it."""
        if isinstance(component, (ActionFailurePolicy, AttributePolicy, StoryPolicy)):
            return {"confidences": self.predict(component, text)}
        made = message(text)
        if isinstance(component, VocabularyTokenizer):
            component.process([made])
            return {"spans": [(t.start, t.end, t.text) for t in made.get("text_tokens", [])]}
        if isinstance(component, (SpellingCorrector, VocabularyMatcher, ValueFinder)):
            component.process([made])
            return read(made)
        if isinstance(component, JointFeaturizer):
            component.process([made])
            parse: Parse = made.get(PARSE_KEY)
            spans = [(s.start, s.end, text[s.start : s.end]) for s in parse.spans]
            ranking = [(r.name, r.confidence) for r in (*parse.ranking, *parse.responses)]
            return {"spans": spans, "ranking": ranking, "vectors": vectors(made)}
        self.featurizer.process([made])
        component.process([made])
        return {key: made.get(key) for key in sorted(made.output_properties) if key != TEXT}

    @contextmanager
    def saved(self) -> Iterator[Path]:
        """The folder that the featurizer was saved to."""
        with self.storage.read_from(Resource(JointFeaturizer.__name__)) as folder:
            yield folder

    def predict(
        self, policy: ActionFailurePolicy | AttributePolicy | StoryPolicy, text: str
    ) -> list[float]:
        """Confidences after an action that failed."""
        tracker = DialogueStateTracker.from_events(
            "visitor",
            [UserUttered(text, {"name": "greet"}, message_id="m1"), ActionExecuted("action_look")],
            domain=DOMAIN,
        )
        return list(policy.predict_action_probabilities(tracker, DOMAIN).probabilities)


def read(made: Message) -> dict[str, Any]:
    """How a message is read."""
    text, reading = made.get(TEXT), reading_of(made)
    return {
        "spans": [(h.start, h.end, text[h.start : h.end]) for h in reading.hits],
        "known": [[h.kind, h.value, h.source, h.detail] for h in reading.hits],
        "edits": [[e.start, e.end, e.replacement, e.source] for e in reading.edits],
    }


def vectors(made: Message, attribute: str = TEXT) -> list[list[float]]:
    """Rounded sequence and sentence vectors of a message."""
    found = [feature for feature in made.features if feature.attribute == attribute]
    return [np.round(row, 5).tolist() for feature in found for row in feature.features]


def told() -> list[TrackerWithCachedStates]:
    """The tracker of one short story."""
    events = [
        ActionExecuted("action_listen"),
        UserUttered("hi", {"name": "greet"}),
        ActionExecuted("action_look"),
        ActionExecuted("action_listen"),
    ]
    return [TrackerWithCachedStates.from_events("a look", events, domain=DOMAIN)]


def build_bench(folder: Path, encoder: Path, examples: tuple[Example, ...]) -> Bench:
    """Train what learns once."""
    scratch = folder / "scratch"
    (scratch / "vocabulary").mkdir(parents=True)
    (scratch / "vocabulary" / "terms.yml").write_text(TERMS)
    (scratch / "attributes").mkdir()
    (scratch / "attributes" / "mood.yml").write_text(MOOD)
    storage = folder / "storage"
    storage.mkdir()
    bench = Bench(encoder, LocalModelStorage.create(storage), examples, scratch)
    bench.featurizer = bench.build(JointFeaturizer, "create")
    bench.featurizer.train(training_data(examples))
    bench.ranker = bench.build(ResponseRanker, "create")
    bench.ranker.train(bench.featurizer.process_training_data(training_data(examples)))
    bench.story = bench.build(StoryPolicy, "create")
    bench.story.train(told(), DOMAIN, Responses({}))
    return bench
