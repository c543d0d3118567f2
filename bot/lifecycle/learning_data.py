"""What the featurizer learns from in `bot train`, read without training anything."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.components.vocabulary_options import (
    TOKENIZER_OPTIONS,
    SpellingOptions,
    ValueOptions,
    VocabularyOptions,
)
from bot.errors import ProjectError
from bot.lifecycle.checks.pipeline import FEATURIZER, Component, components
from bot.lifecycle.checks.sources import read_source, text_of
from bot.ml.answers import stand_ins
from bot.ml.encoder import revision_of
from bot.ml.options import JointOptions
from bot.ml.splitting import MINIMUM, split_for_validation
from bot.types import Example
from bot.vocabulary.loading import FOLDER, load_vocabulary
from bot.vocabulary.message_reader import MessageReader, ValueSettings
from bot.vocabulary.reading import TermReader
from bot.vocabulary.spelling import Speller
from bot.vocabulary.spelling_words import count_words
from bot.vocabulary.tokenizing import WordTokenizer

if TYPE_CHECKING:
    from bot.ml.added_tokens import NewToken

CONFIG = Path("config.yml")
DOMAIN = Path("domain.yml")
DATA = Path("data")
_RASAS_KEYS = ("alias", "finetuning_epoch_fraction")


@dataclass(frozen=True)
class LearningData:
    """Examples, read as the pipeline reads them, and the options of the featurizer.

    Attributes:
        examples: what is learned from and what is kept apart, as the options say.
        kept_apart: how many are kept apart.
        options: of JointFeaturizer.
        new_tokens: words of the vocabulary that may become tokens.
    """

    examples: tuple[Example, ...]
    kept_apart: int
    options: JointOptions
    new_tokens: tuple[NewToken, ...] = ()

    def digest(self, *further: object) -> str:
        """Give a digest of data, encoder and the code that learns, and of what else is given."""
        from bot.components.edge import source_digest  # loads Rasa

        code = source_digest("ml", "ml/tuning", "vocabulary", "types.py")
        digest = hashlib.sha256(f"{revision_of(self.options.model)} {code}".encode())
        for part in (*self.examples, *self.new_tokens, *further):
            digest.update(f"{part!r}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]


def featurizer_options() -> JointOptions:
    """Read the options of JointFeaturizer in `config.yml`.

    Raises:
        BotError: there is none, or an option cannot be used.
    """
    return _options(_pipeline()[-1])


def read_learning_data(share: float, seed: int) -> LearningData:
    """Read what lies under `data/`, and keep a share of it apart.

    The speller learns its words from the other examples alone: it must not know how those that
    are kept apart are spelt.

    Args:
        share: of each label's examples; takes the place of `validation_split`.
        seed: decides which, and takes the place of `random_seed`.

    Raises:
        BotError: a file or an option cannot be used, or there are too few examples.
    """
    pipeline = _pipeline()
    options = replace(_options(pipeline[-1]), validation_split=share, random_seed=seed)
    own, answers = _read_with_rasa()
    examples = own + stand_ins(own, answers)
    learn, kept = split_for_validation(examples, share, seed)
    if not kept:
        raise ProjectError(
            f"Of {len(examples)} training examples fewer than {MINIMUM} would be kept apart "
            f"({share:.0%} of each label's, rounded down), which measures nothing.",
            "Write more examples first.",
        )
    learned = {example.text for example in learn}
    reader = reader_of(pipeline, [example.text for example in own if example.text in learned])
    read = [replace(example, reading=reader.read(example.text)) for example in own]
    return LearningData((*read, *examples[len(own) :]), len(kept), options, _new_tokens(options))


def _pipeline() -> list[Component]:
    """Give the components down to the featurizer, which is the last."""
    config = read_source(CONFIG, Path("."))
    pipeline = components(config)
    names = [component.short_name for component in pipeline]
    if FEATURIZER not in names:
        raise ProjectError(
            f"The pipeline has no {FEATURIZER}.",
            "Add 'bot.components.featurizer.JointFeaturizer', or call this where it is used.",
            file=CONFIG,
        )
    return pipeline[: names.index(FEATURIZER) + 1]


def _options(featurizer: Component) -> JointOptions:
    given = featurizer.options()
    return JointOptions.read({k: v for k, v in given.items() if k not in _RASAS_KEYS}, FEATURIZER)


def _read_with_rasa() -> tuple[list[Example], dict[str, tuple[str, ...]]]:
    """Read messages and answers as `rasa train` reads them; this loads no TensorFlow."""
    from rasa.shared.importers.importer import TrainingDataImporter

    from bot.components.edge import answers_of, examples_of

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `bot train` shows what Rasa says of the domain
        importer = TrainingDataImporter.load_from_config(str(CONFIG), str(DOMAIN), [str(DATA)])
        language = text_of(read_source(CONFIG, Path(".")).section("language")) or "en"
        data = importer.get_nlu_data(language)
    return examples_of(data), answers_of(data)


def reader_of(pipeline: Sequence[Component], texts: Sequence[str]) -> MessageReader:
    """Build what reads messages as the components of a pipeline do.

    Args:
        pipeline: the components above the featurizer; those of Rasa are passed over.
        texts: where the speller learns its words.

    Raises:
        BotError: an option or a file of the vocabulary cannot be used.
    """
    steps = {part.short_name: part.options() for part in pipeline if part.is_ours}
    tokenizer = WordTokenizer("en")
    if "VocabularyTokenizer" in steps:
        given = steps["VocabularyTokenizer"].items()
        asked = {key: value for key, value in given if key not in TOKENIZER_OPTIONS}
        words = VocabularyOptions.read(asked, "VocabularyTokenizer")
        tokenizer = WordTokenizer(words.language, _forms(words))
    speller = terms = values = None
    if "SpellingCorrector" in steps:
        spelling = SpellingOptions.read(steps["SpellingCorrector"], "SpellingCorrector")
        counted = count_words(texts, tokenizer.tokenize)
        speller = Speller.build(counted, _forms(spelling), spelling.settings())
    if "VocabularyMatcher" in steps:
        known = VocabularyOptions.read(steps["VocabularyMatcher"], "VocabularyMatcher")
        vocabulary = load_vocabulary(Path(known.vocabulary), known.language)
        terms = TermReader.build(vocabulary, known.language, "VocabularyMatcher")
    if "ValueFinder" in steps:
        found = ValueOptions.read(steps["ValueFinder"], "ValueFinder")
        values = ValueSettings(found.language, found.currency, found.country)
    return MessageReader(tokenizer, speller, terms, values)


def _forms(options: VocabularyOptions) -> list[str]:
    vocabulary = load_vocabulary(Path(options.vocabulary), options.language)
    return sorted({form.text for term in vocabulary.terms for form in term.forms})


def _new_tokens(options: JointOptions) -> tuple[NewToken, ...]:
    """Give the vocabulary's words that may become tokens, as the featurizer does."""
    if not options.added_tokens:
        return ()
    from bot.ml.added_tokens import NewToken

    return tuple(NewToken(term.name, term.definition) for term in load_vocabulary(FOLDER).terms)
