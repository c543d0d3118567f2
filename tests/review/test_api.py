from __future__ import annotations

import json
import time

import pytest
import sqlalchemy as sa
from messages import message

from bot.feedback import tables as t
from review.conftest import Serve
from review.serving import Client, ReviewServer


def test_an_item_has_all_that_is_needed_to_decide(ana: Client) -> None:
    data = ana.get("next")
    assert (data["left"], data["done_today"], data["cursor"]) == (12, 0, 1)
    item = data["item"]
    assert item["text"] == "send [NAME_1] 50 quid"
    assert item["reasons"][0]["words"] == "The bot did not understand."
    assert item["suggestion"] == {"label": "transfer_money", "confidence": 0.41, "source": "live"}
    labels = [candidate["label"] for candidate in item["candidates"]]
    assert labels == ["transfer_money", "greet", "pay_bill"], "only labels that may be chosen"
    assert item["entities"] == [
        {
            "start": 5,
            "end": 13,
            "entity": "payee",
            "role": None,
            "group": None,
            "value": "[NAME_1]",
        }
    ]
    assert list(item["neighbours"]) == ["transfer_money", "greet"]
    assert item["neighbours"]["transfer_money"][0]["text"] == "send 20 pounds to my mum"
    assert item["conversation"]["id"] == 2
    assert (item["annotation"], item["others"]) == (None, [])


def test_the_page_learns_what_the_project_has(ana: Client) -> None:
    project = ana.get("project")
    intents = {intent["name"]: intent for intent in project["intents"]}
    assert "faq/opening_hours" in intents
    assert "nlu_fallback" not in intents
    assert intents["transfer_money"]["examples"] == 3
    assert intents["out_of_scope"]["examples"] == 0
    assert project["entities"][2] == {
        "name": "account",
        "roles": ["from", "to"],
        "groups": [],
        "key": "c",
    }
    assert project["slots"][0]["values"] == ["current", "savings"]
    assert (project["forms"], project["reviewer"]) == (["transfer_form"], "ana")
    assert "action_transfer" in project["actions"]


def test_the_queue_goes_on_from_an_item_and_filters(ana: Client, ben: Client) -> None:
    first = ana.get("next")["item"]["id"]
    second = ana.get("next", after=first)["item"]["id"]
    assert (first, second) == (1, 2)
    assert ben.get("next")["item"]["id"] == 3, "ana has the first two"
    assert ana.get("next", filter="thumbs_down")["item"]["thumb_comment"] == "wrong"
    assert ana.get("next", filter="fallback")["item"]["id"] == 1
    assert ana.get("next", filter="skipped")["item"] is None
    assert ana.refused("GET", "next?filter=nonsense") == (400, "bad_request")
    assert ana.refused("GET", "next?after=-1") == (400, "bad_request")


def test_submit_counts_and_undo_brings_the_item_back(ana: Client) -> None:
    item = ana.get("next")["item"]
    body = {"id": item["id"], "label": "transfer_money", "entities": item["entities"]}
    answer = ana.post("submit", **body, note="fine", suggested="transfer_money")
    assert (answer["status"], answer["left"], answer["done_today"]) == ("accepted", 11, 1)
    assert ana.get("next")["item"]["id"] == 2
    done = ana.get("done")["items"][0]
    assert (done["id"], done["label"], done["reviewer"]) == (1, "transfer_money", "ana")
    undone = ana.post("undo")
    assert (undone["id"], undone["action"], undone["left"]) == (1, "submit", 12)
    assert ana.get("next")["item"]["id"] == 1
    assert ana.refused("POST", "undo", {}) == (409, "conflict")


def test_a_group_is_answered_at_once_and_shows_each_text_once(ana: Client) -> None:
    item = ana.get("items/20")["item"]
    assert item["times"] == 2, "the very same text waits twice"
    assert [(m["id"], m["text"], m["times"]) for m in item["group"]] == [
        (21, "whats my balance", 1),
        (23, "whats the balance", 1),
    ]
    answer = ana.post(
        "submit", id=20, label="check_balance", entities=[], group=[{"id": 21, "entities": []}]
    )
    assert answer["done_today"] == 3
    assert ana.get("items/23")["item"]["group"] == []
    assert ana.get("items/22")["item"]["status"] == "accepted"


def test_skip_note_draft_and_discard(ana: Client) -> None:
    assert ana.post("draft", id=1, label="greet", entities=[], note="hm")["decision"] is None
    assert ana.get("items/1")["item"]["annotation"]["label"] == "greet"
    assert ana.post("skip", id=1)["status"] == "open"
    assert ana.get("next", filter="skipped")["item"]["id"] == 1
    assert ana.post("note", id=2, note="who knows")["status"] == "open"
    assert ana.get("items/2")["item"]["annotation"]["note"] == "who knows"
    assert ana.post("discard", id=3, note="noise")["status"] == "discarded"
    assert ana.refused("POST", "skip", {"id": 3}) == (409, "conflict")


