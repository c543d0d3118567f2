"""What is taken from Rasa's word lists, CSV and plain text, and what is left with which reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import ProjectError, VocabularyError
from bot.vocabulary.importing import Import, plan_import
from bot.vocabulary.terms import Form, Vocabulary
from bot.vocabulary.training_data import message_of, read_nlu, read_project_data
from bot.vocabulary.writing import append_terms
from tests.vocabulary.samples import ENTITIES, MERCHANTS, NLU, SHOPS, TERMS, load, write


def plan(folder: Path, *names: str, vocabulary: Vocabulary | None = None, **how: Any) -> Import:
    files = [folder / name for name in names]
    return plan_import(files, vocabulary or Vocabulary(()), entities=ENTITIES, **how)


def left(found: Import) -> list[str]:
    return [f"{item.what}: {item.why}" for item in found.left]


def test_synonyms_and_lookups_become_terms(tmp_path: Path) -> None:
    found = plan(write(tmp_path, nlu__yml=NLU), "nlu.yml")
    assert [(term.name, term.entity) for term in found.terms] == [
        ("savings", "account"), ("mixed", None), ("Tesco", "merchant"), ("Boots", "merchant"),
        ("Spar", None),
    ]  # fmt: skip
    assert found.terms[0].aliases == (Form("nest egg", False), Form("saver", False))
    assert found.terms[0].value == "savings"


def test_what_is_left_is_named_with_its_reason(tmp_path: Path) -> None:
    examples, regex, mixed, shop = left(plan(write(tmp_path, nlu__yml=NLU), "nlu.yml"))
    assert examples.startswith("3 training examples")
    assert regex.startswith("regex 'digits'")
    assert "keep it in data/nlu" in regex
    assert mixed.startswith("the entity of synonym 'mixed'")
    assert "nowhere marked" in mixed
    assert shop.startswith("the entity of lookup 'shop'")
    assert f"{tmp_path / 'nlu.yml'}:19" in shop


def test_a_synonym_with_several_entities_gets_none_unless_one_is_given(tmp_path: Path) -> None:
    marked = NLU.replace("- so what", "- my [saver](currency)")
    write(tmp_path, nlu__yml=marked)
    found = plan(tmp_path, "nlu.yml")
    assert found.terms[0].entity is None
    assert any("marked as account and currency" in line for line in left(found))
    given = plan(tmp_path, "nlu.yml", entity="merchant")
    assert {term.entity for term in given.terms} == {"merchant"}
    assert len(left(given)) == 2


def test_marks_in_the_project_count_too(tmp_path: Path) -> None:
    write(tmp_path, synonyms__yml="nlu:\n- synonym: GBP\n  examples: |\n    - quid\n")
    write(tmp_path / "data", nlu__yml="nlu:\n- intent: a\n  examples: |\n    - [Quid](currency)\n")
    project = read_project_data(tmp_path / "data", tmp_path / "data" / "vocabulary")
    assert plan(tmp_path, "synonyms.yml", project=project).terms[0].entity == "currency"
    assert plan(tmp_path, "synonyms.yml").terms[0].entity is None


def test_lists_keep_what_they_say(tmp_path: Path) -> None:
    found = plan(write(tmp_path, m__csv=MERCHANTS, s__txt=SHOPS), "m.csv", "s.txt")
    lidl, ee, *shops = found.terms
    assert (lidl.value, lidl.definition) == ("Lidl GB", "A shop, a cheap one.")
    assert (ee.case_sensitive, [term.name for term in shops]) == (True, ["Aldi", "Farmfoods"])


def test_a_vocabulary_of_another_project_can_be_taken(tmp_path: Path) -> None:
    found = plan(write(tmp_path, theirs__yml=TERMS), "theirs.yml")
    assert [term.name for term in found.terms] == ["overdraft", "Tesco"]
    assert Form("OD", True) in found.terms[0].aliases


def test_running_it_again_changes_nothing(tmp_path: Path) -> None:
    files = write(tmp_path / "files", nlu__yml=NLU, m__csv=MERCHANTS, s__txt=SHOPS, v__yml=TERMS)
    names = ("nlu.yml", "m.csv", "s.txt", "v.yml")
    folder = write(tmp_path / "vocabulary", own__yml="vocabulary:\n- term: boots\n")
    first = plan(files, *names, vocabulary=load(folder))
    append_terms(folder / "imported.yml", first.terms, load(folder))
    assert (len(first.terms), first.there) == (9, 2)
    second = plan(files, *names, vocabulary=load(folder))
    assert (second.terms, second.there) == ([], 11)


def test_a_word_has_one_meaning_the_first(tmp_path: Path) -> None:
    text = """nlu:
