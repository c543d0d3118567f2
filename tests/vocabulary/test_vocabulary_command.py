"""`bot vocabulary` as people call it, in a project of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import FAILED, USER_ERROR, main
from tests.vocabulary.samples import MERCHANTS, TERMS, project

VOCABULARY = Path("data/vocabulary")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return project(tmp_path, terms__yml=TERMS, merchants__csv=MERCHANTS)


def call(*words: str) -> int:
    return main(["vocabulary", *words])


def snapshot(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (root / VOCABULARY).rglob("*") if path.is_file()}


def test_check_counts_what_there_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / VOCABULARY / "money.yml").write_text(
        "vocabulary:\n- {term: savings, entity: account, aliases: [nest egg]}\n", encoding="utf-8"
    )
    assert call("check") == 0
    said = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines() if "data/" in line}
    assert rows == {
        "data/vocabulary/merchants.csv": ["2", "4", "0"],
        "data/vocabulary/money.yml": ["1", "2", "2"],
        "data/vocabulary/terms.yml": ["2", "7", "0"],
    }
    assert "5 terms in 13 forms, looked for in 3 training messages" in said
    assert said.endswith("Nothing is wrong.\n")


def test_check_names_every_problem_and_fails(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "vocabulary:\n- {term: tesco}\n- {term: x, entity: acount}\n"
    (root / VOCABULARY / "wrong.yml").write_text(text, encoding="utf-8")
    assert call("check") == FAILED
    first, second, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("data/vocabulary/wrong.yml:2: The term 'tesco' is there already, at")
    assert second.startswith("data/vocabulary/wrong.yml:3: The domain has no entity 'acount'.")
    assert last == "2 problems to mend."


WARNINGS = [
    ("{term: standing order, aliases: [so]}", "'so', an alias of 'standing order', is an ordinary "
     "English word and matches 1 training example; e.g. \"so what\""),
    ("{term: x, aliases: [{text: so, case_sensitive: true}]}", "is an ordinary English word"),
    ("{term: overdraft fee, aliases: [OF]}", "ordinary English word and matches no training"),
    ("{term: direct debit, aliases: [dd]}", "'dd', an alias of 'direct debit', is very short"),
    ("{term: fee, aliases: [Fee]}", "The alias 'Fee' says nothing that 'fee' does not"),
    ("{term: fee, aliases: [{text: FEE, case_sensitive: true}]}", "The alias 'FEE' says nothing"),
    ("{term: fee, value: cost}", "has the value 'cost', but no entity"),
    ("{term: fee, aliases: ['?!']}", "holds nothing but punctuation"),
    ("{term: '24/7', case_sensitive: true}", "has no letters whose case"),
    ("{term: pay, entity: account}", "'pay' is marked as account wherever it stands, but matches "
     "3 training examples; e.g. \"pay from my nest egg\", 3 of them without"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "words"), WARNINGS)
def test_check_warns_of_what_is_likely_a_mistake(
    entry: str, words: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / VOCABULARY / "new.yml").write_text(f"vocabulary:\n- {entry}\n", encoding="utf-8")
    nlu = root / "data" / "nlu" / "nlu.yml"
    text = nlu.read_text(encoding="utf-8").replace("- so what", "- so what\n    - pay it")
    nlu.write_text(text, encoding="utf-8")
    assert call("check") == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Warning: ")]
    assert len(said) == 1
    assert said[0].startswith("Warning: data/vocabulary/new.yml:2: ")
    assert words in said[0]


NO_WARNINGS = [
    "{term: standing order, aliases: [{text: SO, case_sensitive: true}, s/o]}",
    "{term: direct debit, aliases: [{text: dd, case_sensitive: true}, {text: DD, case_sensitive: "
    "true}]}",
    "{term: savings, entity: account, aliases: [nest egg]}",
    "{term: '$', aliases: [dollar sign]}",
    "{term: with}",
]


@pytest.mark.parametrize("entry", NO_WARNINGS)
def test_check_is_silent_about_what_is_well_said(
    entry: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / VOCABULARY / "new.yml").write_text(f"vocabulary:\n- {entry}\n", encoding="utf-8")
    assert call("check") == 0
    assert "Warning" not in capsys.readouterr().out


def test_check_names_files_that_are_not_read(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("more.tsv", "notes.md", ".terms.yml.writing"):
        (root / VOCABULARY / name).write_text("fee\tcost\n", encoding="utf-8")
    assert call("check") == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Warning: ")]
    assert said == [
        "Warning: data/vocabulary/more.tsv: The file is not read. It must end in yml, yaml, csv or "
        "txt."
    ]


def test_list_shows_all_or_some(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == 0
    said = capsys.readouterr().out
    assert "OD (as written)" in said
    assert "4 of 4 terms." in said
    assert call("list", "--entity", "merchant", "--search", "CHEAP") == 0
    said = capsys.readouterr().out
    assert "Lidl" in said
    assert "1 of 4 terms." in said


def test_list_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--json", "--search", "o/d") == 0
    (term,) = json.loads(capsys.readouterr().out)
    assert term == {
        "term": "overdraft",
        "aliases": [
            {"text": "o/d", "case_sensitive": False},
            {"text": "OD", "case_sensitive": True},
            {"text": "over draft", "case_sensitive": False},
        ],
        "entity": None,
        "value": "overdraft",
        "definition": "Borrowing up to an agreed limit on a current account.",
        "case_sensitive": False,
        "language": "en",
        "file": "data/vocabulary/terms.yml",
        "line": 3,
    }


def test_list_of_an_entity_that_no_term_has(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--entity", "mercant") == USER_ERROR
    assert "Did you mean 'merchant'?" in capsys.readouterr().err


def test_add_appends(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--alias", "s/o", "--alias", "stander", "--definition", "A fixed payment."]
    assert call("add", "standing order", *words) == 0
    assert "Added 'standing order' to data/vocabulary/terms.yml." in capsys.readouterr().out
    assert (root / VOCABULARY / "terms.yml").read_text(encoding="utf-8") == (
        f"{TERMS}  - term: standing order\n    aliases: [s/o, stander]\n"
        "    definition: A fixed payment.\n"
    )
    more = ["--entity", "merchant", "--value", "BOOTS", "--file", "shops.yml"]
    assert call("add", "Boots", *more) == 0
    assert (root / VOCABULARY / "shops.yml").read_text(encoding="utf-8") == (
        "vocabulary:\n  - term: Boots\n    entity: merchant\n    value: BOOTS\n"
    )
    assert call("check") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tesco"], "The term 'Tesco' is there already, at data/vocabulary/terms.yml:6."),
        (["x", "--alias", "O/D"], "for 'overdraft'"),
        (["x", "--entity", "mercant"], "Did you mean 'merchant'?"),
        (["  "], "The term is empty."),
        (["x", "--alias", ""], "An alias of 'x' is empty."),
        (["x", "--file", "../x.yml"], "lies outside data/vocabulary"),
        (["x", "--file", "merchants.csv"], "appended to YAML files only"),
    ],
)
def test_add_refuses_what_check_would(
    words: list[str], said: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(root)
    assert call("add", *words) == USER_ERROR
    assert said.replace("'Tesco'", "'tesco'") in capsys.readouterr().err
    assert snapshot(root) == before


def test_add_refuses_where_the_vocabulary_is_wrong(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / VOCABULARY / "wrong.yml").write_text("vocabulary: x\n", encoding="utf-8")
    assert call("add", "fee") == USER_ERROR
    assert "data/vocabulary/wrong.yml:1" in capsys.readouterr().err


def test_import_takes_and_says_so_and_then_has_nothing_to_do(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("import", "data/nlu/nlu.yml", "--to", "from_nlu.yml") == 0
    said = capsys.readouterr().out
    assert "Left: regex 'digits'" in said
    assert "1 term there already." in said
    assert "Took 4 terms with 3 aliases into data/vocabulary/from_nlu.yml" in said
    before = snapshot(root)
    assert call("import", "data/nlu/nlu.yml", "--to", "from_nlu.yml") == 0
    assert "Took nothing; no file was changed." in capsys.readouterr().out
    assert snapshot(root) == before
    assert call("check") == 0


def test_import_takes_no_entity_that_the_domain_lacks(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(root)
    assert call("import", "data/nlu/nlu.yml", "--entity", "acount") == USER_ERROR
    assert "Did you mean 'account'?" in capsys.readouterr().err
    assert snapshot(root) == before


def test_the_language_is_that_of_the_project(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "config.yml").write_text("language: de\n", encoding="utf-8")
    assert call("add", "Gebühr") == 0
    assert call("list", "--json", "--search", "gebühr") == 0
    said = capsys.readouterr().out
    assert json.loads(said[said.index("[") :])[0]["language"] == "de"


def test_a_project_without_vocabulary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("check") == 0
    assert call("list") == 0
    assert "0 of 0 terms." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
