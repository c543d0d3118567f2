from __future__ import annotations

import json
import multiprocessing
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from chatlog import KEY
from messages import fill, group, hammer, message, state
from stores import postgres_only

from bot.feedback import tables as t
from bot.feedback.annotations import Conflict, Decisions, Gone
from bot.feedback.progress import disputed, done, progress
from bot.feedback.queueing import LEASE_S, Queue
from bot.feedback.settling import needed
from bot.feedback.store import Store


class Clock:
    """Time that passes a second a look, or as much as a test says."""

    def __init__(self) -> None:
        self.now = 1_790_100_000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def span(start: int, end: int, entity: str = "amount", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "entity": entity, **more}


def turn(store: Store, number: int) -> Any:
    with store.read() as db:
        return db.execute(sa.select(t.turns).where(t.turns.c.id == number)).one()


def annotation(store: Store, number: int, reviewer: str) -> Any:
    said = t.annotations.c
    own = sa.select(t.annotations).where(said.turn_id == number, said.reviewer == reviewer)
    with store.read() as db:
        return db.execute(own).first()


@pytest.fixture
def filled(any_store: Store) -> Store:
    fill(
        any_store,
        [
            message(1, "one"),
            message(2, "two"),
            *group(10, "pay 5", "pay 6", "pay 7", "pay 5", "pay 6"),
            message(30, "last"),
        ],
    )
    return any_store


@pytest.fixture
def decisions(filled: Store) -> Decisions:
    return Decisions(filled, overlap=0.0, clock=Clock())


@pytest.fixture
def twice(filled: Store) -> Decisions:
    """Every message is answered by two."""
    return Decisions(filled, overlap=0.999999, clock=Clock())


def test_a_submitted_message_is_accepted_and_remembers_what_was_said(
    filled: Store, decisions: Decisions
) -> None:
    entities = [span(0, 3, role="from")]
    outcome = decisions.submit(
        "ana", 1, "greet", entities, note="sure", suggested="goodbye", model="m"
    )
    assert outcome.status == "accepted"
    kept = annotation(filled, 1, "ana")
    assert turn(filled, 1).annotation_id == kept.id
    assert (kept.label, kept.note, kept.suggested, kept.model) == ("greet", "sure", "goodbye", "m")
    assert json.loads(kept.entities) == entities


def test_a_group_is_one_decision_and_who_is_left_out_comes_up_by_itself(
    filled: Store, decisions: Decisions
) -> None:
    decisions.submit("ana", 10, "pay", group={11: [span(4, 5)]})
    assert [turn(filled, n).status for n in (10, 11, 13, 14)] == ["accepted"] * 4, "same texts too"
    assert json.loads(annotation(filled, 14, "ana").entities) == [span(4, 5)]
    assert json.loads(annotation(filled, 13, "ana").entities) == []
    left = turn(filled, 12)
    assert (left.status, left.head, left.group_id) == ("open", 1, None)
    queue = Queue(filled, clock=Clock())
    assert [queue.next("ben", after=n) for n in (None, 30)] == [30, 12]


def test_undo_takes_back_all_of_it_again_and_again(filled: Store, decisions: Decisions) -> None:
    decisions.draft("ana", 10, label="pay", entities=[span(4, 5)], note="hm")
    begin = state(filled)
    decisions.submit("ana", 10, "greet", group={11: []})
    after_first = state(filled)
    decisions.discard("ana", 1)
    decisions.skip("ana", 2, note="later")
    decisions.note("ana", 30, "odd")
    undone = [decisions.undo("ana") for _ in range(3)]
    assert [(u.action, u.turn_id) for u in undone if u] == [
        ("note", 30),
        ("skip", 2),
        ("discard", 1),
    ]
    assert state(filled) == after_first
    last = decisions.undo("ana")
    assert last is not None
    assert (last.action, last.turn_id) == ("submit", 10)
    assert state(filled) == begin
    assert decisions.undo("ana") is None


def test_undo_survives_a_restart_and_is_each_reviewers_own(filled: Store) -> None:
    Decisions(filled, overlap=0.0).submit("ana", 1, "greet")
    Decisions(filled, overlap=0.0).submit("ben", 2, "greet")
    undone = Decisions(filled, overlap=0.0).undo("ana")
    assert undone is not None and undone.turn_id == 1
    assert (turn(filled, 1).status, turn(filled, 2).status) == ("open", "accepted")


