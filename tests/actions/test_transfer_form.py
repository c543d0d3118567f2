"""Sending money through the form, as Rasa would drive it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from talking import Conversation

from actions.bank import store, transfers

FORM = "transfer_money_form"


def sent(bank: Path) -> list[tuple[str, str, str]]:
    with store.session(bank) as db:
        return [(payment.recipient, str(payment.amount), payment.state)
                for payment in transfers.payments(db, 1) if payment.id > 2]  # fmt: skip


def test_straight_through(talk: Conversation, bank: Path) -> None:
    asked = talk.turn(FORM, intent="transfer_money", recipient="priya", amount="fifty quid")
    assert asked == "Shall I send £50.00 from your current account to Priya Nair today?"
    assert [button["payload"] for button in talk.buttons()] == ["/affirm", "/deny"]
    assert talk.slots["recipient"] == "Priya Nair" and talk.slots["amount"] == "£50.00"
    talk.turn(FORM, intent="affirm", confirmed=True)
    assert talk.slots["requested_slot"] is None
    said = talk.say("action_transfer_money")
    assert "£50.00 to Priya Nair" in said and "£2,841.16" in said and "LK9020" in said
    assert sent(bank) == [("Priya Nair", "£50.00", "completed")]
    assert not any(talk.slots[name] for name in ("recipient", "amount", "confirmed"))


def test_no_does_nothing(talk: Conversation, bank: Path) -> None:
    talk.turn(FORM, recipient="Tom Baker", amount="20")
    talk.turn(FORM, intent="deny", confirmed=False)
    assert "not sent" in talk.say("action_transfer_money")
    assert sent(bank) == [] and talk.slots["amount"] is None


@pytest.mark.parametrize(
    ("intent", "change", "expected"),
    [
        ("deny", {"amount": "250", "confirmed": False}, "£250.00 from your current account to P"),
        ("affirm", {"amount": "250", "confirmed": True}, "£250.00 from"),
        ("correct", {"amount": "£75"}, "£75.00 from"),
        ("deny", {"recipient": "british gas", "confirmed": False}, "to British Gas today"),
        ("correct", {"payment_date": "next friday"}, "on Friday 27 March 2026"),
        ("deny", {"source_account": "savings", "confirmed": False}, "from your savings account"),
    ],
)
def test_correction_asks_again(
    talk: Conversation, bank: Path, intent: str, change: dict[str, object], expected: str
) -> None:
    talk.turn(FORM, recipient="Priya Nair", amount="50")
    assert expected in talk.turn(FORM, intent=intent, **change)
    assert talk.slots.get("confirmed") is None and talk.slots["requested_slot"] == "confirmed"
    talk.turn(FORM, intent="affirm", confirmed=True)
    assert "Done" in talk.say("action_transfer_money") and len(sent(bank)) == 1


def test_yes_with_the_same_values_counts(talk: Conversation) -> None:
    talk.turn(FORM, recipient="Priya Nair", amount="50")
    talk.turn(FORM, intent="affirm", amount="£50", recipient="priya", confirmed=True)
    assert talk.slots["confirmed"] is True


def test_no_with_the_same_values_counts(talk: Conversation) -> None:
    talk.turn(FORM, recipient="Priya Nair", amount="50")
    talk.turn(FORM, intent="deny", recipient="priya", confirmed=False)
    assert talk.slots["confirmed"] is False


def test_a_yes_before_the_question_does_not_count(talk: Conversation) -> None:
    asked = talk.turn(FORM, intent="affirm", recipient="Priya", amount="5", confirmed=True)
    assert asked.startswith("Shall I send") and talk.slots["confirmed"] is None


def test_a_message_without_values_lets_the_form_step_aside(talk: Conversation) -> None:
    talk.turn(FORM, recipient="Priya Nair")
    talk.user("faq")
    talk.events.append({"event": "slot", "name": "requested_slot", "value": "amount"})
    talk.events.append({"event": "action", "name": FORM})
    talk.run(f"validate_{FORM}")
    assert talk.returned == []


@pytest.mark.parametrize(
    ("values", "reply", "emptied"),
    [
        ({"amount": "0"}, "more than zero", "amount"),
        ({"amount": "-5"}, "more than zero", "amount"),
        ({"amount": "loads"}, "cannot read “loads”", "amount"),
        ({"amount": "3000"}, "£2,891.16 available", "amount"),
        ({"amount": "50 dollars"}, "pounds and euros", "amount"),
        ({"amount": "£10,001", "source_account": "savings"}, "limit leaves £10,000.00", "amount"),
        ({"recipient": "tom"}, "Tom Baker or Tom Ellis", "recipient"),
        ({"recipient": "him"}, "a name", "recipient"),
        ({"recipient": "current account", "amount": "5"}, "cannot pay itself", "recipient"),
        ({"recipient": "savings", "source_account": "saver", "amount": "5"}, "itself", "recipient"),
        ({"recipient": "euro account", "amount": "5"}, "holds euros", "recipient"),
        ({"payment_date": "yesterday"}, "has passed", "payment_date"),
        ({"payment_date": "banana"}, "cannot read “banana”", "payment_date"),
        ({"payment_date": "12 march 2031"}, "too far", "payment_date"),
        ({"source_account": "isa"}, "current account, savings account", "source_account"),
        ({"amount": "£5", "source_account": "euro account"}, "holds euros", "amount"),
    ],
)
def test_what_is_wrong_is_said(
    talk: Conversation, values: dict[str, str], reply: str, emptied: str
) -> None:
    assert reply in talk.turn(FORM, **values)
    assert talk.slots[emptied] is None


def test_new_payee_is_said(talk: Conversation, bank: Path) -> None:
    asked = talk.turn(FORM, recipient="sarah jones", amount="12.50")
    assert "Sarah Jones is a new payee" in asked
    talk.turn(FORM, intent="affirm", confirmed=True)
    talk.run("action_transfer_money")
    assert "new payee" not in talk.turn(FORM, recipient="sarah jones", amount="1")


def test_euros_go_from_the_euro_account(talk: Conversation) -> None:
    assert "from your euro account to Priya" in talk.turn(
        FORM, recipient="priya", amount="30 euros"
    )


def test_two_values_in_one_slot(talk: Conversation) -> None:
    talk.turn(FORM, recipient=["Priya", "savings"], amount=["nonsense", "£5"])
    assert talk.slots["recipient"] == "Priya Nair" and talk.slots["amount"] == "£5.00"


def test_scheduled(talk: Conversation, bank: Path) -> None:
    talk.turn(FORM, recipient="mum", amount="£9000", payment_date="the 1st")
    talk.turn(FORM, intent="affirm", confirmed=True)
    assert "will go to Grace Okafor on Wednesday 1 April 2026" in talk.say("action_transfer_money")
    assert sent(bank) == [("Grace Okafor", "£9,000.00", "pending")]


def test_the_same_message_pays_once(talk: Conversation, bank: Path) -> None:
    talk.turn(FORM, recipient="priya", amount="50")
    talk.turn(FORM, intent="affirm", confirmed=True)
    slots = dict(talk.slots)
    first = talk.say("action_transfer_money")
    talk.slots = slots  # the answer was lost, Rasa calls again
    assert talk.say("action_transfer_money") == first and len(sent(bank)) == 1


@pytest.mark.parametrize(
    "slots",
    [
        {"recipient": "priya", "amount": "999999"},
        {"recipient": "priya", "amount": "loads"},
        {"recipient": "priya", "amount": None},
        {"recipient": "tom", "amount": "5"},
        {"recipient": "priya", "amount": "5", "payment_date": "yesterday"},
        {"recipient": "priya", "amount": "5", "source_account": "isa"},
        {"recipient": "savings", "amount": "5", "source_account": "savings"},
    ],
)
def test_unchecked_values_never_pay(
    talk: Conversation, bank: Path, slots: dict[str, object]
) -> None:
    talk.user("affirm")
    talk.slots = {**slots, "confirmed": True}
    assert "Nothing has been done." in talk.say("action_transfer_money")
    assert sent(bank) == [] and talk.slots["amount"] is None


@pytest.mark.parametrize("confirmed", [None, False, "maybe"])
def test_only_a_yes_pays(talk: Conversation, bank: Path, confirmed: object) -> None:
    talk.user("affirm")
    talk.slots = {"recipient": "priya", "amount": "5", "confirmed": confirmed}
    talk.run("action_transfer_money")
    assert sent(bank) == []


def test_values_that_were_never_checked_are_checked_in_the_summary(talk: Conversation) -> None:
    talk.user()
    talk.slots = {"recipient": "priya", "amount": "5 quid", "payment_date": "yesterday"}
    said = talk.say("action_ask_transfer_money_form_confirmed")
    assert "has passed" in said and "£5.00" in said and talk.slots["payment_date"] is None
    talk.slots["amount"] = "loads"
    talk.run("action_ask_transfer_money_form_confirmed")
    assert talk.slots["requested_slot"] == "amount" and talk.slots["amount"] is None


def test_status_and_cancel(talk: Conversation, bank: Path) -> None:
    talk.user("transfer_status", payee="Priya")
    assert "has gone out" in talk.say("action_transfer_status")
    talk.user("cancel_transfer", payee="priya")
    assert "cannot call it back" in talk.say("action_cancel_transfer")
    talk.user("cancel_transfer")
    assert "£60.00 to Tom Ellis" in talk.say("action_cancel_transfer")
    assert "nothing to cancel" in talk.say("action_cancel_transfer")
    talk.user("transfer_status", reference="lk90202")
    assert "cancelled by you" in talk.say("action_transfer_status")


def test_cancel_asks_which(talk: Conversation, bank: Path) -> None:
    talk.turn(FORM, recipient="mum", amount="5", payment_date="friday")
    talk.turn(FORM, intent="affirm", confirmed=True)
    talk.run("action_transfer_money")
    talk.user("cancel_transfer")
    assert "Which payment" in talk.say("action_cancel_transfer")
    assert '/cancel_transfer{"reference": "LK90203"}' in [b["payload"] for b in talk.buttons()]
    talk.user("cancel_transfer", reference="LK90203")
    assert "Cancelled: £5.00 to Grace Okafor" in talk.say("action_cancel_transfer")


def test_hostile_names_are_only_names(talk: Conversation, bank: Path) -> None:
    name = 'Robert"); DROP TABLE payment;--'
    talk.turn(FORM, recipient=name, amount="1")
    talk.turn(FORM, intent="affirm", confirmed=True)
    talk.run("action_transfer_money")
    assert sent(bank)[0][0] == name
    with sqlite3.connect(bank) as db:
        assert db.execute("SELECT COUNT(*) FROM payee WHERE name = ?", (name,)).fetchone()[0] == 1
