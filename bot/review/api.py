"""The calls for the queue and for decisions: docs/reference/review-api.md describes them.

A handler gets the desk, the reviewer and the call, and gives the JSON of the answer. It runs in a
thread of its own.
"""

from __future__ import annotations

from bot.feedback import proposals
from bot.feedback.annotations import Outcome
from bot.feedback.deciding import Conflict, Gone
from bot.feedback.settling import DISPUTED, OPEN
from bot.review import bodies
from bot.review.calls import Answer, Call, route
from bot.review.desk import Desk


@route("GET", "/api/project")
def project(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give what the page needs once."""
    return desk.about()


@route("GET", "/api/next")
def next_item(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give the item to look at now."""
    after = bodies.optional_number(call.query.get("after"), "after")
    chosen = call.query.get("filter") or "all"
    found = desk.queue.next(reviewer, after=after, filter=chosen)
    item = None if found is None else desk.items.item(found, reviewer)
    return {"item": item, "cursor": found, **_counts(desk, reviewer)}


@route("GET", "/api/items/<id>")
def one_item(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give an item by its number."""
    number = bodies.number(call.path["id"], "id")
    item = desk.items.item(number, reviewer)
    if item["status"] == OPEN:
        desk.queue.lease(reviewer, number)
    return {"item": item, **_counts(desk, reviewer)}


@route("POST", "/api/check")
def check(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give the warnings about a choice."""
    number = bodies.optional_number(call.body.get("id"), "id")
    said = bodies.text(call.body.get("text"), "text", 20_000) or ""
    label = bodies.text(call.body.get("label"), "label", bodies.MAX_LABEL) or ""
    if number is not None and not said:
        said = desk.items.item(number, reviewer)["text"]
    found = desk.guards.check(reviewer, said, label, number) if said and label else []
    return {"warnings": [{"code": n.code, "message": n.message} for n in found]}


@route("GET", "/api/neighbours")
def neighbours(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Give the examples of a label that are nearest to an item."""
    number = bodies.number(call.query.get("id"), "id")
    label = bodies.label(call.query.get("label"))
    return {"neighbours": desk.items.nearest(desk.items.text(number), label)}


@route("POST", "/api/submit")
def submit(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Annotate an item and members of its group."""
    return _submit(desk, reviewer, call, adjudicates=False)


@route("POST", "/api/adjudicate")
def adjudicate(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Annotate a disputed item so that it counts."""
    return _submit(desk, reviewer, call, adjudicates=True)


@route("POST", "/api/discard")
def discard(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Say that an item is useless for training; of a disputed one this is the last word."""
    group = bodies.ids(call.body.get("group"))
    is_disputed = desk.items.status(call.id) == DISPUTED
    outcome = desk.decisions.discard(
        reviewer, call.id, group=group, note=bodies.note(call.body), adjudicates=is_disputed
    )
    return _outcome(desk, reviewer, outcome)


@route("POST", "/api/skip")
def skip(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Leave an item for later, or for somebody else."""
    outcome = desk.decisions.skip(reviewer, call.id, note=bodies.note(call.body))
    return _outcome(desk, reviewer, outcome)


@route("POST", "/api/note")
def note(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Keep a note about an item."""
    outcome = desk.decisions.note(reviewer, call.id, bodies.note(call.body) or "")
    return _outcome(desk, reviewer, outcome)


@route("POST", "/api/draft")
def draft(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Keep what is not decided yet."""
    said = desk.items.text(call.id)
    label = bodies.text(call.body.get("label"), "label", bodies.MAX_LABEL)
    outcome = desk.decisions.draft(
        reviewer,
        call.id,
        label=label or None,
        entities=bodies.entities(call.body.get("entities"), said, desk.project),
        note=bodies.note(call.body),
    )
    return _outcome(desk, reviewer, outcome)


@route("POST", "/api/undo")
def undo(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Take back the last decision."""
    expected = bodies.optional_number(call.body.get("decision"), "decision")
    undone = desk.decisions.undo(reviewer, expected)
    if undone is None:
        raise Conflict("There is nothing to undo.")
    desk.queue.lease(reviewer, undone.turn_id)
    found = {"id": undone.turn_id, "action": undone.action, "decision": undone.decision}
    return {**found, **_counts(desk, reviewer)}


@route("POST", "/api/intents")
def propose(desk: Desk, reviewer: str, call: Call) -> Answer:
    """Propose an intent."""
    name = bodies.new_intent(call.body.get("name"))
    words = bodies.text(call.body.get("description"), "description", bodies.MAX_NOTE) or ""
    if name in desk.project.intents:
        raise Conflict(f"There is an intent {name} already. Choose it.")
    proposals.propose(desk.store, reviewer, name, words)
    return {"name": name, "description": words, "proposed": True}


def _submit(desk: Desk, reviewer: str, call: Call, *, adjudicates: bool) -> Answer:
    body, number = call.body, call.id
    label = desk.known_label(bodies.label(body.get("label")))
    members = bodies.members(body.get("group"))
    texts = desk.items.texts([number, *members])
    if number not in texts:
        raise Gone(f"There is no message {number} any more. Go on with the next one.")
    if gone := [member for member in members if member not in texts]:
        raise Conflict(f"Message {gone[0]} is not there any more. Load the item again.")
    suggested, model = desk.items.suggested(number)
    shown = bodies.text(body.get("suggested"), "suggested", bodies.MAX_LABEL)
    outcome = desk.decisions.submit(
        reviewer,
        number,
        label,
        bodies.entities(body.get("entities"), texts[number], desk.project),
        group={
            member: bodies.entities(value, texts[member], desk.project)
            for member, value in members.items()
        },
        note=bodies.note(body),
        suggested=shown or suggested,
        model=model,
        adjudicates=adjudicates,
    )
    return _outcome(desk, reviewer, outcome)


def _counts(desk: Desk, reviewer: str) -> Answer:
    return {
        "left": desk.queue.left(reviewer).messages,
        "done_today": desk.queue.done_today(reviewer),
    }


def _outcome(desk: Desk, reviewer: str, outcome: Outcome) -> Answer:
    return {
        "decision": outcome.decision,
        "status": outcome.status,
        **_counts(desk, reviewer),
    }
