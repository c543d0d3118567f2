"""Label checks: wrong examples leave the files people wrote, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exporting as x
import pytest

from bot.feedback import provenance
from bot.feedback import tables as t
from bot.feedback.store import Store

FILE = "data/nlu/odd.yml"
ODD = (
    "\ufeffversion: '3.1'  # odd on purpose\r\n\r\n"
    "nlu:\r\n"
    "  - intent: transfer\r\n"
    "    examples: |\r\n"
    "      -   how much is there \r\n"
    '      - fly [me]{"entity": "city", "role": "to", "value": "ME"} to the moon\r\n'
    "      - pay the rent for me\r\n"
    "  - intent: greet # comment\r\n"
    "    examples:\r\n"
    "      - text: |\r\n"
    "          top of the morning\r\n"
    "      - text: |\r\n"
    "          evening all\r\n"
    "  - synonym: x\r\n"
    "    examples: |\r\n"
    "      - y\t\r\n"
    "# the end"
).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = x.write_project(tmp_path / "project")
    (root / FILE).write_bytes(ODD)
    return root


def decide(
    store: Store,
    text: str,
    label: str,
    line: int,
    status: str,
    decided: str | None = None,
    **more: Any,
) -> None:
    values = {
        "text": text,
        "label": label,
        "suggested": "balance",
        "score": 0.9,
        "words": "why",
        "file": FILE,
        "line": line,
        "status": status,
        "decided_label": decided,
        "reviewer": "ana",
        "updated_at": 1.0,
        **more,
    }
    digest = store.digest(text, label)
    row = store.insert(t.label_checks).values(digest=digest, **values)
    with store.write() as db:
        db.execute(row.on_conflict_do_update(index_elements=["digest"], set_=values))


def test_wrong_examples_move_or_go_and_no_other_byte_changes(
    root: Path, any_store: Store, capsys: Any
) -> None:
    decide(any_store, "how much is there", "transfer", 6, "relabelled", "balance")
    decide(any_store, "fly me to the moon", "transfer", 7, "relabelled", "out_of_scope")
    decide(
        any_store,
        "who won the game last night",
        "out_of_scope",
        24,
        "removed",
        file="data/nlu/nlu.yml",
    )
    assert not x.run(root, any_store)
    lines = ODD.split(b"\n")
    assert (root / FILE).read_bytes() == b"\n".join(lines[:5] + lines[7:])
    assert (root / "data/nlu/nlu.yml").read_text("utf-8") == x.NLU.replace(
        "    - who won the game last night\n", ""
    )
    assert x.examples(root) == {
        "balance": {"how much is there"},
        "out_of_scope": {"fly me to the moon"},
    }
    (moon,) = [m for m in x.messages(root) if m["intent"] == "out_of_scope"]
    (me,) = moon["entities"]
    assert (me["entity"], me["role"], me["value"]) == ("city", "to", "ME")
    origin = next(o for o in x.origins(root) if o.label == "balance")
    assert (origin.sender, origin.suggested, origin.reviewer) == ("", "transfer", "ana")
    assert origin.turn.startswith(provenance.RELABELLED)
    assert "3 examples taken out of data/nlu/nlu.yml, data/nlu/odd.yml" in capsys.readouterr().out
    before = x.snapshot(root)
    assert x.run(root, any_store) and x.snapshot(root) == before


def test_a_moved_line_is_found_and_a_changed_one_told(root: Path, store: Store) -> None:
    decide(store, "pay the rent for me", "transfer", 2, "removed")
    decide(store, "is no longer there", "transfer", 7, "relabelled", "balance")
    decide(store, "evening all", "greet", 13, "removed")
    (root / "data/nlu/twice.yml").write_text(
        "nlu:\n- intent: greet\n  examples: |\n    - hiya\n    - oi\n    - hiya\n", "utf-8"
    )
    decide(store, "hiya", "greet", 1, "removed", file="data/nlu/twice.yml")
    x.run(root, store)
    assert (root / FILE).read_bytes() == ODD.replace(b"      - pay the rent for me\r\n", b"")
    codes = {"is no longer there": "gone", "evening all": "unreachable", "hiya": "ambiguous"}
    assert x.quarantined(root) == codes
    assert x.run(root, store)


def test_the_last_example_and_a_label_without_a_place_stay(root: Path, store: Store) -> None:
    path = root / "data/nlu/one.yml"
    path.write_text("nlu:\n- intent: greet\n  examples: |\n    - ahoy\n", "utf-8")
    decide(store, "ahoy", "greet", 4, "removed", file="data/nlu/one.yml")
    decide(store, "pay the rent for me", "transfer", 8, "relabelled", "rent")
    assert x.run(root, store)
    assert (root / FILE).read_bytes() == ODD and "ahoy" in path.read_text("utf-8")
    codes = {"ahoy": "last_example", "pay the rent for me": "unknown_intent"}
    assert x.quarantined(root) == codes
    assert x.examples(root) == {}


def test_another_decision_brings_the_label_back(root: Path, store: Store) -> None:
    decide(store, "how much is there", "transfer", 6, "relabelled", "balance")
    x.run(root, store)
    decide(store, "how much is there", "transfer", 6, "kept")
    assert not x.run(root, store)
    assert x.examples(root) == {"transfer": {"how much is there"}}
    assert x.run(root, store)
    decide(store, "how much is there", "transfer", 6, "removed")
    assert not x.run(root, store)
    assert x.examples(root) == {}


def test_a_killed_move_is_completed(root: Path, store: Store) -> None:
    decide(store, "how much is there", "transfer", 6, "relabelled", "balance")
    x.run(root, store)
    after = x.snapshot(root)
    (root / FILE).write_bytes(ODD)  # killed before the old line was taken out
    assert not x.run(root, store)
    assert x.snapshot(root) == after