def test_a_decision_that_is_sent_twice_is_kept_once(filled: Store, decisions: Decisions) -> None:
    first = decisions.submit("ana", 10, "pay", group={11: []})
    assert decisions.submit("ana", 10, "pay", group={11: []}) == first
    decisions.undo("ana")
    assert decisions.undo("ana") is None


def test_a_second_thought_replaces_the_first_and_undo_brings_it_back(
    filled: Store, decisions: Decisions
) -> None:
    decisions.submit("ana", 1, "greet")
    before = state(filled)
    decisions.submit("ana", 1, "goodbye")
    assert annotation(filled, 1, "ana").label == "goodbye"
    decisions.undo("ana")
    assert state(filled) == before


def test_undo_of_what_is_not_the_last_any_more_is_refused(
    filled: Store, decisions: Decisions
) -> None:
    first = decisions.submit("ana", 1, "greet")
    decisions.submit("ana", 2, "greet")
    with pytest.raises(Conflict, match="not your last"):
        decisions.undo("ana", first.decision)
    assert turn(filled, 2).status == "accepted"


def test_two_answers_are_needed_in_the_overlap(filled: Store, twice: Decisions) -> None:
    assert twice.submit("ana", 1, "greet", [span(0, 1)]).status == "open"
    assert turn(filled, 1).annotation_id is None
    assert twice.submit("ben", 1, "greet", [span(0, 1, role=None)]).status == "accepted"
    assert turn(filled, 1).annotation_id == annotation(filled, 1, "ana").id


@pytest.mark.parametrize(
    "other",
    [
        {"label": "goodbye", "entities": [span(0, 1)]},
        {"label": "greet", "entities": []},
        {"label": "greet", "entities": [span(0, 1, role="from")]},
        {"label": "greet", "entities": [span(0, 2)]},
    ],
)
def test_answers_that_differ_are_disputed(
    filled: Store, twice: Decisions, other: dict[str, Any]
) -> None:
    twice.submit("ana", 1, "greet", [span(0, 1)])
    assert twice.submit("ben", 1, **other).status == "disputed"
    assert disputed(filled) == [1]


def test_a_discarded_and_an_annotated_message_are_disputed(twice: Decisions) -> None:
    twice.submit("ana", 1, "greet")
    assert twice.discard("ben", 1).status == "disputed"


def test_a_group_in_the_overlap_waits_as_a_whole(filled: Store) -> None:
    share = 0.01
    chosen = next(f"k{n}" for n in range(10_000) if needed(f"k{n}", share) == 2)
    with filled.write() as db:
        db.execute(sa.update(t.turns).where(t.turns.c.id == 10).values(key=chosen))
    assert needed(turn(filled, 11).key, share) == 1, "the member's own key says otherwise"
    decisions = Decisions(filled, overlap=share, clock=Clock())
    decisions.submit("ana", 10, "pay", group={11: [], 12: []})
    assert [turn(filled, n).status for n in (10, 11, 12)] == ["open"] * 3
    decisions.submit("ben", 10, "pay", group={11: []})
    assert [turn(filled, n).status for n in (10, 11)] == ["accepted"] * 2
    left = turn(filled, 12)
    assert (left.status, left.head, left.group_id) == ("open", 1, None)


def test_adjudication_counts_whoever_said_otherwise(filled: Store, twice: Decisions) -> None:
    with pytest.raises(Conflict, match="not disputed"):
        twice.adjudicate("cy", 1, "greet")
    twice.submit("ana", 1, "greet")
    twice.submit("ben", 1, "goodbye")
    before = state(filled)
    assert twice.adjudicate("cy", 1, "pay").status == "accepted"
    assert turn(filled, 1).annotation_id == annotation(filled, 1, "cy").id
    with pytest.raises(Conflict, match="cy has adjudicated message 1"):
        twice.undo("ben")
    twice.undo("cy")
    assert state(filled) == before
    assert twice.undo("ben") is not None
    assert turn(filled, 1).status == "open"


def test_an_adjudicator_may_be_one_of_those_who_answered(filled: Store, twice: Decisions) -> None:
    twice.submit("ana", 1, "greet")
    twice.submit("ben", 1, "goodbye")
    before = state(filled)
    assert twice.adjudicate("ana", 1, "goodbye").status == "accepted"
    assert annotation(filled, 1, "ana").adjudicates == 1
    twice.undo("ana")
    assert state(filled) == before


def test_a_dispute_is_settled_by_discarding(filled: Store, twice: Decisions) -> None:
    twice.submit("ana", 1, "greet")
    twice.submit("ben", 1, "goodbye")
    assert twice.discard("cy", 1, adjudicates=True).status == "discarded"
    assert turn(filled, 1).annotation_id is None


