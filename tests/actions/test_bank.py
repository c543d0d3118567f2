"""The bank alone: no penny is lost or made, whatever happens at once or half-way."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import NOW, TODAY, connect_fast
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.bank import __main__ as command
from actions.bank import accounts, clock, ledger, regular, schema, store, transfers
from actions.bank.frequency import Frequency
from actions.bank.types import Money, Payment, Refused

ROOT = Path(__file__).parents[2]


def balances(db: sqlite3.Connection) -> dict[int, int]:
    return {row["id"]: row["balance"] for row in db.execute("SELECT * FROM account_balance")}


def send(db: sqlite3.Connection, key: str, minor: int, **more: object) -> Payment | Refused:
    given = {"source_id": 1, "recipient": "Ann", "on": TODAY, "customer_id": 1} | more
    return transfers.send(db, key=key, amount=Money(minor), **given)  # type: ignore[arg-type]


def test_seed_is_repeatable_and_adds_up(bank: Path, tmp_path: Path) -> None:
    store.reset(tmp_path / "again.sqlite")
    lines = "SELECT booked_at, from_account, to_account, amount, merchant FROM ledger ORDER BY id"
    with store.session(bank) as one, store.session(tmp_path / "again.sqlite") as two:
        assert [tuple(row) for row in one.execute(lines)] == [
            tuple(row) for row in two.execute(lines)
        ]
        assert sum(balances(one).values()) == 0
        merchants = [entry.merchant for entry in ledger.entries(one, 1)]
        states = {entry.state for entry in ledger.entries(one, 1)}
    assert states == {"booked", "pending", "declined"} and len(merchants) > 150
    assert {"Deliveroo", "Tesco", "Brightwater Studio", "Netflix"} <= set(merchants)


@pytest.mark.parametrize("days", range(0, 400, 37))
def test_seed_works_on_any_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    moment = clock.LONDON.normalize(NOW + timedelta(days=days))
    monkeypatch.setattr(clock, "now", lambda: moment)
    store.reset(tmp_path / "day.sqlite")
    with store.session(tmp_path / "day.sqlite") as db:
        assert [account.balance.minor for account in accounts.of_customer(db, 1)] == [
            248016, 625000, 113472, 41230, 64000, 150000, -18420,
        ]  # fmt: skip
        assert all(entry.booked_at <= moment for entry in ledger.entries(db, 1))


OPERATION = st.tuples(
    st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 2, 3, 5, None]),
    st.integers(-10, 400_000), st.integers(0, 3), st.integers(0, 8),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(OPERATION, max_size=12))
def test_no_penny_is_lost_or_made(operations: list[tuple[int, int | None, int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "connect", connect_fast)
        patch.setattr(clock, "now", lambda: NOW)
        path = Path(folder) / "bank.sqlite"
        store.reset(path)
        with store.session(path) as db:
            model, seen = balances(db), dict[str, str]()
            floor = {account.id: -account.available.minor + account.balance.minor
                     for account in accounts.of_customer(db, 1)}  # fmt: skip
            for source, target, minor, ahead, key in operations:
                done = send(db, f"k{key}", minor, source_id=source, target_id=target,
                            on=TODAY + timedelta(days=ahead))  # fmt: skip
                repeated = f"k{key}" in seen
                if isinstance(done, Payment):
                    assert seen.setdefault(f"k{key}", done.reference) == done.reference
                if isinstance(done, Payment) and done.state == "completed" and not repeated:
                    model[source] -= minor
                    model[target or 901] += minor
                assert balances(db) == model and sum(model.values()) == 0
                assert all(model[account] >= least for account, least in floor.items())


def _spend(path: str, worker: int) -> int:
    with store.session(Path(path)) as db:
        made = [send(db, f"{worker}-{turn}", 10000, on=clock.today()) for turn in range(20)]
    return sum(isinstance(payment, Payment) for payment in made)


def test_processes_cannot_spend_the_same_pound(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"  # no one has made it yet: the seeding is raced for as well
    with multiprocessing.get_context("fork").Pool(4) as pool:
        made = pool.starmap(_spend, [(str(path), worker) for worker in range(4)])
    assert sum(made) == 28  # £2,891.16 available
    with store.session(path) as db:
        assert accounts.by_id(db, 1).available == Money(289116 - 280000)
        assert sum(balances(db).values()) == 0


def test_the_same_key_at_once_pays_once(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.starmap(_spend, [(str(path), 0)] * 4)
    with store.session(path) as db:
        assert accounts.by_id(db, 1).balance == Money(248016 - 20 * 10000)


CRASH = """
import os, sys
from pathlib import Path
from actions.bank import clock, ledger, store, transfers
from actions.bank.types import Money
real = ledger.book
def crash(*args, **more):
    real(*args, **more)
    os._exit(9)
