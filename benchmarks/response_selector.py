"""Rasa's ResponseSelector on the features of a trained JointFeaturizer, one for each intent."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.nlu.selectors.response_selector import ResponseSelector
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.featurizer import JointFeaturizer
from bot.types import INTENT_SEPARATOR, Example, base_intent


def messages_of(examples: Sequence[Example]) -> list[Message]:
    """Write the questions of retrieval intents as Rasa's training messages."""
    return [
        Message.build(example.text, example.intent)
        for example in examples
        if example.intent and INTENT_SEPARATOR in example.intent
    ]


class RasaSelectors:
    """One ResponseSelector for each retrieval intent, with its default options."""

    def __init__(self, model: Path, data: TrainingData, epochs: int, seed: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._storage = LocalModelStorage.create(Path(self._folder.name))
        self._tokenizer = WhitespaceTokenizer(WhitespaceTokenizer.get_default_config())
        with self._storage.write_to(Resource("featurizer")) as folder:
            shutil.copytree(model, folder, dirs_exist_ok=True)
        self._featurizer = JointFeaturizer.load(
            JointFeaturizer.get_default_config(),
            self._storage,
            Resource("featurizer"),
            _context("featurizer"),
        )
        data = self._tokenizer.process_training_data(data)
        data = self._featurizer.process_training_data(data)
        self._selectors = {
            intent: self._train(intent, data, epochs, seed)
            for intent in sorted(data.retrieval_intents)
        }

    def _train(self, intent: str, data: TrainingData, epochs: int, seed: int) -> ResponseSelector:
        config: dict[str, Any] = {
            **ResponseSelector.get_default_config(),
            "retrieval_intent": intent,
            "epochs": epochs,
            "random_seed": seed,
            "constrain_similarities": True,  # as `rasa init` writes it
        }
        name = f"selector of {intent}"
        selector = ResponseSelector.create(config, self._storage, Resource(name), _context(name))
        selector.train(data)
        return selector

    def answer(self, text: str, label: str) -> str:
        """Give the answer that is chosen within the intent of a label."""
        intent = base_intent(label)
        message = Message({TEXT: text})
        self._tokenizer.process([message])
        self._featurizer.process([message])
        self._selectors[intent].process([message])
        return str(message.get("response_selector")[intent]["response"]["intent_response_key"])


def _context(name: str) -> ExecutionContext:
    return ExecutionContext(GraphSchema({}), node_name=name)
