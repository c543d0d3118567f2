"""The queue, worked through by key alone, on the real server and store."""

from __future__ import annotations

import pytest

from bot.feedback.store import Store
from review.page import talks
from review.page.conftest import Open
from review.page.reviewer import Reviewer
from review.page.serve import TOKEN, Server

QUEUE = talks.texts()


def label(store: Store, text: str, who: str = "ana") -> str | None:
    found: str | None = talks.annotation(store, text, who).get("label")
    return found


def to(ana: Reviewer, text: str) -> Reviewer:
    """Go to one message of the queue."""
    while ana.reviewing().text != text:
        ana.decide("s")
    return ana


def test_sign_in_takes_the_token_out_of_the_address_and_knows_the_name(open_page: Open) -> None:
    ana = open_page().sign_in("ana").reviewing(talks.PLAIN)
    assert "token" not in ana.page.url
    ana.page.locator("#sign-out").press("Enter")
    ana.page.locator("#sign-in").wait_for()
    assert ana.page.locator("#reviewer").input_value() == "ana"
    assert ana.focused == "token"
    ana.type("wrong").press("Enter")
    ana.page.get_by_text("This token is wrong").wait_for()


def test_enter_accepts_the_suggestion(ana: Reviewer, store: Store) -> None:
    assert (ana.text, ana.chosen, ana.count("left")) == (talks.PLAIN, "transfer_money", 31)
    ana.press("Enter").reviewing(talks.TRAVEL).saved()
    kept = talks.annotation(store, talks.PLAIN)
    assert (kept["label"], kept["suggested"], kept["turn"]) == ("transfer_money",) * 2 + (
        "accepted",
    )
    ana.until(lambda: (ana.count("left"), ana.count("today")) == (30, 1), "the count")


def test_a_number_chooses_a_candidate(ana: Reviewer, store: Store) -> None:
    ana.press("3")
    assert ana.chosen == "check_balance"
    ana.press("Enter").reviewing(talks.TRAVEL).saved()
    assert label(store, talks.PLAIN) == "check_balance"


def test_search_finds_by_letters_and_by_example(ana: Reviewer, store: Store) -> None:
    ana.press("/").type("frzcrd").press("Enter")
    assert ana.chosen == "freeze_card"
    ana.press("Enter").reviewing(talks.TRAVEL)
    ana.press("/").type("water bill").press("Enter")
    assert ana.chosen == "pay_bill"
    ana.press("/", "ArrowDown", "ArrowDown", "ArrowUp")
    assert ana.page.locator("#found [aria-selected=true]").get_attribute("id") == "found-1"
    ana.press("Escape").saved()
    assert ana.chosen == "pay_bill"
    assert label(store, talks.PLAIN) == "freeze_card"


@pytest.mark.parametrize("way", ["n", "/"])
def test_new_intent(ana: Reviewer, store: Store, way: str) -> None:
    ana.press(way).type("Order cheques")
    if way == "/":
        ana.press("Enter")
        ana.page.locator("#intent-name").wait_for()
        assert ana.page.locator("#intent-name").input_value() == "order_cheques"
    ana.press("Tab").type("They want a cheque book").press("Enter")
    ana.until(lambda: ana.chosen == "order_cheques", "the new intent")
    ana.press("Enter").reviewing(talks.TRAVEL).saved()
    assert label(store, talks.PLAIN) == "order_cheques"
    ana.press("/").type("cheque")
    ana.dialog.get_by_text("proposed").wait_for()


def test_out_of_scope(ana: Reviewer, store: Store) -> None:
    ana.press("o", "Enter").reviewing(talks.TRAVEL).saved()
    assert label(store, talks.PLAIN) == "out_of_scope"


def test_an_entity_with_its_role_is_marked_word_by_word(ana: Reviewer, store: Store) -> None:
    to(ana, talks.TRAVEL).press("e", "ArrowRight", "ArrowRight")
    ana.tells("Bonn").press("c").tells("role? f from, t to")
    ana.press("f").tells("Bonn: city, role from")
    ana.press("End", "c", "t", "Enter", "Enter").reviewing(talks.CONFLICT).saved()
    found = [(e["start"], e["end"], e["entity"], e["role"], e["value"]) for e in entities(store)]
    assert found == [(9, 13, "city", "from", "Bonn"), (17, 21, "city", "to", "Oslo")]


def entities(store: Store) -> list[dict[str, object]]:
    found: list[dict[str, object]] = talks.annotation(store, talks.TRAVEL)["entities"]
    return found


def test_entities_are_changed_and_removed(ana: Reviewer, store: Store) -> None:
    to(ana, talks.TRAVEL).press("e", "End", "Shift+ArrowLeft", "p").tells(
        "to Oslo: marked as payee"
    )
    ana.press("Home", "End", "a").tells("to Oslo: marked as amount")
    ana.press("Home", "a", "Backspace").tells("no entity any more").press("Escape")
    ana.press("Enter").reviewing(talks.CONFLICT).saved()
    found = [(e["entity"], e["value"], e["role"]) for e in entities(store)]
    assert found == [("amount", "to Oslo", None)]


