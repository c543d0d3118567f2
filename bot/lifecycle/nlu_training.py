"""Train what reads messages, as `config.yml` says, without Rasa's graph around it.

Components that this package did not write, and the ranker of responses, are left out: they change
neither intents nor what is learned of entities.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ProjectError
from bot.evaluation.predictions import Fallback
from bot.feedback.project import DATA, domain_files
from bot.feedback.training_files import TrainingExample, yaml_files
from bot.lifecycle.checks.pipeline import FEATURIZER, READERS, Component, components
from bot.lifecycle.checks.sources import entry, items, pairs, read_source, text_of
from bot.lifecycle.learning_data import featurizer_options, reader_of
from bot.lifecycle.rejecters import rule_of
from bot.lifecycle.scorer import ArchiveScorer
from bot.ml.answers import stand_ins
from bot.ml.encoder import revision_of
from bot.ml.options import JointOptions
from bot.types import INTENT_SEPARATOR, Example
from bot.vocabulary.loading import FOLDER as VOCABULARY
from bot.vocabulary.loading import digest_of, load_vocabulary

_ROOT = Path(".")
_CONFIG = Path("config.yml")
_ANSWER = "utter_"


@dataclass(frozen=True)
class NluPipeline:
    """What a project says of reading messages.

    Attributes:
        components: of the pipeline, in order.
        options: of JointFeaturizer.
        fallback: the rule by which messages are rejected; None where there is none.
        answers: the texts of each answer of a retrieval intent.
    """

    components: tuple[Component, ...]
    options: JointOptions
    fallback: Fallback | None
    answers: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls) -> NluPipeline:
        """Read the project in this folder.

        Raises:
            ProjectError: there is no `config.yml`, it is broken, or nothing in it learns.
            OptionError: an option is unknown or has a value that cannot be used.
        """
        if not _CONFIG.is_file():
            raise ProjectError(
                f"There is no {_CONFIG} here.", "Call the command in the folder of the project."
            )
        found = tuple(components(read_source(_CONFIG, _ROOT)))
        rule = rule_of((part.short_name, part.options()) for part in found)
        return cls(found, featurizer_options(), rule, _answers())

    def description(self) -> str:
        """Give everything but the examples that a training depends on, in a fixed form."""
        from bot.components.edge import source_digest  # loads Rasa

        learning = {*READERS, FEATURIZER}
        steps = [[p.name, p.options()] for p in self.components if p.short_name in learning]
        code = source_digest("ml", "vocabulary", "types.py")
        revision = revision_of(self.options.model)
        parts = [steps, self.answers, revision, digest_of(VOCABULARY), code]
        return json.dumps(parts, sort_keys=True, default=str)

    def train(self, examples: Sequence[TrainingExample], name: str, folder: Path) -> ArchiveScorer:
        """Train a model on examples and on nothing else; the speller knows their words alone.

        Args:
            examples: with full labels.
            name: of the model.
            folder: an empty one, where the model stays.

        Raises:
            BotError: an option or a file of the vocabulary cannot be used.
        """
        from bot.ml import checkpoint
        from bot.ml.added_tokens import NewToken
        from bot.ml.training import train_joint  # torch: needed in training only

        reader = reader_of(self.components, [example.text for example in examples])
        read = [Example(e.text, e.label, e.spans, reader.read(e.text)) for e in examples]
        read += stand_ins(read, self.answers)
        terms = load_vocabulary(VOCABULARY).terms if self.options.added_tokens else ()
        tokens = [NewToken(term.name, term.definition) for term in terms]
        trained = train_joint(read, self.options, folder / "work", new_tokens=tokens)
        checkpoint.save(trained, read, folder / "model")
        return ArchiveScorer(name, checkpoint.load_predictor(folder / "model"), reader)


def _answers() -> dict[str, tuple[str, ...]]:
    """Read the answers of retrieval intents: their texts, none where one shows a picture."""
    found: dict[str, tuple[str, ...]] = {}
    for path in [*domain_files(_ROOT), *yaml_files(DATA)]:
        for key, variations in pairs(read_source(path, _ROOT).section("responses")):
            name = str(key.value)
            if name.startswith(_ANSWER) and INTENT_SEPARATOR in name:
                texts = (text_of(entry(variation, "text")) for variation in items(variations))
                found[name.removeprefix(_ANSWER)] = tuple(text for text in texts if text)
    return found
