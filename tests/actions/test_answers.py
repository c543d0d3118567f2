"""Answers in one turn, greeting, fallback and hand-over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rasa_sdk.executor import ActionExecutor
from talking import Conversation

from actions.bank import store

ONE_TURN = (
    "action_greet", "action_check_balance", "action_recent_transactions",
    "action_spending_insights", "action_transfer_status", "action_cancel_transfer",
    "action_incoming_payments", "action_list_standing_orders", "action_cancel_standing_order",
    "action_account_details", "action_exchange_rate", "action_unfreeze_card",
    "action_card_delivery", "action_explain_decline", "action_hand_over", "action_clear_task",
    "action_default_ask_affirmation", "action_default_fallback",
)  # fmt: skip


def answer(talk: Conversation, action: str, **entities: object) -> str:
    talk.user("whatever", **entities)
    return talk.say(action)


def test_greeting(executor: ActionExecutor) -> None:
    first = Conversation(executor, "new-visitor")
    assert answer(first, "action_greet").startswith("Good morning, I am Larkfield's")
    assert answer(Conversation(executor, "new-visitor"), "action_greet").startswith(
        "Good morning, Maya."
    )


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ({}, "- savings account: £6,250.00"),
        ({"account": "savngs"}, "You have £6,250.00 in your savings account."),
        ({"account": "current account"}, "£2,891.16 is available"),
        ({"account": "holiday pot"}, "£640.00 in your holiday pot"),
        ({"currency": "euro"}, "€412.30"),
        ({"account": "credit card"}, "You owe £184.20"),
        ({"account": "isa"}, "I cannot find “isa”"),
        ({"account": "my account"}, "- joint account"),
    ],
)
def test_balance(talk: Conversation, entities: dict[str, str], expected: str) -> None:
    assert expected in answer(talk, "action_check_balance", **entities)


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ({}, "Premier Inn, -£89.00, pending (TX-48"),
        ({"merchant": "tesco"}, "with tesco:\n- 17 March: Tesco, -£32.18"),
        ({"merchant": "brightwater"}, "£2,640.00"),
        ({"date": "yesterday"}, "Tesco"),
        ({"amount": "£1,180"}, "Currys, -£1,180.00, declined"),
        ({"account": "euro account"}, "cannot see any transactions"),
        ({"merchant": "zzz"}, "cannot see any transactions with zzz"),
    ],
)
def test_transactions(talk: Conversation, entities: dict[str, str], expected: str) -> None:
    assert expected in answer(talk, "action_recent_transactions", **entities)


def test_spending(talk: Conversation) -> None:
    assert "from 1 March to 18 March" in answer(talk, "action_spending_insights")
    assert "from 1 February to 28 February" in answer(
        talk, "action_spending_insights", date="last month"
    )
    said = answer(talk, "action_spending_insights", merchant="premier inn", date="this week")
    assert "You spent £89.00 at Premier Inn" in said
    assert "£0.00 at zzz" in answer(talk, "action_spending_insights", merchant="zzz")


def test_incoming(talk: Conversation) -> None:
    assert "£2,640.00 from Brightwater Studio is expected on Wednesday 25 March 2026" in answer(
        talk, "action_incoming_payments"
    )
    assert "cannot see any money from zzz" in answer(
        talk, "action_incoming_payments", merchant="zzz"
    )


def test_details(talk: Conversation) -> None:
    assert "account number 41729306" in answer(talk, "action_account_details")
    assert "41731120" in answer(talk, "action_account_details", account="euro")


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ({}, "1 GBP is 1.1655 EUR"),
        ({"currency": "dollars"}, "1 GBP is 1.2704 USD"),
        ({"currency": ["dollars", "euros"]}, "1 USD is"),
        ({"amount": "£100", "currency": "usd"}, "£100.00 is $127.04"),
        ({"amount": "100 euros"}, "€100.00 is £85.80"),
        ({"currency": "beads"}, "do not have a rate"),
    ],
)
def test_rates(talk: Conversation, entities: dict[str, object], expected: str) -> None:
    assert expected in answer(talk, "action_exchange_rate", **entities)


def test_decline_and_delivery(talk: Conversation) -> None:
    said = answer(talk, "action_explain_decline")
    assert "£1,180.00 at Currys was declined" in said and "spending limit" in said
    assert "credit card" in answer(talk, "action_card_delivery")


def test_hand_over_queues_once(executor: ActionExecutor) -> None:
    first, second = Conversation(executor, "a"), Conversation(executor, "b")
    said = answer(first, "action_hand_over")
    assert "about 4 minutes" in said and "HO-5201" in said
    assert "HO-5202" in answer(second, "action_hand_over")
    assert answer(first, "action_hand_over") == said


def test_fallback_hands_over(talk: Conversation) -> None:
    assert "HO-5201" in answer(talk, "action_default_fallback")
    assert [event["event"] for event in talk.returned] == ["rewind"]


def test_clear_task_empties_every_form_slot(talk: Conversation) -> None:
    talk.user("stop")
    talk.run("action_clear_task")
    assert {event["name"] for event in talk.returned} == {
        "recipient", "amount", "source_account", "payment_date", "frequency", "start_date",
        "transaction", "dispute_reason", "card", "replacement_reason", "limit_type", "confirmed",
    }  # fmt: skip
    assert all(event["value"] is None for event in talk.returned)


def test_affirmation_offers_the_likeliest(talk: Conversation) -> None:
    names = ["nlu_fallback", "inform", "faq", "affirm", "freeze_card", "check_balance"]
    selector = {"all_retrieval_intents": ["faq", "chitchat"],
                "default": {"response": {"intent_response_key": "chitchat/joke"},
                            "ranking": [{"intent_response_key": "faq/atm_fees"}]}}  # fmt: skip
    talk.user("nlu_fallback", intent_ranking=[{"name": name} for name in names],
              response_selector=selector)  # fmt: skip
    talk.run("action_default_ask_affirmation")
    assert talk.buttons() == [
        {
            "title": "Do you charge for cash machines?",
            "payload": "Do you charge for cash machines?",
        },
        {"title": "Freeze a card", "payload": "/freeze_card"},
        {"title": "Something else", "payload": "/out_of_scope"},
    ]


@pytest.mark.parametrize(
    "selector", [{}, {"faq": {}}, {"faq": {"response": {"intent_response_key": None}}}]
)
def test_affirmation_without_a_selector(talk: Conversation, selector: dict[str, object]) -> None:
    talk.user("nlu_fallback", intent_ranking=[{"name": "faq"}], response_selector=selector)
    talk.run("action_default_ask_affirmation")
    assert [button["payload"] for button in talk.buttons()] == ["/out_of_scope"]


@pytest.mark.parametrize("action", ONE_TURN)
@pytest.mark.parametrize("value", [None, "???", "x" * 3000, ["a", "b"], 5, "'; DROP TABLE ledger"])
def test_nothing_people_type_raises(talk: Conversation, action: str, value: object) -> None:
    names = ("account", "amount", "currency", "merchant", "payee", "date", "card_type",
             "card_digits", "reference")  # fmt: skip
    talk.user("whatever", **dict.fromkeys(names, value))
    talk.run(action)


@pytest.mark.parametrize("action", ONE_TURN)
def test_an_empty_bank_has_answers(executor: ActionExecutor, bank: Path, action: str) -> None:
    store.reset(bank, demo_data=False)
    talk = Conversation(executor)
    talk.user("whatever")
    talk.run(action)


def test_an_empty_bank_has_forms(executor: ActionExecutor, bank: Path) -> None:
    store.reset(bank, demo_data=False)
    talk = Conversation(executor)
    assert "£0.00 available" in talk.turn("transfer_money_form", recipient="ann", amount="5")
    assert "do not have a card" in talk.turn("freeze_card_form", card="debit")
    assert "no card payments" in talk.turn("dispute_transaction_form")
    assert "do not know" in talk.turn("change_limit_form", limit_type="cash")


def test_every_domain_action_is_there(executor: ActionExecutor) -> None:
    named = json.loads((Path(__file__).parent / "action_names.json").read_text())
    assert set(named) == set(executor.actions)