def test_offsets_behind_an_emoji_are_those_of_the_server(ana: Reviewer, store: Store) -> None:
    ana.press("e", "End", "a", "Enter", "Enter").reviewing(talks.TRAVEL).saved()
    (marked,) = talks.annotation(store, talks.PLAIN)["entities"]
    assert talks.PLAIN[marked["start"] : marked["end"]] == "today"


def test_keys_do_nothing_while_entities_are_marked(ana: Reviewer, store: Store) -> None:
    ana.press("e", "d", "s", "2").press("Escape")
    assert (ana.text, ana.chosen) == (talks.PLAIN, "transfer_money")


def test_a_group_is_answered_without_who_was_left_out(ana: Reviewer, store: Store) -> None:
    first, second, third = talks.GROUP
    to(ana, first)
    ana.sees("Answered together with 2 alike")
    ana.press("g", "ArrowDown", "Space")
    ana.sees("Answered together with 1 alike")
    ana.press("Enter").reviewing().saved()
    alike = {text: talks.annotation(store, text).get("turn") for text in (first, second, third)}
    assert alike == {first: "accepted", second: "accepted", third: None}
    spans = [talks.annotation(store, text)["entities"][0]["value"] for text in (first, second)]
    assert spans == ["50", "60"]
    while ana.text != third:
        ana.decide("s")


def test_marks_are_carried_over_to_the_group(ana: Reviewer, store: Store) -> None:
    to(ana, talks.GROUP[0]).press("e", "End", "p", "Enter", "Enter")
    ana.saved()
    for text, amount in zip(talks.GROUP, ("50", "60", "70"), strict=True):
        found = [(e["entity"], e["value"]) for e in talks.annotation(store, text)["entities"]]
        assert found == [("amount", amount), ("payee", "Ben")]


def test_discard_and_skip(ana: Reviewer, store: Store) -> None:
    ana.press("d").reviewing(talks.TRAVEL).press("s").reviewing(talks.CONFLICT).saved()
    assert talks.annotation(store, talks.PLAIN)["turn"] == "discarded"
    skipped = talks.annotation(store, talks.TRAVEL)
    assert (skipped["status"], skipped["turn"]) == ("skipped", "open")
    ana.go("review?filter=skipped").reviewing(talks.TRAVEL)


def test_a_note_is_kept_with_the_decision(ana: Reviewer, store: Store) -> None:
    ana.press("c").type("d is no key here: " + talks.MARKUP).press("Enter")
    ana.sees("d is no key here")
    ana.press("Enter").reviewing(talks.TRAVEL).saved()
    assert talks.annotation(store, talks.PLAIN)["note"] == "d is no key here: " + talks.MARKUP


def test_undo_goes_back_step_by_step(ana: Reviewer, store: Store) -> None:
    ana.press("2", "Enter").reviewing(talks.TRAVEL).press("d").reviewing(talks.CONFLICT).saved()
    ana.press("u").reviewing(talks.TRAVEL).press("u").reviewing(talks.PLAIN)
    assert ana.chosen == "pay_bill"  # what was decided, to be changed
    assert [talks.annotation(store, text) for text in (talks.PLAIN, talks.TRAVEL)] == [{}, {}]
    ana.press("1", "Enter").reviewing(talks.TRAVEL).press("Enter").reviewing(talks.CONFLICT).saved()
    assert label(store, talks.PLAIN) == label(store, talks.TRAVEL) == "transfer_money"


def test_a_warning_asks_for_a_second_enter(ana: Reviewer, store: Store) -> None:
    to(ana, talks.CONFLICT).sees("pay_bill in data/nlu.yml")
    ana.press("Enter")
    ana.sees("Enter once more")
    assert (ana.text, label(store, talks.CONFLICT)) == (talks.CONFLICT, None)
    ana.press("Enter").reviewing(talks.GROUP[0]).saved()
    assert label(store, talks.CONFLICT) == "transfer_money"


def test_another_choice_takes_the_warning_away(ana: Reviewer, store: Store) -> None:
    to(ana, talks.CONFLICT).press("Enter")
    ana.sees("Enter once more")
    ana.press("2")
    ana.page.locator(".guard[data-code=conflict]").wait_for(state="detached")
    ana.press("Enter").reviewing(talks.GROUP[0]).saved()
    assert label(store, talks.CONFLICT) == "pay_bill"


def test_keys_can_be_switched_off(ana: Reviewer, store: Store) -> None:
    ana.press("?").sees_dialog("Single keys are on")
    ana.press("Space", "Escape", "d", "2", "?")
    assert (ana.text, ana.chosen, ana.dialog.count()) == (talks.PLAIN, "transfer_money", 0)
    ana.page.reload()
    ana.reviewing().press("d")
    assert ana.text == talks.PLAIN
    ana.press("Enter").reviewing(talks.TRAVEL)  # no character: it stays