def test_undo_keeps_what_a_colleague_said_in_the_meantime(filled: Store, twice: Decisions) -> None:
    twice.submit("ana", 1, "greet")
    twice.submit("ben", 1, "greet")
    assert turn(filled, 1).status == "accepted"
    twice.undo("ana")
    assert turn(filled, 1).status == "open"
    assert annotation(filled, 1, "ben").label == "greet"
    twice.submit("ana", 1, "goodbye")
    assert turn(filled, 1).status == "disputed"
    twice.undo("ben")
    assert turn(filled, 1).status == "open"


def test_undo_leaves_alone_what_a_colleague_did_with_a_member(
    filled: Store, decisions: Decisions
) -> None:
    decisions.submit("ana", 10, "pay", group={11: []})
    decisions.submit("ben", 12, "greet")
    decisions.undo("ana")
    assert (turn(filled, 12).status, turn(filled, 12).group_id) == ("accepted", None)
    assert [turn(filled, n).status for n in (10, 11, 13, 14)] == ["open"] * 4
    assert [turn(filled, n).head for n in (10, 11, 13, 14)] == [1, 0, 0, 0]


def test_a_draft_is_no_decision_and_ends_with_one(filled: Store, decisions: Decisions) -> None:
    assert decisions.draft("ana", 1, label="greet").decision is None
    assert decisions.undo("ana") is None
    assert Queue(filled).next("ana") == 30
    decisions.submit("ana", 1, "greet")
    with pytest.raises(Conflict, match="already"):
        decisions.draft("ana", 1, label="goodbye")
    with pytest.raises(Conflict, match="already"):
        decisions.skip("ana", 1)
    assert annotation(filled, 1, "ana").label == "greet"


def test_a_note_leaves_the_decision_as_it_is(filled: Store, decisions: Decisions) -> None:
    decisions.submit("ana", 1, "greet")
    assert decisions.note("ana", 1, "look again").status == "accepted"
    kept = annotation(filled, 1, "ana")
    assert (kept.status, kept.label, kept.note) == ("submitted", "greet", "look again")


def test_what_is_not_there_is_refused(filled: Store, decisions: Decisions) -> None:
    with pytest.raises(Gone, match="no message 99"):
        decisions.submit("ana", 99, "greet")
    before = state(filled)
    with pytest.raises(Conflict, match="30 is not in the group"):
        decisions.submit("ana", 10, "pay", group={11: [], 30: []})
    assert state(filled) == before


def test_the_queue_goes_by_priority_and_leases_what_it_gives(any_store: Store) -> None:
    rows = [message(n, f"m{n}", priority=float(n % 3)) for n in range(1, 10)]
    rows.append(message(50, "context", kind="payload"))
    rows.append(message(51, "not answered yet", complete=0))
    fill(any_store, rows)
    clock = Clock()
    queue = Queue(any_store, clock=clock)
    mine, after = [], None
    while (after := queue.next("ana", after=after)) is not None:
        mine.append(after)
    assert mine == [8, 5, 2, 7, 4, 1, 9, 6, 3]
    assert queue.next("ben") is None
    assert queue.next("ana") == 8
    clock.now += LEASE_S + 60
    assert queue.next("ben") == 8
    assert queue.next("ana") == 5
    assert not queue.lease("ana", 8)


def test_who_answered_or_skipped_does_not_see_it_again(filled: Store, twice: Decisions) -> None:
    queue = Queue(filled, clock=Clock())
    twice.submit("ana", 30, "greet")
    twice.skip("ana", 10)
    assert queue.next("ana") == 2
    assert queue.next("ana", filter="skipped") == 10
    assert (queue.left("ana").messages, queue.left("ana").groups) == (6, 2)
    assert (queue.left("ben").messages, queue.left("ben").groups) == (8, 4)
    assert queue.next("ben") == 30
    assert queue.done_today("ben") == 0


def test_filters_choose(any_store: Store) -> None:
    fill(
        any_store,
        [
            message(1, "a", fallback="nlu"),
            message(2, "b", thumb="down"),
            message(3, "c", reasons=json.dumps([{"signal": "disagreement", "words": "x"}])),
            message(4, "d", reasons=json.dumps([{"signal": "new", "words": "new"}])),
            message(5, "e", reasons=json.dumps([{"signal": "fallback", "words": "news"}])),
        ],
    )
    queue = Queue(any_store)
    names = ("fallback", "thumbs_down", "disagreement", "new", "all")
    assert [queue.next("ana", filter=name) for name in names] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["disagreement", "new"])
