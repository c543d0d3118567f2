"""Rasa takes what was exported with no further step: it validates it, and learns from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import exporting as x
import pytest
from test_export_stories import STEPS, correct

from bot.feedback.store import Store

CONFIG = """\
recipe: default.v1
language: en
assistant_id: small
pipeline:
  - name: WhitespaceTokenizer
  - name: KeywordIntentClassifier
policies:
  - name: MemoizationPolicy
"""
# The slot is filled by the domain's own action here, and Rasa wants every intent to be used.
STORIES = """\
version: "3.1"
stories:
- story: all
  steps:
  - intent: greet
  - action: utter_greet
  - intent: balance
  - action: utter_greet
  - intent: out_of_scope
  - action: utter_greet
"""
ASK = """
import asyncio, json, sys, warnings
warnings.simplefilter("ignore")
from rasa.core.agent import Agent
agent = Agent.load(sys.argv[1])
texts = json.loads(sys.argv[2])
print(json.dumps([asyncio.run(agent.parse_message(t))["intent"]["name"] for t in texts]))
"""


def rasa(root: Path, *arguments: str) -> str:
    environment = os.environ | {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environment, text=True, capture_output=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_rasa_validates_and_trains_what_was_exported(
    tmp_path: Path, store: Store, read_in: Any
) -> None:
    root = x.write_project(tmp_path / "project")
    (root / "config.yml").write_text(CONFIG, "utf-8")
    (root / "data/stories.yml").write_text(STORIES, "utf-8")
    ann, joe = x.senders(False, 2, store)
    (bob,) = x.senders(True, 1, store)
    said = [(ann, "am I broke by now"), (joe, "send 20 quid to my sister"), (bob, "kept for tests")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    x.accept(store, said[0][1], "balance")
    x.accept(store, said[1][1], "transfer", ("20 quid", "amount"), ("my sister", "payee"))
    x.accept(store, said[2][1], "greet")
    correct(store, joe, "story", STEPS)
    x.run(root, store)
    told = rasa(root, "-m", "rasa", "data", "validate")
    assert "conflict" not in told.lower()
    rasa(root, "-m", "rasa", "train", "nlu", "--out", "models")
    (model,) = (root / "models").glob("*.tar.gz")
    answered = rasa(root, "-c", ASK, str(model), json.dumps([text for _, text in said]))
    assert json.loads(answered.splitlines()[-1]) == ["balance", "transfer", None]