def test_markup_stays_text(ana: Reviewer) -> None:
    to(ana, talks.HOSTILE)
    assert ana.message.locator("img").count() == 0
    ana.press("v").sees("Show less")


def test_a_draft_is_there_again(ana: Reviewer) -> None:
    ana.press("4").go("progress").sees("Done today")
    ana.saved().go("review").reviewing(talks.PLAIN)
    assert ana.chosen == "freeze_card"


def test_no_decision_is_lost_when_the_server_is_killed(
    ana: Reviewer, server: Server, store: Store, noise: list[str]
) -> None:
    noise.append("ERR_CONNECTION_REFUSED")
    noise.append("net::ERR")
    ana.press("Enter").reviewing(talks.TRAVEL).saved()
    ana.page.wait_for_timeout(300)  # the next ones are here
    server.kill()
    ana.press("2", "Enter").reviewing(talks.CONFLICT)
    ana.tells("Your decisions are kept")
    ana.page.locator("#counts").get_by_text("1 decision not saved yet").wait_for()
    ana.press("d", "u").reviewing(talks.CONFLICT)  # what is not sent yet is taken back here
    ana.press("2", "Enter")
    ana.page.locator("#counts").get_by_text("2 decisions not saved yet").wait_for()
    assert label(store, talks.TRAVEL) is None
    server.start()
    ana.saved().reviewing(talks.GROUP[0])
    assert label(store, talks.TRAVEL) == label(store, talks.CONFLICT) == "pay_bill"
    ana.page.locator("#counts .flag").wait_for(state="detached")


def test_a_reload_while_the_server_is_away_loses_nothing(
    ana: Reviewer, server: Server, store: Store, noise: list[str]
) -> None:
    noise.append("net::ERR")
    ana.page.wait_for_timeout(300)
    server.kill()
    ana.press("2", "Enter").reviewing(talks.TRAVEL)
    page, context = ana.page, ana.page.context
    page.close()  # a new tab, as the link in the terminal opens one
    server.start()
    again = Reviewer(context.new_page(), server.url)
    again.page.goto(server.url)
    again.reviewing().saved()
    assert label(store, talks.PLAIN) == "pay_bill"


def test_who_is_signed_out_signs_in_again_and_goes_on(
    ana: Reviewer, store: Store, noise: list[str]
) -> None:
    noise.append("403 (Forbidden)")  # a check as one types, whose answer comes after the sign-out
    ana.press("3")
    ana.page.context.clear_cookies()
    ana.press("Enter")
    ana.page.locator("#sign-in").wait_for()
    ana.page.locator("#token").fill(TOKEN)
    ana.press("Enter").page.locator("#sign-in").wait_for(state="detached")
    ana.reviewing(talks.TRAVEL).saved()
    assert label(store, talks.PLAIN) == "check_balance"


def test_two_reviewers_do_not_do_the_same_work(open_page: Open, store: Store) -> None:
    ana, ben = open_page().sign_in("ana").reviewing(), open_page().sign_in("ben").reviewing()
    for _ in range(5):
        for who in (ana, ben):
            warned = who.text == talks.CONFLICT
            if warned:
                who.sees("pay_bill in data")
            who.decide("1", "Enter", *(["Enter"] if warned else []))
    for who in (ana, ben):
        who.saved()
    done = {who: [t for t in QUEUE if talks.annotation(store, t, who)] for who in ("ana", "ben")}
    assert not set(done["ana"]) & set(done["ben"])
    assert min(map(len, done.values())) >= 5


def test_what_the_server_refuses_is_told(ana: Reviewer, store: Store, noise: list[str]) -> None:
    noise.append("404")
    forget(store, talks.PLAIN)
    ana.press("Enter").reviewing(talks.TRAVEL)
    alert = ana.page.locator("#alerts .alert")
    alert.wait_for()
    assert "was not saved" in (alert.text_content() or "")


def forget(store: Store, text: str) -> None:
    """Remove a message, as a person's wish to be forgotten does."""
    import sqlalchemy as sa

    from bot.feedback import tables as t

    gone = talks.number(store, text)
    with store.write() as db:
        db.execute(sa.delete(t.leases).where(t.leases.c.turn_id == gone))
        db.execute(sa.delete(t.suggestions).where(t.suggestions.c.turn_id == gone))
        db.execute(sa.delete(t.turns).where(t.turns.c.id == gone))


def test_an_empty_queue_says_what_comes_next(ana: Reviewer) -> None:
    for _ in range(len(QUEUE) - len(talks.GROUP)):
        ana.decide("d")
    ana.press("d")
    ana.sees("Nothing left to review")
    ana.sees("bot export")
    ana.press("Enter", "d").saved()  # nothing is on the desk any more
    ana.press("u").reviewing(QUEUE[-1])
