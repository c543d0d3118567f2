"""The calls for lists and figures: disputes, history, conversations, examples, terms, insights."""

from __future__ import annotations

from typing import Any

from bot.errors import BotError, did_you_mean
from bot.feedback import checked_labels, checked_terms, steps, transcripts
from bot.feedback.deciding import Gone
from bot.feedback.insights import insights, messages
from bot.feedback.progress import disputed, done, progress
from bot.feedback.terms import known_terms
from bot.review import bodies
from bot.review.calls import Answer, Call, route
from bot.review.desk import Desk

PAGE = 20


@route("GET", "/api/disputed")
def disputed_items(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give items about which reviewers disagree."""
    after = bodies.optional_number(call.query.get("after"), "after")
    found = disputed(desk.store, after=after, limit=PAGE)
    with desk.store.read() as db:
        items = desk.items.items(db, found, reviewer, with_others=True)
    return {"items": items, "next": found[-1] if len(found) == PAGE else None}


@route("GET", "/api/done")
def done_items(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give what was decided, newest first."""
    query = call.query
    return done(desk.store, after=query.get("after"), reviewer=query.get("reviewer"))


@route("GET", "/api/progress")
def all_progress(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give how far the work is."""
    return progress(desk.store, desk.queue, reviewer, exported=desk.exported())


@route("GET", "/api/conversations")
def conversations(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give a page of conversations."""
    chosen = call.query.get("filter") or "all"
    return transcripts.conversations(desk.store, call.query.get("after"), chosen)


@route("GET", "/api/conversations/<id>")
def one_conversation(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give a conversation."""
    number = bodies.number(call.path["id"], "id")
    around = bodies.optional_number(call.query.get("around"), "around")
    found = transcripts.conversation(desk.store, number, around)
    if found is None:
        raise Gone("The conversation is not there any more.")
    return found


@route("GET", "/api/conversations/<id>/steps")
def story_steps(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give a stretch of a conversation as the steps of a story."""
    number = bodies.number(call.path["id"], "id")
    first = bodies.number(call.query.get("first"), "first")
    last = bodies.number(call.query.get("last"), "last")
    return {"steps": steps.steps(desk.store, desk.project, number, first, last)}


@route("POST", "/api/corrections")
def correct(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Keep how a conversation should have gone."""
    return steps.save_correction(desk.store, desk.project, reviewer, call.body)


@route("DELETE", "/api/corrections/<id>")
def discard_correction(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Take a correction back."""
    steps.discard_correction(desk.store, reviewer, bodies.number(call.path["id"], "id"))
    return {}


@route("GET", "/api/label-checks")
def label_checks(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give examples whose label is doubtful."""
    return checked_labels.label_checks(desk.store, after=call.query.get("after"))


@route("POST", "/api/label-checks/<id>")
def decide_label_check(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Decide about a doubtful example."""
    number = bodies.number(call.path["id"], "id")
    label = bodies.text(call.body.get("label"), "label", bodies.MAX_LABEL)
    decision = call.body.get("decision")
    if label:
        desk.known_label(label)
    checked_labels.decide_label_check(desk.store, reviewer, number, decision, label)
    return {"id": number, "decision": decision}


@route("GET", "/api/terms")
def term_suggestions(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give words of the log that may become terms."""
    return checked_terms.term_suggestions(desk.store, after=call.query.get("after"))


@route("POST", "/api/terms/<id>")
def decide_term(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Decide about such a word."""
    number = bodies.number(call.path["id"], "id")
    decision = call.body.get("decision")
    entity = bodies.text(call.body.get("entity"), "entity", bodies.MAX_LABEL) or None
    names = [known.name for known in desk.project.entities]
    if entity is not None and entity not in names:
        raise BotError(f"The domain has no entity {entity!r}.{did_you_mean(entity, names)}")
    checked_terms.decide_term(
        desk.store,
        reviewer,
        number,
        decision,
        name=bodies.text(call.body.get("name"), "name", bodies.MAX_LABEL),
        entity=entity,
        definition=bodies.text(call.body.get("definition"), "definition", bodies.MAX_NOTE),
    )
    return {"id": number, "decision": decision}


@route("GET", "/api/vocabulary")
def vocabulary(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give the terms that a word can be an alias of."""
    return {"terms": known_terms(desk.store)}


@route("GET", "/api/insights")
def all_insights(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give the figures of the insights view."""
    query = call.query
    return insights(
        desk.store,
        desk.project,
        start=bodies.time(query.get("from"), "from"),
        end=bodies.time(query.get("to"), "to"),
        model=query.get("model") or None,
        channel=query.get("channel") or None,
    )


@route("GET", "/api/messages")
def all_messages(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give the messages behind a figure."""
    filters: dict[str, Any] = {k: v for k, v in call.query.items() if k not in ("after", "limit")}
    return messages(desk.store, after=call.query.get("after"), **filters)
