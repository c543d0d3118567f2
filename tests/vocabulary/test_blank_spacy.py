"""spaCy is imported without torch, and torch afterwards as ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.errors import ProjectError
from bot.vocabulary.blank_spacy import RENEW_EVERY, BlankTokenizer, blank

ROOT = Path(__file__).parents[2]


def run_python(source: str) -> str:
    """Run a program in a process of its own, in which nothing is imported yet."""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torch_is_not_imported_with_spacy_and_can_be_imported_later() -> None:
    printed = run_python(
        "import sys\n"
        "from bot.vocabulary.blank_spacy import BlankTokenizer, blank\n"
        "print(BlankTokenizer('en', {}).split('hi there'), blank('de').lang)\n"
        "print({'torch', 'tensorflow', 'mxnet', 'cupy'} & {*sys.modules})\n"
        "import torch\n"
        "print(torch.zeros(2).sum().item())\n"
    )
    assert printed.splitlines() == ["[(0, 2), (3, 8)] de", "set()", "0.0"]


def test_torch_that_is_loaded_already_stays_the_same() -> None:
    printed = run_python(
        "import sys, torch\n"
        "from bot.vocabulary.blank_spacy import blank\n"
        "blank('en')\n"
        "print(sys.modules['torch'] is torch, torch.ones(2).sum().item())\n"
    )
    assert printed == "True 2.0"


def test_torch_is_restored_when_the_import_of_spacy_fails() -> None:
    printed = run_python(
        "import sys\n"
        "sys.modules['spacy'] = None\n"
        "try:\n"
        "    import bot.vocabulary.blank_spacy\n"
        "except ImportError:\n"
        "    print('torch' in sys.modules)\n"
    )
    assert printed == "False"


def test_a_pipeline_is_made_once_a_language() -> None:
    assert blank("en") is blank("en")
    assert blank("en") is not blank("de")


@pytest.mark.parametrize("language", ["ja", "ko", "th", "vi"])
def test_a_language_that_needs_a_package_says_which(language: str) -> None:
    with pytest.raises(ProjectError) as raised:
        blank(language)
    assert f"'{language}'" in raised.value.found
    assert "Install it" in raised.value.remedy
    assert "http" in raised.value.remedy


def test_an_unknown_language_names_a_remedy() -> None:
    with pytest.raises(ProjectError, match="'klingon'.*config.yml"):
        blank("klingon")


@pytest.mark.parametrize("language", ["en", "de", "fr", "ru", "ar", "xx", "zh"])
def test_languages_that_need_nothing_more(language: str) -> None:
    assert BlankTokenizer(language, {}).split("one two") == [(0, 3), (4, 7)] or language == "zh"
    assert BlankTokenizer("zh", {}).split("你好") == [(0, 1), (1, 2)]


def test_words_are_cut_only_where_a_sign_shows_it() -> None:
    text = "cannot gonna dont face id 8)"
    spans = BlankTokenizer("en", {}).split(text)
    assert [text[start:end] for start, end in spans] == [*text.split()[:-1], "8", ")"]


def test_added_rules_cut_what_the_language_does_not() -> None:
    text = "what?when"
    assert BlankTokenizer("en", {}).split(text) == [(0, 9)]
    assert BlankTokenizer("en", {"infix": (r"\?",)}).split(text) == [(0, 4), (4, 5), (5, 9)]


def test_new_words_are_forgotten() -> None:
    tokenizer = BlankTokenizer("en", {})
    strings = tokenizer._tokenizer.vocab.strings
    tokenizer.split("hello")
    before = len(strings)
    most = 0
    for number in range(3 * RENEW_EVERY):
        tokenizer.split(f"x{number}y")
        most = max(most, len(strings))
    assert before < most <= before + RENEW_EVERY


def test_several_threads_get_the_same_words() -> None:
    tokenizer = BlankTokenizer("en", {})
    wrong: list[str] = []

    def work(name: str) -> None:
        for number in range(1_500):
            text = f"{name}{number}, please!"
            pieces = [text[start:end] for start, end in tokenizer.split(text)]
            if pieces != [f"{name}{number}", ",", "please", "!"]:
                wrong.append(f"{text}: {pieces}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
