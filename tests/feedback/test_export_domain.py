"""What a changed domain does to annotations, and new intents that are added to it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import exporting as x
import pytest
import yaml

from bot.errors import BotError
from bot.feedback.export_domain import declared_intents, with_intents
from bot.feedback.proposals import propose
from bot.feedback.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return x.write_project(tmp_path / "project")


def diff(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in lines if not line.startswith("  ")]


def test_what_the_domain_does_not_know_is_told_and_kept_apart(
    root: Path, store: Store, read_in: Any, tmp_path: Path, capsys: Any
) -> None:
    (ann,) = x.senders(False, 1, store)
    cases = {
        "i want a loan of some sort": ("loan", (), "unknown_intent"),
        "how much is in the pot": ("balanse", (), "unknown_intent"),
        "is it the fallback": ("nlu_fallback", (), "unknown_intent"),
        "where are you in Rome": ("faq/address", (), "no_response"),
        "just a question": ("faq", (), "no_response"),
        "pay 5 euros": ("transfer", (("5 euros", "sum"),), "unknown_entity"),
        "fly to Rome": ("transfer", (("Rome", "city:via"),), "unknown_entity"),
    }
    x.talk(store, read_in, tmp_path / "log.jsonl", [(ann, text) for text in [*cases, "fine now"]])
    propose(store, "cleo", "loan", "borrowing money")
    for text, (label, marks, _) in cases.items():
        x.accept(store, text, label, *marks)
    x.accept(store, "fine now", "greet")
    x.run(root, store)
    assert x.quarantined(root) == {text: code for text, (_, _, code) in cases.items()}
    assert x.examples(root) == {"greet": {"fine now"}}
    listed = (root / "results/feedback/quarantine.jsonl").read_text("utf-8")
    for words in (
        "loan is a new intent that cleo proposed.",
        "`bot export --add-intents`",
        "renamed or removed. Did you mean 'balance'?",
        "There is no response utter_faq/address.",
        "The entity city has no role via in the domain.",
    ):
        assert words in listed, words
    told = capsys.readouterr().out
    assert "Not exported: 7." in told and "3 have an intent that the domain does not know" in told


def test_new_intents_are_added_and_nothing_else_changes(
    root: Path, store: Store, read_in: Any, tmp_path: Path, capsys: Any
) -> None:
    (ann,) = x.senders(False, 1, store)
    said = [(ann, "i want a loan of some sort"), (ann, "and an overdraft"), (ann, "what else")]
    x.talk(store, read_in, tmp_path / "log.jsonl", said)
    for (_, text), label in zip(said, ("loan", "overdraft", "faq/new"), strict=True):
        x.accept(store, text, label)
    x.run(root, store)
    assert (root / "domain.yml").read_text("utf-8") == x.DOMAIN
    assert not x.run(root, store, add_intents=True)
    after = (root / "domain.yml").read_text("utf-8")
    assert diff(x.DOMAIN, after) == ["+   - loan\n", "+   - overdraft\n"]
    assert "  - faq # answers\n  - loan\n  - overdraft\n\nentities:" in after
    assert x.examples(root) == {"loan": {said[0][1]}, "overdraft": {said[1][1]}}
    assert x.quarantined(root) == {said[2][1]: "no_response"}
    assert "New in the domain: loan, overdraft." in capsys.readouterr().out
    assert x.run(root, store, add_intents=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "intents:\n- a\n- b # last\n\nslots: {}\n",
            "intents:\n- a\n- b # last\n- new\n\nslots: {}\n",
        ),
        ("intents: [a, b]  # two\nx: 1\n", "intents: [a, b, new]  # two\nx: 1\n"),
        ("intents: [\n  a,\n  b,\n]\n", "intents: [\n  a,\n  b,\nnew]\n"),
        ("intents: []\n", "intents: [new]\n"),
        ("intents:\nx: 1\n", "intents:\n  - new\nx: 1\n"),
        ("intents: # none\nx: 1", "intents: # none\n  - new\nx: 1"),
        ("x: 1", "x: 1\nintents:\n  - new\n"),
        ("intents:\n  - a", "intents:\n  - a\n  - new"),
        (
            "\ufeffintents:\r\n  - ä 😀\r\n\r\nx: 1\r\n",
            "\ufeffintents:\r\n  - ä 😀\r\n  - new\r\n\r\nx: 1\r\n",
        ),
        (
            "intents:\n  - a:\n      use_entities:\n        - x  # why\n  # end\nx: 1\n",
            "intents:\n  - a:\n      use_entities:\n        - x  # why\n  - new\n  # end\nx: 1\n",
        ),
        (
            "intents:\n  - a:\n      use_entities: [x]\nx: 1\n",
            "intents:\n  - a:\n      use_entities: [x]\n  - new\nx: 1\n",
        ),
        ("intents:\n  - a:\nx: 1\n", "intents:\n  - a:\n  - new\nx: 1\n"),
        ("intents:\n  - 'no'\n", "intents:\n  - 'no'\n  - new\n"),
    ],
)
def test_layout_and_comments_stay(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "domain.yml"
    path.write_bytes(before.encode())
    found, content = with_intents(tmp_path, ["new"])
    assert found == path and content.decode() == after
    path.write_bytes(content)
    assert "new" in declared_intents(tmp_path)


def test_a_split_domain_is_added_to_where_its_intents_are(tmp_path: Path) -> None:
    folder = tmp_path / "domain"
    folder.mkdir()
    (folder / "a.yml").write_text("slots: {}\n", "utf-8")
    (folder / "b.yml").write_text("intents:\n  - a\n", "utf-8")
    path, content = with_intents(tmp_path, ["no", "b"])
    assert path == folder / "b.yml"
    assert yaml.safe_load(content) == {"intents": ["a", "no", "b"]}


def test_a_list_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text("x: 1\nintents: greet\n", "utf-8")
    with pytest.raises(BotError, match=r"domain\.yml:2: .*no list"):
        with_intents(tmp_path, ["new"])
