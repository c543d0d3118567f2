"""The queue in the store: groups, reasons and order, written once and left alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import messages
import numpy as np
import pytest
import sqlalchemy as sa
from messages import fill

from bot.feedback import tables as t
from bot.feedback.annotations import Decisions
from bot.feedback.requeue import rerank
from bot.feedback.scores import Unmasked, suggest
from bot.feedback.store import Store
from bot.types import Parse, RankedLabel, Span

SURE = (("greet", 0.98), ("goodbye", 0.01))


def message(number: int, text: str, **columns: Any) -> dict[str, Any]:
    return messages.message(number, text, **{"session_at": None, **columns})


def rows(store: Store) -> dict[int, Any]:
    with store.read() as db:
        return {row.id: row for row in db.execute(sa.select(t.turns).order_by(t.turns.c.id))}


def signals(row: Any) -> list[str]:
    return [reason["signal"] for reason in json.loads(row.reasons)]


def queue(store: Store) -> list[int]:
    return [queued.id for queued in store.queue(limit=100)]


def test_near_duplicates_wait_behind_the_first(any_store: Store) -> None:
    texts = ["what is my balance", "freeze my card", "What's my balance", "what is my balence!"]
    fill(any_store, [message(n, text) for n, text in enumerate(texts, 1)])
    done = rerank(any_store)
    assert (done.messages, done.groups) == (4, 3)
    found = rows(any_store)
    assert [(row.head, row.group_id) for row in found.values()] == [
        (1, 1),
        (1, None),
        (1, None),
        (0, 1),
    ]
    assert "frequent" in signals(found[1])
    assert json.loads(found[1].reasons)[-1]["words"].startswith("2 messages say nearly the same")
    assert "frequent" not in signals(found[2])
    assert 4 not in queue(any_store)


def test_ranking_again_changes_nothing_and_new_messages_join(any_store: Store) -> None:
    fill(any_store, [message(n, f"question {n % 7} about things") for n in range(1, 40)])
    assert rerank(any_store).changed == 39
    before = rows(any_store)
    assert rerank(any_store).changed == 0
    with any_store.write() as db:
        db.execute(t.turns.insert().values(message(40, "Question 3 about things!")))
    assert rerank(any_store).changed >= 1
    after = rows(any_store)
    assert after[40].head == 0
    assert after[40].group_id == before[3].group_id
    assert rerank(any_store).changed == 0


def test_what_people_did_comes_first_and_says_so(any_store: Store) -> None:
    thumbs = json.dumps({"0": {"thumb": "down", "comment": "not my card", "time": 1}})
    plain = [
        message(n, f"tell me about topic {chr(96 + n)}", conversation_id=1 + n)
        for n in range(1, 20)
    ]
    special = [
        message(20, "freeze it", thumb="down", thumbs=thumbs),
        message(21, "pay the gas", fallback="nlu", picked="pay_bill"),
        message(22, "stop the order"),
        message(23, "No, I meant the standing order!"),
    ]
    fill(any_store, [*plain, *special], SURE, conversations=20)
    rerank(any_store)
    found = rows(any_store)
    assert set(queue(any_store)[:3]) == {20, 21, 22}
    assert json.loads(found[20].reasons)[0]["words"].endswith("“not my card”")
    assert signals(found[21])[:2] == ["picked", "fallback"]
    assert signals(found[22]) == ["correction"]
    assert signals(found[1]) == ["routine"]


def test_a_comment_is_of_the_same_session_only(any_store: Store) -> None:
    wrong = "that is wrong"
    fill(
        any_store,
        [
            message(1, "freeze it", session_at=1.0),
            message(2, wrong, session_at=2.0),
            message(3, "pay it", conversation_id=2),
            message(4, wrong, conversation_id=1, session_at=2.0),
            message(5, "/pay", conversation_id=2, kind="payload"),
            message(6, "you got that wrong", conversation_id=2),
        ],
        SURE,
        conversations=2,
    )
    rerank(any_store)
    found = rows(any_store)
    assert "correction" not in signals(found[1])
    assert "correction" in signals(found[3])  # a tapped button lies in between


def test_a_head_speaks_for_its_members(any_store: Store) -> None:
    fill(
        any_store,
        [message(1, "freeze my card"), message(2, "Freeze my card!", thumb="down")],
        SURE,
    )
    rerank(any_store)
    head, member = rows(any_store).values()
    assert (head.head, member.head) == (1, 0)
    first = json.loads(head.reasons)[0]
    assert first == {
        "signal": "thumb_down",
        "score": 1.0,
        "words": "A message like this one got a thumbs down.",
    }
    assert head.priority > 1.0


def test_decisions_stand_and_free_those_who_were_left_out(any_store: Store) -> None:
    texts = ["freeze my card", "Freeze my card", "freeze my card!!", "what is the weather"]
    fill(any_store, [message(n, text) for n, text in enumerate(texts, 1)])
    rerank(any_store)
    Decisions(any_store, overlap=0.0).submit("ana", 1, "freeze_card", group={2: ()})
    decided = [rows(any_store)[number] for number in (1, 2)]
    rerank(any_store)
    found = rows(any_store)
    assert [found[1], found[2]] == decided
    assert (found[3].status, found[3].head, found[3].group_id) == ("open", 1, None)
    assert signals(found[3])[0] == "answered"
    assert "as freeze_card" in json.loads(found[3].reasons)[0]["words"]
    assert queue(any_store) == [4, 3]  # what was answered before can wait


def test_members_come_up_again_where_nobody_freed_them(any_store: Store) -> None:
    fill(any_store, [message(n, "freeze my card") for n in range(1, 4)])
    rerank(any_store)
    with any_store.write() as db:
        db.execute(t.turns.update().where(t.turns.c.id == 1).values(status="discarded"))
    rerank(any_store)
    found = rows(any_store)
    assert [(row.head, row.group_id) for row in found.values()][1:] == [(1, 2), (0, 2)]


def test_a_message_that_waits_for_a_second_reviewer_is_left_alone(any_store: Store) -> None:
    fill(any_store, [message(1, "freeze my card"), message(2, "tell me a joke")])
    rerank(any_store)
    Decisions(any_store, overlap=0.999999).submit("ana", 1, "freeze_card")
    before = rows(any_store)[1]
    assert before.status == "open"
    with any_store.write() as db:
        db.execute(t.turns.insert().values(message(3, "freeze my card!")))
    rerank(any_store)
    found = rows(any_store)
    assert found[1] == before
    assert (found[3].head, found[3].group_id) == (1, None)


def test_incomplete_turns_and_buttons_are_not_ranked(any_store: Store) -> None:
    fill(
        any_store,
        [
            message(1, "freeze my card", complete=0),
            message(2, "/freeze", kind="payload"),
            message(3, "freeze my card"),
        ],
    )
    assert rerank(any_store).messages == 1
    found = rows(any_store)
    assert found[1].reasons == found[2].reasons == "[]"
    assert found[3].head == 1


def test_an_empty_store(any_store: Store) -> None:
    done = rerank(any_store)
    assert (done.messages, done.groups, done.changed) == (0, 0, 0)


def test_who_is_stopped_between_two_batches_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group is never behind a head that does not know it, and the next call goes on."""
    fill(store, [message(n, f"question {n % 300} of {n % 5}") for n in range(1, 2_600)])
    opened, write = [0], store.write

    def failing() -> Any:
        opened[0] += 1
        if opened[0] == 2:
            raise KeyboardInterrupt
        return write()

    monkeypatch.setattr(store, "write", failing)
    with pytest.raises(KeyboardInterrupt):
        rerank(store)
    monkeypatch.undo()
    half = rows(store)
    hidden = [row for row in half.values() if not row.head]
    assert all(half[row.group_id].head and half[row.group_id].group_id for row in hidden)
    assert 0 < sum(row.reasons != "[]" for row in half.values()) < len(half)
    rerank(store)
    whole = rows(store)
    assert rerank(store).changed == 0
    assert all(row.reasons != "[]" for row in whole.values())