def test_disputes_show_both_sides_and_are_settled(serve: Serve) -> None:
    server = serve(overlap=0.999999)
    ana, ben = server.client("ana"), server.client("ben")
    assert ana.post("submit", id=1, label="greet")["status"] == "open"
    assert ben.get("items/1")["item"]["others"] == [], "nobody is led"
    assert ben.post("submit", id=1, label="goodbye")["status"] == "disputed"
    ana.post("submit", id=2, label="greet")
    ben.post("discard", id=2)
    listed = ana.get("disputed")
    assert [item["id"] for item in listed["items"]] == [1, 2]
    assert [(o["reviewer"], o["label"]) for o in listed["items"][0]["others"]] == [
        ("ben", "goodbye")
    ]
    assert ben.post("adjudicate", id=1, label="greet")["status"] == "accepted"
    assert ben.refused("POST", "adjudicate", {"id": 3, "label": "greet"}) == (409, "conflict")
    assert ana.refused("POST", "undo", {"decision": 1}) == (409, "conflict")
    assert ana.post("discard", id=2)["status"] == "discarded", "the last word on a dispute"
    assert ana.get("disputed")["items"] == []
    progress = ana.get("progress")
    assert progress["agreement"]["pairs"] == 0, "who adjudicates is no second opinion"
    assert progress["by_label"] == [{"label": "greet", "accepted": 1}]


def test_warnings_of_each_kind(ana: Client, ben: Client) -> None:
    def codes(text: str, label: str, number: int | None = None) -> list[str]:
        body = {"id": number, "text": text, "label": label, "entities": []}
        return [warning["code"] for warning in ana.post("check", **body)["warnings"]]

    assert codes("settle the gas bill!", "transfer_money", 3) == ["conflict"]
    assert codes("settle the gas bill", "pay_bill") == ["duplicate"]
    assert codes("how much is left on my account?", "check_balance", 4) == ["held_out"]
    assert codes("something new", "nonsense") == ["unknown_intent"]
    assert codes("something new", "greet") == []
    ben.post("submit", id=8, label="goodbye")
    assert codes("See ya.", "greet") == ["colleague"]
    found = ana.post("check", text="settle the gas bill!", label="greet")["warnings"]
    words = "'settle the gas bill' is an example of pay_bill in data/nlu.yml:24."
    assert found[0]["message"] == words


def test_an_intent_is_proposed_and_then_used(ana: Client) -> None:
    body = {"id": 1, "label": "send_abroad"}
    assert ana.refused("POST", "submit", body) == (400, "bad_request")
    ana.post("intents", name="send_abroad", description="Money to another country")
    assert ana.post("submit", **body)["status"] == "accepted"
    (found,) = [i for i in ana.get("project")["intents"] if i["proposed"]]
    assert (found["name"], found["hint"]) == ("send_abroad", "Money to another country")
    assert ana.refused("POST", "intents", {"name": "no spaces"}) == (400, "bad_request")
    assert ana.refused("POST", "intents", {"name": "greet"}) == (409, "conflict")


def test_neighbours_by_letters_and_by_a_model(serve: Serve) -> None:
    by_letters = serve(name="letters").client()
    near = by_letters.get("neighbours", id=3, label="pay_bill")["neighbours"]
    assert near[0]["text"] == "settle the gas bill"
    server = serve(name="model", scorer="letters")
    ana = server.client()
    until = time.monotonic() + 10
    while True:
        near = ana.get("neighbours", id=3, label="pay_bill")["neighbours"]
        if near[0]["similarity"] == pytest.approx(0.975, abs=0.03):
            break
        assert time.monotonic() < until, near
    assert near[0]["text"] == "settle the gas bill"
    assert ana.get("project")["model"] == "letters"


def test_suggestions_of_the_ranking_model_go_first(serve: Serve) -> None:
    server = serve(scorer="letters", start=False)
    store = server.store()
    with store.write() as db:
        said = {
            "turn_id": 1,
            "model": "letters",
            "label": "pay_bill",
            "confidence": 0.8,
            "ranking": json.dumps([["pay_bill", 0.8], ["faq/opening_hours", 0.1]]),
            "entities": "[]",
        }
        db.execute(sa.insert(t.suggestions).values(**said))
    store.close()
    server.start()
    item = server.client().get("items/1")["item"]
    assert item["suggestion"] == {"label": "pay_bill", "confidence": 0.8, "source": "model"}
    assert [c["label"] for c in item["candidates"]] == ["pay_bill", "faq/opening_hours"]
    assert item["entities"] == []


