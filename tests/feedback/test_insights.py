"""The numbers of the insights, each held against the messages behind it."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from scipy.spatial.distance import jensenshannon

from bot.errors import BotError
from bot.feedback import drift as drifting
from bot.feedback import tables as t
from bot.feedback.insights import insights, messages, quantile
from bot.feedback.project import Project, TrainingExample
from bot.feedback.store import Store

START = 1_790_000_000.0  # 2026-09-21, in the afternoon: days must not begin there
DAY_S = 86_400
LABELS = ("check_balance", "transfer_money", "faq/opening_hours", "greet")
WORDS = ("send", "money", "balance", "please", "zorkmid", "open")


def project(*examples: tuple[str, str]) -> Project:
    read = tuple(TrainingExample(text, label, (), "data/nlu.yml", 1) for text, label in examples)
    return Project(LABELS, (), (), (), (), (), read)


TRAINED = project(
    ("send money", "transfer_money"),
    ("my balance please", "check_balance"),
    ("are you open", "faq/opening_hours"),
    ("send money to Ana", "transfer_money"),
)


class Log:
    """Rows as ingest and reviewers leave them, without either."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.turns: list[dict[str, Any]] = []
        self.suggestions: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []

    def turn(self, conversation: int, at: float, label: str | None, **more: Any) -> int:
        own = len(self.turns) + 1
        confidence, annotated = more.pop("confidence", 0.9), more.pop("annotated", None)
        blank = {"rephrase": 0, "actions": "[]", "replies": "[]", "thumbs": "{}", "complete": 1}
        row = {
            "id": own,
            "conversation_id": conversation,
            "key": str(own),
            "position": own,
            "kind": "message",
            "time": START + at,
            "session_at": None,
            "channel": "web",
            "text": "hi",
            "model": "one",
            "fallback": "",
            "thumb": None,
            "rating": None,
            "priority": 0.0,
            "status": "open",
            "annotation_id": None,
            **blank,
            **more,
        }
        if label is not None:
            model = row["model"] or "unknown"
            # A later model's suggestion lies beside it and must not be counted.
            for name, said in ((model, label), ("later", "greet")):
                self.suggestions.append(
                    {
                        "turn_id": own,
                        "model": name,
                        "label": said,
                        "confidence": confidence,
                        "ranking": "[]",
                        "entities": "[]",
                    }
                )
        if annotated is not None:
            row["annotation_id"] = self.annotation(own, "ana", annotated)
            self.annotation(own, "ben", "greet")
        self.turns.append(row)
        return own

    def annotation(self, turn: int, reviewer: str, label: str | None) -> int:
        blank = {"status": "submitted", "entities": "[]", "created_at": 0.0, "updated_at": 0.0}
        own = len(self.annotations) + 1
        row = {"id": own, "turn_id": turn, "reviewer": reviewer, "label": label, **blank}
        self.annotations.append({**row, "adjudicates": 0})
        return own

    def write(self) -> Store:
        senders = {row["conversation_id"] for row in self.turns}
        with self.store.write() as db:
            db.execute(
                t.conversations.insert(),
                [{"id": n, "sender": str(n), "n_turns": 1, "state": "{}"} for n in sorted(senders)],
            )
            for table in (t.turns, t.suggestions, t.annotations):
                rows = getattr(self, table.name)
                if rows:
                    db.execute(table.insert(), rows)
        return self.store


def odd_log(store: Store, seed: int, n: int = 400) -> Store:
    """A log with everything that may be counted wrongly."""
    chance, log = random.Random(seed), Log(store)
    for number in range(n):
        kind = chance.choices(("message", "payload", "external"), (8, 1, 1))[0]
        status = chance.choices(("open", "accepted", "discarded", "disputed"), (5, 4, 1, 1))[0]
        decided = chance.choice(LABELS) if status in ("accepted", "discarded") else None
        log.turn(
            number // 5,
            chance.random() * 4 * DAY_S if number % 7 else number // 7 * 3600.0,
            None if kind != "message" or chance.random() < 0.05 else chance.choice(LABELS),
            kind=kind,
            status=status,
            annotated=decided,
            text=" ".join(chance.choices(WORDS, k=3)) + " [NAME_1] 50",
            model=chance.choice(("one", "two", None)),
            channel=chance.choice(("web", "rest", None)),
            fallback=chance.choice(("", "", "nlu", "core")) if kind == "message" else "open",
            thumb=chance.choice((None, None, "up", "down")),
            rating=chance.choice((None, None, None, 1, 5)),
            confidence=chance.choice((0.0, 1.0, chance.random())),
        )
    return log.write()


