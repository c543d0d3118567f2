"""Files of all kinds, what they say, and what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.errors import VocabularyError
from bot.vocabulary.loading import digest_of, load_vocabulary, vocabulary_files
from bot.vocabulary.terms import Form
from tests.vocabulary.samples import MERCHANTS, NLU, SHOPS, TERMS, load, problems_of, write


def test_a_missing_folder_is_an_empty_vocabulary(tmp_path: Path) -> None:
    assert load_vocabulary(tmp_path / "none").terms == ()


def test_yaml_says_everything_a_term_has(tmp_path: Path) -> None:
    overdraft, tesco = load(write(tmp_path, terms__yml=TERMS)).terms
    assert overdraft.name == overdraft.value == "overdraft"
    assert overdraft.aliases == (Form("o/d", False), Form("OD", True), Form("over draft", False))
    assert overdraft.definition == "Borrowing up to an agreed limit on a current account."
    assert (overdraft.entity, overdraft.language) == (None, "en")
    assert (overdraft.file, overdraft.line) == (tmp_path / "terms.yml", 3)
    assert (tesco.entity, tesco.value, tesco.line) == ("merchant", "Tesco PLC", 6)


def test_lists_say_the_same(tmp_path: Path) -> None:
    found = load(write(tmp_path, merchants__csv=MERCHANTS, shops__txt=SHOPS)).terms
    lidl, ee, aldi, farmfoods = found
    assert lidl.aliases == (Form("lidel", False), Form("liddle", False))
    assert (lidl.entity, lidl.value, lidl.definition) == (
        "merchant", "Lidl GB", "A shop, a cheap one.")  # fmt: skip
    assert (ee.case_sensitive, ee.value, ee.line) == (True, "EE", 3)
    assert (aldi.name, aldi.entity, aldi.line) == ("Aldi", "merchant", 4)
    assert (farmfoods.name, farmfoods.line) == ("Farmfoods", 5)


def test_a_list_without_entity_marks_nothing(tmp_path: Path) -> None:
    (term,) = load(write(tmp_path, a__txt="fee\n")).terms
    assert term.entity is None


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_ending(ending: str, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "a.txt").write_bytes(f"# x{ending}{ending}fee{ending}".encode())
    (tmp_path / "b.csv").write_bytes(f'term,definition{ending}"x","y"{ending}pay,{ending}'.encode())
    assert [(term.name, term.line) for term in load(tmp_path).terms] == [
        ("fee", 3), ("x", 2), ("pay", 3)]  # fmt: skip


def test_a_row_over_several_lines_has_the_line_it_begins_on(tmp_path: Path) -> None:
    text = 'term,definition\nfee,"one\ntwo"\ncard,\n'
    fee, card = load(write(tmp_path, a__csv=text)).terms
    assert (fee.definition, fee.line, card.line) == ("one two", 2, 4)


def test_words_stay_words_in_yaml(tmp_path: Path) -> None:
    text = "vocabulary:\n- {term: no, aliases: [0800, on, 1e3, null, 2026-01-01], value: yes}\n"
    (term,) = load(write(tmp_path, a__yml=text)).terms
    assert [form.text for form in term.forms] == ["no", "0800", "on", "1e3", "null", "2026-01-01"]
    assert term.value == "yes"


def test_case_sensitivity_of_a_term_is_that_of_its_aliases_unless_they_say_otherwise(
    tmp_path: Path,
) -> None:
    text = """vocabulary:
- term: EE
  case_sensitive: true
  aliases: [Ee, {text: everything everywhere, case_sensitive: false}, {text: E E}]