def test_conversations_steps_and_corrections(ana: Client) -> None:
    listed = ana.get("conversations")
    assert {item["id"] for item in listed["items"]} == {1, 2}
    shown = ana.get("conversations/2", around=1)
    assert shown["turns"][0]["id"] == 1
    steps = ana.get("conversations/2/steps", first=1, last=3)["steps"]
    assert any("intent" in step for step in steps)
    body = {
        "conversation": 2,
        "kind": "story",
        "name": "as it should go",
        "first": 1,
        "last": 3,
        "steps": [
            {"intent": "greet", "text": "hi", "entities": [], "turn": 1},
            {"action": "utter_greet"},
        ],
        "note": "",
        "status": "draft",
    }
    kept = ana.post("corrections", **body)
    assert kept["warnings"] == []
    assert ana.call("DELETE", f"corrections/{kept['id']}").status_code == 200
    assert ana.refused("DELETE", "corrections/999") == (404, "gone")
    assert ana.refused("GET", "conversations/99") == (404, "gone")
    assert ana.refused("GET", "conversations/2/steps?first=x&last=3") == (400, "bad_request")
    assert ana.refused("POST", "corrections", {**body, "steps": []}) == (400, "bad_request")


def test_insights_and_the_messages_behind_them(ana: Client) -> None:
    found = ana.get("insights")
    assert found["totals"]["messages"] == 12
    assert ana.get("insights", **{"from": 0, "to": 1})["totals"]["messages"] == 0
    listed = ana.get("messages", suggested="greet")
    assert {item["id"] for item in listed["items"]} == {2, 6}
    assert ana.refused("GET", "messages?nonsense=1") == (400, "bad_request")
    assert ana.refused("GET", "insights?from=nan") == (400, "bad_request")


def test_label_checks_are_listed_and_decided(server: ReviewServer, ana: Client) -> None:
    store = server.store()
    with store.write() as db:
        for number, score in ((1, 0.4), (2, 0.9)):
            row = {
                "id": number,
                "digest": f"d{number}",
                "text": f"example {number}",
                "label": "greet",
                "suggested": "goodbye",
                "score": score,
                "words": "Its neighbours say goodbye.",
                "file": "data/nlu.yml",
                "line": 5,
                "status": "open",
                "updated_at": 0.0,
            }
            db.execute(sa.insert(t.label_checks).values(**row))
    listed = ana.get("label-checks")["items"]
    assert [item["id"] for item in listed] == [2, 1]
    path = "label-checks/2"
    assert ana.refused("POST", path, {"decision": "relabelled"}) == (400, "bad_request")
    assert ana.refused("POST", path, {"decision": "maybe"}) == (400, "bad_request")
    assert ana.refused("POST", "label-checks/9", {"decision": "kept"}) == (404, "gone")
    ana.post(path, decision="relabelled", label="goodbye")
    assert [item["id"] for item in ana.get("label-checks")["items"]] == [1]
    with store.read() as db:
        row = db.execute(sa.select(t.label_checks).where(t.label_checks.c.id == 2)).one()
    assert (row.status, row.decided_label, row.reviewer) == ("relabelled", "goodbye", "ana")
    ana.post(path, decision="open")
    assert len(ana.get("label-checks")["items"]) == 2
    store.close()


def test_entities_must_fit_the_message_and_the_domain(ana: Client) -> None:
    def status(*entities: object) -> int:
        body = {"id": 1, "label": "greet", "entities": list(entities)}
        return ana.call("POST", "submit", body).status_code

    good = {"start": 14, "end": 21, "entity": "amount"}
    assert status({**good, "end": 99}) == 400
    assert status({**good, "start": 14.0}) == 400
    assert status({**good, "entity": "colour"}) == 400
    assert status({**good, "role": "from"}) == 400
    assert status(good, {"start": 20, "end": 21, "entity": "payee"}) == 400
    assert status({**good, "entity": ["amount"]}) == 400
    assert status("amount") == 400
    assert status({"start": 0, "end": 4, "entity": "account", "role": "from"}, good) == 200
    kept = ana.get("items/1")["item"]["annotation"]["entities"]
    assert [(e["entity"], e["role"], e["value"]) for e in kept] == [
        ("account", "from", "send"),
        ("amount", None, "50 quid"),
    ]


def test_offsets_count_characters_also_behind_emoji(serve: Serve) -> None:
    ana = serve(rows=[message(1, "🧔🧔 pay £5")]).client()
    ana.post("submit", id=1, label="greet", entities=[{"start": 7, "end": 9, "entity": "amount"}])
    assert ana.get("items/1")["item"]["annotation"]["entities"][0]["value"] == "£5"


def test_what_is_gone_is_said(ana: Client) -> None:
    assert ana.refused("GET", "items/999") == (404, "gone")
    for path in ("submit", "adjudicate", "discard", "skip", "draft"):
        assert ana.refused("POST", path, {"id": 999, "label": "greet"}) == (404, "gone")
    assert ana.refused("POST", "note", {"id": 999, "note": "x"}) == (404, "gone")
    assert ana.refused("GET", "neighbours?id=999&label=greet") == (404, "gone")
    assert ana.refused("GET", "nowhere") == (404, "gone")


def test_an_empty_queue_says_so(serve: Serve) -> None:
    ana = serve(rows=[]).client()
    assert ana.get("next") == {"item": None, "cursor": None, "left": 0, "done_today": 0}
    progress = ana.get("progress")
    assert progress["agreement"] == {"pairs": 0, "agreed": 0, "share": None, "kappa": None}