class Scripted:
    """A model made by hand: the first word is the intent, each digit an entity."""

    def __init__(self, model: str, shift: str = "") -> None:
        self.model, self.shift, self.asked = model, shift, list[str]()

    def parse(self, text: str) -> Parse:
        self.asked.append(text)
        first, *rest = [*text.split(), "x"]
        spans = [Span(i, i + 1, "digit") for i, letter in enumerate(text) if letter.isdigit()]
        ranking = (RankedLabel(first + self.shift, 0.9), RankedLabel(rest[0], 0.05))
        answers = (RankedLabel("faq/a", 0.8), RankedLabel("faq/b", 0.2)) if first == "faq" else ()
        return Parse(ranking, answers, tuple(spans))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        made = [[len(text), text.count("e") + 1.0, text.count("a")] for text in texts]
        found = np.array(made, np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_model_is_asked_once_a_text(any_store: Store) -> None:
    fill(any_store, [message(n, f"pay bill {n % 3}") for n in range(1, 10)])
    one = Scripted("new")
    done = suggest(any_store, one).done
    assert (done.messages, done.texts, len(one.asked)) == (9, 3, 3)
    assert suggest(any_store, one).done.texts == 0  # all is written
    with any_store.read() as db:
        said = list(db.execute(sa.select(t.suggestions).where(t.suggestions.c.model == "new")))
    assert {row.label for row in said} == {"pay"}
    first = next(row for row in said if row.turn_id == 1)
    assert json.loads(first.entities) == [
        {"entity": "digit", "start": 9, "end": 10, "value": "1", "confidence_entity": 1.0}
    ]


def test_retrieval_intents_are_written_with_their_labels(any_store: Store) -> None:
    fill(any_store, [message(1, "faq hours")])
    suggest(any_store, Scripted("new"))
    with any_store.read() as db:
        wanted = sa.select(t.suggestions).where(t.suggestions.c.model == "new")
        (said,) = db.execute(wanted)
    assert said.label == "faq/a"
    ranking = json.loads(said.ranking)
    assert [name for name, _ in ranking] == ["faq/a", "faq/b", "hours"]
    assert ranking[0][1] == pytest.approx(0.72)


def test_two_models_that_disagree_are_a_reason(any_store: Store) -> None:
    fill(any_store, [message(1, "pay bill now"), message(2, "freeze card now")], (("pay", 0.95),))
    model, other = Scripted("new"), Scripted("old", shift="_all")
    suggest(any_store, model)
    suggest(any_store, other)
    rerank(any_store, model="new", embed=model.embed)
    found = rows(any_store)
    assert "disagreement" not in signals(found[1])  # the live model said the same
    assert "Two models disagree: freeze and pay." in found[2].reasons
    rerank(any_store, model="new", other="old", embed=model.embed)
    found = rows(any_store)
    assert "Two models disagree: pay and pay_all." in found[1].reasons


def test_what_the_training_data_has_nothing_of_is_new(any_store: Store) -> None:
    fill(any_store, [message(1, "alpha"), message(2, "beta")])
    vectors = {"alpha": [1.0, 0.0], "beta": [0.0, 1.0]}
    rerank(
        any_store,
        embed=lambda texts: np.array([vectors[text] for text in texts], np.float32),
        known=np.array([[1.0, 0.0]], np.float32),
    )
    found = rows(any_store)
    assert "new" not in signals(found[1])
    assert "new" in signals(found[2])


def test_models_read_values_in_place_of_masks() -> None:
    plain = Unmasked("pay [NAME_1] on [PHONE_2] now")
    assert "[" not in plain.text
    name_at = plain.text.index("pay ") + 4
    name_end = plain.text.index(" on ")
    assert plain.masked(Span(name_at, name_end, "payee")) == (4, 12)
    assert plain.masked(Span(name_at + 1, name_end - 1, "payee")) == (4, 12)  # never cut
    end = len(plain.text)
    assert plain.masked(Span(end - 3, end, "when")) == (26, 29)
    assert plain.masked(Span(0, 3, "verb")) == (0, 3)
    assert Unmasked("no masks").masked(Span(3, 8, "x")) == (3, 8)
