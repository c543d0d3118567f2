"""Words that may become terms: kept, decided about, and forgotten with those who wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from messages import message

from bot.errors import BotError
from bot.feedback import tables as t
from bot.feedback.checked_terms import decide_term, term_suggestions
from bot.feedback.deciding import Conflict, Gone
from bot.feedback.forget import forget_older, forget_sender
from bot.feedback.logged import read_messages
from bot.feedback.store import Store
from bot.feedback.terms import (
    Proposal,
    accepted_terms,
    decided,
    digest_of,
    keep_proposals,
    known_terms,
    mark_written,
    waiting,
    waiting_told,
)

TEXTS = ("rct next week?", "need an rct", "how much is rct", "invis please")
KNOWN = (("root canal", "treatment"), ("check-up", None))


def fill(store: Store) -> None:
    """Write one message a person; the sender of message n is `n`."""
    with store.write() as db:
        for number, text in enumerate(TEXTS, 1):
            talk = {"id": number, "sender": store.pseudonym(str(number)), "n_turns": 1}
            db.execute(t.conversations.insert().values(**talk, state="{}", last_at=1.0))
            row = message(number, text, conversation_id=number, time=float(number))
            db.execute(t.turns.insert().values(**row))


def proposal(word: str, *turns: int, score: float = 1.0, **columns: Any) -> Proposal:
    values = {"alias_of": None, "alias_why": None, "entity": None, **columns}
    return Proposal(word, word.lower(), len(turns), len(turns), "It is new.", score, turns=turns,
                    **values)  # fmt: skip


def listed(store: Store) -> dict[str, dict[str, Any]]:
    return {item["word"]: item for item in term_suggestions(store)["items"]}


def rows(store: Store) -> list[Any]:
    with store.read() as db:
        return list(db.execute(sa.select(t.term_suggestions).order_by(t.term_suggestions.c.id)))


def test_messages_are_read_with_what_is_known_of_them(any_store: Store) -> None:
    fill(any_store)
    mark = {"start": 0, "end": 3, "entity": "treatment", "value": "RCT"}
    with any_store.write() as db:
        db.execute(t.turns.update().where(t.turns.c.id == 2).values(fallback="nlu"))
        db.execute(t.turns.insert().values(**message(9, "/greet", kind="payload")))
        kinds = (
            (1, "submitted", "b", [mark]),
            (3, "submitted", "a", []),
            (4, "discarded", None, []),
        )
        for turn, status, label, entities in kinds:
            row = {"id": turn, "turn_id": turn, "reviewer": "ana", "status": status}
            row |= {"label": label, "suggested": "a", "entities": json.dumps(entities)}
            db.execute(t.annotations.insert().values(**row, created_at=1.0, updated_at=1.0))
            own = t.turns.c.id == turn
            db.execute(t.turns.update().where(own).values(annotation_id=turn))
    with any_store.read() as db:
        for _ in range(2):  # each time from the beginning
            read = list(read_messages(db))
            assert [(one.id, one.conversation, one.text) for one in read] == [
                (n, n, text) for n, text in enumerate(TEXTS, 1)
            ]
            assert [one.misunderstood for one in read] == [True, True, False, False]
            assert [one.label for one in read] == ["b", None, "a", None]
            assert [one.entities for one in read] == [(mark,), (), (), ()]


def test_suggestions_are_listed_best_first_with_messages(any_store: Store) -> None:
    fill(any_store)
    guess = {"alias_of": "root canal", "alias_why": "its initials", "entity": "treatment"}
    proposals = [proposal("invis", 4, score=0.5), proposal("RCT", 1, 2, 3, score=2.0, **guess)]
    assert keep_proposals(any_store, proposals, KNOWN) == 2
    first, second = term_suggestions(any_store)["items"]
    assert (first["word"], first["count"], first["conversations"]) == ("RCT", 3, 3)
    assert {name: first[name] for name in guess} == guess
    assert [c["text"] for c in first["contexts"]] == list(TEXTS[:3])
    assert second["contexts"] == [{"turn": 4, "conversation": 4, "text": TEXTS[3]}]
    assert waiting_told(any_store) == "2 words wait on the review page, under Terms."
    page = term_suggestions(any_store, limit=1)
    assert [item["word"] for item in page["items"]] == ["RCT"]
    rest = term_suggestions(any_store, limit=1, after=page["next"])
    assert [item["word"] for item in rest["items"]] == ["invis"]
    assert term_suggestions(any_store, limit=1, after=rest["next"]) == {"items": [], "next": None}
    with pytest.raises(BotError, match="cursor"):
        term_suggestions(any_store, after="x")


def test_a_new_run_replaces_what_is_open_and_keeps_decisions(any_store: Store) -> None:
    fill(any_store)
    first = [proposal("rct", 1), proposal("invis", 4), proposal("zorb", 2)]
    keep_proposals(any_store, first, KNOWN)
    number = listed(any_store)["rct"]["id"]
    decide_term(any_store, "ana", listed(any_store)["zorb"]["id"], "rejected")
    assert decided(any_store) == {digest_of(any_store, "zorb")}
    again = [proposal("RCT", 1, 2, score=9.0), proposal("zorb", 2, 3), proposal("new", 3)]
    assert keep_proposals(any_store, again, KNOWN) == 2
    now = listed(any_store)
    assert set(now) == {"RCT", "new"}
    assert (now["RCT"]["id"], now["RCT"]["score"]) == (number, 9.0)
    assert len(now["RCT"]["contexts"]) == 2


def test_decisions_are_kept_and_taken_back(any_store: Store) -> None:
    fill(any_store)
    keep_proposals(any_store, [proposal("rct", 1), proposal("invis", 4)], KNOWN)
    rct, invis = (listed(any_store)[word]["id"] for word in ("rct", "invis"))
    said = {"name": "aligner", "entity": "treatment", "definition": "A brace."}
    decide_term(any_store, "ana", invis, "term", **said)
    assert waiting(any_store) == 1
    assert {"name": "aligner", "entity": "treatment"} in known_terms(any_store)
    decide_term(any_store, "ben", rct, "alias", name="aligner")  # of what was made just now
    term, alias = accepted_terms(any_store)
    assert (term.word, term.decision, term.name) == ("invis", "term", "aligner")
    assert (term.entity, term.definition) == ("treatment", "A brace.")
    assert (alias.word, alias.decision, alias.name, alias.entity) == (
        "rct",
        "alias",
        "aligner",
        None,
    )
    decide_term(any_store, "ana", invis, "open")
    assert waiting(any_store) == 1
    assert rows(any_store)[1].decided_name is rows(any_store)[1].reviewer is None
    mark_written(any_store, [rct])
    assert accepted_terms(any_store) == []
    with pytest.raises(Conflict, match="rct is in the vocabulary by now"):
        decide_term(any_store, "ana", rct, "open")


def test_what_is_wrong_is_told(any_store: Store) -> None:
    fill(any_store)
    keep_proposals(any_store, [proposal("rct", 1)], KNOWN)
    number = listed(any_store)["rct"]["id"]
    for decision, name, words in (
        ("maybe", None, "'decision' is 'maybe'"),
        ("term", "", "'name' is missing"),
        ("alias", None, "'name' is missing"),
        ("alias", "root canl", "There is no term 'root canl'. Did you mean 'root canal'"),
    ):
        with pytest.raises(BotError, match=words):
            decide_term(any_store, "ana", number, decision, name=name)
    with pytest.raises(Gone):
        decide_term(any_store, "ana", 99, "rejected")
    assert rows(any_store)[0].status == "open"


def test_words_go_with_the_last_person_who_wrote_them(store: Store) -> None:
    fill(store)
    words = [proposal("rct", 1, 2), proposal("invis", 2), proposal("zorb", 2), proposal("made", 2)]
    keep_proposals(store, words, KNOWN)
    ids = {word: item["id"] for word, item in listed(store).items()}
    decide_term(store, "ana", ids["zorb"], "rejected")
    decide_term(store, "ana", ids["made"], "term", name="made")
    forget_sender(store, None, "2", folders=[])
    assert {word: len(item["contexts"]) for word, item in listed(store).items()} == {"rct": 1}
    left = {row.status: (row.word, row.why) for row in rows(store)}
    assert left == {
        "open": ("rct", "It is new."),
        "rejected": ("", ""),
        "term": ("made", "It is new."),
    }
    content = b"".join(path.read_bytes() for path in sorted(_folder(store).glob("*.sqlite*")))
    assert b"zorb" not in content and b"invis please" in content
    # Rejected once is rejected for good, also when others write it.
    assert keep_proposals(store, [proposal("zorb", 1), proposal("rct", 1)], KNOWN) == 1


def test_retention_takes_contexts_too(any_store: Store) -> None:
    fill(any_store)
    keep_proposals(any_store, [proposal("rct", 1, 2, 3), proposal("gone", 99)], KNOWN)
    assert listed(any_store)["gone"]["contexts"] == []
    forget_older(any_store, None, 1.0)
    assert listed(any_store).keys() == set()


def _folder(store: Store) -> Path:
    return Path(str(store.url.database)).parent
