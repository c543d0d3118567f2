"""A project on disk whose featurizer is the tiny encoder, with enough examples to keep some apart.

Its tests hold nonsense that would stop whoever reads them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bot.types import Example, base_intent

CONFIG = """\
# Small, and ours.
recipe: default.v1
assistant_id: tiny
language: en

pipeline:
  - name: bot.components.tokenizer.VocabularyTokenizer
  - name: bot.components.spelling.SpellingCorrector
  - name: bot.components.vocabulary.VocabularyMatcher # terms
  - name: bot.components.values.ValueFinder
  - name: bot.components.featurizer.JointFeaturizer # fine-tuned
    model: {model}
    epochs: 8
    learning_rate: 0.00001 # far too slow
    min_steps: 0
    batch_size: 16
    max_length: 64
    validation_split: 0.0
  - name: bot.components.classifier.JointClassifier

policies:
  - name: RulePolicy
"""
TERMS = "vocabulary:\n  - term: flight\n    aliases: [aeroplane trip]\n"
ENDINGS = ("", " please")


def write_tiny_project(root: Path, encoder: Path, examples: Sequence[Example]) -> None:
    """Write it; each example stands there as it is, and once more with a word behind it."""
    labels = sorted({str(example.intent) for example in examples})
    domain = {
        "version": "3.1",
        "intents": sorted({base_intent(label) for label in labels}),
        "entities": [
            {"city": {"roles": ["from", "to"]}},
            {"size": {"groups": ["1", "2"]}},
            {"topping": {"groups": ["1", "2"]}},
        ],
        "responses": {f"utter_{label}": [{"text": "So."}] for label in labels if "/" in label},
    }
    files = {
        "config.yml": CONFIG.format(model=encoder),
        "domain.yml": json.dumps(domain),
        "data/nlu.yml": _nlu(examples, labels),
        "data/vocabulary/terms.yml": TERMS,
        "tests/nlu/broken.yml": "nlu: [",
        "tests/held_out/broken.yml": "nlu: [",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _nlu(examples: Sequence[Example], labels: Sequence[str]) -> str:
    lines = ['version: "3.1"', "nlu:"]
    for label in labels:
        lines += [f"- intent: {label}", "  examples: |"]
        own = [example for example in examples if example.intent == label]
        lines += [f"    - {_marked(example)}{ending}" for ending in ENDINGS for example in own]
    return "\n".join(lines) + "\n"


def _marked(example: Example) -> str:
    text = example.text
    for span in sorted(example.spans, key=lambda span: -span.start):
        known = {"entity": span.entity, "role": span.role, "group": span.group}
        mark = json.dumps({key: value for key, value in known.items() if value})
        text = f"{text[: span.start]}[{text[span.start : span.end]}]{mark}{text[span.end :]}"
    return text