ledger.book = crash
with store.session(Path(sys.argv[1])) as db:
    transfers.send(db, key="k", customer_id=1, source_id=1, recipient="Ann", amount=Money(500),
                   on=clock.today())
"""


def test_a_crash_half_way_changes_nothing(bank: Path) -> None:
    with store.session(bank) as db:
        regular_now = "UPDATE regular_payment SET next_date = '9000-01-01'"
        db.execute(regular_now)
        db.execute("UPDATE payment SET scheduled_for = '9000-01-01' WHERE state = 'pending'")
        before = "\n".join(db.iterdump())
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(bank)], cwd=ROOT, env={**os.environ}, check=False
    )
    assert done.returncode == 9
    with store.session(bank) as db:
        assert "\n".join(db.iterdump()) == before
        assert isinstance(send(db, "k", 500), Payment)


def test_an_error_half_way_changes_nothing(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.session(bank) as db:
        before = "\n".join(db.iterdump())
        monkeypatch.setattr(transfers, "carry_out", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send(db, "k", 500)
        assert "\n".join(db.iterdump()) == before


@pytest.mark.parametrize(
    ("minor", "more", "reason"),
    [
        (289117, {}, "insufficient"), (0, {}, "amount"), (-1, {}, "amount"),
        (1, {"target_id": 1}, "same_account"), (1, {"target_id": 4}, "currency"),
        (1, {"source_id": 4}, "currency"), (1, {"target_id": 901}, "owner"),
        (1, {"customer_id": 2}, "owner"), (1000001, {"on": TODAY + timedelta(3)}, "limit"),
    ],
)  # fmt: skip
def test_refusals(minor: int, more: dict[str, object], reason: str) -> None:
    with store.session() as db:
        before = balances(db)
        assert send(db, "k", minor, **more) == Refused(reason)
        assert balances(db) == before


def test_overdraft_to_the_last_penny() -> None:
    with store.session() as db:
        assert isinstance(send(db, "k", 289116), Payment)
        assert accounts.by_id(db, 1).available == Money(0)


def test_scheduled_and_regular_payments_are_paid_when_due(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.session(bank) as db:
        regular.create(db, key="r", customer_id=1, account_id=2, target_id=3, recipient="joint",
                       amount=Money(1000), frequency=Frequency(1, "week"), start=TODAY)  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=8))
    for _ in range(2):  # the second opening finds nothing more to do
        with store.session(bank) as db:
            states = {payment.reference: payment.state for payment in transfers.payments(db, 1)}
            assert states["LK90202"] == "completed"
            assert accounts.by_id(db, 2).balance == Money(625000 - 2000)
            assert sum(balances(db).values()) == 0


def test_a_scheduled_payment_without_cover_is_cancelled(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.session(bank) as db:
        send(db, "k", 900000, on=TODAY + timedelta(days=1))
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=2))
    with store.session(bank) as db:
        payment = transfers.payments(db, 1, state="cancelled")[0]
    assert payment.note == "not enough money on the day"


def test_ledger_lines_stay() -> None:
    with store.session() as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("DELETE FROM ledger")


def test_reset_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "bank.sqlite"
    monkeypatch.setenv("BANK_DB", str(path))
    command.main(["reset", "--empty"])
    with store.session() as db:
        assert db.execute("SELECT COUNT(*) FROM ledger").fetchone()[0] == 0
    command.main(["reset"])
    with store.session() as db:
        send(db, "k", 500)
        assert accounts.by_id(db, 1).balance == Money(247516)
    command.main(["reset"])
    with store.session() as db:
        assert accounts.by_id(db, 1).balance == Money(248016)
        assert db.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION
    assert "demo data" in capsys.readouterr().out
