"""Standing orders, disputes, cards and limits, through their forms."""

from __future__ import annotations

import json

import pytest
from talking import Conversation

from actions.task import Problem


def confirm(talk: Conversation, form: str, action: str) -> str:
    talk.turn(form, intent="affirm", confirmed=True)
    assert talk.slots["requested_slot"] is None
    return talk.say(action)


def test_standing_order(talk: Conversation) -> None:
    form = "standing_order_form"
    assert talk.turn(form, recipient="landlord") == "utter_ask_amount"
    assert talk.turn(form, amount="two hundred and fifty pounds") == "utter_ask_frequency"
    assert talk.turn(form, frequency="each friday") == "utter_ask_start_date"
    asked = talk.turn(form, start_date="the 1st")
    assert asked == ("Shall I set up £250.00 every Friday from your current account to Hartwell "
                     "Lettings, starting on Friday 3 April 2026?")  # fmt: skip
    said = confirm(talk, form, "action_create_standing_order")
    assert "first on Friday 3 April 2026" in said and talk.slots["frequency"] is None
    talk.user("list_standing_orders")
    assert "£250.00 every Friday to Hartwell Lettings (standing order)" in talk.say(
        "action_list_standing_orders"
    )


@pytest.mark.parametrize(
    ("values", "reply"),
    [
        ({"frequency": "now and then"}, "cannot read “now and then”"),
        ({"start_date": "last monday"}, "has passed"),
        ({"recipient": "savings", "source_account": "savings"}, "cannot pay itself"),
        ({"amount": "0"}, "more than zero"),
    ],
)
def test_standing_order_problems(talk: Conversation, values: dict[str, str], reply: str) -> None:
    assert reply in talk.turn("standing_order_form", **values)
    assert None in talk.slots.values()


def test_cancel_standing_order(talk: Conversation) -> None:
    talk.user("cancel_standing_order")
    assert "Which one" in talk.say("action_cancel_standing_order")
    assert len(talk.buttons()) == 8
    talk.user("cancel_standing_order", merchant="netflx")
    assert "Cancelled: £12.99 monthly to Netflix" in talk.say("action_cancel_standing_order")
    talk.user("cancel_standing_order", payee="landlord")
    assert "Cancelled: £950.00" in talk.say("action_cancel_standing_order")
    talk.user("cancel_standing_order", merchant="Disney")
    assert "cannot find a regular payment to Disney" in talk.say("action_cancel_standing_order")


def test_dispute_by_button(talk: Conversation) -> None:
    form = "dispute_transaction_form"
    assert "Which payment is it about?" in talk.turn(form, intent="dispute_transaction")
    payloads = [button["payload"] for button in talk.buttons()]
    assert len(payloads) == 5 and all(payload.startswith("/inform{") for payload in payloads)
    reference = json.loads(payloads[0].removeprefix("/inform"))["reference"]
    talk.turn(form, transaction=reference)
    assert '/inform{"dispute_reason": "charged_twice"}' in [b["payload"] for b in talk.buttons()]
    asked = talk.turn(form, dispute_reason="charged_twice")
    assert asked.startswith("Shall I dispute £89.00 to Premier Inn") and "charged twice" in asked
    assert "opened dispute DP-7101" in confirm(talk, form, "action_dispute_transaction")
    assert "open already, DP-7101" in talk.turn(form, transaction=reference)


@pytest.mark.parametrize(
    ("typed", "entities", "merchant"),
    [
        ("tx-48000", {}, None),
        ("Currys", {}, None),  # declined: no money left
        ("Premier Inn", {}, "Premier Inn"),
        ("premeir inn", {}, "Premier Inn"),
        ("£89", {}, "Premier Inn"),
        ("£54.99", {}, "ASOS"),
        ("deliveroo", {"merchant": "deliveroo", "amount": "£23.65"}, "Deliveroo"),
        ("tesco", {"date": "yesterday"}, "Tesco"),
        ("tesco", {}, None),
        ("xyzzy", {}, None),
    ],
)
def test_dispute_finds_the_payment(
    talk: Conversation, typed: str, entities: dict[str, str], merchant: str | None
) -> None:
    talk.user("dispute_transaction", **entities)
    talk.slots = {"transaction": typed, "dispute_reason": "it was a mistake"}
    said = talk.say("action_ask_dispute_transaction_form_confirmed")
    if merchant:
        assert f"to {merchant} on" in said and "you said “it was a mistake”" in said
    else:
        assert talk.slots["transaction"] is None
        assert "reference" in talk.buttons()[0]["payload"]


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("they took it twice", "charged_twice"), ("it wasn't me", "not_mine"),
        ("I don't recognise it", "not_mine"), ("never arrived", "not_received"),
        ("i paid 20, not 30, so too much", "wrong_amount"), ("not_mine", "not_mine"),
        ('/inform{"dispute_reason": "charged_twice"}', "charged_twice"),
        ("the waiter was rude", "the waiter was rude"),
    ],
)  # fmt: skip
def test_dispute_reasons(talk: Conversation, typed: str, reason: str) -> None:
    form = "dispute_transaction_form"
    talk.turn(form, transaction="Premier Inn")
    talk.turn(form, dispute_reason=typed)
    assert talk.slots["dispute_reason"] == reason


