"""Appending: what was there stays byte for byte, and what is written says what was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.errors import BotError, ProjectError, VocabularyError
from bot.vocabulary.entries import is_empty
from bot.vocabulary.terms import Form, Term, Vocabulary
from bot.vocabulary.writing import append_terms
from tests.vocabulary.samples import TERMS, load, write

NEW = Term(
    name="standing order",
    aliases=(Form("s/o", False), Form("SO", True)),
    entity=None,
    value="standing order",
    definition="A fixed payment: the same sum, again and again.",
    case_sensitive=False,
    language="en",
    file=Path(),
    line=0,
)
WRITTEN = """\
  - term: standing order
    aliases: [s/o, {text: SO, case_sensitive: true}]
    definition: "A fixed payment: the same sum, again and again."
"""


def append(folder: Path, *terms: Term, name: str = "terms.yml") -> bytes:
    append_terms(folder / name, terms or [NEW], load(folder))
    return (folder / name).read_bytes()


def test_what_was_there_stays_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, terms__yml=TERMS)
    assert append(tmp_path).decode() == TERMS + WRITTEN


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    write(tmp_path)
    assert append(tmp_path, name="deep/new.yml").decode() == "vocabulary:\n" + WRITTEN
    assert [term.name for term in load(tmp_path).terms] == ["standing order"]


@pytest.mark.parametrize(
    "before",
    ["", "# only a comment", "vocabulary:\n", "vocabulary: # none yet", "---\nvocabulary:\n",
     "vocabulary:\n- term: fee", "vocabulary:\n-   term: fee\n    aliases:\n    - x\n# the end\n",
     "vocabulary:\n    - term: fee\n      definition: >\n        one\n\n        two\n\n\n",
     "vocabulary:\n  - {term: fee}\n", "vocabulary:\n  - term: fee\n    aliases: [a,\n      b]"],
)  # fmt: skip
def test_every_way_to_write_a_list_can_go_on(before: str, tmp_path: Path) -> None:
    write(tmp_path, terms__yml=before)
    old = [replace(term, line=0) for term in load(tmp_path).terms]
    assert append(tmp_path).startswith(before.encode())
    found = [replace(term, line=0, file=Path()) for term in load(tmp_path).terms]
    assert found == [*(replace(term, file=Path()) for term in old), NEW]


def test_line_ends_and_a_byte_order_mark_are_kept(tmp_path: Path) -> None:
    old = b"\xef\xbb\xbfvocabulary:\r\n- term: fee\r\n"
    (tmp_path / "terms.yml").write_bytes(old)
    new = append(tmp_path)
    assert new.startswith(old)
    assert new.count(b"\n") == new.count(b"\r\n") == 5


@pytest.mark.parametrize(
    "text", ["vocabulary: [{term: fee}]\n", "vocabulary: []\n", "{vocabulary: []}",
             "vocabulary: null\n", "vocabulary:\n- term: fee\n...\n"]
)  # fmt: skip
def test_a_list_that_cannot_go_on_is_left_alone(text: str, tmp_path: Path) -> None:
    write(tmp_path, terms__yml=text)
    with pytest.raises(ProjectError, match="name another file"):
        append(tmp_path)
    assert (tmp_path / "terms.yml").read_text(encoding="utf-8") == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["terms.yml"]


@pytest.mark.parametrize(
    "term",
    [
        replace(NEW, name="Overdraft"),
        replace(NEW, aliases=(Form("tesco", False),)),
        replace(NEW, aliases=(Form("od", False),)),
    ],
)
def test_a_word_with_another_meaning_is_refused(term: Term, tmp_path: Path) -> None:
    write(tmp_path, terms__yml=TERMS)
    with pytest.raises(VocabularyError) as caught:
        append(tmp_path, term)
    assert f"{tmp_path / 'terms.yml'}:" in str(caught.value)
    assert (tmp_path / "terms.yml").read_text(encoding="utf-8") == TERMS


def test_two_new_terms_may_not_be_in_conflict_either(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(VocabularyError):
        append(tmp_path, NEW, replace(NEW, name="SO", aliases=()))
    assert list(tmp_path.iterdir()) == []


def test_only_yaml_is_appended_to(tmp_path: Path) -> None:
    write(tmp_path, shops__txt="Aldi\n")
    with pytest.raises(ProjectError, match="YAML"):
        append(tmp_path, name="shops.txt")


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ProjectError, match="half a character"):
        append(tmp_path, replace(NEW, definition="a\udcff"))
    assert list(tmp_path.iterdir()) == []


def test_rights_and_links_are_kept(tmp_path: Path) -> None:
    real = write(tmp_path / "real", words__yml=TERMS) / "words.yml"
    real.chmod(0o640)
    folder = write(tmp_path / "vocabulary")
    (folder / "terms.yml").symlink_to(real)
    append(folder)
    assert (folder / "terms.yml").is_symlink()
    assert real.read_text(encoding="utf-8") == TERMS + WRITTEN
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_disk_that_is_full_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    write(tmp_path, terms__yml=TERMS)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BotError, match=r"No space left on device.*nothing was changed"):
        append(tmp_path)
    assert (tmp_path / "terms.yml").read_text(encoding="utf-8") == TERMS
    assert len(list(tmp_path.iterdir())) == 1


ODD = ["yes", "no", "null", "~", "12", "1_000", "0x1f", "2026-01-01", "12:30", "1e5", ".5", "-",
       "- a", "a: b", "a:", "a #b", "#a", "C#", "[a]", "a, b", "{a}", "&a", "*a", "!a", "%a", "@a",
       "`a`", "'a'", '"a"', "a'b", 'a"b', "a\\b", "?", "? a", "|", ">", "=", "<<", "£", "a£",
       "café", "one, two; three?", "a-b, c", "日本", "🏦", "a🏦", "\u00e9", "a\u200db", "\ufeffa",
       "rules:", "nlu", "o/d", "M&S", "Sainsbury's", "50%", "e-mail", "3DS", "a" * 200, "---",
       "..."]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_odd_words_come_back_as_they_were(text: str, tmp_path: Path) -> None:
    """In each place of an entry; and readers that type their words read a text there as well."""
    write(tmp_path)
    term = replace(
        NEW, name=text, value=text, definition=text, aliases=(Form(f"x{text}", False),
        Form(f"{text}x", True))
    )  # fmt: skip
    append(tmp_path, term)
    (found,) = load(tmp_path).terms
    assert replace(found, file=Path(), line=0) == term
    (typed,) = yaml.safe_load((tmp_path / "terms.yml").read_bytes())["vocabulary"]
    assert (typed["term"], typed["definition"]) == (text, text)


WORDS = st.text(min_size=1, max_size=20).map(lambda text: " ".join(text.split()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=WORDS, alias=WORDS, definition=WORDS, sensitive=st.booleans())
def test_any_term_comes_back_as_it_was(
    tmp_path: Path, name: str, alias: str, definition: str, sensitive: bool
) -> None:
    assume(not is_empty(name) and not is_empty(alias))
    (tmp_path / "terms.yml").write_text(TERMS, encoding="utf-8")
    term = replace(
        NEW,
        name=name,
        value=name,
        aliases=(Form(alias, sensitive),),
        definition=definition,
        language="de",
    )
    append(tmp_path, term)
    assert replace(load(tmp_path).terms[-1], file=Path(), line=0) == term


LOOP = """
import sys
from dataclasses import replace
from pathlib import Path
from bot.vocabulary.loading import load_vocabulary
from bot.vocabulary.terms import Term
from bot.vocabulary.writing import append_terms, sole_writer
folder, who = Path(sys.argv[1]), sys.argv[2]
for number in range(10):
    name = f"{who} {number}"
    term = Term(name, (), None, name, "", False, "en", Path(), 0)
    with sole_writer(folder):
        append_terms(folder / "terms.yml", [term], load_vocabulary(folder))
"""


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", LOOP, str(tmp_path), who]) for who in ("a", "b")
    ]
    assert [run.wait(timeout=60) for run in runs] == [0, 0]
    assert len(load(tmp_path).terms) == 20


def test_an_empty_vocabulary_and_another_language(tmp_path: Path) -> None:
    append_terms(tmp_path / "a.yml", [replace(NEW, language="de")], Vocabulary(()), "de")
    assert b"language" not in (tmp_path / "a.yml").read_bytes()
    append_terms(tmp_path / "b.yml", [NEW], Vocabulary(()), "de")
    assert b"    language: en\n" in (tmp_path / "b.yml").read_bytes()
