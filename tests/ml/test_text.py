"""Words and their offsets, for whatever people type."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from bot.ml.text import SubwordTokenizer, TokenizedText

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
MAX_LENGTH = 64


@pytest.fixture(scope="session")
def tiny(tiny_encoder: Path) -> SubwordTokenizer:
    return SubwordTokenizer.load(tiny_encoder / "tokenizer.json", MAX_LENGTH)


@pytest.fixture(scope="session")
def bundled(bundled_tokenizer_path: Path) -> SubwordTokenizer:
    return SubwordTokenizer.load(bundled_tokenizer_path, MAX_LENGTH)


@pytest.fixture(scope="session")
def compatible() -> SubwordTokenizer:
    """A tokenizer that folds compatibility characters, as those of XLM-R and its kin do."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return SubwordTokenizer(tokenizer, MAX_LENGTH)


@pytest.fixture(scope="session", params=["merged_with_previous", "merged_with_next"])
def spaced(request: pytest.FixtureRequest) -> SubwordTokenizer:
    """A tokenizer that leaves white space in its words, as byte-level ones do."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", request.param)
    return SubwordTokenizer(tokenizer, MAX_LENGTH)


@pytest.mark.parametrize("text", ["hi there", " hi  there ", "  ", "\nhi \n there\t "])
def test_white_space_of_the_tokenizer_is_trimmed(text: str, spaced: SubwordTokenizer) -> None:
    assert slices(text, spaced) == text.split()
    check(text, spaced.tokenize(text))


@pytest.fixture(params=["tiny", "bundled", "compatible"])
def tokenizer(request: pytest.FixtureRequest) -> SubwordTokenizer:
    chosen: SubwordTokenizer = request.getfixturevalue(request.param)
    return chosen


def slices(text: str, tokenizer: SubwordTokenizer) -> list[str]:
    return [text[word.start : word.end] for word in tokenizer.tokenize(text).words]


def check(text: str, tokenized: TokenizedText) -> None:
    end = last = 0
    for word in tokenized.words:
        assert end <= word.start < word.end <= len(text), "in order, apart, inside the text"
        assert last <= word.first < word.last <= len(tokenized.ids)
        surface = text[word.start : word.end]
        assert surface == surface.strip()
        end, last = word.end, word.last


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n ", []),
        ("\u00a0\u00a0", []),
        ("Hello, World!", ["Hello", ",", "World", "!"]),
        ("  hi  there ", ["hi", "there"]),
        ("hi\u00a0there", ["hi", "there"]),
        ("caf\u00e9 noir", ["caf\u00e9", "noir"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
        ("I love \U0001f355 now", ["I", "love", "\U0001f355", "now"]),
        (f"my {FAMILY} tree", ["my", FAMILY, "tree"]),
        ("ok \u2764\ufe0f!", ["ok", "\u2764\ufe0f", "!"]),
        (
            "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
            ["\u05e9\u05dc\u05d5\u05dd", "\u05e2\u05d5\u05dc\u05dd"],
        ),
        (
            "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643",
            ["\u0645\u0631\u062d\u0628\u0627", "\u0628\u0643"],
        ),
        ("\u6211\u611b\u4f60", ["\u6211", "\u611b", "\u4f60"]),
        ("za\u200bbc de", ["za\u200bbc", "de"]),
        ("a\x00b c", ["a\x00b", "c"]),
        ("a \ud83d b", ["a", "b"]),
        ("\u0645\u064e\u0631\u0652 x", ["\u0645\u064e\u0631\u0652", "x"]),
    ],
)
def test_words_are_exact_slices(
    text: str, expected: list[str], tiny: SubwordTokenizer, bundled: SubwordTokenizer
) -> None:
    assert slices(text, tiny) == expected
    assert slices(text, bundled) == expected


def test_a_letter_keeps_its_marks_and_its_neighbour_keeps_its_own(
    tokenizer: SubwordTokenizer,
) -> None:
    for text in ("\u4e2d\u093e", ".\u0903", "a\u0301\u0301b", "!\u200d!", "a\ufe0f\ufe0f."):
        check(text, tokenizer.tokenize(text))


@pytest.mark.parametrize("text", ["\ufdfa", "\u00a8", "a\u00bdb", "\u2026", "x\ufdfay", "\u33a5."])
def test_one_character_that_stands_for_several_words_is_one_word(
    text: str, tokenizer: SubwordTokenizer
) -> None:
    check(text, tokenizer.tokenize(text))


def test_lone_surrogates_are_read_as_unknown_characters(tokenizer: SubwordTokenizer) -> None:
    for text in ("\ud83d", "hi \udc00 there", "\udc00\ud83d", "a\ud83d"):
        check(text, tokenizer.tokenize(text))


def test_long_texts_are_cut_at_max_length(
    tiny: SubwordTokenizer, bundled: SubwordTokenizer
) -> None:
    for text in ("hello " * 1667, "x" * 10_000, "\U0001f355" * 10_000, " " * 10_000):
        for tokenizer in (tiny, bundled):
            tokenized = tokenizer.tokenize(text)
            assert len(tokenized.ids) <= MAX_LENGTH
            check(text, tokenized)
    assert len(tiny.tokenize("hello " * 1667).words) == MAX_LENGTH - 2


def test_the_empty_text_still_has_subwords_to_encode(tiny: SubwordTokenizer) -> None:
    assert tiny.tokenize("") == TokenizedText(tiny.tokenize(" ").ids, ())
    assert len(tiny.tokenize("").ids) == 2


def test_subwords_of_a_word_are_its_own(bundled: SubwordTokenizer) -> None:
    tokenized = bundled.tokenize("hi unaffable")
    hi, long = tokenized.words
    assert (hi.first, hi.last) == (1, 2)
    assert long.first == 2
    assert long.last == len(tokenized.ids) - 1 > 3


def test_a_saved_tokenizer_reads_back_equal(tiny: SubwordTokenizer, tmp_path: Path) -> None:
    tiny.save(tmp_path / "tokenizer.json")
    again = SubwordTokenizer.load(tmp_path / "tokenizer.json", MAX_LENGTH)
    text = "Book a flight to Oslo, \U0001f355!"
    assert again.tokenize(text) == tiny.tokenize(text)


ODD = st.sampled_from(
    [
        "\u200d",
        "\ufe0f",
        "\u0301",
        "\u0903",
        "\u093e",
        "\u4e2d",
        ".",
        " ",
        "\u00a0",
        "\ufdfa",
        "\u00a8",
        "\u00bd",
        "\u200b",
        "\x00",
        "\U0001f468",
        "\u05e9",
        "a",
        "\U000e0100",
        "\u3000",
        "\u0e33",
        "\u00df",
        "\u0130",
    ]
)
TEXTS = st.one_of(st.text(st.characters(), max_size=40), st.lists(ODD, max_size=12).map("".join))


@given(text=TEXTS)
@example(text="\u4e2d\u0301\u093e")
@example(text="\u00a8 a\u0301.\u0301")
def test_words_of_any_text_are_clean_ordered_and_apart(
    text: str, tiny: SubwordTokenizer, bundled: SubwordTokenizer, compatible: SubwordTokenizer
) -> None:
    for tokenizer in (tiny, bundled, compatible):
        check(text, tokenizer.tokenize(text))


@given(text=st.text(st.sampled_from("abc xyz,.!?\u00e9\U0001f355\n\u00a0"), max_size=40))
def test_what_lies_between_words_is_white_space(
    text: str, tiny: SubwordTokenizer, bundled: SubwordTokenizer
) -> None:
    for tokenizer in (tiny, bundled):
        end = 0
        for word in tokenizer.tokenize(text).words:
            assert not text[end : word.start].strip()
            end = word.end
        assert not text[end:].strip()