def behind(store: Store, **filters: Any) -> list[dict[str, Any]]:
    """All messages behind a number, page by page, as the page of insights asks for them."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = messages(store, after=after, limit=37, **filters)
        found += page["items"]
        after = page["next"]
        if after is None:
            break
    times = [(item["time"], item["id"]) for item in found]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)
    return found


FRAMES: list[dict[str, Any]] = [
    {},
    {"model": "one"},
    {"model": "unknown", "channel": "web"},
    {"start": START + DAY_S / 3, "end": START + 2.5 * DAY_S},
]


@pytest.mark.parametrize("frame", FRAMES, ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_number_is_explained(any_store: Store, frame: dict[str, Any], seed: int) -> None:
    store = odd_log(any_store, seed)
    told = insights(store, TRAINED, **frame)

    def count(**filters: Any) -> int:
        return len(behind(store, **frame, **filters))

    totals = told["totals"]
    everything = behind(store, **frame)
    assert totals["messages"] == len(everything) > 20
    assert totals["conversations"] == len({item["conversation"] for item in everything})
    assert totals["fallback_rate"] == pytest.approx(count(fallback="1") / len(everything), abs=1e-4)
    assert count(fallback="0") + count(fallback="1") == len(everything)
    assert totals["thumbs_down"] == count(thumb="down") > 0
    for row in told["volume"]:
        assert row["messages"] == count(day=row["day"])
        assert row["fallbacks"] == count(day=row["day"], fallback="1")
        assert row["thumbs_down"] == count(day=row["day"], thumb="down")
    assert sum(row["messages"] for row in told["volume"]) == len(everything)
    for row in told["intents"]:
        assert row["messages"] == count(label=row["label"])
        assert row["reviewed"] == count(label=row["label"], reviewed="1")
        assert row["corrected"] == count(label=row["label"], corrected="1")
        assert row["correction_rate"] == pytest.approx(row["corrected"] / row["reviewed"], abs=1e-4)
    unsaid = sum(item["label"] is None for item in everything)
    assert sum(row["messages"] for row in told["intents"]) == len(everything) - unsaid
    assert told["confusions"]
    for row in told["confusions"]:
        assert row["suggested"] != row["label"]
        assert row["messages"] == count(suggested=row["suggested"], label=row["label"])
    if "model" not in frame:
        for row in told["models"]:
            own = behind(store, **frame, model=row["model"])
            assert row["messages"] == len(own)
            failed = sum(item["fallback"] for item in own)
            assert row["fallback_rate"] == pytest.approx(failed / len(own), abs=1e-4)
            down = sum(item["thumb"] == "down" for item in own)
            assert row["thumbs_down_rate"] == pytest.approx(down / len(own), abs=1e-4)
            assert (row["first"], row["last"]) == (own[-1]["time"], own[0]["time"])
    for row in told["confidence"]:
        own = behind(store, **{**frame, "day": row["day"], "model": row["model"]})
        seen = sorted(item["confidence"] for item in own if item["confidence"] is not None)
        assert row["median"] == pytest.approx(statistics.median_low(seen), abs=0.001)
        assert row["p10"] == pytest.approx(seen[-(-len(seen) // 10) - 1], abs=0.001)


def test_days_are_utc(any_store: Store) -> None:
    log = Log(any_store)
    midnight = (START // DAY_S + 1) * DAY_S - START
    for at in (midnight - 0.001, midnight, midnight + DAY_S - 0.001, midnight + DAY_S):
        log.turn(1, at, "greet")
    store = log.write()
    days = {row["day"]: row["messages"] for row in insights(store, TRAINED)["volume"]}
    assert days == {"2026-09-21": 1, "2026-09-22": 2, "2026-09-23": 1}
    assert [item["id"] for item in behind(store, day="2026-09-22")] == [3, 2]


def test_what_counts_is_the_annotation_of_the_turn(any_store: Store) -> None:
    log = Log(any_store)
    log.turn(1, 0, "greet", annotated="check_balance", status="accepted")
    log.turn(1, 1, "greet", annotated="greet", status="accepted")
    log.turn(1, 2, "greet", annotated="transfer_money", status="discarded")
    log.turn(1, 3, "greet", annotated="transfer_money", status="disputed")
    told = insights(log.write(), TRAINED)
    assert told["confusions"] == [{"suggested": "greet", "label": "check_balance", "messages": 1}]
    rows = {row["label"]: row for row in told["intents"]}
    assert rows["greet"]["messages"] == 3
    assert (rows["greet"]["reviewed"], rows["greet"]["corrected"]) == (1, 0)
    assert rows["check_balance"]["correction_rate"] == 1.0
    assert "transfer_money" not in rows


def test_the_rating_counts_wherever_it_was_given(store: Store) -> None:
    log = Log(store)
    log.turn(1, 0, "greet", rating=5)
    log.turn(1, 1, None, kind="payload", rating=2)
    log.turn(2, 2, "greet")
    assert insights(log.write(), TRAINED)["totals"]["rating"] == 3.5


def test_an_empty_store_has_insights(any_store: Store) -> None:
    told = insights(any_store, project())
    assert told["totals"] == {
        "messages": 0,
        "conversations": 0,
        "fallback_rate": 0.0,
        "thumbs_down": 0,
        "rating": None,
    }
    assert all(told[name] == [] for name in told if name != "totals")
    assert messages(any_store) == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"lable": "greet"}, "no filter 'lable'. There are: from, to, day"),
        ({"from": "noon"}, "The filter from is 'noon'"),
        ({"day": "yesterday"}, "takes a day such as"),
        ({"fallback": "maybe"}, "takes 1 or 0"),
        ({"thumb": "sideways"}, "takes up or down"),
        ({"start": "nan"}, "takes seconds"),
        ({"end": "soon"}, "takes seconds"),
        ({"after": "x_1"}, "Begin without"),
        ({"after": "7"}, "Begin without"),
    ],
)
def test_a_wrong_filter_is_told(store: Store, filters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BotError, match=sentence):
        messages(store, **filters)


def test_the_divergence_is_scipys() -> None:
    chance = random.Random(3)
    for _ in range(50):
        one, other = (
            Counter({x: chance.randrange(1, 50) for x in chance.sample("abcdefgh", 4)})
            for _ in range(2)
        )
        labels = sorted({*one, *other})
        expected = jensenshannon([one[x] for x in labels], [other[x] for x in labels], base=2) ** 2
        assert drifting.divergence(one, other) == pytest.approx(expected, abs=1e-9)
        assert drifting.divergence(one, one) == pytest.approx(0)
    assert drifting.divergence({"a": 3}, {"b": 1}) == pytest.approx(1)


def test_drift_tells_new_words_and_other_wishes(any_store: Store) -> None:
    log = Log(any_store)
    for day, (label, text) in enumerate(
        [("transfer_money", "send money"), ("greet", "send [NAME_1] £50 zorkmids")]
    ):
        for number in range(drifting.FEWEST):
            log.turn(1, day * DAY_S + number, label, text=text)
    log.turn(1, 3 * DAY_S, "greet", text="too few to tell")
    first, second = insights(log.write(), TRAINED)["drift"]
    assert (first["day"], second["day"]) == ("2026-09-21", "2026-09-22")
    assert first["unknown_words"] == 0.0
    assert second["unknown_words"] == 0.5  # of "send" and "zorkmids"
    assert second["divergence"] == 1.0 > first["divergence"] > 0


def test_of_many_messages_a_sample_is_read(store: Store, monkeypatch: Any) -> None:
    log = Log(store)
    for number in range(300):
        log.turn(1, number, "greet", text="zorkmid" if number % 2 else "send")
    log.write()
    monkeypatch.setattr(drifting, "SAMPLE", 100)
    (row,) = insights(store, TRAINED)["drift"]
    assert row["unknown_words"] == pytest.approx(0.5, abs=0.02)


def test_a_quantile_of_bins_is_that_of_the_values() -> None:
    chance = random.Random(5)
    for n in (1, 2, 3, 10, 999):
        values = [chance.random() for _ in range(n)]
        bins = Counter(int(value * 1000) for value in values)
        for share in (0.1, 0.5, 0.9):
            expected = float(np.quantile(values, share, method="inverted_cdf"))
            assert quantile(bins, share) == pytest.approx(expected, abs=0.00051)


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/feedback.sqlite", b"the key of the tests, no secret.")
    yield odd_log(opened, 9, 30_000)
    opened.close()


def test_thirty_thousand_messages_take_no_time(large: Store) -> None:
    begun = time.process_time()
    told = insights(large, TRAINED)
    assert time.process_time() - begun < 3
    assert told["totals"]["messages"] > 20_000
    begun = time.process_time()
    assert messages(large, label="nowhere")["items"] == []
    assert time.process_time() - begun < 1


def test_the_day_of_a_row_is_a_date(store: Store) -> None:
    told = insights(odd_log(store, 4), TRAINED)
    for name in ("volume", "confidence", "drift"):
        days = [date.fromisoformat(row["day"]) for row in told[name]]
        assert days == sorted(days)
    with store.read() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(t.turns)).scalar() == 400