def test_a_filter_by_reason_reads_an_index_of_its_own(store: Store, name: str) -> None:
    told: list[str] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def _remember(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT turns.id"):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            told.extend(row[3] for row in rows if " turns " in row[3])

    fill(store, [message(number, "a", priority=0.5) for number in range(1, 9)])
    queue = Queue(store)
    queue.next("ana", filter=name)
    queue.next("ana", filter=name, after=5)
    of_queue = [words for words in told if "PRIMARY KEY" not in words]
    assert len(of_queue) == 3
    assert all(f"USING INDEX turns_{name}" in words for words in of_queue), told


def test_progress_counts_and_measures_agreement(filled: Store, twice: Decisions) -> None:
    for number, labels in ((1, ("a", "a")), (2, ("a", "b")), (30, ("b", "b"))):
        for reviewer, label in zip(("ana", "ben"), labels, strict=True):
            twice.submit(reviewer, number, label)
    clock = Clock()
    clock.now += 30
    found = progress(filled, Queue(filled, clock=clock), "ana", clock=clock)
    assert (found["left"], found["groups_left"], found["done"], found["disputed"]) == (5, 1, 3, 1)
    assert found["agreement"]["pairs"] == 3
    assert found["agreement"]["share"] == pytest.approx(2 / 3)
    assert found["agreement"]["kappa"] == pytest.approx((2 / 3 - 0.5) / 0.5)
    assert found["by_label"] == [{"label": "a", "accepted": 1}, {"label": "b", "accepted": 1}]
    assert found["pending_export"] == 2
    assert found["reviewers"][0] == {"name": "ana", "done": 3, "done_today": 3}
    key = turn(filled, 1).key
    newer = progress(filled, Queue(filled), "ana", exported={key: "a"}, clock=clock)
    assert newer["pending_export"] == 1
    assert found["per_minute"] > 0


def test_done_is_a_list_in_pages_newest_first(filled: Store, decisions: Decisions) -> None:
    for number in (1, 2, 30):
        decisions.submit("ana", number, "greet")
    decisions.discard("ben", 12)
    first = done(filled, limit=2)
    second = done(filled, limit=2, after=first["next"])
    assert [item["id"] for item in first["items"] + second["items"]] == [12, 30, 2, 1]
    assert [item["id"] for item in done(filled, reviewer="ben")["items"]] == [12]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_one_reviewer_does_undo_brings_back_each_step(any_store: Store, seed: int) -> None:
    chance = random.Random(seed)
    rows = [message(n, f"m{n}") for n in range(1, 5)]
    fill(any_store, rows + group(10, "a", "b", "c", "a") + group(20, "x", "y", "x"))
    decisions = Decisions(any_store, overlap=chance.choice([0.0, 0.5]), clock=Clock())
    states = [state(any_store)]
    for _ in range(15):
        if act(chance, decisions, "ana", drafts=False):
            states.append(state(any_store))
    while states:
        assert state(any_store) == states.pop()
        assert (decisions.undo("ana") is None) == (not states)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_several_reviewers_do_nothing_is_left_half_done(
    any_store: Store, seed: int
) -> None:
    chance = random.Random(seed)
    rows = [message(n, f"m{n}") for n in range(1, 4)]
    fill(any_store, rows + group(10, "a", "b", "c", "a") + group(20, "x", "y", "x"))
    decisions = Decisions(any_store, overlap=0.5, clock=Clock())
    for _ in range(40):
        act(chance, decisions, chance.choice(["ana", "ben", "cy"]), drafts=True)
        check_sound(any_store)


def act(chance: random.Random, decisions: Decisions, reviewer: str, *, drafts: bool) -> bool:
    """Do something at random; say whether it was a decision."""
    with decisions.store.read() as db:
        rows = list(db.execute(sa.select(t.turns).order_by(t.turns.c.id)))
    item = chance.choice(rows)
    members = [r.id for r in rows if r.group_id == item.id and r.id != item.id and not r.head]
    named = [number for number in members if chance.random() < 0.7]
    actions = ["submit", "submit", "discard", "skip", "note", "adjudicate"]
    actions += ["draft", "undo", "undo"] if drafts else []
    action = chance.choice(actions)
    label = chance.choice(["greet", "pay"])
    try:
        if action in ("submit", "adjudicate"):
            decide = decisions.submit if action == "submit" else decisions.adjudicate
            decide(
                reviewer, item.id, label, group={n: [] for n in named}, note=str(chance.random())
            )
        elif action == "discard":
            decisions.discard(reviewer, item.id, group=named, note=str(chance.random()))
        elif action == "draft":
            decisions.draft(reviewer, item.id, label=label)
        elif action == "undo":
            decisions.undo(reviewer)
        else:
            how: Callable[..., Any] = getattr(decisions, action)
            how(reviewer, item.id, note=str(chance.random()))
    except (Conflict, Gone):
        return False
    return action not in ("draft", "undo")


def check_sound(store: Store) -> None:
    """Check what must hold at every moment, whoever did what."""
    with store.read() as db:
        rows = {row.id: row for row in db.execute(sa.select(t.turns))}
        said = {row.id: row for row in db.execute(sa.select(t.annotations))}
    for row in rows.values():
        if row.status == "accepted":
            assert said[row.annotation_id].turn_id == row.id
            assert said[row.annotation_id].status == "submitted"
        else:
            assert row.annotation_id is None
        if not row.head and row.status == "open":
            head = rows[row.group_id]
            assert (head.head, head.status) == (1, "open"), f"nobody would ever see {row.id}"
        answers = {
            (a.label, a.entities)
            for a in said.values()
            if a.turn_id == row.id and a.status in ("submitted", "discarded")
        }
        if row.status == "disputed":
            assert len(answers) > 1


def check_hammered(store: Store, done_by: dict[str, list[int]]) -> None:
    """Check that each acknowledged decision is there, once, and nothing else."""
    with store.read() as db:
        said = sorted((a.reviewer, a.turn_id) for a in db.execute(sa.select(t.annotations)))
        in_force = t.decisions.c.undone_at.is_(None)
        count = sa.select(sa.func.count()).select_from(t.decisions).where(in_force)
        n_decisions = db.execute(count).scalar_one()
        accepted = t.turns.c.status == "accepted"
        statuses = list(db.execute(sa.select(t.turns.c.id).where(accepted)).scalars())
    assert said == sorted((who, number) for who, mine in done_by.items() for number in mine)
    assert n_decisions == len(said)
    assert sorted(statuses) == sorted(number for _, number in said), "two had the same message"


def test_threads_that_share_a_queue_lose_and_double_nothing(any_store: Store) -> None:
    fill(any_store, [message(n, f"m{n}", priority=n % 7) for n in range(1, 121)])
    url = any_store.url.render_as_string(hide_password=False)
    done_by: dict[str, list[int]] = {}

    def work(name: str, seed: int) -> None:
        done_by[name] = hammer(url, KEY, name, 15, seed, True)

    threads = [threading.Thread(target=work, args=(f"r{n}", n)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done_by) == 4
    check_hammered(any_store, done_by)


def test_processes_that_share_a_queue_lose_and_double_nothing(any_store: Store) -> None:
    fill(any_store, [message(n, f"m{n}") for n in range(1, 101)])
    url = any_store.url.render_as_string(hide_password=False)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        calls = [(url, KEY, f"r{n}", 15, n, False) for n in range(3)]
        found = pool.starmap(hammer, calls)
    check_hammered(any_store, {f"r{n}": mine for n, mine in enumerate(found)})
    assert sum(map(len, found)) == 45


def test_one_reviewer_in_two_windows_at_once(any_store: Store) -> None:
    fill(any_store, [message(n, f"m{n}") for n in range(1, 31)] + group(40, "a", "b", "c"))
    decisions = Decisions(any_store, overlap=0.0)
    before = state(any_store)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(8):
            decisions.submit("ana", chance.randint(1, 30), chance.choice("ab"))
            decisions.submit("ana", 40, chance.choice("ab"), group={41: []})
            decisions.undo("ana")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_sound(any_store)
    while decisions.undo("ana"):
        pass
    assert state(any_store) == before


@postgres_only
def test_reviewers_of_one_group_do_not_lock_each_other_out(postgres_url: str) -> None:
    store = Store(postgres_url, KEY)
    fill(store, group(1, *(f"m{n}" for n in range(40))))
    decisions = Decisions(store, overlap=0.0)

    def work(name: str) -> None:
        chance = random.Random(name)
        for _ in range(20):
            members = chance.sample(range(2, 41), 20)
            try:
                decisions.submit(name, 1, name, group={number: [] for number in members})
            except Conflict:
                decisions.submit(name, chance.choice(members), name)
            decisions.undo(name)

    threads = [threading.Thread(target=work, args=(f"r{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_sound(store)
    store.close()
