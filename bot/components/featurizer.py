"""The trainable featurizer: it owns the encoder and the heads that are fine-tuned with it."""

from __future__ import annotations

import hashlib
import logging
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Type

from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES, TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.edge import (
    answers_of,
    as_rasa_errors,
    examples_of,
    reading_of,
    source_digest,
)
from bot.components.features import features_of
from bot.components.persisted import Persisted
from bot.ml import checkpoint, warm
from bot.ml.answers import stand_ins
from bot.ml.encoder import revision_of
from bot.ml.inference import JointPredictor
from bot.ml.options import JointOptions
from bot.vocabulary.attributes import AttributeData, attributes_digest, load_attributes
from bot.vocabulary.loading import FOLDER as VOCABULARY
from bot.vocabulary.loading import digest_of, load_vocabulary

if TYPE_CHECKING:
    from bot.ml.added_tokens import NewToken
    from bot.ml.heads import Heads

logger = logging.getLogger(__name__)

PARSE_KEY = "joint_parse"  # private: only JointClassifier and ResponseRanker read it
WARM_EPOCHS = 0.5  # share of the epochs that a training from an earlier model takes
_RASAS_KEYS = {"alias", "finetuning_epoch_fraction"}  # put beside our options by Rasa


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class JointFeaturizer(Persisted, DenseFeaturizer):
    """Fine-tunes a transformer on intents, entities and attributes; featurizes messages with it.

    It writes ordinary dense features, so that Rasa's own components can stand on it, and the
    heads' output under a private key. It never writes intents or entities: end-to-end stories
    and the training data run through the same code.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """Components that must come before in the pipeline."""
        return [Tokenizer]

    @staticmethod
    def required_packages() -> List[str]:
        """Packages whose versions belong to the fingerprint."""
        return ["torch", "transformers", "tokenizers", "onnxruntime"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The options with their defaults; see `bot.ml.options.JointOptions`."""
        return {**DenseFeaturizer.get_default_config(), **JointOptions().as_dict()}

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options and unusable values."""
        with as_rasa_errors():
            _options(config)

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """Everything a training depends on beside the data and this class."""
        parts = [
            source_digest(
                "ml",
                "types.py",
                "components/edge.py",
                "components/features.py",
                "components/featurizer.py",
                "components/persisted.py",
                "vocabulary/attributes.py",
            ),
            # Of a node that comes from the cache Rasa asks without our options.
            revision_of(config.get("model", JointOptions.model)),
            warm.digest() or "cold",
            attributes_digest(Path(config.get("attributes", JointOptions.attributes))),
        ]
        if config.get("added_tokens"):
            parts.append(digest_of(VOCABULARY))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> None:
        """Create the component, not yet trained."""
        Persisted.__init__(self, config, model_storage, resource, execution_context)
        DenseFeaturizer.__init__(self, execution_context.node_name, config)
        self._predictor: Optional[JointPredictor] = None

    def _restore(self, folder: Path) -> None:
        self._predictor = checkpoint.load_predictor(folder)

    def train(self, training_data: TrainingData) -> Resource:
        """Fine-tune encoder and heads on the training data and persist them."""
        examples = examples_of(training_data)
        examples += stand_ins(examples, answers_of(training_data))
        with (
            as_rasa_errors(),
            tempfile.TemporaryDirectory() as scratch,
            self._model_storage.write_to(self._resource) as folder,
        ):
            from bot.ml.training import train_joint  # torch: needed in training only

            options = _options(self._config)
            attributes = load_attributes(Path(options.attributes))
            for data in attributes:
                examples = [*data.label(examples), *data.examples()]
            if warm.folder():
                options = replace(options, epochs=math.ceil(options.epochs * WARM_EPOCHS))
            trained = train_joint(
                examples,
                options,
                Path(scratch),
                start=self._starting_point(),
                new_tokens=_new_tokens(options),
            )
            trained.heads = _in_use(trained.heads, attributes)
            checkpoint.save(trained, examples, folder)
            self._predictor = checkpoint.load_predictor(folder)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add dense features to the training data, for components that train on them."""
        for message in training_data.training_examples:
            self._featurize(message)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Add dense features and the heads' output to messages."""
        predictor = self._trained()
        for message in messages:
            self._featurize(message)
            text = message.get(TEXT)
            if text is not None:
                message.set(PARSE_KEY, predictor.parse(text, reading_of(message)))
        return messages

    def _starting_point(self) -> Any:
        earlier = warm.folder()
        if earlier:
            return checkpoint.load_starting_point(earlier)
        if self._execution_context.is_finetuning:
            with self._model_storage.read_from(self._resource) as folder:
                return checkpoint.load_starting_point(folder)
        return None

    def _featurize(self, message: Message) -> None:
        encoder = self._trained().encoder
        for attribute in DENSE_FEATURIZABLE_ATTRIBUTES:
            text = message.get(attribute)
            tokens = message.get(TOKENS_NAMES[attribute])
            if not text or not tokens:
                continue
            places = [(token.start, token.end) for token in tokens]
            edits = reading_of(message).edits if attribute == TEXT else ()
            made = features_of(encoder, text, places, attribute, self._identifier, edits)
            for features in made:
                message.add_features(features)

    def _trained(self) -> JointPredictor:
        if self._predictor is None:
            raise self._untrained()
        return self._predictor


def _new_tokens(options: JointOptions) -> List[NewToken]:
    """Give the vocabulary's words that may become tokens, with what they mean."""
    if not options.added_tokens:
        return []
    from bot.ml.added_tokens import NewToken

    terms = load_vocabulary(VOCABULARY).terms
    return [NewToken(term.name, term.definition) for term in terms]


def _in_use(heads: Heads, attributes: Sequence[AttributeData]) -> Heads:
    """Add what is no matter of learning: which slot a value fills, and how sure it must be."""
    known = {data.name: data for data in attributes}
    return replace(
        heads,
        attributes=tuple(
            replace(head, least=known[head.name].least, slot=known[head.name].slot)
            for head in heads.attributes
        ),
    )


def _options(config: Dict[str, Any]) -> JointOptions:
    return JointOptions.read(
        {key: value for key, value in config.items() if key not in _RASAS_KEYS}, "JointFeaturizer"
    )
