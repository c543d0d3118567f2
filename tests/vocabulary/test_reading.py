"""How a message is read: aliases as their canonical form, on top of corrected spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ProjectError
from bot.types import Edit, Hit, Reading
from bot.vocabulary.reading import NAMES_FILE, TermReader
from bot.vocabulary.terms import Form, Term, Vocabulary

ME = "VocabularyMatcher"


def term(name: str, *aliases: str, entity: str | None = None, value: str = "") -> Term:
    forms = tuple(Form(alias, False) for alias in aliases)
    return Term(name, forms, entity, value or name, "", False, "en", Path("terms.yml"), 1)


@pytest.fixture(scope="module")
def reader() -> TermReader:
    terms = (
        term("overdraft", "o/d", "od"),
        term("standing order", "s/o"),
        term("Sainsbury's", "sainos", entity="merchant"),
        term("Japan", entity="country", value="JP"),
    )
    return TermReader.build(Vocabulary(terms), "en", ME)


def read(reader: TermReader, text: str, *edits: Edit) -> Reading:
    return reader.read(text, reader.matcher.tokenizer.tokenize(text), Reading(edits))


def test_an_alias_is_read_as_its_canonical_form(reader: TermReader) -> None:
    found = read(reader, "is my o/d free")
    assert found == Reading((Edit(6, 9, "overdraft", ME),), ())


def test_the_canonical_form_is_read_as_it_was_typed(reader: TermReader) -> None:
    assert read(reader, "is my OVERDRAFT free") == Reading()


def test_an_entity_is_known_with_its_value(reader: TermReader) -> None:
    found = read(reader, "paid sainos in japan")
    assert found.edits == (Edit(5, 11, "Sainsbury's", ME),)
    assert found.hits == (
        Hit(5, 11, "merchant", "Sainsbury's", ME),
        Hit(15, 20, "country", "JP", ME),
    )


def test_a_misspelt_term_is_known_where_it_was_typed(reader: TermReader) -> None:
    found = read(reader, "to jpaan", Edit(3, 8, "japan", "SpellingCorrector"))
    assert found.hits == (Hit(3, 8, "country", "JP", ME),)
    assert found.edits == (Edit(3, 8, "japan", "SpellingCorrector"),), "as before"


def test_a_misspelt_alias_is_read_as_the_canonical_form(reader: TermReader) -> None:
    found = read(reader, "from sianos", Edit(5, 11, "sainos", "SpellingCorrector"))
    assert found.edits == (Edit(5, 11, "Sainsbury's", ME),)


def test_a_part_of_a_correction_is_known_but_not_replaced(reader: TermReader) -> None:
    found = read(reader, "my odpls", Edit(3, 8, "od pls", "SpellingCorrector"))
    assert found.edits == (Edit(3, 8, "od pls", "SpellingCorrector"),)


def test_a_correction_of_two_tokens_is_one_place(reader: TermReader) -> None:
    correction = Edit(2, 16, "standing order", "SpellingCorrector")
    found = read(reader, "a standin gorder at sainos", correction)
    assert found.edits == (correction, Edit(20, 26, "Sainsbury's", ME))


def test_what_was_known_before_is_kept(reader: TermReader) -> None:
    before = Reading((), (Hit(0, 3, "amount", None, "ValueFinder"),))
    found = reader.read("£50 in japan", [(0, 3), (4, 6), (7, 12)], before)
    assert found.hits == (*before.hits, Hit(7, 12, "country", "JP", ME))


def test_it_reads_the_same_when_it_was_saved_and_loaded(reader: TermReader, tmp_path: Path) -> None:
    reader.save(tmp_path)
    again = TermReader.load(tmp_path, ME)
    for text in ("my o/d at sainos in japan", "nothing here", "", "s/o"):
        assert read(again, text) == read(reader, text)


@pytest.mark.parametrize("content", [None, "", "[1, 2]", '[["a"]]', "{"])
def test_damaged_terms_are_told(content: str | None, reader: TermReader, tmp_path: Path) -> None:
    reader.save(tmp_path)
    if content is None:
        (tmp_path / NAMES_FILE).unlink()
    else:
        (tmp_path / NAMES_FILE).write_text(content)
    with pytest.raises(ProjectError, match="Train the model again"):
        TermReader.load(tmp_path, ME)
