"""The files of `data/attributes/`: what they say, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import TrainingDataError
from bot.types import Attribute, Example
from bot.vocabulary.attributes import FOLDER, attributes_digest, load_attributes

ROOT = Path(__file__).parents[2]
MOOD = """\
attribute: mood
slot: customer_mood
least: 0.8
values:
  angry:
    - where is my   money
    - 'you said: tomorrow'
  neutral:
    - "yes"
    - no
    - no
"""


def write(folder: Path, text: str, name: str = "mood.yml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(TrainingDataError) as raised:
        load_attributes(folder)
    return str(raised.value)


def test_a_missing_folder_has_no_attribute(tmp_path: Path) -> None:
    assert load_attributes(tmp_path / "none") == ()


def test_a_file_says_name_slot_confidence_and_messages(tmp_path: Path) -> None:
    (mood,) = load_attributes(write(tmp_path, MOOD))
    assert (mood.name, mood.slot, mood.least, mood.slot_line) == ("mood", "customer_mood", 0.8, 2)
    assert mood.values == {
        "angry": ("where is my money", "you said: tomorrow"),
        "neutral": ("yes", "no"),  # words, not truth values; what stands there twice counts once
    }
    assert mood.examples()[2] == Example("yes", attributes=(Attribute("mood", "neutral"),))


def test_slot_and_confidence_may_be_left_out(tmp_path: Path) -> None:
    text = MOOD.replace("slot: customer_mood\n", "").replace("least: 0.8\n", "")
    (mood,) = load_attributes(write(tmp_path, text))
    assert (mood.slot, mood.least) == (None, 0.7)  # docs/how-to/attributes.md says so


def test_messages_with_an_intent_may_have_a_value_too(tmp_path: Path) -> None:
    intents = ["greet"] * 20 + ["complaint"] * 10 + ["faq/fees"] * 10
    examples = [Example(f"text {n}", intent) for n, intent in enumerate(intents)]
    (silent,) = load_attributes(write(tmp_path, MOOD))
    assert silent.label(examples) == examples
    text = MOOD.replace("values:", "otherwise: neutral\nexcept: [complaint]\nvalues:")
    (mood,) = load_attributes(write(tmp_path, text))
    found = mood.label([*examples, Example("only entities")])
    assert [replace(example, attributes=()) for example in found[:-1]] == examples
    labelled = [example for example in found if example.attributes]
    assert len(labelled) == 4, "as many as the file has messages"
    assert {example.intent for example in labelled} == {"greet", "faq/fees"}
    assert {example.attributes for example in labelled} == {(Attribute("mood", "neutral"),)}
    assert len([e for e in mood.label(examples[:2]) if e.attributes]) == 2


@pytest.mark.parametrize(
    ("written", "instead", "line", "said"),
    [
        ("attribute: mood\n", "", 1, "names no attribute"),
        ("attribute: mood", "atribute: mood", 1, "Did you mean 'attribute'?"),
        ("attribute: mood", "attribute: my mood", 1, "'my mood' is no name of an attribute"),
        ("customer_mood", "customer mood", 2, "'customer mood' is no name of a slot"),
        ("least: 0.8", "least: 80", 3, "'least' is no confidence"),
        ("least: 0.8", "least: much", 3, "'least' is no confidence"),
        ("least: 0.8", "otherwise: neutrl", 3, "Did you mean 'neutral'?"),
        ("least: 0.8", "except: complaint", 3, "'except' must be a list"),
        ("  neutral:", "  rather calm:", 8, "'rather calm' is no name of a value"),
        ("  neutral:", "  angry:", 8, "'angry' is there twice"),
        ("    - no\n", "    - Where is my money\n", 10, "stands under 'angry' too"),
        ("    - no\n", "    - ''\n", 10, "The message is empty"),
        ("- 'you said: tomorrow'", "- you said: tomorrow", 7, "must be a text"),
        (MOOD[MOOD.index("  neutral") :], "", 5, "There is one value only"),
        (MOOD[MOOD.index("  angry") :], "  - angry\n", 5, "'values' must name"),
        (MOOD[MOOD.index("values") :], "", 1, "'values' must name"),
        ("    - where is my   money\n    - 'you said: tomorrow'\n", "", 5, "no list of messages"),
        (MOOD[MOOD.index("  neutral") :], "  neutral: []\n", 8, "no list of messages"),
        ("values:", "nlu:", 4, "would read the file as training data"),
        ("attribute: mood\n", "[", None, "This is no YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    written: str, instead: str, line: int | None, said: str, tmp_path: Path
) -> None:
    assert written in MOOD
    found = refusal(write(tmp_path, MOOD.replace(written, instead, 1)))
    where = f"{tmp_path / 'mood.yml'}:" + (f"{line}: " if line else "")
    assert any(each.startswith(where) and said in each for each in found.splitlines()), found


def test_two_files_share_neither_attribute_nor_slot(tmp_path: Path) -> None:
    write(write(tmp_path, MOOD), MOOD, "temper.yml")
    found = refusal(tmp_path)
    assert f"{tmp_path / 'temper.yml'}: {tmp_path / 'mood.yml'} has the attribute" in found
    assert f"{tmp_path / 'temper.yml'}:2: {tmp_path / 'mood.yml'} fills the slot" in found


def test_lists_of_other_kinds_are_refused(tmp_path: Path) -> None:
    assert "An attribute is a YAML file" in refusal(write(tmp_path, "angry\n", "mood.txt"))


def test_every_byte_counts_for_the_digest(tmp_path: Path) -> None:
    before = attributes_digest(write(tmp_path, MOOD))
    assert attributes_digest(tmp_path) == before
    assert attributes_digest(write(tmp_path, MOOD.replace("0.8", "0.7"))) != before


@pytest.mark.skipif(not (ROOT / "tests/attributes").is_dir(), reason="the demo was moved aside")
def test_the_demo_never_learns_from_its_blind_messages() -> None:
    (learned,) = load_attributes(ROOT / FOLDER)
    (blind,) = load_attributes(ROOT / "tests" / "attributes")
    assert learned.name == blind.name
    assert set(learned.values) == set(blind.values)
    assert all(len(texts) >= 60 for texts in learned.values.values())
    assert all(len(texts) == 30 for texts in blind.values.values())
    known = {example.text.casefold() for example in learned.examples()}
    assert not known & {example.text.casefold() for example in blind.examples()}
