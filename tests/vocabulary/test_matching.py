"""Terms in messages: whole words, the longest first, as spaCy's PhraseMatcher would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ProjectError
from bot.vocabulary.blank_spacy import blank
from bot.vocabulary.matching import FILE, Match, TermHit, TermMatcher
from bot.vocabulary.terms import Form, Term, Vocabulary


def term(name: str, *aliases: str | Form, case: bool = False, language: str = "en") -> Term:
    forms = tuple(
        alias if isinstance(alias, Form) else Form(alias, case_sensitive=False) for alias in aliases
    )
    return Term(name, forms, None, name, "", case, language, Path("terms.yml"), 1)


def matcher(*terms: Term, language: str = "en") -> TermMatcher:
    return TermMatcher.build(Vocabulary(terms), language)


BANK = (
    term("overdraft", "o/d", Form("OD", case_sensitive=True), "over-draft limit"),
    term("standing order", "S/O", "standing orders"),
    term("order"),
    term("Face ID", "face unlock"),
    term("Tesco", "Tesco's", "tescos"),
    term("M&S", "Marks and Spencer", "marks & sparks"),
    term("3-D Secure", "3DS"),
    term("Überweisung", language="de"),
    term("IT", case=True),
    term("Café Nero", "caffè nero"),
    term("together"),
)


@pytest.fixture(scope="module")
def bank() -> TermMatcher:
    return matcher(*BANK)


def found(text: str, matcher: TermMatcher) -> list[tuple[str, str]]:
    """Give what was found in a text, and the term's name."""
    spans = matcher.tokenizer.tokenize(text)
    hits = matcher.match_text(text, spans)
    return [(text[hit.start : hit.end], BANK[hit.term].name) for hit in hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what is my o/d?", [("o/d", "overdraft")]),
        ("my OD and my od", [("OD", "overdraft")]),
        ("O/D (S/O)", [("O/D", "overdraft"), ("S/O", "standing order")]),
        ("cancel my Standing Orders", [("Standing Orders", "standing order")]),
        ("a standing order, an order", [("standing order", "standing order"), ("order", "order")]),
        ("reorder, orders, border", []),
        (
            "at Tesco's or Tesco’s or TESCOS",
            [("Tesco's", "Tesco"), ("Tesco’s", "Tesco"), ("TESCOS", "Tesco")],
        ),
        (
            "face id faceid Face-ID, FACE  ID",
            [(form, "Face ID") for form in ("face id", "faceid", "Face-ID", "FACE  ID")],
        ),
        (
            "marks and spencer, m&s, Marks & Sparks.",
            [(form, "M&S") for form in ("marks and spencer", "m&s", "Marks & Sparks")],
        ),
        (
            "cafe\u0301 nero CAFÉ NERO ｃａｆé Nero",
            [(f, "Café Nero") for f in ("cafe\u0301 nero", "CAFÉ NERO", "ｃａｆé Nero")],
        ),
        ("3ds or 3-d secure", [("3ds", "3-D Secure"), ("3-d secure", "3-D Secure")]),
        ("meine Überweisung", []),
        ("IT is it", [("IT", "IT")]),
        ("over draft, over-draft", [("over draft", "overdraft"), ("over-draft", "overdraft")]),
        ("the overdraft limit", [("overdraft limit", "overdraft")]),
        ("to get her", []),
        ("", []),
    ],
)
def test_terms_are_found(text: str, expected: list[tuple[str, str]], bank: TermMatcher) -> None:
    assert found(text, bank) == expected


def test_a_match_names_words_term_and_form(bank: TermMatcher) -> None:
    assert bank.match(["my", "standing", "orders", "o/d"]) == [
        Match(1, 3, 1, "standing orders"),
        Match(3, 4, 0, "o/d"),
    ]
    assert bank.match_text("my o/d", [(0, 2), (3, 6)]) == [TermHit(3, 6, 0)]


