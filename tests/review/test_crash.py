"""Several reviewers at once, and a server that is killed in the middle of their work."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from messages import group, message

from bot.feedback import tables as t
from review.conftest import Serve
from review.serving import Client, ReviewServer


class Reviewer(threading.Thread):
    """Answers whatever comes up, and sends again what was not acknowledged."""

    def __init__(self, client: Client, name: str, label: str, until: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client, self.name_, self.label, self.until = client, name, label, until
        self.acknowledged: dict[int, int] = {}
        self.problems: list[str] = []

    def run(self) -> None:
        while not self.until.is_set():
            item = (self._sent("GET", "next") or {}).get("item")
            if item is None:
                return
            group = [{"id": member["id"], "entities": []} for member in item["group"]]
            body = {"id": item["id"], "label": self.label, "entities": [], "group": group}
            answer = self._sent("POST", "submit", body)
            if answer is not None:
                self.acknowledged[item["id"]] = answer["decision"]

    def _sent(self, method: str, path: str, body: Any = None) -> Any:
        """Give the answer, however often it takes; None for a refusal."""
        while True:
            try:
                answer = self.client.call(method, path, body)
            except requests.RequestException:
                time.sleep(0.02)
                continue
            if answer.status_code == 200:
                return answer.json()
            if answer.status_code < 500:
                self.problems.append(answer.text)
                return None


def rows(n: int) -> list[dict[str, Any]]:
    alone = [message(number, f"m{number}") for number in range(1, n + 1)]
    return alone + [row for g in range(5) for row in group(1_000_000 + 10 * g, "x", "y", "z", "x")]


def check(server: ReviewServer, reviewers: list[Reviewer]) -> None:
    """Check that all that was acknowledged is there, once, and that all is decided."""
    store = server.store()
    with store.read() as db:
        turns = {row.id: row for row in db.execute(sa.select(t.turns))}
        said = [
            (row.turn_id, row.reviewer, row.label) for row in db.execute(sa.select(t.annotations))
        ]
        about = list(db.execute(sa.select(t.decided.c.turn_id)).scalars())
        made = set(db.execute(sa.select(t.decisions.c.id)).scalars())
        kept = set(db.execute(sa.select(t.decided.c.decision_id)).scalars())
    store.close()
    assert made == kept, "a decision about nothing"
    assert len(about) == len(set(about)), "decided twice"
    assert len(said) == len({turn for turn, _, _ in said}), "two had the same message"
    for reviewer in reviewers:
        assert reviewer.problems == []
        for turn, decision in reviewer.acknowledged.items():
            assert (turn, reviewer.name_, reviewer.label) in said, f"{turn} was lost"
            assert decision in made
    assert {row.status for row in turns.values() if row.id in about} == {"accepted"}


def review_under_fire(server: ReviewServer, kills: int, seed: int) -> list[Reviewer]:
    """Have two people review while the server is killed and started again."""
    chance, until = random.Random(seed), threading.Event()
    reviewers = [
        Reviewer(server.client(name), name, label, until)
        for name, label in (("ana", "greet"), ("ben", "goodbye"))
    ]
    for reviewer in reviewers:
        reviewer.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.4))
        server.kill()
        server.start()
    if kills:
        time.sleep(0.3)
        until.set()
    for reviewer in reviewers:
        reviewer.join(120)
        assert not reviewer.is_alive()
    return reviewers


def test_two_reviewers_share_the_work(serve: Serve) -> None:
    server = serve(rows=rows(60))
    reviewers = review_under_fire(server, 0, 0)
    check(server, reviewers)
    both = [set(reviewer.acknowledged) for reviewer in reviewers]
    assert len(both[0] | both[1]) == 65, "60 messages and 5 groups"
    assert both[0] and both[1]
    assert server.client("ana").get("next")["left"] == 0


def test_nothing_is_lost_when_the_server_is_killed(serve: Serve) -> None:
    server = serve(rows=rows(400))
    reviewers = review_under_fire(server, 3, 1)
    assert sum(len(reviewer.acknowledged) for reviewer in reviewers) > 3
    check(server, reviewers)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_nothing_is_lost_when_the_server_is_killed_fifty_times(serve: Serve) -> None:
    server = serve(rows=rows(8000))
    reviewers = review_under_fire(server, 50, 2)
    assert sum(len(reviewer.acknowledged) for reviewer in reviewers) > 20
    check(server, reviewers)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_next_item_comes_quickly_from_a_million(serve: Serve) -> None:
    n = 1_000_000
    server = serve(rows=[], start=False)
    store = server.store()
    values = (
        "(1, 'k' || i, i, 'message', i, 'web', 'message number ' || i, 'm', '', 0, '[]', '[]', "
    )
    values += (
        "'{}', 1, (i * 7919 % 1000) / 1000.0, 'open', '[]', CASE WHEN i % 10 THEN 1 ELSE 0 END)"
    )
    columns = (
        "conversation_id, key, position, kind, time, channel, text, model, fallback, rephrase, "
        "actions, replies, thumbs, complete, priority, status, reasons, head"
    )
    with store.write() as db:
        db.exec_driver_sql(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) "
            f"INSERT INTO turns ({columns}) SELECT {values.strip('()')} FROM n"
        )
    store.close()
    server.start()
    ana = server.client()
    took: dict[str, list[float]] = {}

    def timed(name: str, call: Any) -> Any:
        begin = time.perf_counter()
        found = call()
        took.setdefault(name, []).append(time.perf_counter() - begin)
        return found

    for _ in range(60):
        item = timed("next", lambda: ana.get("next"))["item"]
        timed("submit", lambda number=item["id"]: ana.post("submit", id=number, label="greet"))
        timed("after", lambda number=item["id"]: ana.get("next", after=number))
    for name in ("disagreement", "new") * 9:
        assert timed(name, lambda name=name: ana.get("next", filter=name))["item"] is None
    timed("undo", lambda: ana.post("undo"))
    timed("progress", lambda: ana.get("progress"))
    for name, times in took.items():
        times.sort()
        p95 = times[int(len(times) * 0.95)]
        print(f"{name}: median {times[len(times) // 2] * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    # Without the right index it is seconds; the worst of them tell more about the machine.
    for name in ("next", "disagreement", "new"):
        assert took[name][len(took[name]) // 2] < 0.2, name
