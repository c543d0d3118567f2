"""Does the pipeline of `config.yml` fit together, and with what the domain asks of it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

import bot
from bot.lifecycle.checks.findings import Finding, Project
from bot.lifecycle.checks.pipeline import CLASSIFIER, FEATURIZER, RANKER, Component, components
from bot.lifecycle.checks.sources import Source, entry, items, line_of, pairs, text_of

FALLBACK = "FallbackClassifier"
SELECTORS = (RANKER, "ResponseSelector")
CLASSIFIERS = (
    CLASSIFIER,
    "DIETClassifier",
    "SklearnIntentClassifier",
    "LogisticRegressionClassifier",
    "KeywordIntentClassifier",
    "MitieIntentClassifier",
)
_REJECTION = ("DEFAULT_NLU_FALLBACK_INTENT_NAME", '"nlu_fallback"', "'nlu_fallback'")
NAME = "pipeline"


def check_assembly(project: Project) -> Iterator[Finding]:
    """Look for orders and combinations that Rasa accepts and that do not work."""
    config = project.source("config.yml")
    if config is None:
        return
    pipeline = components(config)
    found = [
        *_unread_featurizer(config, pipeline),
        *_early_fallback(config, pipeline),
        *_two_rejecters(config, pipeline, project.root),
        *_unanswered_retrieval(project, pipeline),
        *_unknown_out_of_scope(project, config, pipeline),
    ]
    yield from found
    if not found:
        yield Finding(NAME, "ok", " > ".join(component.short_name for component in pipeline))


def rejects(component: Component, root: Path) -> bool:
    """Say whether a component turns down messages; ours are known by what their source names."""
    if component.short_name == FALLBACK:
        return True
    if component.short_name == CLASSIFIER:
        return (text_of(entry(component.node, "reject")) or "").lower() != "false"
    if not component.is_ours:
        return False
    relative = Path(*component.name.split(".")[:-1]).with_suffix(".py")
    for folder in (root, Path(bot.__file__).parent.parent):
        if (folder / relative).is_file():
            text = (folder / relative).read_text(encoding="utf-8")
            return any(mark in text for mark in _REJECTION)
    return False


def _unread_featurizer(config: Source, pipeline: list[Component]) -> Iterator[Finding]:
    names = [component.short_name for component in pipeline]
    if FEATURIZER in names and CLASSIFIER not in names[names.index(FEATURIZER) :]:
        yield Finding(
            NAME,
            "problem",
            f"{config.path}:{line_of(pipeline[names.index(FEATURIZER)].node)}: no {CLASSIFIER} "
            f"follows {FEATURIZER}, so that nobody reads what it understood.",
            f"Add 'bot.components.classifier.{CLASSIFIER}' below it.",
        )


def _early_fallback(config: Source, pipeline: list[Component]) -> Iterator[Finding]:
    names = [component.short_name for component in pipeline]
    later = (
        [name for name in names[names.index(FALLBACK) :] if name in CLASSIFIERS]
        if (FALLBACK in names)
        else []
    )
    if later:
        yield Finding(
            NAME,
            "problem",
            f"{config.path}:{line_of(pipeline[names.index(FALLBACK)].node)}: {FALLBACK} stands "
            f"before {later[-1]}, which overwrites what it decides.",
            f"Move {FALLBACK} below {later[-1]}.",
        )


def _two_rejecters(config: Source, pipeline: list[Component], root: Path) -> Iterator[Finding]:
    found = [component for component in pipeline if rejects(component, root)]
    if len(found) > 1:
        names = ", ".join(f"{item.short_name} (line {line_of(item.node)})" for item in found)
        yield Finding(
            NAME,
            "problem",
            f"{config.path} has {len(found)} components that reject a message: {names}. Both can "
            f"insert 'nlu_fallback', and 'rasa test' undoes only one.",
            f"Keep one of them; '{CLASSIFIER}' leaves it to another with 'reject: false'.",
        )


def _unanswered_retrieval(project: Project, pipeline: list[Component]) -> Iterator[Finding]:
    domain = project.source("domain.yml")
    intents = sorted(set(_retrieval_intents(domain))) if domain else []
    if intents and not any(component.short_name in SELECTORS for component in pipeline):
        yield Finding(
            NAME,
            "problem",
            f"domain.yml declares the retrieval intents {', '.join(intents)}, but nothing in the "
            f"pipeline chooses their answers.",
            f"Add 'bot.components.response_ranker.{RANKER}' to config.yml.",
        )


def _unknown_out_of_scope(
    project: Project, config: Source, pipeline: list[Component]
) -> Iterator[Finding]:
    domain = project.source("domain.yml")
    known = [str(text_of(item) or next(pairs(item))[0].value) for item in _intents(domain)]
    for component in pipeline:
        wanted = component.options().get("out_of_scope")
        if component.short_name == FEATURIZER and wanted and known and wanted not in known:
            yield Finding(
                NAME,
                "problem",
                f"{config.path}:{line_of(component.node)}: 'out_of_scope' names '{wanted}', which "
                f"is no intent of domain.yml, so that it has no effect.",
                "Name the intent of messages that the assistant is not there for, or remove it.",
            )


def _intents(domain: Source | None) -> list[yaml.Node]:
    return list(items(domain.section("intents"))) if domain else []


def _retrieval_intents(domain: Source) -> Iterator[str]:
    for item in items(domain.section("intents")):
        for name, options in pairs(item):
            if (text_of(entry(options, "is_retrieval_intent")) or "").lower() == "true":
                yield str(name.value)
    for key, _ in pairs(domain.section("responses")):
        if "/" in key.value:
            yield key.value.removeprefix("utter_").split("/")[0]