def test_the_longest_match_wins_then_the_earliest() -> None:
    overlapping = matcher(term("a b"), term("b c d"), term("d e"), term("e f"))
    assert [(m.first, m.last) for m in overlapping.match([*"abcdef"])] == [(1, 4), (4, 6)]
    assert [(m.first, m.last) for m in overlapping.match([*"xabc"])] == [(1, 3)]
    assert [(m.first, m.last) for m in overlapping.match([*"def"])] == [(0, 2)]


def test_the_case_decides_between_two_terms_with_one_form() -> None:
    two = matcher(term("overdraft", Form("OD", case_sensitive=True)), term("odometer", "od"))
    assert [m.term for m in two.match(["OD", "od", "Od"])] == [0, 1, 1]
    assert two.match(["O", "D"]) == []


def test_terms_of_another_language_are_not_found() -> None:
    terms = (term("Konto", language="de"), term("account"), term("cheque", language="en-GB"))
    assert [m.term for m in matcher(*terms).match(["Konto", "account", "cheque"])] == [1, 2]
    german = matcher(*terms, language="de")
    assert [m.term for m in german.match(["Konto", "account"])] == [0]


def test_an_empty_vocabulary_finds_nothing() -> None:
    nothing = matcher()
    assert nothing.match(["card"]) == []
    assert nothing.match([]) == []


WORDS = st.sampled_from(["a", "b", "c", "Dd", "ee", "über"])
PHRASES = st.lists(WORDS, min_size=1, max_size=3)


@given(st.lists(PHRASES, max_size=6), st.lists(WORDS, max_size=12))
@settings(max_examples=200, deadline=None)
def test_it_finds_what_the_phrase_matcher_of_spacy_finds(
    phrases: list[list[str]], words: list[str]
) -> None:
    ours = matcher(*(term(" ".join(phrase)) for phrase in phrases))
    expected = _with_spacy(phrases, words)
    assert [(m.first, m.last) for m in ours.match(words)] == expected


def _with_spacy(phrases: Sequence[list[str]], words: list[str]) -> list[tuple[int, int]]:
    vocab = blank("en").vocab
    from spacy.matcher import PhraseMatcher
    from spacy.tokens import Doc
    from spacy.util import filter_spans

    theirs = PhraseMatcher(vocab, attr="LOWER")
    theirs.add("term", [Doc(vocab, words=phrase) for phrase in phrases])
    spans = filter_spans(theirs(Doc(vocab, words=words), as_spans=True)) if words else []
    return [(span.start, span.end) for span in spans]


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_is_searched(text: str) -> None:
    spans = SHARED.tokenizer.tokenize(text)
    hits = SHARED.match_text(text, spans)
    assert hits == sorted(hits)
    assert all(a.end <= b.start for a, b in zip(hits, hits[1:], strict=False))
    assert {(h.start, h.end) for h in hits} <= {(a, b) for a, _ in spans for _, b in spans}


SHARED = matcher(*BANK)


def test_what_is_saved_finds_the_same(bank: TermMatcher, tmp_path: Path) -> None:
    bank.save(tmp_path / "model")
    loaded = TermMatcher.load(tmp_path / "model")
    text = "my OD, o/d, standing orders at Tesco’s with faceid and 3DS over draft od IT it"
    assert found(text, loaded) == found(text, bank) != []
    assert [path.name for path in (tmp_path / "model").iterdir()] == [FILE]
    loaded.save(tmp_path / "again")
    again, first = ((tmp_path / name / FILE).read_bytes() for name in ("again", "model"))
    assert again == first


def test_lone_surrogates_survive_saving(tmp_path: Path) -> None:
    matcher(term("a\ud800b")).save(tmp_path)
    assert len(TermMatcher.load(tmp_path).match(["a\ud800b"])) == 1


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{}",
        json.dumps({"version": 99, "language": "en", "forms": []}),
        json.dumps({"version": 1, "language": "en", "forms": [[0]]}),
        json.dumps({"version": 1, "language": "en", "forms": [["x", 3, 0]]}),
    ],
)
def test_a_damaged_file_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        TermMatcher.load(tmp_path)
    assert raised.value.file == tmp_path / FILE
    assert "Train" in raised.value.remedy
