"""What is said to an angry customer before the answer."""

from __future__ import annotations

import pytest
from talking import Conversation

ACTION = "action_on_customer_mood_angry"
REVERTED = {"event": "undo", "timestamp": None}


def test_a_person_is_offered_once_and_the_answer_may_follow(talk: Conversation) -> None:
    said = talk.user("transfer_status", "where on earth is it").say(ACTION)
    assert "talk to one of my colleagues" in said
    assert talk.buttons() == [{"title": "Talk to a person", "payload": "/ask_human"}]
    assert talk.returned == [REVERTED], "rules go on as if nothing had been said"
    assert talk.user("check_balance", "useless").say(ACTION) == ""
    assert talk.returned == [REVERTED]


def test_a_new_session_is_a_new_conversation(talk: Conversation) -> None:
    talk.user("transfer_status").say(ACTION)
    talk.events.append({"event": "session_started"})
    assert talk.user("transfer_status").say(ACTION)


@pytest.mark.parametrize(
    ("intent", "form", "speaks"),
    [
        ("ask_human", None, False),
        ("ask_human", "transfer_money_form", False),
        ("complaint", None, False),  # the answer to it offers a person
        ("complaint", "transfer_money_form", True),
        ("faq", "transfer_money_form", True),
    ],
)
def test_it_is_silent_where_a_person_comes_anyway(
    talk: Conversation, intent: str, form: str | None, speaks: bool
) -> None:
    talk.user(intent)
    talk.form = form
    assert bool(talk.say(ACTION)) == speaks
    assert talk.returned == [REVERTED]
