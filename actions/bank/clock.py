"""The bank's clock: London time, in one place so that tests can set it."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytz  # not zoneinfo: slim images carry no time zone database, pytz brings its own

LONDON = pytz.timezone("Europe/London")


def now() -> datetime:
    """Return the present moment in London."""
    return datetime.now(timezone.utc).astimezone(LONDON)


def today() -> date:
    """Return the bank's current day."""
    return now().date()


def stamp(moment: datetime) -> str:
    """Write a moment for the database: UTC, so that text order is time order."""
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds")


def read_stamp(text: str) -> datetime:
    """Read a moment from the database as London time."""
    return datetime.fromisoformat(text).astimezone(LONDON)
