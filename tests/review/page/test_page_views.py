"""The views beside the queue, by key alone, on the real server and store."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from bot.feedback import tables as t
from bot.feedback.store import Store
from review.page import talks
from review.page.conftest import Open
from review.page.reviewer import Reviewer

FIRST = talks.texts()[0]
ARGUED = talks.texts()[-1]


@pytest.fixture
def overlap() -> float:
    return 0.999999


def at(open_page: Open, view: str) -> Reviewer:
    return open_page().sign_in("ana", view)


def corrections(store: Store) -> list[dict[str, Any]]:
    with store.read() as db:
        return [dict(row) for row in db.execute(sa.select(t.corrections)).mappings()]


def checks(store: Store) -> list[tuple[str, str | None]]:
    columns = t.label_checks.c
    with store.read() as db:
        found = sa.select(columns.status, columns.decided_label).order_by(columns.score.desc())
        return [tuple(row) for row in db.execute(found)]


def test_a_dispute_is_settled(open_page: Open, store: Store) -> None:
    talks.dispute(store, ARGUED)
    ana = at(open_page, "disputed").reviewing(ARGUED)
    ana.sees("ben")
    ana.sees(talks.MARKUP)
    ana.press("Enter").tells("Choose an intent first")
    ana.press("2")
    assert ana.chosen == "check_balance"
    ana.press("Enter")
    if ana.page.locator(".armed").is_visible():
        ana.press("Enter")
    ana.saved().sees("All is settled")
    kept = talks.annotation(store, ARGUED)
    assert (kept["label"], kept["adjudicates"], kept["turn"]) == ("check_balance", 1, "accepted")
    ana.press("u").reviewing(ARGUED)
    assert talks.annotation(store, ARGUED) == {}


def test_a_dispute_can_be_settled_otherwise(open_page: Open, store: Store) -> None:
    talks.dispute(store, ARGUED)
    ana = at(open_page, "disputed").reviewing(ARGUED)
    ana.press("/").type("freeze").press("Enter", "Enter", "Enter").saved()
    assert talks.annotation(store, ARGUED)["label"] == "freeze_card"


def test_a_conversation_is_corrected_into_a_story(open_page: Open, store: Store) -> None:
    ana = at(open_page, "conversations")
    ana.sees(FIRST)
    while FIRST not in ana.focused:
        ana.press("j")
    ana.press("Enter").sees("What should have happened?")
    turn = talks.number(store, FIRST)
    ana.until(lambda: ana.page.locator(".turn.current").count() > 0)
    while f'"{turn}"' not in json.dumps(ana.page.evaluate("document.activeElement.dataset.turn")):
        ana.press("k")
    ana.press("l", "e")
    ana.sees("Bot does")
    ana.press("Enter").type("balance").press("Enter")  # the first step: another intent
    ana.press("j", "Enter").type("action_tr").press("Enter")
    ana.press("a").type("utter_bal").press("Enter")
    ana.until(lambda: "utter_balance" in ana.focused, "the step")
    ana.press("K", "s").sees("Saved.")
    (kept,) = corrections(store)
    steps = [step.get("intent") or step.get("action") for step in json.loads(kept["steps"])]
    assert steps == ["check_balance", "utter_balance", "action_transfer"]
    assert (kept["kind"], kept["status"], kept["reviewer"]) == ("story", "submitted", "ana")
    assert (kept["first_turn_id"], kept["last_turn_id"]) == (turn, turn)


def test_a_draft_keeps_what_is_not_ready(open_page: Open, store: Store, noise: list[str]) -> None:
    noise.append("400")
    ana = at(open_page, f"conversation?id=1&turn={talks.number(store, FIRST)}")
    ana.sees("What should have happened?")
    ana.press("e").sees("Bot does")
    ana.press("j", "x").page.locator("input[value=test_story]").press("Space")
    name = ana.page.locator("#story-name")
    name.fill(talks.MARKUP)
    name.press("Escape")  # out of the field: the keys are on again
    ana.press("s").sees("Nothing follows the message")
    ana.page.get_by_role("button", name="Keep as draft").press("Enter")
    ana.sees("The draft is kept.")
    ana.page.locator(".guards .guard").first.wait_for()
    (kept,) = corrections(store)
    assert (kept["kind"], kept["name"], kept["status"]) == ("test_story", talks.MARKUP, "draft")
    ana.sees(talks.MARKUP)
    ana.page.get_by_role("button", name="Delete").press("Enter")
    ana.tells("The correction is deleted")
    assert [row["status"] for row in corrections(store)] == ["discarded"]


def test_label_checks_are_decided_by_key(open_page: Open, store: Store) -> None:
    talks.doubt(store)
    ana = at(open_page, "training")
    ana.sees("doubtful example 0")
    ana.until(lambda: "doubtful example 0" in ana.focused, "the first")
    ana.press("1")
    ana.until(lambda: "doubtful example 1" in ana.focused, "the second")
    ana.press("2", "d")
    ana.until(lambda: [s for s, _ in checks(store)] == ["kept", "relabelled", "removed"], "all")
    assert checks(store)[1] == ("relabelled", "pay_bill")
    ana.press("u").tells("Open again")
    ana.press("/").type("freeze").press("Enter")
    ana.until(lambda: checks(store)[2] == ("relabelled", "freeze_card"), "the other label")


def test_a_number_leads_to_its_messages(open_page: Open, store: Store) -> None:
    ana = at(open_page, "insights?span=all")
    row = ana.page.locator("tr", has_text="transfer_money").first
    row.wait_for()
    told = int(row.locator("a").first.text_content() or "")
    row.locator("a").first.press("Enter")
    ana.page.locator("#title").get_by_text("Messages").wait_for()
    ana.page.locator(".list li").nth(told - 1).wait_for()
    assert ana.page.locator(".list > li").count() == told == len(talks.texts())
    ana.press("j", "Enter").reviewing()
    assert ana.page.locator("#title").text_content() == "Review"


def test_what_is_done_can_be_decided_anew(open_page: Open, store: Store) -> None:
    talks.dispute(store, ARGUED)
    ana = open_page().sign_in("ana").reviewing(FIRST)
    ana.press("Enter").reviewing(talks.TRAVEL).saved().go("done").sees(FIRST)
    ana.press("j", "Enter").reviewing(FIRST).press("2", "Enter").sees("Saved.")
    ana.saved()
    assert talks.annotation(store, FIRST)["label"] == "pay_bill"


def test_progress_counts(open_page: Open, store: Store) -> None:
    ana = open_page().sign_in("ana").reviewing(FIRST)
    ana.press("Enter").reviewing(talks.TRAVEL).saved().go("progress")
    row = ana.page.locator("tr", has_text="ana")
    assert (row.text_content() or "").split("ana")[1] == "11"
    ana.sees("Next step")


@pytest.mark.parametrize("view", ["disputed", "training"])
def test_nothing_to_do_names_the_next_step(open_page: Open, view: str) -> None:
    ana = at(open_page, view)
    ana.page.locator(".nothing").wait_for()
    assert ana.page.locator(".nothing :is(a, pre)").count() > 0


def test_an_error_of_a_view_is_told_and_tried_again(open_page: Open, noise: list[str]) -> None:
    noise.append("404")
    ana = at(open_page, "conversation?id=999")
    ana.sees("The conversation is not there any more")
    ana.page.get_by_role("button", name="Try again").press("Enter")
    ana.sees("The conversation is not there any more")


def test_a_hostile_name_stays_text(open_page: Open, store: Store) -> None:
    name = "<script>alert(1)</script>"
    ana = open_page().sign_in(name).reviewing(FIRST)
    ana.press("Enter").reviewing(talks.TRAVEL).saved().go("progress").sees(name)
    ana.go("done").sees(name)
