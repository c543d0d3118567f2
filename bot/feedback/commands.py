"""The commands of the feedback loop, ready to be called: they print what they did."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import URL

from bot.errors import BotError, ProjectError
from bot.feedback.forget import forget_older, forget_sender, parse_age
from bot.feedback.ingest import Summary, ingest_source
from bot.feedback.project import Project
from bot.feedback.sources import open_source
from bot.feedback.store import DEFAULT_URL, Store
from bot.feedback.tracker_removal import NoTracker, TrackerRemoval

ENDPOINTS = Path("endpoints.yml")


def ingest(
    source: str | None = None,
    *,
    key: bytes,
    url: str = DEFAULT_URL,
    endpoints: Path = ENDPOINTS,
    names_file: Path | None = None,
) -> Summary:
    """Read new conversations into the feedback store.

    Args:
        source: a tracker store's URL or file, or a file of JSON lines; by default the tracker
            store of `endpoints`.
        key: the key of the feedback store.
        url: the feedback store.
        endpoints: Rasa's `endpoints.yml`.
        names_file: names to mask, one a line.

    Raises:
        BotError: something a person must mend first.
    """
    names = _names(names_file)
    with _store(url, key) as store:
        opened = open_source(source or tracker_url(endpoints), store.digest)
        try:
            summary = ingest_source(
                store,
                opened,
                names=names,
                categories=_categories(),
                show_progress=sys.stderr.isatty(),
            )
        finally:
            opened.close()
    print(summary)
    return summary


def forget(
    *,
    sender: str | None = None,
    older_than: str | None = None,
    key: bytes,
    url: str = DEFAULT_URL,
    tracker: str | None = None,
    endpoints: Path = ENDPOINTS,
) -> bool:
    """Remove one person, or whatever is older than an age; say whether all of it was done.

    Args:
        sender: the sender id of the person.
        older_than: an age such as `180d`.
        key: the key of the feedback store.
        url: the feedback store.
        tracker: the tracker store's URL or file; by default that of `endpoints`.
        endpoints: Rasa's `endpoints.yml`.

    Raises:
        BotError: something a person must mend first.
    """
    if (sender is None) == (older_than is None):
        raise BotError("Say either whom to forget (--sender ID) or an age (--older-than 180d).")
    age_s = None if older_than is None else parse_age(older_than)
    with _store(url, key) as store, _removal(store, tracker, endpoints) as (opened, missing):
        if sender is not None:
            done = forget_sender(store, opened, sender)
        else:
            done = forget_older(store, opened, age_s or 0.0)
    done.no_tracker = missing
    print(done)
    return not done.postponed


@contextmanager
def _removal(
    store: Store, named: str | None, endpoints: Path
) -> Iterator[tuple[TrackerRemoval | None, str | None]]:
    """Open the tracker store for deleting; where the project has none, say why.

    What was read from a broker's log has no tracker store of this project behind it, and must be
    forgotten all the same. One that was named must be there.
    """
    opened, missing = None, None
    try:
        where = named or tracker_url(endpoints)
        where = where if "://" in where else f"sqlite:///{where}"
        opened = TrackerRemoval(where, store.digest)
    except NoTracker as error:
        if named:
            raise
        missing = str(error)
    try:
        yield opened, missing
    finally:
        if opened is not None:
            opened.close()


def tracker_url(endpoints: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Give the URL of the tracker store that Rasa uses.

    Raises:
        NoTracker: it keeps no conversations in SQL.
        BotError: the file cannot be read, or a variable that it needs is not set.
    """
    try:
        text = endpoints.read_text(encoding="utf-8")
    except OSError as error:
        raise BotError(f"{endpoints} cannot be read ({error.strerror}). Name a source.") from error
    filled = re.sub(r"\$\{(\w+)\}", lambda found: environment.get(found[1], found[0]), text)
    try:
        content = yaml.safe_load(filled)
    except yaml.YAMLError as error:
        raise BotError(f"{endpoints} is no YAML: {error}.") from error
    section = content.get("tracker_store") if isinstance(content, dict) else None
    if not isinstance(section, dict) or str(section.get("type", "")).lower() != "sql":
        raise NoTracker(
            f"{endpoints} names no SQL tracker store, so that no conversation can be read from it. "
            f"Set `tracker_store` to `type: SQL`, or name a source."
        )
    if missing := re.search(r"\$\{(\w+)\}", str(section)):
        raise BotError(f"{endpoints} needs the environment variable {missing[1]}; it is not set.")
    return _url(section)


def _url(section: dict[str, Any]) -> str:
    """Give what Rasa's `SQLTrackerStore.get_db_url` makes of the same section."""
    dialect, host = str(section.get("dialect", "sqlite")), section.get("url")
    name = str(section.get("db", "rasa.db"))
    if isinstance(host, str) and "://" in host:
        return host
    if dialect.startswith("sqlite"):
        return f"sqlite:///{name}"
    port = section.get("port")
    made = URL.create(
        dialect,
        username=section.get("username"),
        password=None if section.get("password") is None else str(section["password"]),
        host=None if host is None else str(host),
        port=None if port is None else int(port),
        database=name,
        query=section.get("query") or {},
    )
    return str(made.render_as_string(hide_password=False))


@contextmanager
def _store(url: str, key: bytes) -> Iterator[Store]:
    store = Store(url, key)
    try:
        yield store
    finally:
        store.close()


def _categories() -> dict[str, tuple[str, ...]]:
    """Give the values of the domain's categorical slots: these are no personal data.

    A log can be read where its project is not, for example on another machine.
    """
    try:
        slots = Project.load().slots
    except ProjectError:
        return {}
    return {slot.name: slot.values for slot in slots if slot.values}


def _names(path: Path | None) -> Iterable[str]:
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BotError(f"The names in {path} cannot be read: {error}.") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
