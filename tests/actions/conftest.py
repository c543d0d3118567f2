"""A fresh bank for each test, a fixed clock, and a conversation."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
from rasa_sdk.executor import ActionExecutor

HERE = Path(__file__).parent
sys.path[:0] = [
    str(HERE.parent.parent),
    str(HERE),
]  # tests/ is no package: `actions` is the real one

from talking import Conversation  # noqa: E402

from actions.bank import clock, store  # noqa: E402
from actions.bank.connection import connect  # noqa: E402

NOW = clock.LONDON.localize(datetime(2026, 3, 18, 9, 30))  # a Wednesday
TODAY = date(2026, 3, 18)


@pytest.fixture(scope="session")
def executor() -> ActionExecutor:
    """Register what `rasa run actions --actions actions` would."""
    found = ActionExecutor()
    found.register_package("actions")
    return found


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seed once; each test gets a copy."""
    path = tmp_path_factory.mktemp("bank") / "seeded.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: NOW)
        store.reset(path)
    return path


@pytest.fixture(autouse=True)
def bank(tmp_path: Path, seeded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the clock and give the test its own bank."""
    path = tmp_path / "bank.sqlite"
    shutil.copy(seeded, path)
    monkeypatch.setenv("BANK_DB", str(path))
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(store, "connect", connect_fast)
    return path


def connect_fast(path: Path) -> sqlite3.Connection:
    """Connect without waiting for the disk: tests do not survive a power cut anyway."""
    db = connect(path)
    db.execute("PRAGMA synchronous = OFF")
    return db


@pytest.fixture
def talk(executor: ActionExecutor) -> Conversation:
    """Start a conversation."""
    return Conversation(executor)
