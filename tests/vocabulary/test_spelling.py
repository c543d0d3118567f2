"""Slips are corrected where it is clear what was meant; all else stays as typed."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from benchmarks.typos import KINDS, space_slip, typo, with_typos
from bot.errors import OptionError, ProjectError
from bot.types import Edit
from bot.vocabulary.spelling import FILE, Speller, SpellingSettings
from bot.vocabulary.spelling_words import count_words, english
from bot.vocabulary.tokenizing import WordTokenizer

TERMS = ("overdraft", "o/d", "standing order", "contactless", "cash machine", "Tesco", "OD")
TEXTS = (
    *("what is my account balance", "show the balance of my account", "please cancel my transfer"),
    *("I want to transfer money", "cancel the payment", "my payment was declined"),
    *("why was my card declined", "block my card please", "is my account overdrawn"),
    *("my standing order was cancelled", "receive a payment", "did I receive the transfer"),
    *("use my phone to pay", "the statement of my account", "order a statement please"),
)
SAID = TEXTS * 20


@pytest.fixture(scope="module")
def tokenizer() -> WordTokenizer:
    return WordTokenizer("en", TERMS)


@pytest.fixture(scope="module")
def counts(tokenizer: WordTokenizer) -> Counter[str]:
    return count_words(SAID, tokenizer.tokenize)


@pytest.fixture(scope="module")
def speller(counts: Counter[str]) -> Speller:
    return Speller.build(counts, TERMS)


def read(text: str, speller: Speller, protected: tuple[tuple[int, int], ...] = ()) -> str:
    """Give the text as the encoder reads it."""
    for edit in reversed(speller.correct(text, SPLIT.tokenize(text), protected)):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


SPLIT = WordTokenizer("en", TERMS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my acount balence", "my account balance"),
        ("cancle my trasnfer", "cancel my transfer"),
        ("teh paymnet was declnied", "teh payment was declined"),
        ("did i recieve it", "did i receive it"),
        ("use my fone", "use my phone"),
        ("my overdarft limit", "my overdraft limit"),
        ("a contatcless card", "a contactless card"),
        ("Acount balance", "Account balance"),
        ("hello. Acount balance", "hello. Account balance"),
        ("MY ACCUONT", "MY ACCOUNT"),
        ("statemnet, please!", "statement, please!"),
        ("the paymeent's gone", "the payment's gone"),
        ("my overdraf t", "my overdraft"),
        ("my standin gorder", "my standing order"),
        ("a standingorder", "a standing order"),
        ("the cashmachine", "the cash machine"),
        ("over draftt is", "over draftt is"),
    ],
)
def test_slips_are_corrected(typed: str, meant: str, speller: Speller) -> None:
    assert read(typed, speller) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("what is my account balance", "", "   ", "?!"),
        "pay it with a cheque",  # English, though nobody wrote it in training
        "send it to Balanse please",  # a name
        "code BALNC and TRSFR",  # codes
        "acount1 and balence2",
        "mail me at acount@balence.example",
        "see www.balence.example/acount",
        "ref acount-48213 and TX-48213",
        "crd py bnk",  # too short
        "iPaymnet",  # an odd case is meant
        "o/d and OD",
        "zzyzx qwrtp",  # like nothing
        "form the can",  # right words, if others than were meant
        "it is up to day",
        "send twenty to aoife and siobhan",
    ],
)
def test_what_is_right_or_unclear_stays(text: str, speller: Speller) -> None:
    assert read(text, speller) == text


def test_training_texts_are_never_touched(speller: Speller, counts: Counter[str]) -> None:
    assert [text for text in TEXTS if read(text, speller) != text] == []


def test_what_is_protected_stays(speller: Speller) -> None:
    text = "acount balence"
    assert read(text, speller, ((0, 6),)) == "acount balance"
    assert read(text, speller, ((3, 9),)) == text
    assert read("overdraf t", speller, ((9, 10),)) == "overdraft t"


def test_edits_name_characters_of_the_text(speller: Speller) -> None:
    text = "\U0001f600 my  acount,standin gorder"
    assert speller.correct(text, SPLIT.tokenize(text)) == [
        Edit(6, 12, "account"),
        Edit(13, 27, "standing order"),
    ]


def test_a_text_of_many_unknown_words_is_given_up(speller: Speller) -> None:
    text = "acount " + "zzq " * 200 + "acount"
    assert read(text, speller) == "account " + "zzq " * 200 + "acount"


def test_two_words_that_are_equally_likely_are_left_alone() -> None:
    both = Speller.build({"sending": 50, "bending": 50, "pay": 100}, ())
    assert read("rending vending", both) == "rending vending"  # right English words
    tie = Speller.build({"zorgat": 50, "zorgit": 50}, ())
    assert read("zorget", tie) == "zorget"
    assert read("zorget", Speller.build({"zorgat": 50}, ())) == "zorgat"


def test_a_likelier_english_word_stops_a_correction() -> None:
    # One letter was dropped of `beautiful`; `beautify` is the only word of the domain near it.
    only = Speller.build({"beautify": 3, "pay": 2_000_000}, ())
    assert read("beautifu", only) == "beautifu"


def test_a_word_seen_once_in_training_is_no_correction() -> None:
    assert read("balanxe", Speller.build({"balanze": 1}, ())) == "balanxe"
    assert read("zorgatx", Speller.build({"zorgat": 1, "pay": 9}, ())) == "zorgatx"


def test_the_margin_decides_how_sure_it_must_be(counts: Counter[str]) -> None:
    never = Speller.build(counts, TERMS, SpellingSettings(margin=100.0))
    assert read("my acount balence", never) == "my acount balence"
    careful = Speller.build(counts, TERMS, SpellingSettings(unlisted=0.0, unlisted_letter=0.0))
    assert read("my acount balence", careful) == "my acount balence"


@pytest.mark.parametrize("value", [-1.0, float("nan"), "2", True, None])
def test_settings_that_cannot_be_used_are_refused(value: object) -> None:
    with pytest.raises(OptionError, match="margin"):
        SpellingSettings(margin=value)  # type: ignore[arg-type]


def test_other_languages_do_without_the_english_list() -> None:
    counts = {"überweisung": 40, "konto": 60, "karte": 30, "rente": 1}
    german = Speller.build(counts, ("Dauerauftrag",), SpellingSettings(language="de"))
    assert read("überwiesung vom kotno", german) == "überweisung vom konto"
    assert read("dauerauftarg", german) == "dauerauftrag"
    assert german.knows("Rente") and not german.knows("account")


def test_words_and_pairs_are_counted(tokenizer: WordTokenizer) -> None:
    counts = count_words(["Standing order 5!", "standing order", "a card"], tokenizer.tokenize)
    assert counts == {"standing": 2, "order": 2, "a": 1, "card": 1, "standing order": 2}


def test_english_knows_contractions_as_people_type_them() -> None:
    assert {"cheque", "don't", "dont", "isnt"} <= set(english())
    assert sum(english().values()) < 1.1


def test_what_is_saved_corrects_the_same(speller: Speller, tmp_path: Path) -> None:
    speller.save(tmp_path / "model")
    loaded = Speller.load(tmp_path / "model")
    text = "my acount balence, standin gorder and overdarft"
    assert read(text, loaded) == read(text, speller) != text
    assert loaded.settings == speller.settings
    assert [path.name for path in (tmp_path / "model").iterdir()] == [FILE]
    loaded.save(tmp_path / "again")
    again, first = ((tmp_path / name / FILE).read_bytes() for name in ("again", "model"))
    assert again == first


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "[]",
        json.dumps({"version": 9}),
        json.dumps({"version": 1, "settings": {"margin": "x"}, "counts": {}, "terms": []}),
        json.dumps({"version": 1, "settings": {"new": 1}, "counts": {}, "terms": []}),
        json.dumps({"version": 1, "settings": {}, "counts": [], "terms": []}),
        json.dumps({"version": 1, "settings": {}, "counts": {"a": "b"}, "terms": []}),
    ],
)
def test_a_damaged_file_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        Speller.load(tmp_path)
    assert raised.value.file == tmp_path / FILE


@given(st.text(max_size=50))
@settings(max_examples=200, deadline=None)
def test_any_text_gets_edits_of_whole_tokens(text: str) -> None:
    spans = SPLIT.tokenize(text)
    edits = SMALL.correct(text, spans)
    assert edits == sorted(edits)
    assert all(a.end <= b.start for a, b in zip(edits, edits[1:], strict=False))
    assert all(edit.replacement for edit in edits)
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    assert all(edit.start in starts and edit.end in ends for edit in edits)


SMALL = Speller.build({"account": 9, "balance": 9, "standing order": 4}, TERMS)


def test_typos_are_the_same_for_the_same_seed_and_change_words_only() -> None:
    text = "Please transfer £1,250.00 from account TX48213 to jo.smith@mail.example now"
    first = [typo(text, random.Random(3)) for _ in range(2)]
    assert first[0] == first[1] != text
    for seed in range(200):
        wrong, slips = with_typos(text, random.Random(seed), KINDS, count=3)
        assert {"£1,250.00", "TX48213", "jo.smith@mail.example", "to", "now"} <= {*wrong.split()}
        assert len(slips) == 3
        for start, end, meant in slips:
            assert wrong[start:end] != meant
            assert OSA.distance(wrong[start:end], meant) <= 4
        undone = wrong
        for start, end, meant in reversed(slips):
            undone = undone[:start] + meant + undone[end:]
        assert undone == text


@pytest.mark.parametrize(
    ("kind", "typed", "lengths"),
    [
        ("keyboard", "account", {7}),
        ("swap", "account", {7}),
        ("drop", "account", {6}),
        ("double", "account", {8}),
    ],
)
def test_each_kind_of_typo_does_what_it_says(kind: str, typed: str, lengths: set[int]) -> None:
    made = {typo(typed, random.Random(seed), (kind,)) for seed in range(60)} - {typed}
    assert len(made) >= 4
    assert {len(one) for one in made} == lengths
    assert {OSA.distance(one, typed) for one in made} == {1}


def test_texts_without_a_word_to_spoil_stay() -> None:
    assert typo("hi 1234567 £50", random.Random(1)) == "hi 1234567 £50"
    assert space_slip("hi there", random.Random(1)) == "hi there"
    assert space_slip("please cancel", random.Random(1)).replace(" ", "") == "pleasecancel"
