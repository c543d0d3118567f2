"""A tiny project on disk that has nothing wrong, and a model archive as Rasa writes it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

CONFIG = """\
recipe: default.v1
assistant_id: sample
language: en
pipeline:
  - name: WhitespaceTokenizer
  - name: bot.components.featurizer.JointFeaturizer
    epochs: 8
  - name: bot.components.classifier.JointClassifier
    threshold: 0.4
  - name: bot.components.response_ranker.ResponseRanker
policies:
  - name: RulePolicy
"""

DOMAIN = """\
version: "3.1"

intents:
  - greet
  - goodbye
  - trip
  - faq
entities:
  - city:
      roles: [from, to]
slots:
  place:
    type: text
    mappings:
      - type: from_entity
        entity: city
forms:
  trip_form:
    required_slots: [place]
actions:
  - action_time
responses:
  utter_greet:
    - text: Hello
  utter_ask_place:
    - text: Where to?
  utter_faq/hours:
    - text: From nine to five
"""

NLU = """\
version: "3.1"

nlu:
- intent: greet
  examples: |
    - hi
    - hello

- intent: goodbye
  examples: |
    - bye
    - see you

- intent: trip
  examples: |
    - take me away
    - go to [Bath]{"entity": "city", "role": "to"}
    - [Bath](city)

- intent: faq/hours
  examples: |
    - when do you open

- lookup: city
  examples: |
    - Wells [Somerset
"""

RULES = """\
version: "3.1"

rules:
  - rule: greet
    steps:
      - intent: greet
      - action: utter_greet
  - rule: trip
    condition:
      - slot_was_set:
          - place: Bath
    steps:
      - intent: trip
        entities:
          - city: Bath
            role: to
      - action: trip_form
      - active_loop: trip_form
"""

ENDPOINTS = """\
action_endpoint:
  url: http://localhost:5055/webhook
tracker_store:
  type: SQL
  dialect: sqlite
  db: trackers.sqlite
"""

FILES = {
    "config.yml": CONFIG,
    "domain.yml": DOMAIN,
    "endpoints.yml": ENDPOINTS,
    "credentials.yml": "rest:\n",
    "data/nlu/all.yml": NLU,
    "data/rules/all.yml": RULES,
}


def write_project(folder: Path) -> Path:
    """Write the sound project into a folder of its own."""
    root = folder / "project"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def write_archive(
    path: Path,
    members: dict[str, bytes] | None = None,
    *,
    version: str = "3.6.21",
    keep: bool = False,
) -> Path:
    """Write a model archive; `members` stand in the place of Rasa's, or behind them with `keep`."""
    metadata = {
        "model_id": "4d1f",
        "rasa_open_source_version": version,
        "domain": {},
        "train_schema": {},
        "predict_schema": {},
    }
    content = {"metadata.json": json.dumps(metadata).encode(), "components/a.json": b"{}" * 999}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        root = tarfile.TarInfo("/")  # Rasa archives the folder itself under this name
        root.type = tarfile.DIRTYPE
        tar.addfile(root)
        for name, raw in {
            **(content if members is None or keep else {}),
            **(members or {}),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return path