"""
    (term,) = load(write(tmp_path, a__yml=text)).terms
    assert [form.case_sensitive for form in term.forms] == [True, True, False, True]


def test_files_come_in_a_stable_order_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    for name in ("b.yml", "sub/a.csv", "a.yaml", "C.TXT", ".hidden.yml", ".git/x.txt", "x.md"):
        write((tmp_path / name).parent)
        (tmp_path / name).write_text("", encoding="utf-8")
    found = [path.relative_to(tmp_path).as_posix() for path in vocabulary_files(tmp_path)]
    assert found == ["C.TXT", "a.yaml", "b.yml", "sub/a.csv"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "vocabulary:\n", "vocabulary: []\n", "~\n"])
def test_an_empty_file_is_no_error(text: str, tmp_path: Path) -> None:
    assert load(write(tmp_path, a__yml=text)).terms == ()


def test_a_byte_order_mark_is_no_part_of_a_word(tmp_path: Path) -> None:
    for name, text in (("a.csv", "term\nfee\n"), ("a.txt", "card\n"), ("a.yml", TERMS)):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [term.name for term in load(tmp_path).terms][:2] == ["fee", "card"]


T = "vocabulary:\n- term: fee\n"
WRONG_YAML = [
    ("vocabulary:\n- aliases: [a]\n", 2, "no name"),
    ("vocabulary:\n- term: ''\n", 2, "is empty"),
    ("vocabulary:\n- term: '\u200b '\n", 2, "is empty"),
    ("vocabulary:\n- term:\n", 2, "is empty"),
    (T + "  aliases:\n    - a\n    - ''\n", 5, "alias of 'fee' is empty"),
    (T + "  aliases: a\n", 3, "'aliases' must be a list"),
    (T + "  aliases: [[a]]\n", 3, "'alias' must be a text, but is a list"),
    (T + "  aliases: [{txt: a}]\n", 3, "unknown key 'txt'. Did you mean 'text'?"),
    (T + "  aliases: [{case_sensitive: true}]\n", 3, "has no 'text'"),
    (T + "  aliases: [{text: a, case_sensitive: si}]\n", 3, "'case_sensitive' is 'si'"),
    (T + "  aliases:\n    - re: fee\n", 4, "unknown key 're'"),
    (T + "  alias: [a]\n", 3, "unknown key 'alias'. Did you mean 'aliases'?"),
    (T + "  entity: mercant\n", 2, "no entity 'mercant'. Did you mean 'merchant'?"),
    (T + "  entity: [a]\n", 3, "'entity' must be a text, but is a list"),
    (T + "  value: {a: b}\n", 3, "'value' must be a text, but is keys with values"),
    (T + "  definition: [a]\n", 3, "'definition' must be a text"),
    (T + "  case_sensitive: 1\n", 3, "'case_sensitive' is '1'"),
    (T + "  term: x\n", 3, "'term' twice"),
    (T + "- just words\n", 3, "This entry is no term"),
    (T + "- term: [a\n", 4, "This is no YAML"),
    (T + "\t- term: x\n", 3, "This is no YAML"),
    ("vocabulary:\n- term: a\x00b\n", 2, "This is no YAML"),
    ("- term: fee\n", 1, "must begin with 'vocabulary:'"),
    ("vocabulary: fee\n", 1, "must hold a list"),
    ("vocabulary:\n  term: fee\n", 2, "must hold a list"),
    ("vocabularies: []\n", 1, "unknown key 'vocabularies'. Did you mean 'vocabulary'?"),
    ('version: "3.1"\n' + T, 1, "unknown key 'version'"),
    ("a: 1\n---\nb: 2\n", 2, "This is no YAML"),
    ("&a [*a]\n", 1, "must begin with 'vocabulary:'"),
    ("vocabulary: &a\n- term: fee\n  aliases: *a\n", 2, "unknown key 'term'"),
]
WRONG_CSV = [
    ("term,alias\nfee,x\n", 1, "unknown column 'alias'. Did you mean 'aliases'?"),
    ("term;aliases\nfee;x\n", 1, "unknown column 'term;aliases'"),
    ("aliases\nx\n", 1, "no column 'term'"),
    ("term,term\nx,y\n", 1, "'term' twice"),
    ("term,definition\nfee,to pay, or not\n", 2, "3 cells, but the header names 2"),
    ("term,definition\n,to pay\n", 2, "The term is empty"),
    ("term,aliases\nfee,a||b\n", 2, "An alias of 'fee' is empty"),
    ("term,entity\nfee,shop\n", 2, "no entity 'shop'"),
    ("term,case_sensitive\nfee,yes\n", 2, "'case_sensitive' is 'yes'"),
    ('term\nfee\n"open\n', 3, "This is no CSV"),
]
WRONG_TXT = [
    ("# entity: mercant\nTesco\nAldi\n", 1, "Did you mean 'merchant'?"),
    ("Tesco\n# entity: merchant\n", 2, "stands below other lines"),
]


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [("a__yml", *case) for case in WRONG_YAML]
    + [("a__csv", *case) for case in WRONG_CSV]
    + [("a__txt", *case) for case in WRONG_TXT],
)
def test_what_is_wrong_is_named_with_line_and_remedy(
    name: str, text: str, line: int, words: str, tmp_path: Path
) -> None:
    problem = problems_of(write(tmp_path, **{name: text}))[0]
    assert words in problem.found
    assert problem.line == line
    assert problem.remedy
    assert str(problem).startswith(f"{tmp_path / name.replace('__', '.')}:{line}: ")


def test_every_problem_of_every_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, b__yml=WRONG_YAML[0][0] + "- term: x\n  oops: 1\n", a__csv=WRONG_CSV[5][0])
    with pytest.raises(VocabularyError) as caught:
        load(tmp_path)
    assert [(str(error.file)[-5:], error.line) for error in caught.value.problems] == [
        ("a.csv", 2), ("b.yml", 2), ("b.yml", 4)]  # fmt: skip
    assert len(str(caught.value).splitlines()) == 3


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"fee\ncaf\xe9\n")
    (problem,) = problems_of(tmp_path)
    assert (problem.line, "UTF-8" in problem.found) == (2, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, a__txt="fee\n") / "a.txt"
    path.chmod(0)
    assert "cannot be read" in problems_of(tmp_path)[0].found


CONFLICTS = [
    ("fee", "fee", "is there already"),
    ("fee", "FEE", "is there already"),
    ("fee\n  aliases: [cost]", "cost", "is an alias of 'fee'"),
    ("fee", "cost\n  aliases: [Fee]", "is itself a term"),
    ("fee\n  aliases: [cost]", "price\n  aliases: [' COST']", "stands for 'price' and"),
    ("a\n  aliases: [OD]", "b\n  aliases: [{text: od, case_sensitive: true}]", "stands for 'b'"),
    ("a\n  aliases: [over  draft]", "b\n  aliases: [over draft]", "stands for 'b'"),
    ("a\n  aliases: [ﬁne]", "b\n  aliases: [fine]", "stands for 'b'"),
]


@pytest.mark.parametrize(("one", "other", "words"), CONFLICTS)
def test_a_word_with_two_meanings_names_both_places(
    one: str, other: str, words: str, tmp_path: Path
) -> None:
    write(tmp_path, a__yml=f"vocabulary:\n- term: {one}\n")
    write(tmp_path / "deep", b__yml=f"\nvocabulary:\n- term: {other}\n")
    (problem,) = problems_of(tmp_path)
    assert words in problem.found
    assert f"{tmp_path / 'a.yml'}:2" in problem.found
    assert (problem.file, problem.line) == (tmp_path / "deep" / "b.yml", 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\n  aliases: [{text: SO, case_sensitive: true}]",
         "b\n  aliases: [{text: so, case_sensitive: true}]"),
        ("a\n  aliases: [gift]", "b\n  aliases: [gift]\n  language: de"),
        ("a\n  aliases: [o/d]", "b\n  aliases: [od]"),
    ],
)  # fmt: skip
def test_words_that_may_stand_side_by_side(one: str, other: str, tmp_path: Path) -> None:
    text = f"vocabulary:\n- term: {one}\n- term: {other}\n"
    assert len(load(write(tmp_path, a__yml=text)).terms) == 2


def test_a_term_that_says_a_word_twice_is_no_conflict(tmp_path: Path) -> None:
    assert load(write(tmp_path, a__yml=T + "  aliases: [Fee, fee, x, X]\n")).terms


@pytest.mark.parametrize("key", ["nlu", "stories", "rules", "responses"])
def test_what_rasa_would_train_on_is_refused(key: str, tmp_path: Path) -> None:
    write(tmp_path, a__yml=T + f"  definition: |\n    one\n    {key}: two\n")
    (problem,) = problems_of(tmp_path)
    assert (problem.line, "training data" in problem.found) == (5, True)


TAKEN_WORDS = """\
vocabulary:
  - term: rules
    aliases: [nlu, "stories:", "the rules: new"]
    definition: "responses: none"
  - term: nlu
    language: de