def test_a_second_list_of_payments_is_not_shown_at_once(talk: Conversation) -> None:
    said = talk.turn("dispute_transaction_form", transaction="Tesco")
    assert said == "I can see several that fit. Which one is it?"


def test_freeze_and_unfreeze(talk: Conversation) -> None:
    form = "freeze_card_form"
    talk.turn(form, intent="freeze_card")
    assert [button["payload"] for button in talk.buttons()] == [
        f'/inform{{"card_digits": "{digits}"}}' for digits in ("4421", "7730", "0915")
    ]
    unknown = talk.turn(form, card="metal")
    assert "cannot find “metal”" in unknown and "virtual card ending 0915" in unknown
    assert "freeze your debit card ending 4421?" in talk.turn(form, card="debt")
    assert "credit card ending 7730" in talk.turn(form, intent="deny", card="7730", confirmed=False)
    assert "is frozen" in confirm(talk, form, "action_freeze_card")
    talk.user("card_declined")
    assert "7730 is frozen" in talk.say("action_explain_decline")
    talk.user("unfreeze_card", card_digits="4421")
    assert "is not frozen" in talk.say("action_unfreeze_card")
    talk.user("unfreeze_card")
    assert "credit card ending 7730 works again" in talk.say("action_unfreeze_card")
    assert "None of your cards is frozen" in talk.say("action_unfreeze_card")
    talk.user("unfreeze_card", card_type="gold")
    assert "cannot find “gold”" in talk.say("action_unfreeze_card")


def test_freezing_twice_says_so(talk: Conversation) -> None:
    for expected in ("is frozen", "was frozen already"):
        talk.turn("freeze_card_form", card="4421")
        assert expected in confirm(talk, "freeze_card_form", "action_freeze_card")


def test_replace_a_stolen_card(talk: Conversation) -> None:
    form = "replace_card_form"
    talk.turn(form, card="debit")
    assert '/inform{"replacement_reason": "stolen"}' in [b["payload"] for b in talk.buttons()]
    assert "freeze the old one" in talk.turn(form, replacement_reason="someone nicked it")
    assert "The old card is frozen." in confirm(talk, form, "action_replace_card")
    talk.user("card_delivery", card_type="debit")
    assert "debit card, ordered on Wednesday 18 March 2026" in talk.say("action_card_delivery")


def test_virtual_cards_are_not_posted(talk: Conversation) -> None:
    assert "no plastic" in talk.turn("replace_card_form", card="virtual")
    assert talk.slots["card"] is None


def test_change_limit(talk: Conversation) -> None:
    form = "change_limit_form"
    assert "Which limit" in talk.turn(form, intent="change_limit")
    assert "is £300.00" in talk.turn(form, limit_type="atm")
    assert "at most" in talk.turn(form, amount="£5k")
    assert "below zero" in talk.turn(form, amount="-1")
    asked = talk.turn(form, amount="500")
    assert asked == "Shall I change your cash withdrawal limit from £300.00 to £500.00?"
    assert "is now £500.00" in confirm(talk, form, "action_change_limit")
    assert "from £500.00 to £0.00" in talk.turn(form, limit_type="cash", amount="0")


def test_the_transfer_limit_counts(talk: Conversation) -> None:
    talk.turn("change_limit_form", limit_type="transfers", amount="100")
    confirm(talk, "change_limit_form", "action_change_limit")
    assert "leaves £100.00" in talk.turn("transfer_money_form", recipient="priya", amount="101")


def test_unknown_limit(talk: Conversation) -> None:
    assert "I do not know a “weather” limit" in talk.turn("change_limit_form", limit_type="weather")


def test_correcting_the_kind_of_limit_checks_the_sum_again(talk: Conversation) -> None:
    talk.turn("change_limit_form", limit_type="spending", amount="5000")
    said = talk.turn("change_limit_form", intent="correct", limit_type="contactless")
    assert "at most" in said and talk.slots["amount"] is None


FINAL = {
    "action_transfer_money": {"recipient": "priya", "amount": "5"},
    "action_create_standing_order": {"recipient": "priya", "amount": "5", "frequency": "weekly",
                                     "start_date": "tomorrow"},
    "action_dispute_transaction": {"transaction": "ASOS", "dispute_reason": "not_mine"},
    "action_freeze_card": {"card": "4421"},
    "action_replace_card": {"card": "4421", "replacement_reason": "lost"},
    "action_change_limit": {"limit_type": "cash", "amount": "10"},
}  # fmt: skip


@pytest.mark.parametrize("action", FINAL)
def test_final_actions(talk: Conversation, action: str) -> None:
    for confirmed, expected in ((False, "All right"), (None, "All right"), (True, "Done")):
        talk.user("affirm")
        talk.slots = {**FINAL[action], "confirmed": confirmed}
        assert expected in talk.say(action)
        assert not any(talk.slots.values())


@pytest.mark.parametrize("action", FINAL)
def test_final_actions_with_rubbish_do_nothing(talk: Conversation, action: str) -> None:
    for rubbish in ("???", "", None, [], ["", None], 7, "x" * 500):
        talk.user("affirm")
        talk.slots = dict.fromkeys(FINAL[action], rubbish) | {"confirmed": True}
        said = talk.say(action)
        assert "Nothing has been done." in said, said


def test_problem_defaults() -> None:
    assert Problem("amount", "no").buttons == ()
