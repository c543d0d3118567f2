"""A log suggests the words that it needs, and leaves alone what is known, slipped or masked."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from bot.vocabulary.alias_guesses import Guesser
from bot.vocabulary.log_counts import KEPT, SHOWN, Logged, Reader, count, tally
from bot.vocabulary.suggesting import WEIGHTS, Suggestion, suggest
from bot.vocabulary.taught import Taught
from bot.vocabulary.terms import Form, Term, Vocabulary

TRAINING = (
    *("can I book a check-up", "I need a filling", "how much is a brace", "book a check-up please"),
    *("hello", "good morning", "my appointment is on monday", "cancel my appointment please"),
    *("I need an appointment", "is an appointment free on monday", "the receptionist was rude"),
)


def term(name: str, *aliases: str, entity: str | None = None, value: str = "") -> Term:
    forms = tuple(Form(alias, False) for alias in aliases)
    return Term(name, forms, entity, value or name, "", False, "en", Path("t.yml"), 1)


TERMS = (
    term("root canal treatment", "root canal", entity="treatment", value="RCT"),
    term("check-up", entity="treatment"),
    term("invisalign", entity="treatment"),
    term("National Health Service"),
    term("payment plan"),
)


@pytest.fixture(scope="module")
def taught() -> Taught:
    return Taught(TRAINING, Vocabulary(TERMS), "en")


def logged(texts: Iterable[str], **columns: object) -> list[Logged]:
    """Give messages, each of a conversation of its own."""
    return [Logged(n, n, text, **columns) for n, text in enumerate(texts, 1)]  # type: ignore[arg-type]


def found(texts: Iterable[str], taught: Taught, **options: int) -> dict[str, Suggestion]:
    return {one.word: one for one in suggest(logged(texts), taught, **options)}


RCT = ("rct next week?", "need an rct on monday", "how much is rct")


def test_an_unknown_word_is_suggested_with_what_is_known_of_it(taught: Taught) -> None:
    one = found([*RCT, "hello", "rct"], taught)["rct"]
    assert (one.key, one.count, one.conversations) == ("rct", 4, 4)
    assert one.contexts == RCT
    assert one.places == (1, 2, 3, 5)
    assert one.reasons == ("unknown",)
    assert one.why == "No training example and no dictionary has it."
    assert (one.alias_of, one.entity) == ("root canal treatment", None)
    assert one.alias_why == "the initials of root canal treatment"
    assert one.score == pytest.approx(2.3219, abs=1e-4)  # log2(5), nothing misunderstood


LEFT = [
    ["hello", "good morning", "book a check-up"],  # of the training examples
    ["the weather is awful", "awful weather", "what awful food"],  # of the language
    ["a root canal", "root canal please", "my root canal"],  # of the vocabulary
    ["call [PHONE_1]", "[PHONE_1]", "[PHONE_1] is me"],  # masked
    ["mail zorbly@zorbly.com", "zorbly@zorbly.com", "zorbly@zorbly.com please"],
    ["an apointment", "my apointment", "apointment please"],  # slips
    ["cancle it", "cancle my appointment", "please cancle"],
    ["awfull pain", "an awfull day", "awfull, it is awful"],  # a slip of a word of the log
    ["on 12/03/2026", "on 12/03/2026", "12/03/2026"],
    ["at 5pm", "5pm", "5pm please"],
    ["zorb", "zorb"],  # too rare
    ["zorb zorb zorb zorb"],
    ["\u200b", "?!", "<<<>>>", ""],
]


@pytest.mark.parametrize("texts", LEFT)
def test_what_is_known_masked_a_slip_or_rare_is_left(texts: list[str], taught: Taught) -> None:
    assert found(texts, taught) == {}


def test_conversations_count_and_not_messages(taught: Taught) -> None:
    messages = [Logged(n, 1 + n // 8, "rct") for n in range(16)]
    assert suggest(messages, taught) == []
    (one,) = suggest(messages, taught, least=2)
    assert (one.count, one.conversations, one.places) == (16, 2, (0, 8))


def test_a_phrase_whose_words_belong_together_is_one(taught: Taught) -> None:
    texts = ["six monthly exam please", "book a six monthly exam", "is it a six monthly exam"]
    others = ["six of us", "hello", "book a brace", "my monday is free", "please cancel it"]
    made = found([*texts, *others * 3], taught)
    assert set(made) == {"six monthly exam"}
    assert made["six monthly exam"].reasons == ("phrase",)


def test_words_that_are_only_neighbours_are_no_phrase(taught: Taught) -> None:
    things = ["hat", "coat", "umbrella", "scarf", "wallet", "glove", "phone", "bike"]
    texts = [f"where is the lost {thing} rack" for thing in things]
    texts += ["lost hat", "lost coat", "rack hat", "coat rack", "lost rack", "rack", "lost"] * 3
    assert found(texts, taught) == {}


def test_a_word_that_stands_in_one_phrase_alone_is_no_second_suggestion(taught: Taught) -> None:
    padding = [*TRAINING] * 3
    made = found([f"is zorbly brace {x}" for x in ("good", "free", "mine")] + padding, taught)
    assert set(made) == {"zorbly brace"}
    made = found(["zorbly brace", "my zorbly", "zorbly", "a zorbly", *padding], taught)
    assert set(made) == {"zorbly"}


def test_a_phrase_does_not_span_a_mask_or_a_sign(taught: Taught) -> None:
    for between in (" [NAME_1] ", ", ", ". ", " - "):
        made = found([f"quartz{between}crown {x}" for x in ("a", "b", "c")] * 2, taught)
        assert not any(" " in word for word in made), between


def test_known_words_of_misunderstood_messages_are_suggested(taught: Taught) -> None:
    rude = [Logged(n, n, f"the receptionist was {n}", misunderstood=True) for n in range(12)]
    fine = [Logged(n, n, "cancel my appointment please") for n in range(100, 400)]
    by_chance = [
        Logged(n, n, "my brace is rude", misunderstood=n % 25 == 0) for n in range(500, 600)
    ]
    made = {one.word: one for one in suggest([*rude, *fine, *by_chance], taught)}
    assert made["receptionist"].reasons == ("misunderstood",)
    assert made["receptionist"].why.startswith("100% of its messages are misunderstood, of all")
    assert {"brace", "rude", "cancel"}.isdisjoint(made)


def test_one_angry_person_is_no_proof(taught: Taught) -> None:
    angry = [Logged(n, 1, "the receptionist", misunderstood=True) for n in range(40)]
    fine = [Logged(n, n, "cancel my appointment") for n in range(100, 400)]
    others = [Logged(n, n, "receptionist") for n in range(500, 503)]
    assert suggest([*angry, *fine, *others], taught) == []


def test_words_that_the_tokenizer_shatters_are_suggested(taught: Taught) -> None:
    pieces = {"receptionist": 4, "cancel": 2, "rct": 3}
    texts = ["the receptionist", "my receptionist", "receptionist cancel", *RCT, "cancel", "cancel"]
    made = suggest(logged(texts), taught, pieces=lambda word: pieces.get(word, 1))
    assert [(one.word, one.reasons) for one in made] == [
        ("rct", ("unknown", "shattered")),
        ("receptionist", ("shattered",)),
    ]
    assert "in 4 pieces" in made[1].why
    assert made[0].score == pytest.approx(3 * made[1].score, abs=1e-3)


def test_a_slip_that_many_people_write_may_be_an_alias(taught: Taught) -> None:
    texts = [f"my apointment is {n}" for n in range(9)] + ["my appointment"] * 20
    made = found(texts, taught)
    assert made["apointment"].reasons == ("slip",)
    assert "the speller reads appointment" in made["apointment"].why.lower()
    few = [f"my apointment is {n}" for n in range(8)] + ["my appointment"] * 20
    assert found(few, taught) == {}
    crowd = texts + ["my appointment"] * 90
    assert found(crowd, taught) == {}


def test_a_slip_of_a_term_names_the_term(taught: Taught) -> None:
    made = found([f"my invisalgin is {n}" for n in range(9)], taught)
    assert made["invisalgin"].alias_of == "invisalign"


def test_what_reviewers_marked_says_most(taught: Taught) -> None:
    marked = [
        Logged(1, 1, "a zorb", label="book", marks=((2, 6, "treatment", "RCT"),)),
        Logged(2, 2, "zorb please", label="book", marks=((0, 4, "treatment", "RCT"),)),
        Logged(3, 3, "zorb", label="greet", marks=((0, 4, "shop", "zorb"),)),
        Logged(4, 4, "hello zorb", marks=((0, 5, "shop", "hello"),)),
    ]
    (one,) = suggest(marked, taught)
    assert one.entity == "treatment"
    assert one.alias_of == "root canal treatment"
    assert one.alias_why == "a reviewer marked it as treatment RCT"
    assert one.why.endswith("reviewers say book in 2 of 3.")


def test_the_commonest_spelling_is_shown(taught: Taught) -> None:
    (one,) = suggest(logged(["ZORB", "zorb", "ZORB", "Zorb"]), taught)
    assert (one.word, one.key, one.count) == ("ZORB", "zorb", 4)


def test_the_order_is_that_of_the_score_and_the_same_each_time(taught: Taught) -> None:
    texts = ["zorba", "zorbo", "zorbi"] * 3 + ["zorbu"] * 8
    made = suggest(logged(texts), taught)
    assert [one.word for one in made] == ["zorbu", "zorba", "zorbi", "zorbo"]
    shuffled = logged(random.Random(1).sample(texts, len(texts)))
    again = suggest(shuffled, taught)
    assert [(one.word, one.score) for one in again] == [(one.word, one.score) for one in made]
    assert [one.word for one in suggest(logged(texts), taught, top=2)] == ["zorbu", "zorba"]


def test_the_table_loses_nothing_and_counts_are_exact(taught: Taught) -> None:
    chance = random.Random(7)
    words = ["".join(chance.choices("bcdfgklm", k=4)) for _ in range(60)]
    talks = [[" ".join(chance.choices(words, k=5)) for _ in range(3)] for _ in range(200)]
    messages = [Logged(10 * n + m, n, text) for n, talk in enumerate(talks) for m, text in
                enumerate(talk)]  # fmt: skip
    reader = Reader(taught.tokenize, lambda group: True)
    counts = count(messages, reader)
    exact: dict[str, set[int]] = {}
    for n, talk in enumerate(talks):
        for text in talk:
            parts = text.split()
            for size in (1, 2, 3):
                for at in range(len(parts) - size + 1):
                    exact.setdefault(" ".join(parts[at : at + size]), set()).add(n)
    for phrase, where in exact.items():
        if " " in phrase:
            assert counts.may_be(phrase, len(where))
        else:
            assert counts.spread[phrase] == len(where)
    tallied = tally(messages, reader, lambda one: True)
    assert {one: entry.conversations for one, entry in tallied.items()} == {
        one: len(where) for one, where in exact.items()
    }
    assert max(len(entry.places) for entry in tallied.values()) == KEPT
    assert max(len(entry.contexts) for entry in tallied.values()) == SHOWN


def test_a_log_is_gone_through_twice_and_not_kept(taught: Taught) -> None:
    class Stream:
        runs = 0

        def __iter__(self) -> Iterator[Logged]:
            self.runs += 1
            yield from logged(RCT)

    log = Stream()
    assert [one.word for one in suggest(log, taught)] == ["rct"]
    assert log.runs == 2


GUESSES = [
    ("nhs", "National Health Service"),
    ("rc", "root canal treatment"),
    ("invis", "invisalign"),
    ("invisaline", "invisalign"),
    ("nvslgn", None),
    ("invslgn", "invisalign"),
    ("ckup", None),
    ("pp", "payment plan"),
    ("zorb", None),
    ("x", None),
]


@pytest.mark.parametrize(("word", "meant"), GUESSES)
def test_guesses_from_letters(word: str, meant: str | None) -> None:
    guess = Guesser(TERMS).guess(word)
    assert (guess.term if guess else None) == meant


def test_two_terms_with_the_same_initials_are_no_guess() -> None:
    assert Guesser([term("red cross"), term("root canal")]).guess("rc") is None
    of = Guesser([term("Bank of England")])
    assert {(of.guess(word) or of.guess("x")) and word for word in ("boe", "be")} == {"boe", "be"}


def test_other_languages_do_without_a_dictionary() -> None:
    german = Taught(["ich brauche einen Termin", "guten Tag"], Vocabulary(()), "de")
    texts: Sequence[str] = ["eine PZR bitte", "was kostet die PZR", "PZR am Montag"]
    assert found(texts, german)["PZR"].reasons == ("unknown",)
    assert "die" not in found([*texts, "die", "die", "die"], german)


def test_every_reason_has_a_weight() -> None:
    assert set(WEIGHTS) == {"unknown", "phrase", "misunderstood", "shattered", "slip"}