"""


def test_rasa_reads_no_vocabulary(tmp_path: Path) -> None:
    """Rasa's importer sees the training file beside the vocabulary, and nothing else."""
    from rasa.shared.importers.rasa import RasaFileImporter

    folder = write(
        tmp_path / "data" / "vocabulary",
        terms__yml=TERMS, words__yml=TAKEN_WORDS, merchants__csv=MERCHANTS,
        shops__txt=SHOPS, numbers__txt="123\n", odd__txt='{"rasa_nlu_data": {}}\n',
    )  # fmt: skip
    assert len(load(folder).terms) == 10
    write(tmp_path / "data", nlu__yml=NLU)
    importer = RasaFileImporter(training_data_paths=[str(tmp_path / "data")])
    assert importer._nlu_files == [str(tmp_path / "data" / "nlu.yml")]
    assert importer._story_files == []
    assert len(importer.get_nlu_data().training_examples) == 3


def test_rasa_would_read_what_is_refused(tmp_path: Path) -> None:
    """The refusal is needed: such a line does make Rasa take the file."""
    from rasa.shared.importers.rasa import RasaFileImporter

    write(tmp_path, a__yml=T + "  definition: |\n    nlu: two\n")
    assert RasaFileImporter(training_data_paths=[str(tmp_path)])._nlu_files
    assert problems_of(tmp_path)


def test_the_digest_of_the_files_changes_with_bytes_and_names(tmp_path: Path) -> None:
    empty = digest_of(tmp_path)
    first = digest_of(write(tmp_path, terms__yml=TERMS))
    assert first != empty == digest_of(tmp_path / "missing")
    assert digest_of(write(tmp_path, terms__yml=TERMS, notes__md="x")) == first
    (tmp_path / "terms.yml").rename(tmp_path / "words.yml")
    renamed = digest_of(tmp_path)
    assert renamed != first
    assert digest_of(write(tmp_path, words__yml=TERMS + "\n")) not in {first, renamed}
