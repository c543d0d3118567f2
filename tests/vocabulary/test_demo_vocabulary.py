"""The demo bank's own vocabulary: nothing is wrong with it, and Rasa does not read it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.cli import main
from bot.vocabulary.loading import load_vocabulary, vocabulary_files
from bot.vocabulary.terms import Vocabulary

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "vocabulary"
MARKED = {"account", "card_type", "country", "currency", "frequency", "limit_type", "merchant"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the demo was removed")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    listed = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))["entities"]
    names = [next(iter(item)) if isinstance(item, dict) else item for item in listed]
    return load_vocabulary(FOLDER, "en", names)


def test_check_has_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["vocabulary", "check"]) == 0
    said = capsys.readouterr()
    assert "Warning" not in said.out + said.err
    assert said.out.endswith("Nothing is wrong.\n")


def test_it_is_as_large_as_a_trade_needs(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.terms) >= 260
    assert 4 <= len(vocabulary_files(FOLDER)) <= 7


def test_every_term_is_explained_in_one_sentence(vocabulary: Vocabulary) -> None:
    assert [term.name for term in vocabulary.terms if not term.definition.endswith(".")] == []


def test_only_what_a_word_alone_can_tell_is_marked(vocabulary: Vocabulary) -> None:
    """Who is paid, how much and when depends on the message, not on a word."""
    assert set(vocabulary.kinds) <= MARKED


def test_values_are_those_of_the_synonyms(vocabulary: Vocabulary) -> None:
    """A word that is a synonym of Rasa's as well has the same value in both."""
    from bot.vocabulary.terms import key_of
    from bot.vocabulary.training_data import read_nlu

    terms = {key_of(form.text): term for term in vocabulary.terms for form in term.forms}
    wrong = []
    for listing in read_nlu(ROOT / "data" / "nlu" / "synonyms.yml").listings:
        for text in listing.texts:
            term = terms.get(key_of(text))
            if term is not None and term.entity is not None and term.value != listing.name:
                wrong.append(f"{text}: {term.value} here, {listing.name} there")
    assert wrong == []


def test_rasa_does_not_read_it() -> None:
    from rasa.shared.importers.rasa import RasaFileImporter

    importer = RasaFileImporter(training_data_paths=[str(ROOT / "data")])
    read = [*importer._nlu_files, *importer._story_files]
    assert read
    assert [path for path in read if "vocabulary" in path] == []
