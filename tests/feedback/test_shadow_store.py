"""What a shadow leaves in the store: one pair, each message once, gone with its person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from messages import MODEL, START, fill, message

from bot.errors import BotError
from bot.feedback import shadow
from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.forget import forget_older, forget_sender
from bot.feedback.requeue import last_models, rerank
from bot.feedback.shadow import Compared, Pair, Window
from bot.feedback.signals import Message, reasons
from bot.feedback.store import Store

PAIR = Pair("tall-elm", "old-oak", "4d1f", "0a0a")
OTHER = Pair("shy-fir", "old-oak", "5e5e", "0a0a")
SAME = Compared("greet", "greet", False, False, False)
WORDS = "The candidate tall-elm says goodbye, the live model says greet."
DIFFERS = Compared("greet", "goodbye", False, False, False, 1.0, WORDS)
TEXTS = ["freeze my card", "what do you cost", "hello there you", "pay my rent"]


@pytest.fixture
def filled(any_store: Store) -> Store:
    """Four messages of one conversation; the last one is the newest."""
    fill(any_store, [message(n, text) for n, text in enumerate(TEXTS, 1)], ranking=[("greet", 1.0)])
    return any_store


def rows(store: Store) -> int:
    with store.read() as db:
        return int(db.execute(sa.select(sa.func.count()).select_from(t.shadow)).scalar_one())


def told(store: Store) -> dict[int, list[dict[str, object]]]:
    with store.read() as db:
        found = db.execute(sa.select(t.turns.c.id, t.turns.c.reasons))
        return {row.id: json.loads(row.reasons) for row in found}


def test_messages_are_compared_once_the_newest_first(filled: Store) -> None:
    shadow.begin(filled, PAIR)
    assert shadow.unread(filled, Window()) == [4, 3, 2, 1]
    assert shadow.unread(filled, Window(limit=3)) == [4, 3, 2]
    assert shadow.unread(filled, Window(since=START + 3)) == [4, 3]
    shadow.keep(filled, PAIR, {4: DIFFERS, 2: SAME})
    shadow.keep(filled, PAIR, {4: SAME, 99: SAME})  # what was written stays; 99 is gone
    assert shadow.unread(filled, Window()) == [3, 1]
    assert shadow.unread(filled, Window(limit=2)) == [3]
    found = list(shadow.compared(filled, Window()))
    assert [(one.text, one.compared) for one in found] == [(TEXTS[3], DIFFERS), (TEXTS[1], SAME)]
    assert [one.text for one in shadow.compared(filled, Window(since=START + 3))] == [TEXTS[3]]
    assert shadow.texts(filled, [1, 77]) == {1: TEXTS[0]}


def test_another_pair_takes_the_place(filled: Store) -> None:
    assert shadow.current(filled) is None
    shadow.begin(filled, PAIR)
    shadow.keep(filled, PAIR, {1: DIFFERS})
    shadow.begin(filled, PAIR)
    assert (shadow.current(filled), rows(filled)) == (PAIR, 1)
    shadow.begin(filled, OTHER)
    assert (shadow.current(filled), rows(filled)) == (OTHER, 0)
    with pytest.raises(BotError, match="Another shadow began meanwhile, so that of tall-elm"):
        shadow.keep(filled, PAIR, {1: DIFFERS})
    assert rows(filled) == 0
    shadow.keep(filled, OTHER, {1: DIFFERS})
    shadow.end(filled)
    assert (shadow.current(filled), rows(filled)) == (None, 0)


def test_what_differs_is_a_reason_beside_the_others(filled: Store) -> None:
    with filled.write() as db:
        db.execute(t.turns.update().where(t.turns.c.id == 2).values(thumb="down"))
    rerank(filled)
    before = told(filled)
    shadow.begin(filled, PAIR)
    shadow.keep(filled, PAIR, {1: SAME, 2: DIFFERS, 3: SAME, 4: DIFFERS})
    rerank(filled)
    after = told(filled)
    assert {n: why for n, why in after.items() if n in (1, 3)} == {1: before[1], 3: before[3]}
    reason = {"signal": "disagreement", "score": 1.0, "words": WORDS}
    assert after[4] == [reason]
    assert after[2] == [*before[2], reason]  # a thumb weighs more
    assert [queued.id for queued in filled.queue()][:2] == [2, 4]
    assert rerank(filled).changed == 0
    shadow.end(filled)
    rerank(filled)
    assert told(filled) == before


def test_a_group_tells_that_models_disagree_about_one_of_it(any_store: Store) -> None:
    texts = ["freeze my card", "Freeze my card!"]
    fill(any_store, [message(n, text) for n, text in enumerate(texts, 1)])
    said = {"model": "5e5e", "label": "goodbye", "ranking": "[]", "entities": "[]"}
    with any_store.write() as db:
        db.execute(t.suggestions.insert().values(turn_id=2, **said))
    shadow.begin(any_store, PAIR)
    shadow.keep(any_store, PAIR, {2: DIFFERS})
    rerank(any_store, model=MODEL, other="5e5e")
    words = [reason["words"] for reason in told(any_store)[1]]
    assert "The models disagree about a message like this one." in words
    assert [r["signal"] for r in told(any_store)[2]].count("disagreement") == 2


def test_only_what_waits_is_counted(filled: Store) -> None:
    shadow.begin(filled, PAIR)
    shadow.keep(filled, PAIR, {1: DIFFERS, 2: DIFFERS, 3: SAME})
    assert shadow.in_queue(filled) == 2
    Decisions(filled).submit("ana", 2, "greet")
    Decisions(filled).discard("ana", 1)
    assert shadow.in_queue(filled) == 0
    labels = {one.text: one.label for one in shadow.compared(filled, Window())}
    assert labels == {TEXTS[0]: None, TEXTS[1]: "greet", TEXTS[2]: None}


def test_it_is_gone_with_its_person(any_store: Store) -> None:
    sender = any_store.pseudonym("web-1")
    with any_store.write() as db:
        db.execute(t.conversations.insert().values(id=1, sender=sender, n_turns=2, state="{}"))
        db.execute(t.turns.insert().values(**message(1, "hello", time=1.0)))
        db.execute(t.turns.insert().values(**message(2, "bye", time=4e9)))
    shadow.begin(any_store, PAIR)
    shadow.keep(any_store, PAIR, {1: DIFFERS, 2: DIFFERS})
    assert forget_older(any_store, None, 86_400.0).removed["shadow readings"] == 1
    assert rows(any_store) == 1
    assert forget_sender(any_store, None, "web-1", folders=[Path("nowhere")]).removed["turns"] == 1
    assert rows(any_store) == 0


def test_the_models_of_the_last_ranking_are_remembered(any_store: Store) -> None:
    assert last_models(any_store) == (None, None)
    rerank(any_store, model="4d1f", other="0a0a")
    assert last_models(any_store) == ("4d1f", "0a0a")
    rerank(any_store)
    assert last_models(any_store) == (None, None)


def test_two_kinds_of_disagreement_are_two_reasons() -> None:
    both = Message("hi", "a", [("a", 1.0)], other_label="b", shadow=(0.5, "They differ."))
    assert [(reason.score, reason.words) for reason in reasons(both)] == [
        (1.0, "Two models disagree: a and b."),
        (0.5, "They differ."),
    ]
    assert reasons(Message("hi", "a", [("a", 1.0)])) == []
