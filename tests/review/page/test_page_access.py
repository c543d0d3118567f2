"""Everybody can use the page: axe, sizes, focus, themes, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from widget.browser import DESKTOP, MOBILE, axe

from bot.feedback.store import Store
from review.page import talks
from review.page.conftest import Open
from review.page.reviewer import Reviewer

State = Callable[[Reviewer], object]
VIEWS = {
    "review": ".desk",
    "disputed": ".desk",
    "conversations": ".list li",
    "conversation?id=1&turn=2": ".turn",
    "training": ".check",
    "insights?span=all": ".chart",
    "messages?fallback=1": ".list li",
    "done": ".list li",
    "progress": "table",
    "item?id=1": ".desk",
}


def steps(who: Reviewer) -> None:
    who.go("conversation?id=1&turn=2").sees("What should have happened?")
    who.page.locator(".turn").first.wait_for()
    who.page.get_by_role("button", name="Edit the steps").press("Enter")
    who.sees("Bot does")


def desk(who: Reviewer) -> Reviewer:
    return who.go("item?id=4").reviewing(talks.GROUP[0])


STATES: dict[str, State] = {
    "entities": lambda who: desk(who).press("e", "End", "c"),
    "roles": lambda who: desk(who).press("e", "End", "c"),
    "group": lambda who: desk(who).press("g"),
    "whole": lambda who: desk(who).press("v").sees("Show less"),
    "warning": lambda who: (
        who.go("item?id=3").reviewing(talks.CONFLICT).sees("pay_bill in data"),
        who.press("Enter").sees("Enter once more"),
    ),
    "search": lambda who: desk(who).press("/").type("car"),
    "nothing found": lambda who: desk(who).press("/").type("zzz"),
    "new intent": lambda who: desk(who).press("n"),
    "note": lambda who: desk(who).press("c"),
    "keys": lambda who: desk(who).press("?"),
    "steps": steps,
    "empty": lambda who: who.go("review?filter=thumbs_down").sees("Nothing left"),
    "failed": lambda who: who.go("conversation?id=999").sees("not there any more"),
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": MOBILE, "has_touch": True, "is_mobile": True},
    "narrow": {"viewport": {"width": 320, "height": 640}},
}


@pytest.fixture(autouse=True)
def playwright_and_axe_style_the_page(noise: list[str]) -> None:
    """Both put styles of their own into the page, which its policy then refuses."""
    noise += ["Applying inline style", "404"]


@pytest.fixture
def overlap() -> float:
    return 0.999999


def full(store: Store) -> None:
    """Fill what every view shows."""
    talks.dispute(store, talks.texts()[-1])
    talks.doubt(store)


def problems(who: Reviewer) -> list[str]:
    """Give what axe finds, and whether the page scrolls sideways."""
    wide = who.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*axe(who.page), *(["it scrolls sideways"] if wide > 0 else [])]


def looks(first: str) -> list[Any]:
    """Give the looks; but for the first one they take their time."""
    return [name if name == first else pytest.param(name, marks=pytest.mark.long) for name in LOOKS]


@pytest.mark.parametrize("look", looks("light"))
def test_axe_finds_nothing_in_any_view(open_page: Open, store: Store, look: str) -> None:
    full(store)
    who = open_page(**LOOKS[look]).sign_in().reviewing()
    who.press("d").saved()
    found = {}
    for view, ready in VIEWS.items():
        who.go(view).page.locator(f"#view {ready}").first.wait_for()
        found[view] = problems(who)
    assert {view: lines for view, lines in found.items() if lines} == {}


@pytest.mark.parametrize("look", looks("phone"))
def test_axe_finds_nothing_in_any_state(open_page: Open, store: Store, look: str) -> None:
    who = open_page(**LOOKS[look]).sign_in().reviewing()
    found = {}
    for name, reach in STATES.items():
        reach(who)
        found[name] = problems(who)
        who.press("Escape", "Escape").go("progress").sees("Next step")
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_axe_finds_nothing_when_signing_in(open_page: Open) -> None:
    who = open_page()
    who.page.goto(who.url)
    who.page.locator("#sign-in").wait_for()
    assert problems(who) == []
    who.page.evaluate("document.querySelector('label[for=token]').remove()")
    assert [line.split(":")[0] for line in problems(who)] == ["label"]  # it can find something


def test_targets_are_large_enough(open_page: Open, store: Store) -> None:
    for look, least in (("light", 24), ("phone", 44)):
        who = open_page(**LOOKS[look]).sign_in(look)
        who.go("item?id=4").reviewing(talks.GROUP[0]).press("g")
        for node in who.page.locator(
            "#view :is(button, select, .choice, .members label):visible"
        ).all():
            box = node.bounding_box()
            assert box and round(min(box["width"], box["height"])) >= least, node.inner_text()


def test_touch_marks_an_entity(open_page: Open, store: Store) -> None:
    who = open_page(**LOOKS["phone"]).sign_in().reviewing(talks.PLAIN)
    who.page.locator(".message [data-word]").nth(1).tap()
    who.page.locator(".message [data-word]").nth(2).tap()
    who.page.locator(".marks-bar").get_by_role("button", name="amount").tap()
    who.page.get_by_role("button", name="Accept").tap()
    who.reviewing(talks.TRAVEL).saved()
    (marked,) = talks.annotation(store, talks.PLAIN)["entities"]
    assert (marked["entity"], marked["value"]) == ("amount", "twenty over")


def test_a_mouse_marks_whole_words(open_page: Open, store: Store) -> None:
    who = open_page().sign_in().reviewing(talks.PLAIN)
    boxes = [who.page.locator(".message [data-word]").nth(n).bounding_box() for n in (1, 2)]
    (a, b) = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes if box]
    who.page.mouse.move(*a)
    who.page.mouse.down()
    who.page.mouse.move(*b, steps=4)
    who.page.mouse.up()
    who.page.locator(".marks-bar").get_by_role("button", name="payee").click()
    assert who.page.locator(".marks li").inner_text().startswith("twenty over")


def test_focus_goes_into_a_dialog_and_comes_back(open_page: Open) -> None:
    who = open_page().sign_in().reviewing(talks.PLAIN)
    who.press("/")
    assert who.page.evaluate("document.activeElement.getAttribute('role')") == "combobox"
    who.press("Escape")
    assert who.page.evaluate("document.activeElement.className") == "message"
    who.go("progress").sees("Next step")
    assert who.focused == "title"


def test_what_happens_is_read_out(open_page: Open) -> None:
    who = open_page().sign_in().reviewing(talks.PLAIN)
    assert who.live.get_attribute("role") == "status"
    who.press("2").tells("pay_bill chosen")
    who.press("Enter").tells("pay_bill")


def test_theme_is_kept_and_nothing_moves(open_page: Open) -> None:
    who = open_page(reduced_motion="reduce").sign_in().reviewing()
    light = ground(who)
    who.page.locator("#theme").press("Enter")
    who.page.locator("#theme").press("Enter")
    dark = ground(who)
    assert dark != light
    who.page.reload()
    who.reviewing()
    assert ground(who) == dark
    who.press("d").reviewing()
    assert who.page.evaluate("document.getAnimations().length") == 0


def ground(who: Reviewer) -> str:
    found: str = who.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return found
