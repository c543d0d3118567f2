"""Words that may become terms, decided by key on the real page; axe in every look."""

from __future__ import annotations

from typing import Any

import pytest
from widget.browser import DESKTOP, MOBILE, axe

from bot.feedback.store import Store
from bot.feedback.terms import AcceptedTerm, Proposal, accepted_terms, decided, keep_proposals
from review.page import talks
from review.page.conftest import Open
from review.page.reviewer import Reviewer

KNOWN = (("root canal", None), ("overdraft", "account"))
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": MOBILE, "has_touch": True, "is_mobile": True},
    "narrow": {"viewport": {"width": 320, "height": 640}},
}


@pytest.fixture(autouse=True)
def words(store: Store) -> None:
    """Words that wait: one with a guess, one of hostile letters, one that nobody can guess."""
    turn = talks.number(store, talks.texts()[0])
    initials = ("root canal", "the initials of root canal")
    why = "No training example and no dictionary has it."
    keep_proposals(
        store,
        [
            Proposal("rct", "rct", 4, 3, why, 3.0, *initials, None, (turn,)),
            Proposal(talks.MARKUP, "markup", 3, 3, why, 2.0, None, None, "amount", (turn,)),
            Proposal("invis", "invis", 3, 3, why, 1.0, None, None, None, ()),
        ],
        KNOWN,
    )


def at_terms(open_page: Open, **look: Any) -> Reviewer:
    ana = open_page(**look).sign_in("ana", "terms")
    ana.sees("rct")
    return ana.until(lambda: "rct" in ana.focused, "the first")


def made(store: Store) -> dict[str, AcceptedTerm]:
    return {one.word: one for one in accepted_terms(store)}


def test_words_are_decided_by_key(open_page: Open, store: Store) -> None:
    ana = at_terms(open_page)
    ana.sees("in 3 conversations, 4 messages")
    ana.sees("Perhaps another name of “root canal”: the initials of root canal.")
    ana.sees(talks.texts()[0])
    ana.press("1")
    ana.until(lambda: talks.MARKUP in ana.focused, "the second")
    ana.until(lambda: "rct" in made(store), "the alias")
    assert (made(store)["rct"].decision, made(store)["rct"].name) == ("alias", "root canal")
    ana.press("d")
    ana.until(lambda: "invis" in ana.focused, "the third")
    ana.until(lambda: len(decided(store)) == 2, "the rejection")
    ana.press("n").sees_dialog("Canonical form")
    ana.page.locator("#term-name").fill("clear aligner")
    ana.press("Tab").type("am").press("Tab").type("Straightens teeth.").press("Enter")
    ana.until(lambda: "invis" in made(store), "the term")
    one = made(store)["invis"]
    assert (one.decision, one.name, one.entity) == ("term", "clear aligner", "amount")
    assert one.definition == "Straightens teeth."
    ana.sees("New term clear aligner")
    ana.press("u")
    ana.until(lambda: "invis" not in made(store), "what was taken back")
    ana.tells("Open again")


def test_a_term_is_searched(open_page: Open, store: Store) -> None:
    ana = at_terms(open_page)
    ana.press("/").sees_dialog("What is “rct” another name of?")
    ana.type("over").press("Enter")
    ana.until(lambda: "rct" in made(store), "the alias")
    assert (made(store)["rct"].decision, made(store)["rct"].name) == ("alias", "overdraft")


def test_enter_makes_a_term_where_there_is_no_guess(open_page: Open, store: Store) -> None:
    ana = at_terms(open_page)
    ana.press("s")
    ana.until(lambda: talks.MARKUP in ana.focused, "the second")
    ana.press("Enter").sees_dialog("Canonical form")
    assert ana.page.locator("#term-name").input_value() == talks.MARKUP
    assert ana.page.locator("#term-entity").input_value() == "amount"  # what reviewers marked
    ana.press("Escape")
    assert made(store) == {} and decided(store) == set()


def test_what_the_server_refuses_is_open_again(
    open_page: Open, store: Store, noise: list[str]
) -> None:
    noise.append("404")
    ana = at_terms(open_page)
    keep_proposals(store, [], KNOWN)  # another run has found other words
    ana.press("d").tells("Not saved: This suggestion is not there any more")
    assert ana.page.locator("li[data-decision=open]").count() == 3


def test_no_words_name_the_command(open_page: Open, store: Store) -> None:
    keep_proposals(store, [], KNOWN)
    ana = open_page().sign_in("ana", "terms")
    ana.sees("bot vocabulary suggest --queue")


def test_the_keys_are_on_the_cheat_sheet(open_page: Open) -> None:
    ana = at_terms(open_page)
    ana.press("?").sees_dialog("reject: never suggest it again")


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(open_page: Open, look: str, noise: list[str]) -> None:
    noise += ["Applying inline style", "404"]  # axe's own, which the page's policy refuses
    ana = at_terms(open_page, **LOOKS[look])
    assert problems(ana) == []
    ana.press("1").sees("Alias of root canal")
    assert problems(ana) == []
    ana.press("n").sees_dialog("Canonical form")
    assert problems(ana) == []
    ana.press("Escape", "/").sees_dialog("What is")
    assert problems(ana) == []


def test_buttons_are_large_enough(open_page: Open) -> None:
    for look, least in (("light", 24), ("phone", 44)):
        ana = at_terms(open_page, **LOOKS[look])
        for node in ana.page.locator("#view :is(button, select):visible").all():
            box = node.bounding_box()
            assert box and round(min(box["width"], box["height"])) >= least, node.inner_text()


def problems(who: Reviewer) -> list[str]:
    """Give what axe finds, and whether the page scrolls sideways."""
    wide = who.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*axe(who.page), *(["it scrolls sideways"] if wide > 0 else [])]
