"""Check what `config.yml` says about the components of this package, without importing them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.components.rejection_rule import RejectionRule
from bot.components.vocabulary_options import (
    TOKENIZER_OPTIONS,
    SpellingOptions,
    ValueOptions,
    VocabularyOptions,
)
from bot.errors import BotError, OptionError, ProjectError, TrainingDataError, VocabularyError
from bot.lifecycle.checks.sources import Source, entry, items, line_of, pairs, text_of, value_of
from bot.ml.dialogue.options import StoryOptions
from bot.ml.encoder import BUNDLED_NAMES, find_encoder
from bot.ml.options import JointOptions
from bot.ml.ranking_options import RankingOptions
from bot.vocabulary.attributes import load_attributes
from bot.vocabulary.loading import load_vocabulary

FEATURIZER = "JointFeaturizer"
CLASSIFIER = "JointClassifier"
RANKER = "ResponseRanker"
STORY_POLICY = "StoryPolicy"
READERS: dict[str, type[VocabularyOptions] | type[ValueOptions]] = {
    "VocabularyTokenizer": VocabularyOptions,
    "SpellingCorrector": SpellingOptions,
    "VocabularyMatcher": VocabularyOptions,
    "ValueFinder": ValueOptions,
}

LATER_READERS: dict[str, type[RankingOptions] | type[RejectionRule]] = {
    RANKER: RankingOptions,
    CLASSIFIER: RejectionRule,
}


@dataclass(frozen=True)
class Component:
    """One entry of the pipeline or the policies."""

    name: str
    node: yaml.Node

    @property
    def short_name(self) -> str:
        """The class, which is the name that Rasa registers."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def is_ours(self) -> bool:
        """Say whether this package wrote the class."""
        return self.name.startswith("bot.")

    def options(self) -> dict[str, Any]:
        """Give everything but the name."""
        values = value_of(self.node)
        return {key: value for key, value in values.items() if key != "name"}


def components(config: Source, section: str = "pipeline") -> list[Component]:
    """Give the components of the pipeline or of the policies, in order."""
    found = []
    for item in items(config.section(section)):
        name = text_of(entry(item, "name"))
        if name:
            found.append(Component(name, item))
    return found


def check_pipeline(config: Source, root: Path) -> Iterator[BotError]:
    """Find unknown options, unusable values and a missing encoder."""
    for section in ("pipeline", "policies"):
        for item in items(config.section(section)):
            if not text_of(entry(item, "name")):
                yield config.error(
                    item, f"This entry under '{section}:' has no name.", "Add 'name:' to it."
                )
    for component in components(config):
        if component.is_ours and component.short_name == FEATURIZER:
            yield from _check_featurizer(config, component, root)
        elif component.is_ours and component.short_name in LATER_READERS:
            try:
                LATER_READERS[component.short_name].read(component.options(), component.short_name)
            except OptionError as error:
                yield config.error(_line_of_option(component, str(error)), str(error))
        elif component.is_ours and component.short_name in READERS:
            yield from _check_reader(config, component)
    for component in components(config, "policies"):
        if component.is_ours and component.short_name == STORY_POLICY:
            values = {k: v for k, v in component.options().items() if k != "priority"}
            try:
                StoryOptions.read(values, STORY_POLICY)
            except OptionError as error:
                yield config.error(_line_of_option(component, str(error)), str(error))


def _check_reader(config: Source, component: Component) -> Iterator[BotError]:
    values = {key: v for key, v in component.options().items() if key not in TOKENIZER_OPTIONS}
    try:
        READERS[component.short_name].read(values, component.short_name)
    except OptionError as error:
        yield config.error(_line_of_option(component, str(error)), str(error))


def check_vocabulary(
    config: Source, root: Path, entities: frozenset[str] | None
) -> Iterator[BotError]:
    """Find what is wrong with the terms that the pipeline reads."""
    language = text_of(config.section("language")) or "en"
    folders = {
        str(component.options().get("vocabulary", VocabularyOptions.vocabulary))
        for component in components(config)
        if component.is_ours and component.short_name in READERS
    }
    for folder in sorted(folders):
        try:
            load_vocabulary(root / folder, language, entities)
        except VocabularyError as error:
            yield from error.problems


def _check_featurizer(config: Source, component: Component, root: Path) -> Iterator[BotError]:
    values = {key: value for key, value in component.options().items() if key != "alias"}
    try:
        options = JointOptions.read(values, FEATURIZER)
    except OptionError as error:
        yield config.error(_line_of_option(component, str(error)), str(error))
        return
    try:
        load_attributes(root / options.attributes)
    except TrainingDataError as error:
        yield error
    folder = encoder_folder(options.model, root)
    if folder is None:
        return  # a Hugging Face id: it is fetched when the training begins
    try:
        find_encoder(folder)
    except BotError as error:
        at = entry(component.node, "model") or component.node
        yield ProjectError(str(error), file=config.path, line=line_of(at))


def encoder_folder(model: str, root: Path) -> str | None:
    """Give what to look up on this machine; None for an encoder that only the Hub can have."""
    if model in BUNDLED_NAMES:
        return model
    folder = root / Path(model).expanduser()
    looks_local = model.startswith((".", "/", "~")) or model.count("/") > 1
    return str(folder.resolve()) if looks_local or folder.is_dir() else None


def _line_of_option(component: Component, message: str) -> yaml.Node:
    """Find the option that a message is about: the first one that it quotes."""
    quoted = re.findall(r"'([^']*)'", message)
    for key, _ in pairs(component.node):
        if quoted and key.value == quoted[0]:
            return key
    return component.node
