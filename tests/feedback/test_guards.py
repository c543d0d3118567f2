from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from messages import fill, group, message

from bot.feedback.annotations import Decisions
from bot.feedback.guards import Guards, Notice
from bot.feedback.project import Project
from bot.feedback.store import Store

NLU = """\
nlu:
- intent: transfer
  examples: |
    - send [50](amount) to mum
    - move some money
- intent: pay_bill
  examples: |
    - settle the gas bill
"""
HELD_OUT = "nlu:\n- intent: transfer\n  examples: |\n    - shift cash across to savings please\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in {
        "domain.yml": "intents: [transfer, pay_bill, other]\n",
        "data/nlu.yml": NLU,
        "tests/held_out/nlu.yml": HELD_OUT,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


@pytest.fixture
def guards(any_store: Store, root: Path) -> Guards:
    fill(any_store, [message(1, "whats up with my card"), *group(10, "my rent", "My rent!")])
    return Guards(any_store, Project.load(root), labels=lambda: ["out_of_scope"])


def codes(found: list[Notice]) -> list[str]:
    return [notice.code for notice in found]


def test_a_conflict_names_the_example_and_its_place(guards: Guards) -> None:
    (found,) = guards.check("ana", "Send 70 to mum!", "pay_bill")
    assert found.code == "conflict"
    assert found.message == "'send 50 to mum' is an example of transfer in data/nlu.yml:4."
    (found,) = guards.check("ana", "settle the gas bills", "transfer")
    assert "is nearly the same, and an example of pay_bill in data/nlu.yml:8." in found.message


def test_what_agrees_is_no_warning(guards: Guards) -> None:
    assert guards.check("ana", "Send 70 to mum!", "transfer") == []
    assert guards.check("ana", "something else entirely", "out_of_scope") == []


def test_an_exact_duplicate_adds_nothing(guards: Guards) -> None:
    assert codes(guards.check("ana", "Move  some money", "transfer")) == ["duplicate"]


def test_what_is_held_out_is_not_trained_on(guards: Guards) -> None:
    found = guards.check("ana", "shift cash across to my pocket", "transfer")
    assert codes(found) == []
    found = guards.check("ana", "shift cash across to saving, please", "transfer")
    assert codes(found) == ["held_out"]
    assert "tests/held_out/nlu.yml:4" in found[0].message


def test_an_unknown_intent_is_named_with_what_was_meant(guards: Guards) -> None:
    (found,) = guards.check("ana", "abc def", "transferr")
    assert (found.code, "Did you mean 'transfer'?" in found.message) == ("unknown_intent", True)


def test_a_colleague_is_contradicted(any_store: Store, guards: Guards) -> None:
    decisions = Decisions(any_store, overlap=0.0)
    decisions.submit("ben", 1, "other")
    (found,) = guards.check("ana", "What's up with my card?", "transfer", 99)
    assert (found.code, found.message) == ("colleague", "ben annotated this as other.")
    (found,) = guards.check("ben", "whats up with my cards", "transfer", 99)
    assert found.message == "You annotated 'whats up with my card' as other."
    assert guards.check("ana", "whats up with my card", "other", 99) == []
    decisions.undo("ben")
    assert guards.check("ana", "whats up with my card", "transfer", 99) == []


def test_nobody_is_led_about_the_message_itself_or_its_group(
    any_store: Store, guards: Guards
) -> None:
    decisions = Decisions(any_store, overlap=0.999999)
    decisions.submit("ben", 1, "other")
    decisions.submit("ben", 10, "other", group={11: []})
    assert guards.check("ana", "whats up with my card", "transfer", 1) == []
    assert guards.check("ana", "my rent", "transfer", 10) == []
    assert codes(guards.check("ana", "my rent", "transfer", 1)) == ["colleague"]


def test_of_a_dispute_only_the_last_word_counts(any_store: Store, guards: Guards) -> None:
    decisions = Decisions(any_store, overlap=0.999999)
    decisions.submit("ben", 1, "other")
    decisions.submit("cy", 1, "transfer")
    decisions.adjudicate("dee", 1, "transfer")
    assert guards.check("ana", "whats up with my card", "transfer", 99) == []


def test_files_are_read_again_when_they_change(any_store: Store, root: Path) -> None:
    now = [0.0]
    guards = Guards(any_store, Project.load(root), clock=lambda: now[0])
    text = "brand new words"
    assert guards.check("ana", text, "transfer") == []
    file = root / "data" / "new.yml"
    file.write_text(f"nlu:\n- intent: other\n  examples: |\n    - {text}\n", "utf-8")
    now[0] += 2
    assert codes(guards.check("ana", text, "transfer")) == ["conflict"]
    file.write_text("nlu: [\n", "utf-8")
    os.utime(file, ns=(1, 1))
    now[0] += 2
    assert codes(guards.check("ana", text, "transfer")) == ["conflict"], "half-written: the old one"
    file.unlink()
    now[0] += 2
    assert guards.check("ana", text, "transfer") == []


def write_examples(root: Path, n: int) -> None:
    """Write examples in the words of the assistant's own, put together anew."""
    chance = random.Random(7)
    own = Project.load(Path(__file__).parents[2]).examples
    words = [word for example in own for word in example.text.replace("[", "").split()]
    lines = [
        "    - " + " ".join(chance.choice(words) for _ in range(chance.randint(3, 12)))
        for _ in range(n)
    ]
    content = "nlu:\n- intent: other\n  examples: |\n" + "\n".join(lines) + "\n"
    (root / "data" / "many.yml").write_text(content, "utf-8")


@pytest.mark.long
def test_a_check_is_quick_with_a_hundred_thousand_examples(store: Store, root: Path) -> None:
    write_examples(root, 100_000)
    fill(store, [message(1, "x")])
    guards = Guards(store, Project.load(root))
    guards.build()
    texts = [example.text for example in Project.load(root).examples[:50:2]]
    took = []
    for text in [*texts, *(f"{text[:-1]}q" for text in texts), "what is my balance today"]:
        begin = time.process_time()
        guards.check("ana", text, "transfer", 1)
        took.append(time.process_time() - begin)
    took.sort()
    print(f"median {took[len(took) // 2] * 1000:.1f} ms, worst {took[-1] * 1000:.1f} ms")
    assert took[int(len(took) * 0.95)] < 0.05