- synonym: savings
  examples: |
    - pot
    - Tesco
    - SAVINGS
- synonym: holiday pot
  examples: |
    - pot
- synonym: Savings
  examples: |
    - nest egg
    - pot
- synonym: tescos
  examples: |
    - the shop
- lookup: merchant
  examples: |
    - Tesco
    - ''
"""
    write(tmp_path / "files", nlu__yml=text)
    folder = write(tmp_path / "vocabulary", terms__yml=TERMS)
    found = plan(tmp_path / "files", "nlu.yml", vocabulary=load(folder), entity="account")
    assert [(term.name, [form.text for form in term.aliases]) for term in found.terms] == [
        ("savings", ["pot", "nest egg"]), ("holiday pot", []), ("''", [])]  # fmt: skip
    place = f"{folder / 'terms.yml'}:6"
    assert left(found)[:3] == [
        f"alias 'Tesco' of 'savings': it is a form of 'Tesco' ({place}) already",
        "alias 'pot' of 'holiday pot': it is a form of 'savings' (just taken) already",
        f"synonym 'tescos' ({tmp_path / 'files' / 'nlu.yml'}:14): its name is an alias of 'Tesco' "
        f"({place})",
    ]
    append_terms(folder / "imported.yml", found.terms, load(folder))


def test_aliases_that_a_term_lacks_are_named(tmp_path: Path) -> None:
    write(tmp_path, nlu__yml="nlu:\n- synonym: Overdraft\n  examples: |\n    - o/d\n    - odraft\n")
    folder = write(tmp_path / "vocabulary", terms__yml=TERMS)
    found = plan(tmp_path, "nlu.yml", vocabulary=load(folder), entity="account")
    assert (found.terms, found.there) == ([], 1)
    (line,) = left(found)
    assert line.startswith("aliases odraft: 'overdraft'")


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a__yml", "nlu: [\n", VocabularyError),
        ("a__csv", "term,alias\n", VocabularyError),
        ("a__json", "{}", ProjectError),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    name: str, text: str, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error, match=name.replace("__", r"\.")):
        plan(write(tmp_path, **{name: text}), name.replace("__", "."))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.yml", "none.csv"):
        with pytest.raises(VocabularyError, match=name):
            plan(tmp_path, name)


EXAMPLES = [
    "plain words",
    "pay [Tesco](merchant) now",
    'from [my savings]{"entity": "account", "role": "from"} to [x](account)',
    '[the City]{"entity": "city", "value": "London"}!',
    '[two words][{"entity": "a"}, {"entity": "b", "role": "c"}] end',
    "[quid](currency:GBP)",
]


def test_examples_are_read_as_rasa_reads_them(tmp_path: Path) -> None:
    from rasa.shared.nlu.training_data.loading import load_data

    lines = "".join(f"    - {example}\n" for example in EXAMPLES)
    text = f'version: "3.1"\nnlu:\n- intent: a\n  examples: |\n{lines}{NLU.split("nlu:")[1]}'
    path = write(tmp_path, nlu__yml=text) / "nlu.yml"
    theirs, ours = load_data(str(path)), read_nlu(path)
    assert {
        (
            str(message.get("text")),
            tuple((e["start"], e["end"], e["entity"]) for e in message.get("entities", [])),
        )
        for message in theirs.training_examples
    } == {(message.text, message.marked) for message in ours.messages}
    assert len(ours.messages) == len(EXAMPLES) + 3
    synonyms = {
        text: listing.name
        for listing in ours.listings
        if listing.kind == "synonym"
        for text in listing.texts
    }
    assert synonyms.items() <= theirs.entity_synonyms.items()
    assert {table["name"]: table["elements"] for table in theirs.lookup_tables} == {
        listing.name: list(listing.texts) for listing in ours.listings if listing.kind == "lookup"
    }


def test_a_message_without_words_is_no_error() -> None:
    assert message_of("[](a) [x]{bad}").marked == ()
