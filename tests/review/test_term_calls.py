"""Words that may become terms, over HTTP and in the terminal."""

from __future__ import annotations

from pathlib import Path

from bot.feedback.store import Store
from bot.feedback.terms import Proposal, accepted_terms, keep_proposals
from review.serving import Client, ReviewServer
from review.test_terminal import Place

KNOWN = (("electricity bill", None), ("overdraft", "account"))


def propose(store: Store) -> None:
    proposals = [
        Proposal("quid", "quid", 4, 3, "It is new.", 2.0, "pound", "its value", "amount", (1, 3)),
        Proposal("bold", "bold", 3, 3, "It is new.", 1.0, None, None, None, (6,)),
    ]
    keep_proposals(store, proposals, KNOWN)


def test_terms_are_listed_and_decided(server: ReviewServer, ana: Client) -> None:
    store = server.store()
    propose(store)
    first, second = ana.get("terms")["items"]
    assert (first["word"], first["conversations"], first["alias_of"]) == ("quid", 3, "pound")
    assert first["contexts"][0] == {"turn": 1, "conversation": 2, "text": "send [NAME_1] 50 quid"}
    assert second["contexts"][0]["text"] == "what about <b>bold</b> moves"
    assert ana.get("vocabulary")["terms"][1] == {"name": "overdraft", "entity": "account"}

    path = f"terms/{second['id']}"
    bad = {"decision": "term", "name": "bold", "entity": "nothing"}
    for body in ({"decision": "maybe"}, {"decision": "term"}, {"decision": "alias"}, bad,
                 {"decision": "alias", "name": "nowhere"},
                 {"decision": "term", "name": 7}, {"decision": ["term"], "name": "x"},
                 {"decision": "term", "name": "x" * 201}):  # fmt: skip
        assert ana.refused("POST", path, body) == (400, "bad_request"), body
    assert ana.refused("POST", "terms/99", {"decision": "rejected"}) == (404, "gone")
    assert ana.refused("POST", "terms/x", {"decision": "rejected"}) == (400, "bad_request")

    said = {"name": "bold move", "entity": "account", "definition": "A joke."}
    assert ana.post(path, decision="term", **said) == {"id": second["id"], "decision": "term"}
    ana.post(f"terms/{first['id']}", decision="alias", name="bold move")
    assert ana.get("terms") == {"items": [], "next": None}
    made = accepted_terms(store)
    assert [(one.word, one.decision, one.name, one.entity) for one in made] == [
        ("bold", "term", "bold move", "account"),
        ("quid", "alias", "bold move", None),
    ]
    ana.post(path, decision="open")
    assert [item["word"] for item in ana.get("terms")["items"]] == ["bold"]
    store.close()


def test_the_terminal_says_how_many_wait(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert "wait" not in place.pipe("q")
    propose(place.store)
    told = " ".join(place.pipe("q").split())
    assert "q to quit. 2 words wait on the review page, under Terms." in told
    place.store.close()
