"""Words and their offsets: what stays whole, what is split, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.vocabulary.tokenizing import WordTokenizer

ROOT = Path(__file__).parents[2]
FORMS = ("o/d", "a/c", "3DS", "M&S", "D/D", "S/O", "e-mail", "standing order", "24/7", "yahoo!")
GROUPED = set(" \u00a0")
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
GREAT_BRITAIN, FRANCE = "\U0001f1ec\U0001f1e7", "\U0001f1eb\U0001f1f7"


@pytest.fixture(scope="module")
def tokenizer() -> WordTokenizer:
    return WordTokenizer("en", FORMS)


def pieces(text: str, tokenizer: WordTokenizer) -> list[str]:
    return [text[start:end] for start, end in tokenizer.tokenize(text)]


@pytest.mark.parametrize(
    "word",
    [
        *("o/d", "O/D", "a/c", "3DS", "M&S", "m&s", "D/D", "S/O", "e-mail", "24/7", "yahoo!"),
        *("£1,250.00", "€12", "1.5k", "250GBP", "GBP250", "$5", "5k", "£20pm", "20€"),
        *("GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819", "gb29 nwbk 6016 1331 9268 19"),
        *("DE89 3704 0044 0532 0130 00", "NL91 ABNA 0417 1643 00"),
        *("4111 1111 1111 1111", "4111-1111-1111-1111", "3782 822463 10005", "4111111111111111"),
        *("12-34-56", "12/03/2026", "12.03.26", "2026-03-12", "12/03", "3rd", "2026-03-12T14:30Z"),
        *("14:30", "9am", "09:15:00", "5:30pm"),
        *("jo.smith+bank@mail.example.co.uk", "https://larkfield.example/a?b=c&d=1", "www.x.co/y"),
        *("+44 7700 900123", "07700 900123", "(0121) 496 0000", "07700900123", "020 7946 0000"),
        *("TX-48213", "LK90233", "PREFIX12345", "INV-2024-0012", "tx-48213"),
        *("can't", "cannot", "gonna", "id", "Id", "dont", "a.m."),
        *(FAMILY, GREAT_BRITAIN, "\U0001f44d\U0001f3fd", "e\u0301te\u0301", "naïve", "счёт"),
    ],
)
def test_what_belongs_together_stays_whole(word: str, tokenizer: WordTokenizer) -> None:
    for before, after in (("", ""), ("pay ", " now"), ("(", ")"), ("why ", "?"), ("", ", please")):
        text = before + word + after
        assert (len(before), len(before) + len(word)) in tokenizer.tokenize(text), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is it, really?!", ["Is", "it", ",", "really", "?", "!"]),
        ("Tesco's card, Sainsbury’s", ["Tesco", "'s", "card", ",", "Sainsbury", "’s"]),
        ("they'll I'm you've", ["they", "'ll", "I", "'m", "you", "'ve"]),
        ("Tesco?when tesco,please", ["Tesco", "?", "when", "tesco", ",", "please"]),
        ("£20-£30 or £20–£30", ["£20", "-", "£30", "or", "£20", "–", "£30"]),
        ("£20/month 2-3 days", ["£20", "/", "month", "2", "-", "3", "days"]),
        ("pay-day up 5%", ["pay", "-", "day", "up", "5", "%"]),
        ("[Tesco](merchant)", ["[", "Tesco", "]", "(", "merchant", ")"]),
        ("GB29 NWBK 6016 1331 9268 19 is mine", ["GB29 NWBK 6016 1331 9268 19", "is", "mine"]),
        ("12-34-56 12345678", ["12-34-56", "12345678"]),
        ("card 4821 500 pounds", ["card", "4821", "500", "pounds"]),
        (GREAT_BRITAIN + FRANCE, [GREAT_BRITAIN, FRANCE]),
        ("go...now", ["go", "...", "now"]),
        ("", []),
        (" \n\t\u3000", []),
    ],
)
def test_what_must_be_split_is_split(
    text: str, expected: list[str], tokenizer: WordTokenizer
) -> None:
    assert pieces(text, tokenizer) == expected


def test_forms_stay_whole_only_where_the_vocabulary_has_them(tokenizer: WordTokenizer) -> None:
    assert pieces("my o/d?", WordTokenizer("en")) == ["my", "o", "/", "d", "?"]
    assert pieces("my foo/drink", tokenizer) == ["my", "foo", "/", "drink"]
    assert pieces("o/d/a/c", tokenizer) == ["o/d", "/", "a/c"]
    assert pieces("24/7/2026", tokenizer) == ["24/7/2026"]


PARTS = st.sampled_from(
    [*FORMS, "£1,250.00", "GB29 NWBK 6016 1331 9268 19", "+44 7700 900123", "4111 1111 1111 1111"]
    + ["12/03/2026", "a@b.co", "www.a.b/c", FAMILY, "e\u0301", "\ud83d", "\u200d", "'s", "’"]
    + [" ", "  ", "\n", "\u00a0", "\u2028", "?", "(", "/", "-", "#", "x", "Tesco", "5", "£", "²"]
)


@given(st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=12).map("".join)))
@example("a\ud800b \udfff")
@example("\u0301 \u200d\u0301")
@example("ﬁ ß İ ﷺ")
@example("\x00\x1c \x85")
@example("9" * 200)
@example("e\u0301!\ud800" * 150)
@settings(max_examples=400, deadline=None)
def test_nothing_is_lost(text: str) -> None:
    spans = SHARED.tokenize(text)
    assert spans == sorted(spans)
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert not text[last:start].strip(), "lost between two words"
        word = text[start:end]
        assert word == word.strip()
        if any(char.isspace() for char in word):
            assert {char for char in word if char.isspace()} <= GROUPED
            assert sum(char.isdigit() for char in word) >= 4, "white space in what is no number"
        last = end
    assert not text[last:].strip(), "lost at the end"
    assert SHARED.tokenize(text) == spans


SHARED = WordTokenizer("en", FORMS)


@given(st.text(max_size=30), st.sampled_from(["de", "fr", "ru", "ar", "xx", "zh"]))
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_in_other_languages(text: str, language: str) -> None:
    spans = OTHERS[language].tokenize(text)
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for place, char in enumerate(text) if not char.isspace()} <= covered
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))


OTHERS = {language: WordTokenizer(language) for language in ("de", "fr", "ru", "ar", "xx", "zh")}


def test_long_texts_and_long_words_are_split_too(tokenizer: WordTokenizer) -> None:
    text = "word, " * 5_000 + "x" * 5_000 + "!" + " " + "!" * 20_000
    expected = ["word", ","] * 5_000 + ["x" * 5_000, "!"] + ["!"] * 20_000
    assert pieces(text, tokenizer) == expected  # in seconds: spaCy alone would take minutes


# Annotated inside a word: `[grandma](payee)s`.
OFF_BORDERS = {("accounts.yml", "grandma")}


def test_entities_of_the_demo_begin_and_end_with_words(tokenizer: WordTokenizer) -> None:
    from rasa.shared.nlu.training_data.loading import load_data

    checked, off = 0, set()
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for message in load_data(str(path)).entity_examples:
            text = message.get("text")
            spans = tokenizer.tokenize(text)
            starts, ends = {start for start, _ in spans}, {end for _, end in spans}
            for entity in message.get("entities"):
                checked += 1
                if entity["start"] not in starts or entity["end"] not in ends:
                    off.add((path.name, text[entity["start"] : entity["end"]]))
    assert checked > 1_000
    assert off <= OFF_BORDERS, off - OFF_BORDERS
