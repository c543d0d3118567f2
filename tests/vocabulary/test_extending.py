"""A term gets one alias more, and nothing else of its file changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import BotError, ProjectError, VocabularyError
from bot.vocabulary.extending import add_alias
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.terms import Form, Vocabulary

FILES = {
    "flow list": "vocabulary:\n  - term: fee\n    aliases: [charge, cost]  # two\n    value: x\n",
    "empty list": "vocabulary:\n- term: fee\n  aliases: []\n",
    "last comma": "vocabulary:\n- {term: fee, aliases: [charge, cost,]}\n",
    "many lines": "vocabulary:\n- term: fee\n  aliases: [\n    charge,  # one\n    cost\n  ]\n",
    "block list": "vocabulary:\n  - term: fee\n    aliases:\n      - charge\n      - cost # two\n",
    "flat list": "vocabulary:\n- term: fee\n  aliases:\n  - charge\n  - {text: FE}\n",
    "pairs": "vocabulary:\n- term: fee\n  aliases:\n  - case_sensitive: true\n    text: OD\n",
    "none": "vocabulary:\n  - term: fee  # what we take\n    definition: Money.\n",
    "none, value first": "vocabulary:\n  - definition: Money.\n    term: fee\n",
    "one line": "vocabulary: [{term: fee}, {term: bank}]\n",
    "nothing said": "vocabulary:\n- term: fee\n  aliases:\n  value: x\n",
    "sensitive": "vocabulary:\n- term: fee\n  case_sensitive: true\n  aliases: [FE]\n",
    "no last line end": "vocabulary:\n- term: fee",
    "windows": "vocabulary:\r\n- term: fee\r\n  value: x\r\n- term: bank\r\n",
    "a mark at the start": "\ufeffvocabulary:\n- term: fee\n",
    "among others": "vocabulary:\n- {term: bank}\n- term: fee\n# end\n- term: card\n",
    "wide signs": "vocabulary:\n- term: 'Gebühr 💷'\n- {term: fee, aliases: [\"é💷\"]}\n",
}


def load(folder: Path) -> Vocabulary:
    return load_vocabulary(folder, "en")


def fee(vocabulary: Vocabulary) -> int:
    return next(n for n, term in enumerate(vocabulary.terms) if term.name == "fee")


@pytest.mark.parametrize("shape", FILES)
def test_one_alias_more_and_nothing_else(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "terms.yml"
    path.write_bytes(FILES[shape].encode())
    before = load(tmp_path)
    term = before.terms[fee(before)]
    add_alias(term, "o/d  no", before)
    after = load(tmp_path)
    assert after.terms[fee(after)].aliases == (*term.aliases, Form("o/d no", False))
    others = [(one.name, one.forms, one.value, one.definition) for one in before.terms]
    again = [(one.name, one.forms, one.value, one.definition) for one in after.terms]
    assert [x for x in others if x[0] != "fee"] == [x for x in again if x[0] != "fee"]
    # What was added is one stretch of the bytes.
    old, new = FILES[shape].encode(), path.read_bytes()
    same = next((n for n, (a, b) in enumerate(zip(old, new)) if a != b), len(old))  # noqa: B905
    assert new.endswith(old[same:])


@pytest.mark.parametrize("name", ["terms.csv", "terms.txt"])
def test_other_files_are_left_to_people(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("term\nfee\n" if name.endswith("csv") else "fee\n")
    vocabulary, content = load(tmp_path), path.read_bytes()
    with pytest.raises(ProjectError, match="'o/d' cannot be added to the term 'fee'.*by hand"):
        add_alias(vocabulary.terms[0], "o/d", vocabulary)
    assert path.read_bytes() == content


@pytest.mark.parametrize("shape", ["&a [charge]\n  value: x\n- term: bank\n  aliases: *a", "~"])
def test_an_unusual_shape_is_left_to_people(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "terms.yml"
    path.write_text(f"vocabulary:\n- term: fee\n  aliases: {shape}\n")
    content = path.read_bytes()
    try:
        vocabulary = load(tmp_path)
        add_alias(vocabulary.terms[0], "o/d", vocabulary)
    except BotError:
        assert path.read_bytes() == content
    else:
        assert load(tmp_path).terms[0].aliases[-1].text == "o/d"


def test_an_alias_with_a_meaning_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "terms.yml"
    path.write_text("vocabulary:\n- term: fee\n- term: bank\n  aliases: [house]\n")
    vocabulary, content = load(tmp_path), path.read_bytes()
    with pytest.raises(VocabularyError, match="'house' stands for 'bank' and, at"):
        add_alias(vocabulary.terms[0], "House", vocabulary)
    assert path.read_bytes() == content
