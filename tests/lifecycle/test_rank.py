"""`bot rank` with real models in real archives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from projects import write_archive

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.store import Store
from bot.lifecycle.rank import rank
from bot.lifecycle.scorer import load_scorer
from bot.types import Example

KEY = b"the key of the tests, no secret."
COMPONENT = "components/train_bot.components.featurizer.JointFeaturizer2"
NLU = """version: "3.1"
nlu:
- intent: {one}
  examples: |
{examples}
- intent: {two}
  examples: |
    - {wrong}
"""


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_examples: tuple[Example, ...]
) -> Iterator[Path]:
    """A project whose training data has one of its examples under a second label too."""
    monkeypatch.chdir(tmp_path)
    labels = sorted({str(example.intent) for example in tiny_examples if example.intent})
    one, two = labels[0], labels[-1]
    texts = [example.text for example in tiny_examples if example.intent == one]
    lines = "\n".join(f"    - {text}" for text in [*texts, texts[0]])
    (tmp_path / "data").mkdir()
    content = NLU.format(one=one, two=two, examples=lines, wrong=texts[0])
    (tmp_path / "data" / "nlu.yml").write_text(content)
    (tmp_path / "domain.yml").write_text(json.dumps({"version": "3.1", "intents": labels}))
    yield tmp_path


def archive(folder: Path, path: Path, model: str) -> Path:
    """Put a model folder into an archive as Rasa lays it out."""
    members = {
        f"{COMPONENT}/{file.relative_to(folder).as_posix()}": file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
    write_archive(path, members, keep=True)
    if model == "4d1f":
        return path
    metadata = {
        "model_id": model,
        "rasa_open_source_version": "3.6.21",
        "domain": {},
        "train_schema": {},
        "predict_schema": {},
    }
    return write_archive(path, {**members, "metadata.json": json.dumps(metadata).encode()})


def ingested(project: Path, texts: list[str]) -> Store:
    """A store with messages, without anything that a model said."""
    store = Store(f"sqlite:///{project}/feedback.sqlite", KEY)
    with store.write() as db:
        db.execute(t.conversations.insert().values(sender="s", n_turns=0, state="{}"))
        for number, text in enumerate(texts, 1):
            columns: dict[str, Any] = dict.fromkeys(("actions", "replies"), "[]")
            columns |= {"kind": "message", "fallback": "", "rephrase": 0, "thumbs": "{}"}
            columns |= {"complete": 1, "priority": 0.0, "status": "open", "model": "live"}
            place = {"conversation_id": 1, "key": f"k{number}", "position": number}
            db.execute(t.turns.insert().values(text=text, time=number, **place, **columns))
    return store


def run(project: Path, **options: Any) -> None:
    options = {"model": None} | options
    model = options.pop("model")
    rank(model, key=KEY, url=f"sqlite:///{project}/feedback.sqlite", **options)


def suggestions(store: Store) -> list[Any]:
    with store.read() as db:
        return list(db.execute(sa.select(t.suggestions).order_by(t.suggestions.c.id)))


def test_the_newest_model_is_asked_and_the_queue_is_in_order(
    project: Path,
    trained_tiny: Path,
    tiny_examples: tuple[Example, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    archive(trained_tiny, project / "models" / "new.tar.gz", "4d1f")
    known = next(example for example in tiny_examples if example.intent)
    store = ingested(project, [known.text, "xq zzv wwk", known.text.upper()])
    run(project)
    said = suggestions(store)
    assert {row.model for row in said} == {"4d1f"}
    assert said[0].label == known.intent
    assert store.queue(limit=1)[0].text == "xq zzv wwk"  # what nobody has taught it
    told = capsys.readouterr().out
    assert "The model 4d1f read" in told
    assert "Ranked 3 messages in 2 groups" in told
    with store.read() as db:
        (check,) = db.execute(sa.select(t.label_checks).where(t.label_checks.c.score > 0.98)).all()
    assert check.suggested != check.label
    assert check.file == "data/nlu.yml"
    run(project)
    told = capsys.readouterr().out
    assert "0 changed" in told
    assert "read 2 texts" in told  # the queue; the training data it knows by now
    store.close()


def test_two_models_are_compared(
    project: Path, trained_tiny: Path, tiny_examples: tuple[Example, ...]
) -> None:
    new = archive(trained_tiny, project / "new.tar.gz", "4d1f")
    old = archive(trained_tiny, project / "old.tar.gz", "0a0a")
    store = ingested(project, [tiny_examples[0].text])
    run(project, model=new, against=old)
    assert {row.model for row in suggestions(store)} == {"4d1f", "0a0a"}
    store.close()


def test_without_a_model_the_log_alone_decides(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ingested(project, ["freeze my card", "Freeze my card!", "what is this"])
    run(project)
    assert "No model was asked" in capsys.readouterr().out
    assert suggestions(store) == []
    with store.read() as db:
        assert list(db.execute(sa.select(t.turns.c.head).order_by(t.turns.c.id)).scalars()) == [
            1,
            0,
            1,
        ]
    store.close()


def test_logs_only_asks_no_model_even_where_there_is_one(
    project: Path, trained_tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(trained_tiny, project / "models" / "new.tar.gz", "4d1f")
    ingested(project, ["freeze my card"]).close()
    run(project, logs_only=True)
    assert "No model was asked" in capsys.readouterr().out
    with pytest.raises(BotError, match="--logs-only asks no model"):
        run(project, model=project / "models" / "new.tar.gz", logs_only=True)


def test_mistakes_are_sentences(project: Path) -> None:
    with pytest.raises(BotError, match="no model archive"):
        run(project, model=project / "nowhere.tar.gz")
    bare = write_archive(project / "bare.tar.gz")
    with pytest.raises(BotError, match="holds no model that messages can be read with"):
        run(project, model=bare)
    with pytest.raises(BotError, match="--against needs a model"):
        run(project, against=bare)


def test_scorers_read_and_embed(
    project: Path, trained_tiny: Path, tiny_examples: tuple[Example, ...]
) -> None:
    assert load_scorer(None, project / "models") is None
    scorer = load_scorer(archive(trained_tiny, project / "a.tar.gz", "4d1f"))
    assert scorer is not None
    assert scorer.model == "4d1f"
    known = next(example for example in tiny_examples if example.intent)
    assert scorer.parse(known.text).ranking[0].name == str(known.intent).split("/")[0]
    vectors = scorer.embed([known.text, "something else"])
    assert vectors.shape[0] == 2
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)
    assert scorer.embed([]).shape[0] == 0
