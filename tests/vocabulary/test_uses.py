"""Counting where forms stand in training messages."""

from __future__ import annotations

from pathlib import Path

from bot.vocabulary.training_data import message_of, read_project_data
from bot.vocabulary.uses import count_uses
from tests.vocabulary.samples import NLU, load, write

TERMS = """\
vocabulary:
- term: cash machine
  aliases: [{text: ATM, case_sensitive: true}]
- term: machine
- term: Tesco
  entity: merchant
- term: Maschine
  language: de
"""


def counted(folder: Path, *examples: str) -> dict[str, tuple[int, int]]:
    """Give messages and unmarked messages of each form that occurs."""
    terms = load(write(folder, a__yml=TERMS)).terms
    found = count_uses(terms, map(message_of, examples), "en")
    return {
        terms[number].forms[place].text: (use.messages, use.unmarked)
        for (number, place), use in found.forms.items()
    }


def test_the_longest_form_wins_and_its_words_are_used_up(tmp_path: Path) -> None:
    assert counted(tmp_path, "the CASH  machine, please") == {"cash machine": (1, 1)}
    assert counted(tmp_path, "a machine for cash") == {"machine": (1, 1)}


def test_case_and_language_are_those_of_the_term(tmp_path: Path) -> None:
    assert counted(tmp_path, "atm", "ATM?", "maschine") == {"ATM": (1, 1)}


def test_marks_are_compared_with_the_entity(tmp_path: Path) -> None:
    examples = ("at [Tesco](merchant)", "at [tesco](payee)", "tesco, [tesco](merchant)")
    assert counted(tmp_path, *examples) == {"Tesco": (3, 2)}


def test_data_in_the_folder_of_the_vocabulary_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "vocabulary" / "deep", nlu__yml=NLU)
    assert read_project_data(tmp_path, tmp_path / "vocabulary").messages == ()
    assert len(read_project_data(tmp_path, tmp_path / "other").messages) == 3
